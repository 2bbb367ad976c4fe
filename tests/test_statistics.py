import math
from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.statistics import Histogram, quantile

STEP = 0.25
VALUES = st.lists(st.floats(-3.0, 6.0), min_size=1, max_size=60)


def histogram(*values: float) -> Histogram:
    new = Histogram(STEP)
    for value in values:
        new.add(value)
    return new


def test_quantiles_of_a_few() -> None:
    values = [2.0, *[0.0] * 98, 1.0]
    assert [quantile(values, share) for share in (0, 0.5, 0.98, 0.99, 0.999, 1)] == [0, 0, 0, 1, 2, 2]
    assert quantile(range(1, 101), 0.07) == 7
    assert quantile([], 0.5) == quantile(np.zeros(0), 0.5) == histogram().quantile(0.5) == 0.0


@given(VALUES, st.floats(0, 1))
def test_a_quantile_is_one_of_the_values_and_not_exceeded_by_its_share(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    assert sum(value < found for value in values) < max(share * len(values), 1)
    assert found == quantile(np.array(values), share) == quantile(deque(values), share)


@given(VALUES, st.floats(0, 1))
def test_a_histograms_quantile_is_the_values_rounded_up_to_a_step(values: list[float], share: float) -> None:
    rounded = STEP * math.ceil(quantile(values, share) / STEP)
    assert histogram(*values).quantile(share) == rounded


def test_a_value_is_counted_at_the_step_above_it() -> None:
    assert histogram(-1.1, 0.0, 0.1, 0.25, 0.26, 99.0).counts == {-4: 1, 0: 1, 1: 2, 2: 1, 396: 1}


@given(VALUES, VALUES)
def test_what_was_added_since(first: list[float], then: list[float]) -> None:
    one, both = histogram(*first), histogram(*first, *then)
    assert both.less(one).counts == histogram(*then).counts
    assert one.plus(histogram(*then)).counts == both.counts
    with pytest.raises(AssertionError):
        one.plus(Histogram(2 * STEP))


def test_values_added_together_count_as_each_alone() -> None:
    values, one, other = np.array([0.0, 0.1, 0.25, 0.5, 7.0]), Histogram(0.25), Histogram(0.25)
    one.add_all(values)
    for value in values:
        other.add(float(value))
    assert one.counts == other.counts
