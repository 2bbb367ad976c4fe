import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.errors import InstrumentError
from netaudio.sampler.instrument import (
    IDENTITY_BLOCK,
    REACH,
    SHORTEST_LOOP,
    Plan,
    Source,
    Stored,
    described,
    differences,
    digests,
    holdings,
    key_map,
    note_name,
    parse_note,
    plan,
)
from netaudio.sampler.interpolator import TAPS
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.pitch import CENT, ONE, ratio
from netaudio.sampler.region import Region, covers, needed

NOTES = st.integers(0, 127)
SOME_NOTES = st.lists(NOTES, min_size=1, max_size=12, unique=True)
RATES = st.sampled_from([8000, 44_100, 48_000, 96_000, 192_000])
MIDDLE_C = Source(60, 48_000, 96_000, None, ("aa", "bb"))


@st.composite
def looped_sources(draw: st.DrawFn) -> Source:
    start = draw(st.integers(0, 100_000))
    end = start + draw(st.integers(SHORTEST_LOOP, 100_000))
    return Source(60, draw(RATES), end + draw(st.integers(0, 1000)), (start, end), ())


# Notes


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("C4", 60),
        ("c#4", 61),
        ("Db4", 61),
        ("bb3", 58),
        ("b3", 59),
        ("C-1", 0),
        ("G9", 127),
        ("60", 60),
        ("0", 0),
    ],
)
def test_a_note_is_a_name_or_a_number(text: str, note: int) -> None:
    assert parse_note(text) == note


@pytest.mark.parametrize(
    "text", ["", "H4", "C", "4C", "C##4", "C4 soft", " C4", "-1", "128", "G#9", "Cb-1", "٤", "C٤"]
)
def test_what_is_no_note_is_none(text: str) -> None:
    assert parse_note(text) is None


@given(NOTES)
def test_a_note_is_parsed_from_its_own_name_in_any_case(note: int) -> None:
    for text in (note_name(note), note_name(note).lower(), str(note)):
        assert parse_note(text) == note


# Keys


@given(SOME_NOTES)
def test_each_key_plays_its_own_pitch_from_the_nearest_recording(notes: list[int]) -> None:
    keys = key_map(notes)
    assert len(keys) == 128
    for key, (note, semitones) in enumerate(keys):
        distance = min(abs(key - other) for other in notes)
        assert note in notes and abs(key - note) == distance
        assert semitones == min(key - note, 72)


def test_halfway_between_two_recordings_a_key_plays_the_lower_whatever_their_order() -> None:
    assert key_map([60, 64])[62] == key_map([64, 60])[62] == (60, 2)


# Plans


def test_a_recording_at_the_banks_rate_is_taken_as_it_is() -> None:
    assert plan(MIDDLE_C, 48_000) == Plan(48_000, 1.0, 96_000, None)
    looped = replace(MIDDLE_C, loop=(500, 40_000))
    assert plan(looped, 48_000) == Plan(48_000, 1.0, ENDLESS, (500, 40_000))


def test_half_the_rate_is_half_as_long() -> None:
    assert plan(MIDDLE_C, 24_000).length == 48_000


@given(looped_sources(), RATES)
def test_a_loop_is_a_whole_number_of_turns_and_of_frames_and_in_tune(source: Source, rate: int) -> None:
    found = plan(source, rate)
    assert source.loop and found.loop and found.length == ENDLESS
    turns = (found.loop[1] - found.loop[0]) / found.ratio / (source.loop[1] - source.loop[0])
    assert turns == pytest.approx(round(turns), rel=1e-12)
    assert abs(1200 * math.log2(found.ratio / (rate / source.rate))) < 0.03


@given(looped_sources(), RATES)
def test_a_loop_in_a_bank_is_long_enough_for_the_taps(source: Source, rate: int) -> None:
    found = plan(source, rate)
    assert found.loop and found.loop[1] - found.loop[0] >= TAPS


@given(looped_sources(), RATES)
def test_a_loop_begins_where_nothing_before_it_is_heard(source: Source, rate: int) -> None:
    found = plan(source, rate)
    assert source.loop and found.loop
    heard = 0 if rate == source.rate else REACH * max(1.0, 1 / found.ratio)
    assert found.loop[0] / found.ratio >= source.loop[0] + heard - 1e-6


@given(st.integers(0, 10**6), st.integers(0, 10**5), SOME_NOTES)
def test_as_much_is_kept_as_is_asked_for_or_as_the_highest_key_needs(held: int, reach: int, notes: list[int]) -> None:
    sources = [replace(MIDDLE_C, note=note) for note in notes]
    highest = {note: max(s for other, s in key_map(notes) if other == note) for note in notes}
    for note, (made, kept) in holdings(sources, 48_000, held, reach).items():
        assert made == plan(MIDDLE_C, 48_000)
        assert kept == min(96_000, max(held, needed(reach, ratio(100 * CENT * highest[note]), 48_000)))
    assert all(kept == 96_000 for _, kept in holdings(sources, 48_000, None, reach).values())


# Regions


@given(st.integers(1, 100_000), st.integers(0, 200_000), st.integers(-60, 67))
def test_a_recording_is_played_at_the_pitch_of_the_key_as_far_as_it_is_held(
    frames: int, held: int, semitones: int
) -> None:
    found = plan(replace(MIDDLE_C, frames=frames), 48_000)
    kept, pitch = found.kept(held), ratio(100 * CENT * semitones)
    covered = frames if held >= frames else covers(held, pitch, 48_000)
    region = Stored(found, kept, 5000, 0.5).region(semitones)
    assert region == Region(5000, frames, kept, None, pitch, 0.5, 0.5, 48, covered)
    assert region.whole == (held >= frames)


def test_a_loop_is_told_however_little_of_it_is_held() -> None:
    found = plan(replace(MIDDLE_C, loop=(500, 40_000)), 48_000)
    for held in (0, 39_999, 40_000, 90_000, None):
        region = Stored(found, found.kept(held), 5000, 0.25).region(0)
        assert (region.length, region.loop, region.duration) == (ENDLESS, (500, 40_000), ENDLESS)
        assert region.whole == (held is None or held >= 40_000)
        assert region.covered == (ENDLESS if region.whole else covers(region.held, ONE, 48_000))


# Instruments


def test_a_described_instrument_has_lengths_and_no_frames() -> None:
    instrument = described("piano", [replace(MIDDLE_C, note=62, loop=(0, 100)), MIDDLE_C], 48_000)
    assert [source.note for source in instrument.sources] == [60, 62]
    assert instrument.region(60) == Region(TAPS, 96_000, 0, None, ONE, 0.25, 0.25, 48, 0)
    assert instrument.region(62) == Region(TAPS, ENDLESS, 0, (0, 100), ONE, 0.25, 0.25, 48, 0)
    assert instrument.region(74) == replace(instrument.region(62), ratio=2 * ONE)
    assert instrument.region(48) == replace(instrument.region(60), ratio=ONE // 2)


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        ([], "no recordings"),
        ([MIDDLE_C, MIDDLE_C], "two recordings of one note"),
        ([replace(MIDDLE_C, note=128)], "note 128"),
        ([replace(MIDDLE_C, rate=0)], "rate is 0 Hz"),
        ([replace(MIDDLE_C, frames=0)], "empty"),
        ([replace(MIDDLE_C, frames=1 << 62)], "how long"),
        ([replace(MIDDLE_C, loop=(100, 100))], "ends before it begins"),
        ([replace(MIDDLE_C, loop=(-100, 100))], "ends before it begins"),
        ([replace(MIDDLE_C, loop=(0, 96_001))], "beyond its 96000 frames"),
        ([replace(MIDDLE_C, loop=(0, 15))], "too short"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(sources: list[Source], complaint: str) -> None:
    with pytest.raises(InstrumentError, match=complaint):
        described("piano", sources, 48_000)


# Identity


def test_the_same_recordings_do_not_differ_however_much_was_read_of_them() -> None:
    for read in range(3):
        assert differences([replace(MIDDLE_C, digests=MIDDLE_C.digests[:read])], [MIDDLE_C]) == []


@pytest.mark.parametrize(
    ("theirs", "line"),
    [
        (replace(MIDDLE_C, rate=44_100), "C4: another recording, 48000 Hz here, 44100 Hz there"),
        (replace(MIDDLE_C, frames=7), "C4: another recording, 96000 frames here, 7 there"),
        (replace(MIDDLE_C, loop=(1, 99)), "C4: another recording, no loop here, a loop from 1 to 99 there"),
        (replace(MIDDLE_C, digests=("aa", "cc")), "C4: another recording, other sound"),
    ],
)
def test_another_recording_is_told_by_its_first_difference(theirs: Source, line: str) -> None:
    assert differences([MIDDLE_C], [theirs]) == [line]


def test_missing_notes_are_told_in_order() -> None:
    high = replace(MIDDLE_C, note=72)
    assert differences([MIDDLE_C], [high]) == ["C4: missing there", "C5: missing here"]


@given(st.integers(0, 3), st.integers(0, IDENTITY_BLOCK))
def test_the_digests_of_whole_blocks_begin_those_of_more(blocks: int, more: int) -> None:
    part = blocks * IDENTITY_BLOCK
    sound = np.arange(2 * (part + more), dtype=np.float32).reshape(-1, 2)
    assert digests(sound)[:blocks] == digests(sound[:part])
    assert len(digests(sound)) == math.ceil((part + more) / IDENTITY_BLOCK)


def test_a_digest_covers_all_frames_before_it() -> None:
    sound = np.zeros((2 * IDENTITY_BLOCK, 2), np.float32)
    changed = sound.copy()
    changed[0, 1] = 1e-6
    assert all(one != other for one, other in zip(digests(sound), digests(changed), strict=True))
