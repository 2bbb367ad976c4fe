import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.errors import InstrumentError
from netaudio.sampler.instrument import (
    ENDLESS,
    GUARD,
    IDENTITY_BLOCK,
    SHORTEST_LOOP,
    Plan,
    Sample,
    Source,
    described,
    differences,
    digests,
    key_map,
    note_name,
    parse_note,
    plan,
)

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
def test_each_key_within_an_octave_of_the_recordings_plays_its_own_pitch_from_the_nearest(
    notes: list[int],
) -> None:
    for key, (note, semitones) in enumerate(key_map(notes)):
        if min(notes) - 12 <= key <= max(notes) + 12:
            assert note in notes
            assert note + semitones == key
            assert abs(semitones) == min(abs(key - other) for other in notes)


@given(SOME_NOTES)
def test_keys_further_out_play_what_their_octave_in_that_range_plays(notes: list[int]) -> None:
    keys = key_map(notes)
    assert len(keys) == 128
    for key in range(128):
        if key < min(notes) - 12:
            assert keys[key] == keys[key + 12]
        if key > max(notes) + 12:
            assert keys[key] == keys[key - 12]


def test_halfway_between_two_recordings_a_key_plays_the_lower_whatever_their_order() -> None:
    assert key_map([60, 64])[62] == key_map([64, 60])[62] == (60, 2)


def test_eight_recordings_of_an_octave_make_three_octaves() -> None:
    assert len(set(key_map([60, 62, 64, 65, 67, 69, 71, 72]))) == 37


# Reading


def test_a_voice_reads_silence_before_its_sample_and_after_it() -> None:
    sample = Sample(address=5000, length=300, held=300, covered=300, loop=None)
    assert [sample.read_at(age) for age in (-ENDLESS, -GUARD, -1, 0, 299, 300, ENDLESS)] == [
        *(5000 - GUARD, 5000 - GUARD, 4999),
        *(5000, 5299, 5300, 5300),
    ]


def test_a_voice_reads_silence_after_the_held_part() -> None:
    sample = Sample(address=5000, length=ENDLESS, held=300, covered=60, loop=None)
    assert sample.read_at(299) == 5299
    assert sample.read_at(301) == sample.read_at(10_000) == 5300


@given(st.integers(GUARD, 10**6), st.integers(0, 1000), st.integers(1, 1000), st.integers(-2 * GUARD, 10**9))
def test_a_loop_is_read_periodically(address: int, start: int, span: int, age: int) -> None:
    sample = Sample(address, ENDLESS, ENDLESS, ENDLESS, (start, start + span))
    if age >= start:
        assert sample.read_at(age + span) == sample.read_at(age)
        assert start <= sample.read_at(age) - address < start + span
    else:
        assert sample.read_at(age) == address + max(age, -GUARD)


@given(st.integers(-GUARD, 3000), st.booleans())
def test_frames_are_read_straight_on_for_as_long_as_it_says(age: int, loops: bool) -> None:
    sample = Sample(5000, ENDLESS, ENDLESS, ENDLESS, (300, 700)) if loops else Sample(5000, 700, 700, 700, None)
    count = sample.straight_from(age)
    assert count > 0 or (age >= 700 and not loops)
    for step in {0, count // 2, count - 1}:
        assert step < 0 or sample.read_at(age + step) == sample.read_at(age) + step


@given(st.sampled_from([MIDDLE_C, replace(MIDDLE_C, loop=(500, 40_000))]), st.integers(-ENDLESS, ENDLESS))
def test_a_sample_of_which_nothing_is_held_reads_the_silence_at_the_beginning_of_the_bank(
    source: Source, age: int
) -> None:
    assert described("piano", [source], 48_000).sample(60).read_at(age) == 0


# Plans


def test_a_recording_at_the_banks_rate_and_pitch_is_taken_as_it_is() -> None:
    assert plan(MIDDLE_C, 0, 48_000) == Plan(48_000, 1.0, 96_000, None)
    looped = replace(MIDDLE_C, loop=(500, 40_000))
    assert plan(looped, 0, 48_000) == Plan(48_000, 1.0, ENDLESS, (500, 40_000))


def test_an_octave_up_is_half_as_long_and_half_the_rate_too() -> None:
    assert plan(MIDDLE_C, 12, 48_000).length == plan(MIDDLE_C, 0, 24_000).length == 48_000


@given(looped_sources(), st.integers(-24, 24), RATES)
def test_a_transposed_loop_is_a_whole_number_of_turns_and_of_frames_and_in_tune(
    source: Source, semitones: int, rate: int
) -> None:
    found = plan(source, semitones, rate)
    assert source.loop and found.loop and found.length == ENDLESS
    turns = (found.loop[1] - found.loop[0]) / found.ratio / (source.loop[1] - source.loop[0])
    assert turns == pytest.approx(round(turns), rel=1e-12)
    wanted = rate / source.rate / 2 ** (semitones / 12)
    assert abs(1200 * math.log2(found.ratio / wanted)) < 0.03


@given(looped_sources(), st.integers(-24, 24), RATES)
def test_a_loop_begins_where_the_attack_is_over(source: Source, semitones: int, rate: int) -> None:
    found = plan(source, semitones, rate)
    assert source.loop and found.loop
    assert found.loop[0] >= max(math.floor(source.loop[0] * found.ratio), rate // 1000)


@given(st.integers(1, 100_000), st.integers(0, 200_000), st.integers(-12, 12))
def test_a_part_covers_all_of_it_but_its_last_5_ms(frames: int, held: int, semitones: int) -> None:
    found = plan(replace(MIDDLE_C, frames=frames), semitones, 48_000)
    sample = found.sample(found.kept(held), 5000)
    if held < found.length:
        assert sample == Sample(5000, found.length, held, max(0, held - 240), None)
    else:
        assert sample == Sample(5000, found.length, found.length, found.length, None)


def test_a_loop_counts_as_such_once_its_end_is_held() -> None:
    found = plan(replace(MIDDLE_C, loop=(500, 40_000)), 0, 48_000)
    assert found.sample(found.kept(39_999), 5000) == Sample(5000, ENDLESS, 39_999, 39_759, None)
    for held in (40_000, 90_000, None):
        whole = Sample(5000, ENDLESS, ENDLESS, ENDLESS, (500, 40_000))
        assert found.sample(found.kept(held), 5000) == whole


# Instruments


def test_a_described_instrument_has_lengths_and_no_frames() -> None:
    instrument = described("piano", [replace(MIDDLE_C, note=62, loop=(0, 100)), MIDDLE_C], 48_000)
    assert [source.note for source in instrument.sources] == [60, 62]
    assert instrument.sample(60) == Sample(0, 96_000, 0, 0, None)
    assert instrument.sample(62) == Sample(0, ENDLESS, 0, 0, None)
    assert instrument.sample(127) == instrument.sample(67)


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
