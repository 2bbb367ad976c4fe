import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.player.fader import Fader

RAMP = 5
MOVES = st.lists(st.tuples(st.integers(0, 12), st.floats(0, 4)), max_size=6)


def moved(moves: list[tuple[int, float]]) -> tuple[Fader, int]:
    """A fader, and where it last moved."""
    fader, position = Fader(1.0, RAMP), 0
    for wait, gain in moves:
        position += wait
        fader.move(position, gain)
    return fader, position


def test_a_gain_moves_by_a_ramp() -> None:
    fader, _ = moved([(10, 0.5)])
    assert fader.values(np.arange(9, 17)).tolist() == pytest.approx([1, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.5])


def test_a_move_goes_on_from_wherever_the_gain_is() -> None:
    fader, _ = moved([(10, 0.0), (2, 1.0)])
    assert fader.values(np.arange(10, 18)).tolist() == pytest.approx([1, 0.8, 0.6, 0.68, 0.76, 0.84, 0.92, 1])


@given(MOVES, st.integers(0, 100))
def test_where_it_is_steady_it_has_one_gain(moves: list[tuple[int, float]], wait: int) -> None:
    fader, position = moved(moves)
    gain, values = fader.steady(position + wait), fader.values(np.arange(position + wait, position + wait + 30))
    assert (gain is None) == (bool(moves) and wait < RAMP)
    assert gain is None or values.tolist() == pytest.approx([gain] * 30)


@given(MOVES, st.integers(0, 80))
def test_forgetting_changes_nothing_that_is_still_asked_for(moves: list[tuple[int, float]], position: int) -> None:
    fader, n = moved(moves)[0], np.arange(position, position + 90)
    before = fader.values(n)
    fader.forget(position)
    assert np.allclose(fader.values(n), before, rtol=0, atol=1e-12)
