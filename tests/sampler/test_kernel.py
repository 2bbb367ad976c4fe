"""The kernel by hand, at 1000 Hz: a ramp has 5 frames, a release 100."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netaudio.player.player import MOST_PENDING
from netaudio.sampler import kernel
from netaudio.sampler.layout import MISSING, STREAMED, UNCOVERED
from netaudio.sampler.pitch import ONE
from netaudio.sampler.region import Region
from netaudio.sampler.snapshot import ScoreState
from netaudio.sampler.voices import Event, Score
from netaudio.units import Frames
from tests.support.attacks import heaviest
from tests.support.reference import Recording
from tests.support.scores import (
    BANK,
    LENGTH,
    counting,
    frames,
    gains,
    instrument,
    left,
    play,
    region,
    rendered,
    score,
    still,
)

STILL = region(Recording(still()))
HARP = region(Recording(counting()))
LOOP = (100, 150)
WIDE = ((0, "b0 65 00"), (0, "b0 64 00"), (0, "b0 06 18"))
"""Bends go by two octaves."""
OCTAVE_UP, OCTAVE_DOWN, CENTRE = "e0 00 60", "e0 00 20", "e0 00 40"
EXACT = 2.0**-20


def near(read: list[int]) -> Any:
    """What is shifted goes through a low-pass, to which a straight line is nearly the same."""
    return pytest.approx(read, abs=0.05)


# Gains


def test_an_attack_rises_in_equal_steps_and_its_first_frame_sounds() -> None:
    s = score(region(Recording(still(), attack=4)))
    play(s, (10, "90 3c 7f"))
    assert gains(s, 8, 16) == [0, 0, 0.25, 0.5, 0.75, 1, 1, 1]


def test_a_release_takes_a_tenth_of_a_second() -> None:
    s = score(STILL)
    play(s, (0, "90 3c 7f"), (20, "80 3c 40"))
    assert gains(s, 18, 23) == [1, 1, 1, 0.99, 0.98]
    assert gains(s, 118, 122) == [0.02, 0.01, 0, 0]


def test_what_is_stolen_is_silent_after_a_ramp() -> None:
    s = score(STILL)
    play(s, (0, "90 3c 7f"), (9, "b0 78 00"))
    assert gains(s, 8, 16) == [1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0]


@pytest.mark.parametrize("controller", ["07", "0b"])
def test_a_controller_goes_to_the_square_of_its_value_by_a_ramp(controller: str) -> None:
    s, goal = score(STILL), (64 / 127) ** 2
    play(s, (0, "90 3c 7f"), (10, f"b0 {controller} 40"), (15, f"b0 {controller} 7f"))
    falling = [1 - share / 5 * (1 - goal) for share in range(6)]
    assert gains(s, 9, 22) == pytest.approx([1, *falling, *falling[-2::-1], 1], abs=1e-4)


def test_a_note_that_begins_within_a_ramp_goes_on_with_it() -> None:
    s = score(STILL)
    play(s, (10, "b0 07 00"), (12, "90 3c 7f"))
    assert gains(s, 11, 17) == [0, 0.6, 0.4, 0.2, 0, 0]


def test_volume_expression_release_and_velocity_multiply() -> None:
    s = score(STILL)
    play(s, (0, "90 3c 40"), (10, "b0 07 00"), (10, "b0 0b 00"), (10, "80 3c 00"))
    level = (64 / 127) ** 2
    assert gains(s, 9, 12) == pytest.approx([level, level, level * 0.8 * 0.8 * 0.99], abs=1e-4)


def test_the_two_sides_have_a_gain_each() -> None:
    s = score(region(Recording(still(), left=0.5, right=0.125)))
    play(s, (0, "90 3c 7f"))
    assert rendered(s, 0, 1)[0].tolist() == [[0.5, 0.125]]


def test_a_controller_of_another_channel_moves_nothing() -> None:
    s = score(STILL)
    play(s, (0, "90 3c 7f"), (10, "b1 07 00"))
    assert gains(s, 9, 20) == [1] * 11


# Phases


def test_a_frame_a_frame_and_silence_around_them() -> None:
    s = score(HARP)
    play(s, (3, "90 3c 7f"))
    assert frames(s, 0, 6) == [0, 0, 0, 0, 1, 2]
    assert frames(s, LENGTH, LENGTH + 6) == [497, 498, 499, 0, 0, 0]


def test_an_octave_up_reads_every_other_frame() -> None:
    s = score(region(Recording(counting(), ratio=2 * ONE)))
    play(s, (0, "90 3c 7f"))
    assert frames(s, 0, 4) == near([0, 2, 4, 6])
    assert frames(s, 200, 203) == near([400, 402, 404])
    assert frames(s, 250, 252) == [0, 0]


@pytest.mark.parametrize("ratio", [ONE // 2, 3 * ONE // 2, 2 * ONE, 6_435_179_895, 60 * ONE + 12345])
def test_between_frames_it_reads_a_windowed_sinc(ratio: int) -> None:
    recording = Recording(np.random.default_rng(0).uniform(-1, 1, (LENGTH, 2)).astype(np.float32), ratio=ratio)
    s = score(region(recording))
    play(s, (0, "90 3c 7f"))
    count = LENGTH * ONE // ratio + 20
    phase = ratio * np.arange(count)
    assert np.abs(rendered(s, 0, count)[0] - recording.at(phase, ratio)).max() < EXACT


def test_a_bend_in_the_middle_of_a_block_goes_on_from_where_the_phase_was() -> None:
    s = score(HARP)
    play(s, *WIDE, (0, "90 3c 7f"), (10, OCTAVE_UP), (15, CENTRE))
    assert frames(s, 8, 18) == near([8, 9, 10, 12, 14, 16, 18, 20, 21, 22])


def test_a_bend_before_a_note_holds_from_its_beginning() -> None:
    s = score(HARP)
    play(s, *WIDE, (5, OCTAVE_UP), (10, "90 3c 7f"))
    assert frames(s, 9, 13) == near([0, 0, 2, 4])


def test_a_bend_multiplies_the_regions_own_ratio() -> None:
    s = score(region(Recording(counting(), ratio=3 * ONE)))
    play(s, *WIDE, (0, "90 3c 7f"), (2, OCTAVE_UP))
    assert frames(s, 0, 5) == near([0, 3, 6, 12, 18])


def test_what_happens_past_the_reach_of_a_note_acts_an_offset_later() -> None:
    s = score(HARP)
    play(s, *WIDE, (0, "90 3c 7f"), (5, OCTAVE_UP), (12, CENTRE), cut=20, reach=30)
    assert frames(s, 3, 8) == near([3, 4, 5, 7, 9])
    assert frames(s, 30, 35) == near([55, 57, 59, 60, 61])


def test_a_voice_has_a_clock_of_its_own() -> None:
    s = score(STILL)
    play(s, (10, "90 3c 7f"), (20, "b0 78 00"), cut=0, shift=30, reach=0)
    assert gains(s, 39, 41) == [0, 1]
    assert gains(s, 49, 56) == [1, 1, 0.8, 0.6, 0.4, 0.2, 0]
    s.voices[0].delay = 2
    s.update(s.voices[0])
    assert gains(s, 40, 43) == [0, 0, 1]


def test_a_loop_goes_on_from_its_end_to_its_start() -> None:
    s = score(region(Recording(counting(), LOOP)))
    play(s, (0, "90 3c 7f"))
    assert frames(s, 0, 1000) == [n if n < 150 else 100 + (n - 100) % 50 for n in range(1000)]


@pytest.mark.parametrize("loop", [LOOP, (0, 16), (3, 20), (100, LENGTH)])
@pytest.mark.parametrize("ratio", [ONE // 3, ONE + 1, 3 * ONE // 2, 3 * ONE, 7 * ONE + 12345, 63 * ONE + 5])
def test_loops_are_turned_at_any_ratio(loop: tuple[int, int], ratio: int) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, (LENGTH, 2)).astype(np.float32)
    recording = Recording(noise, loop, ratio)
    s = score(region(recording))
    play(s, (0, "90 3c 7f"))
    for first in (0, 999, 1_000_000):
        phase = ratio * np.arange(first, first + 700)
        assert np.abs(rendered(s, first, 700)[0] - recording.at(phase, ratio)).max() < EXACT


@pytest.mark.parametrize("ratio", [ONE, 3 * ONE // 2, 64 * ONE - 12345])
def test_a_loop_that_is_held_for_long_reads_on_where_it_was(ratio: int) -> None:
    """No phase of it overflows, though it has none of its own to be folded into."""
    recording = Recording(counting(), LOOP, ratio)
    s = score(region(recording))
    play(s, (0, "90 3c 7f"))
    for position in range(0, 1 << 26, 1 << 15):
        s.forget(position, s.seq)
    phases = [(200 << 32) + (ratio * n - (100 << 32)) % (50 << 32) for n in range(1 << 26, (1 << 26) + 100)]
    sound, _ = rendered(s, 1 << 26, 100)
    assert np.abs(sound - recording.at(np.array(phases), ratio)).max() < EXACT


# Who knows of what


def test_what_is_not_known_has_not_happened() -> None:
    s = score(STILL)
    play(s, (0, "90 3c 7f"), (10, "b0 07 00"), (20, "80 3c 00"), (30, "b0 78 00"))
    assert gains(s, 0, 200, known=0) == [0] * 200
    assert gains(s, 0, 200, known=1) == [1] * 200
    assert gains(s, 8, 17, known=2) == [1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0]
    s = score(STILL)
    play(s, (0, "90 3c 7f"), (20, "80 3c 00"), (30, "b0 78 00"))
    assert gains(s, 29, 33, known=2) == [0.91, 0.9, 0.89, 0.88]
    assert gains(s, 29, 36) == pytest.approx([0.91, 0.9, 0.712, 0.528, 0.348, 0.172, 0], abs=1e-4)


def test_a_bend_that_is_not_known_bends_nothing() -> None:
    s = score(HARP)
    play(s, *WIDE, (0, "90 3c 7f"), (10, OCTAVE_UP))
    assert frames(s, 10, 13, known=4) == [10, 11, 12]
    assert frames(s, 10, 13) == near([10, 12, 14])


def sent(s: Score, first: int, count: int, before: int, heard: int, fade: int) -> tuple[list[float], int, int]:
    """A chunk as a server sends it, in 1024ths; whether it was faded; and how many voices it summed."""
    sound, facts = kernel.tails(BANK.frames, [s.job(first, 0, before, heard, 0, fade)], count, s.ramp, s.release)
    faded, voices, _ = facts[0].tolist()
    return left(sound[0], 1024), faded, voices


def test_a_server_sends_a_voice_from_its_cut_on() -> None:
    s = score(HARP)
    play(s, (0, "90 3c 7f"), cut=15)
    assert sent(s, 10, 10, 1, 1, 10) == ([*[0] * 5, 15, 16, 17, 18, 19], 0, 1)


def test_what_came_in_meanwhile_fades_in_over_the_first_packet_only() -> None:
    s = score(region(Recording(np.float32(1 / 1024) * still())))
    play(s, (0, "90 3c 7f"), cut=0, reach=0)
    assert sent(s, 100, 8, 0, 1, 4) == ([0.25, 0.5, 0.75, 1, 1, 1, 1, 1], 1, 1)
    assert sent(s, 100, 8, 0, 1, 8) == ([0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1], 1, 1)
    assert sent(s, 100, 8, 1, 1, 4) == ([1] * 8, 0, 1)


def test_a_release_that_came_late_fades_from_one_gain_to_the_other() -> None:
    s = score(region(Recording(np.float32(1 / 1024) * still())))
    play(s, (0, "90 3c 7f"), (50, "80 3c 00"), cut=0, reach=0)
    assert sent(s, 100, 6, 1, 2, 4)[0] == pytest.approx(
        [1 - 0.25 * 0.5, 1 - 0.5 * 0.51, 1 - 0.75 * 0.52, 0.47, 0.46, 0.45], abs=1e-4
    )


def test_a_bend_that_came_late_fades_from_one_phase_to_the_other() -> None:
    s = score(HARP)
    play(s, *WIDE, (0, "90 3c 7f"), (90, OCTAVE_UP), cut=0, reach=0)
    old, new = np.arange(100, 106), np.arange(110, 122, 2)
    x = np.minimum(1, np.arange(1, 7) / 4)
    assert sent(s, 100, 6, 4, 5, 4)[0] == pytest.approx((1 - x) * old + x * new, abs=1e-3)


def test_what_acts_after_a_chunk_fades_nothing_in_it() -> None:
    s = score(HARP)
    play(s, (0, "90 3c 7f"), (110, "80 3c 00"), (115, "b0 07 00"), (120, OCTAVE_UP), cut=0, reach=0)
    assert sent(s, 100, 10, 1, 4, 10) == (list(range(100, 110)), 0, 1)


def test_a_voice_that_is_wholly_before_or_after_a_chunk_adds_nothing() -> None:
    s = score(HARP)
    play(s, (0, "90 3c 7f"), (10, "80 3c 00"), cut=0, reach=0)
    play(s, (300, "90 3d 7f"), (400, "90 3e 7f"), cut=50)
    assert sent(s, 200, 10, s.seq, s.seq, 10)[0] == [0] * 10
    assert sent(s, 340, 10, s.seq, s.seq, 10)[0] == [0] * 10
    assert sent(s, 350, 2, s.seq, s.seq, 10)[0] == [50, 51]


def test_voices_are_counted_from_their_cut_on() -> None:
    s = score(HARP)
    play(s, (0, "90 3c 7f"), (1, "90 3d 7f"), (400, "90 3e 7f"), cut=50)
    assert [sent(s, first, 1, 3, 3, 1)[2] for first in (0, 49, 50, 51, 399, 450)] == [0, 0, 1, 2, 2, 3]


def test_scores_of_one_call_do_not_hear_each_other() -> None:
    one, other = score(HARP), score(STILL)
    play(one, (0, "90 3c 7f"), cut=0, reach=0)
    play(other, (5, "90 3c 40"), cut=0, reach=0)
    none = score(HARP)
    jobs = [one.job(0, 0, 1, 1), other.job(2, 0, 1, 1), none.job(0, 0, 0, 0)]
    sound, facts = kernel.tails(BANK.frames, jobs, 6, 5, 100)
    level = (64 / 127) ** 2
    assert left(sound[0], 1024) == [0, 1, 2, 3, 4, 5]
    assert left(sound[1]) == pytest.approx([0, 0, 0, level, level, level], abs=1e-4)
    assert not sound[2].any() and facts[:, 1].tolist() == [1, 1, 0]


ORGAN = region(Recording(counting(), LOOP, 3 * ONE // 2))


def chunk(state: ScoreState, back: int, client: bool = False) -> tuple[Frames, int, bool]:
    """One at 48 kHz in which the last events are faded in, how many voices it summed, and whether that took more
    than its share: of eight notes."""
    s = Score(48000, 8, {0: instrument("organ", ORGAN)}.get, client=client)
    s.restore(state)
    sound, facts = kernel.tails(
        BANK.frames, [s.job(s.position, 0, s.seq - back, s.seq, 0, 128)], 128, s.ramp, s.release
    )
    _, voices, spent = facts[0].tolist()
    return sound[0], voices, bool(spent)


def test_what_all_notes_cost_at_most_is_within_a_jobs_share() -> None:
    """Shifted, on one channel whose lines move as long as a player's can, and all that after OFFSET."""
    s = Score(48000, 8, {0: instrument("organ", ORGAN)}.get)
    play(s, *[(0, f"90 {key:02x} 7f") for key in range(8)], cut=4800, reach=0)
    for k in range(MOST_PENDING - 1):
        play(s, *[(240 * k, f"{line} {k % 2 + 64:02x}") for line in ("b0 07", "b0 0b", "e0 00")])
    sound, voices, spent = chunk(s.state(), 3 * MOST_PENDING // 2)
    assert (voices, spent) == (8, False) and sound.any()


def test_what_takes_more_than_a_jobs_share_is_left_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many voices there are, no more of them are summed."""
    monkeypatch.setattr("netaudio.sampler.voices.LEAST_SHARE", 48)
    monkeypatch.setattr("netaudio.sampler.voices.SHARE_A_NOTE", 6)
    most = heaviest(8, 1 << 20)
    summed = [chunk(most._replace(voices=most.voices[:count]), 9)[1:] for count in (50, 64)]
    assert summed[0] == summed[1] and summed[0][0] < 50 and summed[0][1]


def test_a_client_has_no_share() -> None:
    assert chunk(heaviest(8, 1 << 20), 9, client=True)[1:] == (64, False)


# What a client adds to a packet


def test_what_a_packet_has_is_not_added() -> None:
    s = score(HARP)
    play(s, (0, "90 3c 7f"), cut=20, reach=400)
    sound, marks = rendered(s, 15, 10, heard=(1, 1), r=(1, 0))
    assert left(sound, 1024) == [15, 16, 17, 18, 19, 0, 0, 0, 0, 0]
    assert marks.tolist() == [*[0] * 5, *[STREAMED] * 5]


def test_after_a_hole_the_stream_comes_back_by_a_ramp() -> None:
    s = score(region(Recording(still())))
    play(s, (0, "90 3c 7f"), cut=20, reach=400)
    sound, marks = rendered(s, 100, 5, heard=(1, 1), r=(0.2, 0.2))
    assert left(sound) == [0.8, 0.6, 0.4, 0.2, 0]
    assert not marks.any()


def test_a_release_that_a_packet_has_not_heard_is_taken_off_it() -> None:
    s = score(region(Recording(still())))
    play(s, (0, "90 3c 7f"), (100, "80 3c 00"), cut=20, reach=400)
    assert left(rendered(s, 99, 4, heard=(1, 1), r=(1, 0))[0]) == [0, 0, -0.01, -0.02]
    assert left(rendered(s, 200, 2, heard=(1, 1), r=(1, 0))[0]) == [-1, -1]


def test_a_bend_that_a_packet_has_not_heard_takes_the_other_phase_off_it() -> None:
    s = score(HARP)
    play(s, *WIDE, (0, "90 3c 7f"), (100, OCTAVE_DOWN), (102, OCTAVE_UP), cut=20, reach=400)
    bent = left(rendered(s, 100, 8)[0], 1024)
    assert left(rendered(s, 100, 8, heard=(4, 4), r=(1, 0))[0], 1024) == pytest.approx(
        [phase - n for n, phase in enumerate(bent, 100)], abs=1e-3
    )


def test_a_client_undoes_the_fade_of_a_packet_wherever_it_begins_in_it() -> None:
    s = score(region(Recording(still())))
    play(s, (0, "90 3c 7f"), cut=20, reach=400)
    sound, _ = rendered(s, 103, 5, heard=(0, 1), r=(1, 0), fade=(3, 10))
    assert left(sound) == [0.6, 0.5, 0.4, 0.3, 0.2]


# What is held


HEADS = region(Recording(counting()), held=80)
COVERED, END = 67, 72  # without the taps' 8 frames, and a ramp before that


def test_a_head_fades_over_5_ms_before_its_last_taps() -> None:
    s = score(HEADS)
    play(s, (0, "90 3c 7f"))
    faded = [67, 0.8 * 68, 0.6 * 69, 0.4 * 70, 0.2 * 71, 0, 0, 0]
    assert frames(s, 65, 75) == pytest.approx([65, 66, *faded], abs=1e-3)


def test_an_octave_up_its_fade_takes_twice_the_frames() -> None:
    s = score(region(Recording(counting(), ratio=2 * ONE), held=80))
    play(s, (0, "90 3c 7f"))
    faded = [62, 0.8 * 64, 0.6 * 66, 0.4 * 68, 0.2 * 70, 0, 0]
    assert frames(s, 30, 38) == pytest.approx([60, *faded], abs=1e-3)


def test_without_a_packet_all_past_what_is_covered_is_missing() -> None:
    s = score(HEADS)
    play(s, (0, "90 3c 7f"))
    _, marks = rendered(s, 60, 500)
    assert marks.tolist() == [*[0] * 7, *[UNCOVERED | MISSING] * (LENGTH - COVERED), *[0] * 60]


def test_what_the_stream_has_is_covered() -> None:
    s = score(HEADS)
    play(s, (0, "90 3c 7f"), cut=20, reach=60)
    sound, marks = rendered(s, 0, 100, heard=(1, 1), r=(1, 0))
    assert left(sound, 1024) == [*range(20), *[0] * 80]
    assert marks.tolist() == [*[0] * 20, *[STREAMED] * 80]


def test_a_release_that_a_packet_has_not_heard_is_uncovered_past_what_is_held_but_not_missing() -> None:
    s = score(HEADS)
    play(s, (0, "90 3c 7f"), (60, "80 3c 00"), cut=20, reach=60)
    acting = 60 + 20
    _, marks = rendered(s, 50, 100, heard=(1, 1), r=(1, 0))
    assert set(marks[: acting - 49].tolist()) <= {0, STREAMED}
    assert marks[acting - 49 :].tolist() == [UNCOVERED] * (100 - acting + 49)


def test_where_a_ramp_after_a_hole_is_not_over_it_is_missing_too() -> None:
    s = score(HEADS)
    play(s, (0, "90 3c 7f"), cut=20, reach=60)
    _, marks = rendered(s, 100, 5, heard=(1, 1), r=(0.2, 0.2))
    assert marks.tolist() == [*[UNCOVERED | MISSING] * 4, 0]


def test_a_note_that_a_packet_has_yet_to_hear_is_missing_past_what_is_held() -> None:
    s = score(HEADS)
    play(s, (0, "90 3c 7f"), cut=20, reach=60)
    _, marks = rendered(s, 60, 20, heard=(0, 0), r=(1, 0))
    assert marks.tolist() == [*[0] * 7, *[UNCOVERED | MISSING] * 13]


def test_of_a_note_that_the_server_plays_alone_nothing_is_held() -> None:
    s = score(HARP, client=True)
    play(s, (0, "90 3c 7f"), cut=0, reach=0)
    sound, marks = rendered(s, 0, 10)
    assert not sound.any() and marks.tolist() == [UNCOVERED | MISSING] * 10
    sound, marks = rendered(s, 0, 10, heard=(1, 1), r=(1, 0))
    assert not sound.any() and marks.tolist() == [STREAMED] * 10


def test_what_is_streamed_is_marked_up_to_where_it_is_silent() -> None:
    s = score(HARP)
    play(s, (0, "90 3c 7f"), (40, "90 3d 7f"), (50, "b0 78 00"), cut=20, reach=400)
    _, marks = rendered(s, 0, 600, heard=(3, 3), r=(1, 0))
    assert np.flatnonzero(marks).tolist() == list(range(20, 55))
    s = score(HARP)
    play(s, (0, "90 3c 7f"), cut=20, reach=400)
    _, marks = rendered(s, 0, 600, heard=(1, 1), r=(1, 0))
    assert np.flatnonzero(marks).tolist() == list(range(20, LENGTH))


def test_a_voice_that_is_over_is_not_marked() -> None:
    s = score(HEADS)
    play(s, (0, "90 3c 7f"), (100, "b0 78 00"))
    assert not rendered(s, 105, 20)[1].any()
    assert not rendered(s, 105, 20, heard=(2, 2), r=(1, 0))[1].any()


# Blocks


MESSAGES = st.one_of(
    st.tuples(st.just(0x90), st.integers(0, 3), st.integers(1, 127)),
    st.tuples(st.just(0x80), st.integers(0, 3), st.just(0)),
    st.tuples(st.just(0xB0), st.sampled_from((7, 11, 64, 120, 6)), st.integers(0, 127)),
    st.tuples(st.just(0xE0), st.integers(0, 127), st.integers(0, 127)),
).map(bytes)
SONGS = st.lists(st.tuples(st.integers(5, 60), MESSAGES), max_size=20)
REGIONS = (
    HARP,
    HEADS,
    region(Recording(counting(), LOOP, 3 * ONE // 2)),
    region(Recording(counting(), (0, 30), 5_000_000_000, attack=7)),
    region(Recording(counting(), LOOP), held=90),
)
SIZES = st.lists(st.integers(1, 90), min_size=1, max_size=20)


@settings(max_examples=150)
@given(
    SONGS, st.sampled_from(REGIONS), SIZES, st.integers(0, 600), st.tuples(st.integers(0, 12), st.integers(0, 12)),
    st.sampled_from(((0.0, 0.0), (1.0, 0.0), (0.001, 0.001))),
    st.sampled_from(((40, 30), (400, 120))),
)  # fmt: skip
def test_blocks_of_any_sizes_are_the_same(
    song: list[tuple[int, bytes]], played: Region, sizes: list[int], first: int, heard: tuple[int, int],
    r: tuple[float, float], held: tuple[int, int],
) -> None:  # fmt: skip
    s, position = score(played, polyphony=3), 0
    play(s, *WIDE[:2])
    for wait, message in song:
        position += wait
        s.apply(Event(s.seq + 1, position, message, held[1], 0, held[0]))
    before, after = sorted(max(0, s.seq - missed) for missed in heard)
    count = sum(sizes)
    whole, marks = rendered(s, first, count, heard=(before, after), r=r, fade=(0, count))
    parts, at = [], 0
    for size in sizes:
        share = r[0] + r[1] * at, r[1]
        parts.append(rendered(s, first + at, size, heard=(before, after), r=share, fade=(at, count)))
        at += size
    assert np.abs(np.concatenate([sound for sound, _ in parts]) - whole).max() < 1e-6 * max(1, np.abs(whole).max())
    lacking = UNCOVERED | MISSING  # what the stream has is counted by the block
    assert np.array_equal(np.concatenate([found for _, found in parts]) & lacking, marks & lacking)


@pytest.mark.parametrize("wheel", ["7f 7f", "00 40"])
def test_what_is_held_fades_without_a_step_however_a_note_is_bent(wheel: str) -> None:
    s = score(region(Recording(still()), held=200), client=True)
    play(s, (0, "b0 65 00"), (0, "b0 64 00"), (0, "b0 06 0c"), (0, "90 3c 7f"), (50, f"e0 {wheel}"), cut=20, reach=90)
    sound, marks = rendered(s, 0, 260)
    heard, step = np.abs(sound[:, 0]), 1 / 5
    assert np.abs(np.diff(heard[5:])).max() <= step * heard.max() + 1e-4
    assert not (heard[5:][(marks[5:] & UNCOVERED) == 0] < 0.98 * heard.max()).any(), "what fades is told"
