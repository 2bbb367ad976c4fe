"""Controllers over positions: a ramp has 5 frames."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.sampler.automation import Line

LINES = st.lists(st.tuples(st.integers(0, 12), st.floats(0, 1)), max_size=8)


def line(changes: list[tuple[int, float]]) -> Line:
    made, position = Line(1.0, 5), 0
    for seq, (wait, value) in enumerate(changes, 1):
        position += wait
        made.change(seq, position, value)
    return made


@given(LINES, st.integers(0, 90), st.integers(1, 30), st.integers(0, 8))
def test_a_straight_line_has_the_lines_values(
    changes: list[tuple[int, float]], first: int, count: int, heard: int
) -> None:
    made = line(changes)
    straight = made.straight(first, first + count - 1, heard)
    if straight is not None:
        values = straight[0] + straight[1] * np.arange(count)
        assert np.allclose(values, made.values(np.arange(first, first + count), heard), rtol=0, atol=1e-9)


@given(LINES, st.integers(0, 8))
def test_a_line_never_steps_and_ends_at_its_last_value(changes: list[tuple[int, float]], heard: int) -> None:
    made = line(changes)
    values = made.values(np.arange(200), heard)
    steps = sum(abs(new.value - old.value) for old, new in zip(made.changes, made.changes[1:], strict=False))
    assert np.abs(np.diff(values)).max() <= steps / 5 + 1e-9
    assert values[-1] == pytest.approx([1.0, *(value for _, value in changes)][: heard + 1][-1])


@given(LINES, st.integers(0, 90), st.integers(0, 8))
def test_a_line_forgets_only_what_cannot_be_told(changes: list[tuple[int, float]], position: int, heard: int) -> None:
    whole, part, n = line(changes), line(changes), np.arange(position, position + 60)
    heard = min(heard, len(changes))
    part.forget(position, heard)
    for known in range(heard, len(changes) + 1):
        assert np.allclose(part.values(n, known), whole.values(n, known), rtol=0, atol=1e-9)
