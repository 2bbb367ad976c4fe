"""At 1000 Hz: a ramp has 5 frames, a release 100."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from netaudio.sampler.instrument import ENDLESS, Instrument, Sample
from netaudio.sampler.snapshot import NEVER, check_state
from netaudio.sampler.voice import Voice
from netaudio.sampler.voices import ALL, Event, Score
from tests.support.reference import Recording, Reference

RATE = 1000
LENGTH = 400
HARP = Instrument("harp", RATE, (), tuple(Sample(0, LENGTH, LENGTH, LENGTH, None) for _ in range(128)))
ORGAN = Instrument("organ", RATE, (), tuple(Sample(0, ENDLESS, 100, 100, (50, 100)) for _ in range(128)))
INSTRUMENTS = {0: HARP, 1: ORGAN}

MESSAGES = st.one_of(
    st.tuples(st.sampled_from((0x90, 0x80, 0x91)), st.integers(0, 3), st.integers(0, 127)),
    st.tuples(st.just(0xB0), st.sampled_from((7, 11, 64, 120, 123)), st.integers(0, 127)),
    st.tuples(st.sampled_from((0xC0, 0xC1)), st.integers(0, 2)),
).map(bytes)
SONGS = st.lists(st.tuples(st.integers(0, 60), MESSAGES), max_size=25)


def score(polyphony: int = 8) -> Score:
    return Score(RATE, polyphony, INSTRUMENTS.get)


def play(score: Score, *notes: tuple[int, str]) -> None:
    """Apply messages (hexadecimal) at positions."""
    for position, message in notes:
        score.apply(Event(score.seq + 1, position, bytes.fromhex(message)))


def played(song: list[tuple[int, bytes]], polyphony: int = 3) -> tuple[Score, list[Event]]:
    made, position, events = score(polyphony), 0, []
    for wait, message in song:
        position += wait
        events.append(Event(made.seq + 1, position, message))
        made.apply(events[-1])
    return made, events


def gains(score: Score, voice: Voice, first: int, end: int, heard: int = ALL) -> list[float]:
    return [round(g, 6) for g in score.gains(voice, np.arange(first, end), heard).tolist()]


# Notes


def test_a_note_on_starts_a_voice() -> None:
    s = score()
    voice = s.apply(Event(1, 10, b"\x91\x3c\x7f", cut=480))
    assert voice is not None
    assert (voice.channel, voice.key, voice.start, voice.cut, voice.level) == (1, 60, 10, 480, 1.0)
    assert voice.age(15) == 5


def test_loudness_is_the_square_of_velocity() -> None:
    s = score()
    play(s, (0, "90 3c 40"))
    assert s.voices[0].level == (64 / 127) ** 2


@pytest.mark.parametrize("off", ["80 3c 40", "90 3c 00", "80 3c"])
def test_a_release_takes_a_tenth_of_a_second(off: str) -> None:
    s = score()
    play(s, (0, "90 3c 7f"), (20, off))
    assert gains(s, s.voices[0], 19, 23) == [1, 1, 0.99, 0.98]
    assert gains(s, s.voices[0], 119, 122) == [0.01, 0, 0]


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


@pytest.mark.parametrize("message", ["f8", "90", "e0 00 40", "a0 3c 40", "d0 40", "b0 01 40", "f0 01 02"])
def test_what_has_no_effect_here_still_counts(message: str) -> None:
    s = score()
    play(s, (0, "90 3c 7f"), (5, message))
    assert (s.seq, s.position) == (2, 5)
    assert s.voices[0].off_seq == NEVER


def test_events_come_in_order_or_the_program_is_wrong() -> None:
    s = score()
    play(s, (5, "90 3c 7f"))
    with pytest.raises(AssertionError):
        s.apply(Event(3, 6, b"\x80\x3c\x00"))
    with pytest.raises(AssertionError):
        s.apply(Event(2, 4, b"\x80\x3c\x00"))


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
    s = score()
    play(s, (0, "b0 40 7f"), (0, "90 3c 7f"), (5, "b0 7b 00"))
    assert s.voices[0].off_seq == NEVER
    play(s, (9, "b0 78 00"))
    assert gains(s, s.voices[0], 9, 15) == [1, 0.8, 0.6, 0.4, 0.2, 0]


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


@given(SONGS, st.integers(1, 4))
def test_no_more_sound_than_the_polyphony(song: list[tuple[int, bytes]], polyphony: int) -> None:
    s, _ = played(song, polyphony)
    assert len([v for v in s.voices if v.stolen_seq == NEVER and s.end(v) > s.position]) <= polyphony


# Gains


@given(SONGS, st.integers(0, 1500), st.integers(1, 64), st.integers(0, 26))
def test_a_straight_gain_is_the_gain(song: list[tuple[int, bytes]], first: int, count: int, heard: int) -> None:
    s, _ = played(song)
    n = np.arange(first, first + count)
    for voice in s.voices:
        line = s.straight(voice, first, count, heard)
        if line is not None:
            assert np.allclose(line[0] + line[1] * np.arange(count), s.gains(voice, n, heard), rtol=0, atol=1e-9)


@given(SONGS, st.integers(0, 400), st.sampled_from((1, 2, 8)))
def test_a_straight_gain_goes_straight_on(song: list[tuple[int, bytes]], wait: int, count: int) -> None:
    s, events = played(song)
    for first in {event.position for event in events} | {wait}:
        for voice in s.voices:
            line, until = s.straight(voice, first, count), min(s.straight_until(voice, first), first + 300)
            if line is not None and first + count <= until:
                n = np.arange(first, until)
                assert np.allclose(line[0] + line[1] * (n - first), s.gains(voice, n), rtol=0, atol=1e-9)


def test_a_gain_without_events_is_straight() -> None:
    s = score()
    play(s, (0, "90 3c 7f"), (50, "80 3c 00"))
    assert s.straight(s.voices[0], 0, 51) == (1.0, 0.0)
    assert s.straight(s.voices[0], 60, 30) == pytest.approx((0.9, -0.01))
    assert s.straight(s.voices[0], 40, 30) is None
    assert s.straight(s.voices[0], 150, 30) == (0.0, 0.0)
    assert s.straight(s.voices[0], 60, 30, heard=1) == (1.0, 0.0)
    assert s.straight(s.voices[0], 60, 30, heard=0) == (0.0, 0.0)


@given(SONGS, st.integers(0, 25), st.integers(0, 25))
def test_what_comes_later_has_not_happened_yet(song: list[tuple[int, bytes]], heard: int, wait: int) -> None:
    """A gain as heard is the gain in a score that has not gone on."""
    whole, _ = played(song)
    part, _ = played(song[:heard])
    n = np.arange(part.position, part.position + 300)
    for ours, theirs in zip(whole.voices, part.voices, strict=False):
        assert np.array_equal(whole.gains(ours, n, heard), part.gains(theirs, n))


@given(SONGS, st.integers(0, 25), st.integers(0, 1500), st.integers(1, 64))
def test_same_means_that_the_gain_is_known(
    song: list[tuple[int, bytes]], before: int, first: int, count: int
) -> None:
    s, _ = played(song)
    n = np.arange(first, first + count)
    for voice in s.voices:
        if voice.same(before, first + count):
            assert np.allclose(s.gains(voice, n, before), s.gains(voice, n), rtol=0, atol=1e-12)


@given(SONGS, st.integers(1, 4))
def test_a_score_sounds_like_the_reference(song: list[tuple[int, bytes]], polyphony: int) -> None:
    s, events = played(song, polyphony)
    still = [Recording(np.ones((LENGTH, 2), np.float32))] * 128
    reference = Reference({0: still, 1: [Recording(r.frames, (50, 100)) for r in still]}, RATE, polyphony)
    reference.feed(events, {})
    n = np.arange(s.position + 600)
    total = np.zeros(len(n))
    for voice in s.voices:
        inside = (voice.age(0) + n >= 0) & (voice.age(0) + n < voice.sample.length)
        total += s.gains(voice, n) * inside
    assert np.allclose(total, reference.mix(len(n))[:, 0], rtol=0, atol=1e-9)


@given(SONGS, st.integers(0, 25), st.integers(0, 300))
def test_forgetting_is_not_heard(song: list[tuple[int, bytes]], heard: int, more: int) -> None:
    s, _ = played(song)
    position, heard = s.position + more, min(heard, s.seq)
    n = np.arange(position, position + 300)
    before = {v.seq: (s.gains(v, n), s.gains(v, n, heard)) for v in s.voices}
    s.forget(position, heard)
    left = {v.seq: (s.gains(v, n), s.gains(v, n, heard)) for v in s.voices}
    for seq, (all_known, as_heard) in before.items():
        if seq in left:
            assert np.allclose(left[seq], (all_known, as_heard), rtol=0, atol=1e-12)
        else:
            silent = n >= seq_end(song, seq)
            assert not np.asarray(all_known)[~silent].any()
            assert not np.asarray(as_heard)[~silent].any()


def seq_end(song: list[tuple[int, bytes]], seq: int) -> int:
    """Where a note of the harp ends by its length."""
    return sum(wait for wait, _ in song[:seq]) + LENGTH


@given(SONGS, st.integers(0, 25), st.integers(0, 25), st.integers(0, 400), st.integers(1, 40), st.integers(0, 39))
def test_a_straight_tail_has_the_tails_gains(
    song: list[tuple[int, bytes]], before: int, heard: int, first: int, count: int, begun: int
) -> None:
    s, _ = played(song)
    before, heard = sorted((min(before, s.seq), min(heard, s.seq)))
    n, step = np.arange(first, first + count), 1 / 80
    for voice in s.voices:
        straight = s.tail_straight(voice, first, count, before, heard, begun * step, step)
        if straight is not None and voice.age(first) >= voice.cut:
            x = np.asarray((begun + np.arange(count)) * step, np.float64)
            exact = s.tail_gains(voice, n, before, heard, x)
            assert np.allclose(straight[0] + straight[1] * np.arange(count), exact, rtol=0, atol=1e-9)


@given(SONGS)
def test_only_an_event_that_touches_a_voice_shapes_it(song: list[tuple[int, bytes]]) -> None:
    s, n = score(), np.arange(0, 900)
    position, known = 0, dict[int, tuple[int, NDArray[np.float64]]]()
    for seq, (wait, message) in enumerate(song, 1):
        position += wait
        s.apply(Event(seq, position, message, 0))
        for voice in s.voices:
            touched, gains = known.get(voice.seq, (-1, np.zeros(0)))
            now = s.gains(voice, n)
            assert voice.touched == seq or (touched == voice.touched and np.array_equal(gains, now))
            known[voice.seq] = voice.touched, now


# States


@given(SONGS, SONGS)
def test_a_restored_score_goes_on_alike(song: list[tuple[int, bytes]], more: list[tuple[int, bytes]]) -> None:
    s, _ = played(song)
    check_state(s.state())
    twin = score(s.polyphony)
    twin.restore(s.state())
    for wait, message in more:
        for each in (s, twin):
            each.apply(Event(each.seq + 1, each.position + wait, message))
    assert twin.state() == s.state()
