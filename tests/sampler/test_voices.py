"""At 1000 Hz: a ramp has 5 frames, a release 100."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.pitch import ONE
from netaudio.sampler.snapshot import NEVER
from netaudio.sampler.voices import FEW, Event, Score
from tests.support.reference import Recording, Reference
from tests.support.scores import (
    HYBRID,
    LOCAL,
    MODES,
    RATE,
    REMOTE,
    SONGS,
    Song,
    counting,
    frames,
    gains,
    instrument,
    play,
    region,
    rendered,
    spaced,
    still,
)

LENGTH = 400
RECORDINGS = Recording(counting(LENGTH), attack=3), Recording(counting(LENGTH), (50, 100), 3 * ONE // 2)
INSTRUMENTS = {n: instrument(str(n), region(recording)) for n, recording in enumerate(RECORDINGS)}
STILL = {0: instrument("still", region(Recording(still(LENGTH))))}
SEQS = st.integers(0, 25)
EXACT = 2.0**-20


def score(polyphony: int = 8) -> Score:
    return Score(RATE, polyphony, INSTRUMENTS.get)


def played(song: Song, polyphony: int = 3, mode: tuple[int, int, int] = LOCAL) -> tuple[Score, list[Event]]:
    made, events = score(polyphony), spaced(song, mode)
    for event in events:
        made.apply(event)
    return made, events


# Notes


def test_a_note_on_starts_a_voice() -> None:
    s = score()
    voice = s.apply(Event(1, 10, b"\x91\x3c\x7f", 480, 30, 500))
    assert voice is not None
    assert (voice.channel, voice.key, voice.start, voice.gain) == (1, 60, 10, 1.0)
    assert (voice.cut, voice.shift, voice.reach) == (480, 30, 500)
    assert (voice.begin, voice.age(45)) == (40, 5)


def test_loudness_is_the_square_of_velocity() -> None:
    s = score()
    play(s, (0, "90 3c 40"))
    assert s.voices[0].gain == (64 / 127) ** 2


@pytest.mark.parametrize("off", ["80 3c 40", "90 3c 00", "80 3c"])
def test_a_key_that_goes_up_releases_its_note(off: str) -> None:
    s = score()
    play(s, (0, "90 3c 7f"), (20, off))
    assert (s.voices[0].off_seq, s.voices[0].off_at) == (2, 20)


def test_a_release_is_of_its_key_and_channel_only() -> None:
    s = score()
    play(s, (0, "90 3c 7f"), (0, "90 3d 7f"), (0, "91 3c 7f"), (9, "80 3c 00"))
    assert [voice.off_at for voice in s.voices] == [9, NEVER, NEVER]


def test_the_same_key_again_releases_the_note_before() -> None:
    s = score()
    play(s, (0, "90 3c 7f"), (9, "90 3c 7f"))
    assert [voice.off_at for voice in s.voices] == [9, NEVER]


def test_a_key_without_an_instrument_is_silent() -> None:
    s = Score(RATE, 8, INSTRUMENTS.get, program=5)
    play(s, (0, "90 3c 7f"))
    assert s.voices == []


@pytest.mark.parametrize("message", ["f8", "90", "e0 00", "a0 3c 40", "d0 40", "b0 01 40", "b0 07", "f0 01 02"])
def test_what_has_no_effect_here_still_counts(message: str) -> None:
    s = score()
    play(s, (0, "90 3c 7f"), (5, message))
    assert (s.seq, s.position) == (2, 5)
    assert s.voices[0].off_seq == NEVER and s.automation.moving() == []


def test_events_come_in_order_or_the_program_is_wrong() -> None:
    s = score()
    play(s, (5, "90 3c 7f"))
    with pytest.raises(AssertionError):
        s.apply(Event(3, 6, b"\x80\x3c\x00"))
    with pytest.raises(AssertionError):
        s.apply(Event(2, 4, b"\x80\x3c\x00"))


def test_there_is_room_for_many_voices() -> None:
    s = Score(RATE, 4 * FEW, STILL.get)
    play(s, *((0, f"90 {key:02x} 7f") for key in range(128)), *((0, f"91 {key:02x} 7f") for key in range(100)))
    assert gains(s, 0, 1) == [228]


# Pedal, programs, panic


def test_the_pedal_holds_notes_until_it_rises() -> None:
    s = score()
    play(s, (0, "90 3c 7f"), (0, "90 3d 7f"), (5, "b0 40 40"), (10, "80 3c 00"), (50, "b0 40 3f"))
    first, second = s.voices
    assert (first.off_seq, first.off_at) == (5, 50)
    assert second.off_seq == NEVER


def test_the_pedal_is_its_channels_own() -> None:
    s = score()
    play(s, (0, "b1 40 7f"), (0, "90 3c 7f"), (0, "91 3c 7f"), (9, "80 3c 00"), (9, "81 3c 00"))
    assert [voice.off_at for voice in s.voices] == [9, NEVER]


def test_a_program_change_is_for_notes_to_come() -> None:
    s = score()
    play(s, (0, "90 3c 7f"), (1, "c0 01"), (2, "90 3d 7f"), (3, "c0 07"), (4, "90 3e 7f"))
    assert [voice.program for voice in s.voices] == [0, 1, 1]


def test_all_notes_off_obeys_the_pedal_and_all_sound_off_does_not() -> None:
    s = Score(RATE, 8, STILL.get)
    play(s, (0, "b0 40 7f"), (0, "90 3c 7f"), (5, "b0 7b 00"))
    assert s.voices[0].off_seq == NEVER
    play(s, (9, "b0 78 00"))
    assert gains(s, 9, 15) == [1, 0.8, 0.6, 0.4, 0.2, 0]


# Bends


@pytest.mark.parametrize(
    ("range_messages", "bend", "ratio"),
    [
        ((), "e0 00 40", 1.0),
        ((), "e0 00 00", 2 ** (-2 / 12)),
        (("b0 65 00", "b0 64 00", "b0 06 0c"), "e0 00 00", 0.5),
        (("b0 65 00", "b0 64 00", "b0 06 18"), "e0 00 60", 2.0),
        (("b0 65 00", "b0 64 00", "b0 06 7f"), "e0 00 60", 2.0),  # by 24 semitones at most
        (("b0 65 00", "b0 64 00", "b0 06 00", "b0 26 32"), "e0 00 00", 2 ** (-0.5 / 12)),
        (("b0 65 00", "b0 64 01", "b0 06 0c"), "e0 00 00", 2 ** (-2 / 12)),  # another parameter
        (("b1 65 00", "b1 64 00", "b1 06 0c"), "e0 00 00", 2 ** (-2 / 12)),  # another channel
    ],
)
def test_a_bend_goes_as_far_as_its_channel_was_told(range_messages: tuple[str, ...], bend: str, ratio: float) -> None:
    s = score()
    play(s, *((0, message) for message in range_messages), (5, bend))
    assert s.automation.bends(0)[-1][2] == pytest.approx(ratio * ONE, rel=1e-9)


def test_a_range_counts_for_bends_to_come() -> None:
    s = score()
    play(s, (0, "e0 00 00"), (5, "b0 65 00"), (5, "b0 64 00"), (5, "b0 06 0c"))
    assert len(s.automation.bends(0)) == 2
    play(s, (9, "e0 00 00"))
    assert s.automation.bends(0)[-1][2] == ONE // 2


# Polyphony


def test_the_oldest_released_note_is_stolen_first() -> None:
    s = score(polyphony=2)
    play(s, (0, "90 01 7f"), (1, "90 02 7f"), (5, "80 02 00"), (9, "90 03 7f"))
    assert [voice.stolen_at for voice in s.voices] == [NEVER, 9, NEVER]
    assert s.stolen == 1


def test_else_the_oldest() -> None:
    s = score(polyphony=2)
    play(s, (0, "90 01 7f"), (1, "90 02 7f"), (9, "90 03 7f"), (9, "90 04 7f"))
    assert [voice.stolen_at for voice in s.voices] == [9, 9, NEVER, NEVER]


def test_a_note_that_has_ended_is_not_stolen() -> None:
    s = score(polyphony=1)
    play(s, (0, "90 01 7f"), (LENGTH, "90 02 7f"))
    assert s.stolen == 0


@pytest.mark.parametrize("mode", [LOCAL, REMOTE, HYBRID])
def test_decisions_go_by_the_hand_whatever_the_mode(mode: tuple[int, int, int]) -> None:
    """A remote note that has yet to sound counts as a voice, and a release is over when it is by the hand."""
    s = score(polyphony=1)
    play(s, (0, "90 01 7f"), (10, "90 02 7f"), (50, "80 02 00"), (149, "90 03 7f"), (200, "80 03 00"),
         (300, "90 04 7f"), cut=mode[0], shift=mode[1], reach=mode[2])  # fmt: skip
    assert [voice.stolen_at for voice in s.voices] == [10, 149, NEVER, NEVER]


@given(SONGS, st.integers(1, 4), MODES)
def test_no_more_sound_than_the_polyphony(song: Song, polyphony: int, mode: tuple[int, int, int]) -> None:
    s, _ = played(song, polyphony, mode)
    assert len([v for v in s.voices if v.stolen_seq == NEVER and s.end(v) > s.position]) <= polyphony


# Sound


@settings(max_examples=200)
@given(SONGS, st.integers(1, 4), MODES)
def test_a_score_sounds_like_the_reference(song: Song, polyphony: int, mode: tuple[int, int, int]) -> None:
    s, events = played(song, polyphony, mode)
    reference = Reference({n: [recording] * 128 for n, recording in enumerate(RECORDINGS)}, RATE, polyphony)
    reference.feed(events, {})
    count = s.position + 700
    assert np.abs(rendered(s, 0, count)[0] - reference.mix(count)).max() < 4 * EXACT


@given(SONGS, MODES, st.integers(0, 100))
def test_a_voice_is_where_the_reference_has_it(song: Song, mode: tuple[int, int, int], more: int) -> None:
    s, events = played(song, 8, mode)
    reference = Reference({n: [recording] * 128 for n, recording in enumerate(RECORDINGS)}, RATE, 8)
    reference.feed(events, {})
    for voice, note in zip(s.voices, reference.notes, strict=True):
        at = max(s.position, voice.begin) + more
        phase = int(reference.phase(note, np.array([at]))[0])
        assert s.phase(voice, at) == voice.wrapped(phase)


@given(SONGS, SEQS, st.integers(0, 25), MODES)
def test_what_comes_later_has_not_happened_yet(song: Song, heard: int, wait: int, mode: tuple[int, int, int]) -> None:
    """What sounds to one who has heard so much is what sounds in a score that has not gone on."""
    whole, _ = played(song, 3, mode)
    part, _ = played(song[:heard], 3, mode)
    first = part.position + wait
    known = rendered(whole, first, 300, known=heard)[0]
    assert np.abs(known - rendered(part, first, 300)[0]).max() < EXACT


@settings(max_examples=200)
@given(SONGS, SEQS, SEQS, st.integers(0, 300), MODES)
def test_forgetting_is_not_heard(song: Song, heard: int, known: int, more: int, mode: tuple[int, int, int]) -> None:
    """To no one who has heard as much, from there on."""
    s, _ = played(song, 3, mode)
    position, heard = s.position + more, min(heard, s.seq)
    known = max(known, heard)
    before = rendered(s, position, 300, known)[0]
    s.forget(position, heard)
    assert np.abs(rendered(s, position, 300, known)[0] - before).max() < EXACT


@given(SONGS, MODES)
def test_nothing_is_left_of_what_is_over(song: Song, mode: tuple[int, int, int]) -> None:
    s, _ = played([*song, (0, b"\xb0\x78\x00"), (0, b"\xb1\x78\x00")], 3, mode)
    s.forget(s.position + 140, s.seq)
    assert s.voices == [] and s.automation.moving() == []


def test_what_is_bent_past_its_end_still_counts_among_the_sounding() -> None:
    """Until it would be over unbent: both sides forget at times of their own, and must choose alike."""
    s = score(polyphony=2)
    play(s, (0, "90 3c 7f"), (0, "e0 7f 7f"), (0, "90 3d 7f"))
    s.forget(LENGTH - 1, s.seq)
    play(s, (LENGTH - 1, "90 3e 7f"))
    assert [voice.stolen_at for voice in s.voices] == [LENGTH - 1, NEVER, NEVER]
    s.forget(2 * LENGTH, s.seq)
    assert [voice.key for voice in s.voices] == []


def test_a_late_note_is_heard_later_and_whole() -> None:
    s = score()
    play(s, (0, "90 3c 7f"), cut=0, shift=30, reach=0)
    s.voices[0].delay = 7
    s.update(s.voices[0])
    assert frames(s, 39, 42) == [2, 3, 4]
    s.forget(LENGTH + 36, s.seq)
    assert s.voices
    s.forget(LENGTH + 37, s.seq)
    assert not s.voices


def test_a_note_that_no_server_plays_reaches_endlessly() -> None:
    s = score()
    play(s, (0, "90 3c 7f"), cut=ENDLESS, reach=ENDLESS)
    (voice,) = s.voices
    assert voice.acts(10_000_000) == 10_000_000


# States


@given(SONGS, SONGS, MODES)
def test_a_restored_score_goes_on_alike(song: Song, more: Song, mode: tuple[int, int, int]) -> None:
    s, _ = played(song, 3, mode)
    twin = score(s.polyphony)
    twin.restore(s.state())
    for event in spaced(more, mode, s.seq + 1, s.position + 5):
        s.apply(event)
        twin.apply(event)
    assert twin.state() == s.state()
    assert np.array_equal(rendered(twin, s.position, 300)[0], rendered(s, s.position, 300)[0])
