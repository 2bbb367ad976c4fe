"""Controllers and bends over positions, as one voice sounds under them: a ramp has 5 frames."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.sampler.automation import LONG_AGO, Automation
from netaudio.sampler.layout import BEND, EXPRESSION, MOST_CHANGES, VOLUME
from netaudio.sampler.pitch import ONE
from netaudio.sampler.voices import Event, Score
from tests.support.reference import Recording
from tests.support.scores import RAMP, gains, play, region, score, still

STILL = region(Recording(still(), (0, 400)))
CHANGES = st.lists(st.tuples(st.integers(RAMP, 20), st.integers(0, 127)), max_size=8)


def moved(changes: list[tuple[int, int]]) -> Score:
    """A note under changes of the volume, each so many frames after the last."""
    s, position = score(STILL), 0
    play(s, (0, "90 3c 7f"))
    for wait, value in changes:
        position += wait
        s.apply(Event(s.seq + 1, position, bytes((0xB0, 7, value))))
    return s


def automation() -> Automation:
    made = Automation()
    for seq in range(1, 6):
        made.change(3, VOLUME, seq, 10 * seq, seq / 8)
    return made


@given(CHANGES, st.integers(0, 8))
def test_a_line_never_steps_and_ends_at_its_last_value(changes: list[tuple[int, int]], known: int) -> None:
    values = [1.0, *((value / 127) ** 2 for _, value in changes)][: known + 1]
    steps = np.abs(np.diff(gains(moved(changes), 0, 200, known=1 + known)))
    assert steps.max() <= max(map(abs, np.diff(values)), default=0) / RAMP + 2e-4
    assert gains(moved(changes), 199, 200, known=1 + known) == pytest.approx(values[-1:], abs=1e-4)


@given(CHANGES, st.integers(0, 90), st.integers(0, 8))
def test_a_line_folds_only_what_cannot_be_told(changes: list[tuple[int, int]], position: int, heard: int) -> None:
    whole, part = moved(changes), moved(changes)
    heard = 1 + min(heard, len(changes))
    part.forget(position, heard)
    for known in range(heard, part.seq + 1):
        assert gains(part, position, position + 60, known) == gains(whole, position, position + 60, known)


@given(CHANGES, st.integers(0, 300))
def test_what_all_know_and_is_over_leaves_nothing_behind(changes: list[tuple[int, int]], more: int) -> None:
    s = moved(changes)
    s.forget(s.position + RAMP + more, s.seq)
    assert s.automation.moving() == []


def test_folding_makes_the_last_value_the_one_that_holds_first() -> None:
    made = automation()
    assert made.foldable(3, VOLUME, 35, heard=5) == 3
    assert made.foldable(3, VOLUME, 35, heard=2) == 2
    made.fold(3, VOLUME, 3)
    assert [change[:2] for change in made.state(3)[VOLUME]] == [(3, 30), (4, 40), (5, 50)]
    made.fold(3, VOLUME, 2)
    assert made.moving() == [] and made.last(3, VOLUME) == 50


def test_lines_are_each_channels_own() -> None:
    made = automation()
    assert made.moving() == [(3, VOLUME)]
    assert [made.last(channel, line) for channel, line in ((3, VOLUME), (3, EXPRESSION), (2, VOLUME), (3, BEND))] == [
        50, *[LONG_AGO] * 3,
    ]  # fmt: skip


def test_a_line_is_full_below_what_it_has_room_for() -> None:
    made = Automation()
    for seq in range(1, MOST_CHANGES):
        assert not made.full(0, BEND)
        made.change(0, BEND, seq, 5 * seq, ONE)
    assert made.full(0, BEND) and not made.full(0, VOLUME)
    assert made.full(0, BEND, MOST_CHANGES // 2)


def test_the_lowest_and_the_highest_bend_are_of_all_that_still_count() -> None:
    made = Automation()
    for seq, ratio in enumerate((2 * ONE, ONE // 2, ONE), 1):
        made.change(0, BEND, seq, 5 * seq, ratio)
    assert (made.lowest_bend(0), made.highest_bend(0), made.lowest_bend(1)) == (ONE // 2, 2 * ONE, ONE)
    made.fold(0, BEND, 2)
    assert (made.lowest_bend(0), made.highest_bend(0)) == (ONE // 2, ONE)


def test_what_is_restored_is_the_same_and_goes_on() -> None:
    made, twin = automation(), Automation()
    made.change(3, BEND, 6, 60, 5_000_000_000)
    twin.change(3, EXPRESSION, 1, 10, 0.5)
    for channel in range(16):
        twin.restore(channel, made.state(channel))
    assert [twin.state(channel) for channel in range(16)] == [made.state(channel) for channel in range(16)]
    assert twin.bends(3) == made.bends(3) == [(0, LONG_AGO, ONE), (6, 60, 5_000_000_000)]
