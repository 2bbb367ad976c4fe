import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.statistics import Histogram, quantile

STEP, STEPS = 0.25, 12
VALUES = st.lists(st.floats(-3.0, 6.0), min_size=1, max_size=60)


def histogram(*values: float) -> Histogram:
    new = Histogram(STEP, [0] * STEPS)
    for value in values:
        new.add(value)
    return new


def test_a_value_belongs_to_the_edge_above_it() -> None:
    assert histogram(-1.0, 0.0, 0.1, 0.25, 0.26, 2.5, 2.6, 99.0).counts == [2, 2, 1, *[0] * 7, 1, 2]


def test_percentiles_of_a_few() -> None:
    values = histogram(*[0.0] * 98, 1.0, 2.0)
    assert [values.percentile(percent) for percent in (50, 98, 99, 99.9, 100)] == [0.0, 0.0, 1.0, 2.0, 2.0]
    assert histogram().percentile(99) == 0.0
    assert histogram(99.0).percentile(50) == math.inf


@given(VALUES, st.floats(1, 100))
def test_a_percentile_is_the_values_rounded_up(values: list[float], percent: float) -> None:
    exact = sorted(values)[max(math.ceil(percent / 100 * len(values) - 1e-9), 1) - 1]
    edge = min(max(math.ceil(exact / STEP), 0), STEPS - 1)
    assert histogram(*values).percentile(percent) == (edge * STEP if edge < STEPS - 1 else math.inf)


@given(VALUES, VALUES)
def test_what_was_added_since(first: list[float], then: list[float]) -> None:
    one, both = histogram(*first), histogram(*first, *then)
    assert both.less(one).counts == histogram(*then).counts
    assert one.plus(histogram(*then)).counts == both.counts
    with pytest.raises(ValueError):
        one.plus(Histogram(STEP, [0]))


def test_quantiles_of_nothing_are_zero() -> None:
    assert quantile([], 0.5) == 0.0
