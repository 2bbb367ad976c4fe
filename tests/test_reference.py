"""The readable reference, checked by hand at 1000 Hz: a ramp has 5 frames, a release 100; sample n is n / 1024."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netaudio import midi
from netaudio.sampler.voices import Event
from tests.support.reference import ENDLESS, NEVER, Recording, Reference, times
from tests.support.sinc import ONE, quick_weights, weights
from tests.support.sounds import noises, random_song

RATE, RAMP, RELEASE = 1000, 5, 100
ON, OFF = midi.note_on(0, 0, 127), midi.note_off(0, 0)
CUT, REACH = 50, 120
LINE = np.repeat(np.arange(400)[:, None] / 1024, 2, axis=1).astype(np.float32)
OCTAVE = [midi.control_change(0, number, value) for number, value in ((101, 0), (100, 0), (6, 12), (38, 0))]
DOWN = midi.pitch_bend(0, 0)


def played(
    *notes: tuple[int, bytes], recording: Recording | None = None, cut: int = ENDLESS, shift: int = 0,
    reach: int = ENDLESS, delays: dict[int, int] | None = None, polyphony: int = 8,
) -> Reference:  # fmt: skip
    reference = Reference({0: [recording or Recording(LINE)] * 4}, RATE, polyphony)
    events = [Event(seq, at, message, cut, shift, reach) for seq, (at, message) in enumerate(notes, 1)]
    reference.feed(events, delays or {})
    return reference


def heard(reference: Reference, first: int, end: int) -> list[float]:
    """What sounds on the left, in 1024ths."""
    return [round(1024 * float(x), 6) for x in reference.mix(end)[first:, 0]]


# Recordings


def test_a_note_plays_its_recording_from_its_first_frame_to_its_last() -> None:
    reference = played((10, ON))
    assert heard(reference, 8, 14) == [0, 0, 0, 1, 2, 3]
    assert heard(reference, 407, 412) == [397, 398, 399, 0, 0]


def test_velocity_and_the_gains_of_the_sides() -> None:
    reference = played((0, midi.note_on(0, 0, 64)), recording=Recording(LINE, left=0.5, right=0.25))
    assert np.allclose(reference.mix(101)[100], (64 / 127) ** 2 * np.array((50, 25)) / 1024)


def test_an_attack_is_a_straight_ramp_that_is_heard_from_its_first_frame() -> None:
    reference = played((0, ON), recording=Recording(np.ones((9, 2), np.float32), attack=4))
    assert heard(reference, 0, 6) == [256, 512, 768, 1024, 1024, 1024]


def test_a_shifted_recording_is_read_between_its_frames_and_is_over_sooner() -> None:
    reference = played((0, ON), recording=Recording(LINE, ratio=3 * ONE // 2))
    assert heard(reference, 10, 15) == pytest.approx([15, 16.5, 18, 19.5, 21], abs=1e-3)
    assert reference.notes[0].recording.duration == 267  # 400 / 1.5, rounded up
    assert reference.life(reference.notes[0]) == (0, 267)
    assert heard(reference, 266, 269) == pytest.approx([399, 0, 0], rel=0.02)  # it ends at once: that rings


def test_what_is_before_and_after_a_recording_is_silent() -> None:
    recording = Recording(np.ones((20, 2), np.float32))
    assert not recording.at(np.array((-ONE, -1, 20 * ONE, 20 * ONE + 1, 99 * ONE))).any()
    edge = recording.at(np.array((19 * ONE + ONE // 2,)))[0, 0]
    assert 0.3 < edge < 0.7  # half of what it hears is silence


def test_a_loop_is_read_across_its_seam() -> None:
    frames = np.zeros((40, 2), np.float32)
    frames[:30] = np.random.default_rng(0).normal(0, 0.1, (30, 2))
    loop = Recording(frames, (10, 30), ratio=3 * ONE // 2)
    unrolled = Recording(np.concatenate((frames[:30], *[frames[10:30]] * 9)), ratio=3 * ONE // 2)
    assert np.array_equal(played((0, ON), recording=loop).mix(110), played((0, ON), recording=unrolled).mix(110))
    assert loop.length == loop.duration == ENDLESS


def test_a_slow_sine_is_as_good_between_the_frames() -> None:
    n, phase = np.arange(200), np.arange(20 * ONE, 180 * ONE, 123456789012)
    wave = np.sin(2 * np.pi * n / 20)[:, None] * np.ones(2)
    between = Recording(wave.astype(np.float32)).at(phase)[:, 0]
    assert np.abs(between - np.sin(2 * np.pi * phase / ONE / 20)).max() < 1e-4


def test_quick_weights_are_the_formula() -> None:
    fractions = np.linspace(0, 1, 999)
    assert np.abs(quick_weights(fractions) - weights(fractions)).max() < 1e-13
    assert np.allclose(weights(fractions).sum(axis=1), 1)


# Decisions


def test_a_release_takes_a_tenth_of_a_second() -> None:
    reference = played((0, ON), (200, OFF))
    assert heard(reference, 200, 203) == [200, round(201 * 0.99, 6), round(202 * 0.98, 6)]
    assert heard(reference, 299, 302) == [2.99, 0, 0]


def test_a_key_struck_again_lets_go_of_its_earlier_note() -> None:
    reference = played((0, midi.control_change(0, 64, 127)), (0, ON), (9, ON), (9, midi.note_on(1, 0, 9)))
    assert [(note.off, note.off_seq) for note in reference.notes] == [(9, 3), (NEVER, NEVER), (NEVER, NEVER)]


def test_the_pedal_holds_notes_until_it_rises() -> None:
    pedal = [midi.control_change(0, 64, value) for value in (64, 63)]
    reference = played((0, ON), (0, midi.note_on(0, 1, 9)), (5, pedal[0]), (10, OFF), (50, pedal[1]))
    assert [note.off for note in reference.notes] == [50, NEVER]


def test_all_notes_off_obeys_the_pedal_and_all_sound_off_does_not() -> None:
    panic = [midi.control_change(0, number, 0) for number in (123, 120)]
    reference = played((0, midi.control_change(0, 64, 127)), (0, ON), (5, panic[0]), (200, panic[1]))
    (note,) = reference.notes
    assert (note.off, note.stolen) == (NEVER, 200)
    assert heard(reference, 200, 206) == [200, 160.8, 121.2, 81.2, 40.8, 0]


def test_a_released_note_is_stolen_first_then_the_oldest() -> None:
    strikes = [(at, midi.note_on(0, at, 127)) for at in range(4)]
    reference = played(*strikes[:2], (2, midi.note_off(0, 1)), *strikes[2:], polyphony=2)
    assert [note.stolen for note in reference.notes] == [3, 2, NEVER, NEVER]


@pytest.mark.parametrize(("ratio", "stolen"), [(ONE, 200), (2 * ONE, NEVER)])
def test_a_note_counts_for_as_long_as_its_recording_lasts_without_bends(ratio: int, stolen: int) -> None:
    bent = [(0, message) for message in (*OCTAVE, DOWN)]
    reference = played(*bent, (0, ON), (200, ON[:1] + b"\1\x7f"), recording=Recording(LINE, ratio=ratio), polyphony=1)
    assert reference.notes[0].stolen == stolen


def test_a_program_change_is_for_notes_to_come_and_one_that_means_nothing_for_none() -> None:
    reference = Reference({0: [Recording(LINE)], 1: [Recording(LINE)]}, RATE, 8)
    messages = (ON, midi.program_change(0, 1), midi.program_change(0, 7), ON)
    reference.feed([Event(seq, seq, message) for seq, message in enumerate(messages, 1)], {})
    assert [note.recording for note in reference.notes] == [reference.instruments[k][0] for k in (0, 1)]


# Controllers and bends


def test_a_controller_moves_to_the_square_of_its_value_in_five_milliseconds() -> None:
    reference = played((0, ON), (100, midi.control_change(0, midi.EXPRESSION, 0)))
    assert heard(reference, 100, 106) == [100, 80.8, 61.2, 41.2, 20.8, 0]


def test_a_bend_of_an_octave() -> None:
    reference = played(*((0, message) for message in OCTAVE), (0, ON), (100, DOWN))
    assert heard(reference, 98, 105) == pytest.approx([98, 99, 100, 100.5, 101, 101.5, 102], abs=1e-3)
    assert reference.life(reference.notes[0]) == (0, 700)


def test_a_bend_before_a_note_holds_from_its_first_frame() -> None:
    reference = played(*((0, message) for message in (*OCTAVE, DOWN)), (20, ON), (30, midi.pitch_bend(0, 8192)))
    assert heard(reference, 20, 34) == pytest.approx([0, *heard(reference, 21, 30), 5, 6, 7, 8], abs=1e-2)
    assert heard(reference, 24, 30)[::2] == pytest.approx([2, 3, 4], abs=1e-2)


def test_the_range_of_bends_is_two_semitones_and_at_most_two_octaves() -> None:
    bends = [(0, DOWN), *((0, message) for message in OCTAVE[:2]), (0, midi.control_change(0, 6, 127)), (0, DOWN)]
    assert [bend.ratio for bend in played(*bends).channels[0].bends] == [round(2 ** (-2 / 12) * ONE), ONE // 4]


def test_a_range_changes_only_under_its_number_and_only_bends_to_come() -> None:
    data = midi.control_change(0, 6, 12)
    other = midi.control_change(0, 100, 1)
    bends = played((0, data), (0, DOWN), *((0, m) for m in OCTAVE[:2]), (0, other), (0, data), (0, DOWN)).channels[0]
    assert len({bend.ratio for bend in bends.bends}) == 1


@given(st.integers(1, 8 * ONE), st.integers(ONE // 4, 4 * ONE))
def test_the_product_of_two_ratios(a: int, b: int) -> None:
    assert 0 <= (a * b >> 32) - times(a, b) <= 1
    assert times(a, ONE) == a


# A note's own clock


@pytest.mark.parametrize(("at", "acts"), [(69, 69), (70, 120), (200, 250)])
def test_past_its_reach_a_note_is_released_later(at: int, acts: int) -> None:
    reference = played((0, ON), (at, OFF), cut=CUT, reach=REACH)
    assert reference.life(reference.notes[0]) == (0, acts + RELEASE)
    assert heard(reference, acts, acts + 2) == [acts, round((acts + 1) * 0.99, 6)]


def test_past_its_reach_all_else_acts_later_too() -> None:
    silence = midi.control_change(0, midi.VOLUME, 0)
    reference = played((0, ON), (80, silence), cut=CUT, reach=REACH)
    assert heard(reference, 129, 136) == [129, 130, 104.8, 79.2, 53.2, 26.8, 0]
    reference = played(*((0, message) for message in OCTAVE), (0, ON), (80, DOWN), cut=CUT, reach=REACH)
    assert heard(reference, 129, 133) == pytest.approx([129, 130, 130.5, 131], abs=1e-3)
    reference = played((0, ON), (80, midi.control_change(0, 120, 0)), cut=CUT, reach=REACH)
    assert reference.life(reference.notes[0]) == (0, 130 + RAMP)


def test_what_was_before_a_note_acts_when_it_was() -> None:
    reference = played((0, midi.control_change(0, midi.VOLUME, 0)), (2, ON), cut=CUT, reach=0)
    assert heard(reference, 2, 7) == [0, 0.4, 0.4, 0, 0]


def test_a_remote_note_is_the_local_one_shifted_whole() -> None:
    messages = [(0, ON), (10, midi.control_change(0, 7, 64)), *((20, m) for m in OCTAVE), (20, DOWN), (99, OFF)]
    local, remote = played(*messages), played(*messages, cut=0, shift=40, reach=0)
    late = played(*messages, cut=0, shift=40, reach=0, delays={1: 7})
    assert not remote.mix(40).any()
    assert np.array_equal(remote.mix(340)[40:], local.mix(300))
    assert np.array_equal(late.mix(347)[47:], local.mix(300))
    assert np.array_equal(late.local().mix(300), local.mix(300))


@settings(max_examples=30)
@given(st.integers(0, 9999))
def test_every_remote_song_is_the_local_one_later(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference = Reference(dict(enumerate(noises(rng))), 4800, 4)
    song = random_song(rng, 20, 60)
    reference.feed([Event(seq, at, message, 0, 480, 0) for seq, (at, message) in enumerate(song, 1)], {})
    assert np.allclose(reference.mix(2480)[480:], reference.local().mix(2000), rtol=0, atol=1e-12)
    assert (np.abs(reference.mix(2000)).max(axis=1) <= reference.loudness(2000) + 1e-12).all()


def test_loudness_is_of_what_cancels_out_too() -> None:
    sides = [Recording(LINE), Recording(-LINE)]
    reference = Reference({0: sides}, RATE, 8)
    reference.feed([Event(1, 0, ON), Event(2, 0, midi.note_on(0, 1, 127))], {})
    assert not reference.mix(100).any()
    assert reference.loudness(101)[100] == 200 / 1024
