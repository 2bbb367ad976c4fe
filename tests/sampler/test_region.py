"""What of a recording a key can play from what is held."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.sampler.interpolator import TAPS
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.pitch import CENT, OCTAVE, ONE, mul, ratio
from netaudio.sampler.region import HIGHEST_BEND, Region, covers, needed, ramp

RATE = 48_000
FADE = 240
PLAIN = Region(5000, 1000, 1000, None, ONE, 0.25, 0.25, 48, 1000)
LOOPED = replace(PLAIN, length=ENDLESS, held=900, loop=(500, 900), covered=ENDLESS)
RATIOS = st.integers(-10 * OCTAVE, 6 * OCTAVE).map(ratio)


def test_a_region_is_whole_with_its_last_frame_or_its_loops() -> None:
    assert PLAIN.whole and not replace(PLAIN, held=999).whole
    assert LOOPED.whole and not replace(LOOPED, held=899).whole


@given(st.integers(1, 10**9), RATIOS)
def test_it_lasts_until_its_phase_is_past_its_last_frame(length: int, ratio: int) -> None:
    duration = replace(PLAIN, length=length, ratio=ratio).duration
    assert (duration - 1) * ratio < length << 32 <= duration * ratio


@given(RATIOS)
def test_a_loop_never_ends_at_any_pitch(ratio: int) -> None:
    assert replace(LOOPED, ratio=ratio).duration == ENDLESS


def test_what_is_whole_reaches_endlessly() -> None:
    assert PLAIN.reach() == LOOPED.reach() == ENDLESS


def test_a_part_is_covered_but_for_the_last_taps_and_5_ms_as_they_are_played() -> None:
    assert covers(900, ONE, RATE) == 900 - TAPS // 2 - FADE
    assert covers(900, ONE // 2, RATE) == 900 - TAPS // 2 - FADE
    assert covers(900, 2 * ONE, RATE) == 900 - TAPS // 2 - 2 * FADE
    assert covers(900, 8 * ONE, RATE) == covers(0, ONE, RATE) == 0


@pytest.mark.parametrize(("bend", "played"), [(ONE, 600), (2 * ONE, 300), (3 * ONE, 200)])
def test_a_bend_up_shortens_the_reach(bend: int, played: int) -> None:
    part = replace(PLAIN, held=848, covered=600)
    assert part.reach(bend) == played
    assert replace(part, ratio=2 * ONE).reach(bend) == played // 2


def test_the_reach_counts_with_a_bend_by_two_semitones() -> None:
    assert replace(PLAIN, held=848, covered=600).reach() == 534
    assert 534 * ratio(200 * CENT) < 600 * ONE < 535 * ratio(200 * CENT)


@given(st.integers(1, 10**6), RATIOS, st.sampled_from([8000, 44_100, RATE]))
def test_what_is_needed_to_reach_so_far_does_and_hardly_more(reach: int, ratio: int, rate: int) -> None:
    held = needed(reach, ratio, rate)
    part = replace(PLAIN, length=10**12, held=held, ratio=ratio, covered=covers(held, ratio, rate))
    assert part.reach() >= reach
    most = held - TAPS - 1
    assert replace(part, held=most, covered=covers(most, ratio, rate)).reach() < reach


@given(st.integers(1, 10**4), RATIOS)
def test_all_taps_of_what_is_reached_are_held_and_none_of_it_fades(reach: int, ratio: int) -> None:
    held = needed(reach, ratio, RATE)
    last = (reach - 1) * mul(ratio, HIGHEST_BEND) / ONE
    assert last + TAPS // 2 < held
    assert (held - TAPS // 2 - last) / (ramp(RATE) * max(1.0, ratio / ONE)) >= 1


def test_to_reach_nothing_needs_nothing() -> None:
    assert needed(0, 8 * ONE, RATE) == 0
