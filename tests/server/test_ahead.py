"""What is fetched of a bank before voices read it: all that they read, and little more."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netaudio.sampler import kernel
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.interpolator import TAPS
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.motion import AFTER
from netaudio.sampler.pitch import ONE
from netaudio.sampler.region import BEYOND, GUARD, HIGHEST_BEND, Region
from netaudio.sampler.voice import Voice
from netaudio.sampler.voices import Event, Score
from netaudio.server.ahead import BLOCK, Extent, blocks, heads, reads, reads_from, runs, spans
from tests.support.scores import RAMP, RATE, RELEASE, instrument

ADDRESS = 2 * GUARD
BENDS = st.sampled_from((0, 30, 64, 100, 127))
RATIOS = st.sampled_from((ONE, ONE // 3, 2 * ONE, 7 * ONE // 2, 60 * ONE + 5))


def plain(length: int, ratio: int = ONE) -> Region:
    return Region(ADDRESS, length, length, None, ratio, 1.0, 1.0, 1, length)


def looped(start: int, end: int, ratio: int = ONE) -> Region:
    return Region(ADDRESS, ENDLESS, end, (start, end), ratio, 1.0, 1.0, 1, ENDLESS)


REGIONS = st.one_of(
    st.builds(plain, st.integers(1, 9000), RATIOS),
    st.tuples(st.integers(0, 5000), st.integers(16, 5000), RATIOS).map(
        lambda at: looped(at[0], at[0] + at[1], at[2])
    ),
)


def addresses(found: list[Extent]) -> set[int]:
    return {address for first, end in found for address in range(first, end)}


def started(region: Region, at: int, cut: int = 0, shift: int = 0, wide: bool = False) -> tuple[Score, Voice]:
    """`wide`: bends go by two octaves, and not by two semitones."""
    score = Score(RATE, 8, {0: instrument("one", region)}.get)
    for message in (b"\xb0\x65\x00", b"\xb0\x64\x00", b"\xb0\x06\x18") if wide else ():
        score.apply(Event(score.seq + 1, at, message))
    voice = score.apply(Event(score.seq + 1, at, b"\x90\x3c\x7f", cut, shift))
    assert voice
    return score, voice


def bend(score: Score, position: int, value: int) -> None:
    score.apply(Event(score.seq + 1, position, bytes((0xE0, 0, value))))


@settings(max_examples=200)
@given(
    REGIONS, st.sampled_from((0, 37, 2000)), st.integers(0, 3000), st.integers(1, 600), BENDS, BENDS, st.booleans()
)  # fmt: skip
def test_whatever_the_kernel_reads_was_fetched(
    region: Region, cut: int, first: int, count: int, before: int, meanwhile: int, wide: bool
) -> None:
    """However the channel was bent, and is bent meanwhile: where nothing was fetched there is no number."""
    score, voice = started(region, 100, cut, 30, wide)
    bend(score, 200, before)
    found = addresses(reads(score, voice, first, first + count))
    bank = np.zeros((ADDRESS + max(region.held, 1) + GUARD, 2), np.float32)
    bank[~np.isin(np.arange(len(bank)), list(found))] = np.nan
    bend(score, max(205, first + count // 3), meanwhile)
    sound, _ = kernel.tails(bank, [score.job(first, 0, score.seq, score.seq)], count, RAMP, RELEASE)
    assert np.isfinite(sound).all()


@given(REGIONS, st.integers(0, 9000), st.integers(0, 20_000))
def test_spans_are_no_more_than_what_is_read_and_the_taps(region: Region, first: int, count: int) -> None:
    first %= region.held + AFTER  # where phases are
    assert sum(end - begin for begin, end in spans(region, first, count)) <= count + 4 * TAPS


@given(st.integers(1, 600))
def test_a_second_takes_as_many_frames_as_the_highest_pitch_does(count: int) -> None:
    score, voice = started(looped(100, 1 << 20, 2 * ONE), 0)
    ((begin, end),) = reads(score, voice, 0, count)
    assert end - begin <= 2 * count * HIGHEST_BEND // ONE + 1 + 2 * TAPS


@given(REGIONS, st.integers(0, 3000), st.integers(0, 3000))
def test_a_voice_reads_nothing_before_its_cut(region: Region, cut: int, first: int) -> None:
    score, voice = started(region, 100, cut, 30)
    assert reads_from(voice) == 130 + cut
    assert (reads(score, voice, first, first + 50) == []) >= (first + 50 <= 130 + cut)


def test_a_note_that_the_server_never_plays_is_not_fetched() -> None:
    score, voice = started(plain(48000), 0, ENDLESS)
    assert reads(score, voice, 0, 48000) == []


def test_heads_are_the_beginnings_of_all_recordings_and_the_taps_around_them() -> None:
    regions = [replace(plain(9 * BLOCK), address=n * 10 * BLOCK) for n in (1, 2)]
    made = [Instrument("one", 48000, (), tuple(regions) * 64)]
    assert heads(made, BLOCK - TAPS) == [0, 9, 10, 19, 20]
    assert heads(made, BLOCK) == [0, 9, 10, 11, 19, 20, 21]
    assert heads([], BLOCK) == [0]


def test_a_head_takes_twice_the_frames_an_octave_up() -> None:
    region = replace(plain(9 * BLOCK), address=10 * BLOCK)
    made = [Instrument("one", 48000, (), (region, replace(region, ratio=2 * ONE)) * 64)]
    assert heads(made, BLOCK - TAPS) == [0, 9, 10, 11]


@given(st.sets(st.integers(0, 50)))
def test_runs_are_the_blocks_and_as_few_as_can_be(found: set[int]) -> None:
    made: list[Extent] = list(runs(sorted(found)))
    assert set(blocks(made)) == found
    assert all(end < first for (_, end), (first, _) in pairwise(made))


def test_the_taps_past_a_loops_seam_lie_in_what_the_bank_has_of_its_next_turn() -> None:
    region = looped(0, 100)
    (first, *_) = spans(region, 0, 1000)
    assert first[1] <= ADDRESS + 100 + BEYOND
