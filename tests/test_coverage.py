"""Where mix(E) is promised, by hand at 1000 Hz, and against the law itself.

100 frames are held, of which 87 count: the taps need 8 more, and the last 5 fade.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from netaudio import midi
from netaudio.sampler.voices import Event
from tests.support.coverage import covered
from tests.support.reference import ENDLESS, Recording, Reference
from tests.support.sinc import HALF, ONE
from tests.support.sounds import noises, random_song
from tests.test_reference import CUT, DOWN, LINE, OCTAVE, OFF, ON, RAMP, REACH, played

HELD = 87


def promised(
    reference: Reference, before: int | NDArray[np.int64], hole: slice = slice(0), held: int | None = 100
) -> list[list[int]]:
    """The spans of 700 frames in which mix(E) is not promised."""
    known, flowing = np.full(700, before), np.ones(700, np.bool_)
    known[hole], flowing[hole] = -1, False
    mask = covered(reference, known, flowing, {reference.notes[0].recording: held})
    edges = np.flatnonzero(np.diff(np.concatenate(([True], mask, [True]))))
    return edges.reshape(-1, 2).tolist()


def steps(*changes: tuple[int, int]) -> NDArray[np.int64]:
    """What packets have heard: a seq from each position on, 0 before."""
    out = np.zeros(700, np.int64)
    for at, seq in changes:
        out[at:] = seq
    return out


def test_without_a_stream_what_is_held_is_covered_and_what_is_silent() -> None:
    alone = slice(0, 700)
    assert promised(played((10, ON)), 0, alone) == [[10 + HELD, 410 + 3 * RAMP]]
    assert promised(played((10, ON)), 0, alone, held=400) == []
    assert promised(played((10, ON)), 0, alone, held=None) == []
    assert promised(played((10, ON), (15, OFF)), 0, alone) == [[10 + HELD, 115 + 3 * RAMP]]


def test_a_shifted_note_eats_what_is_held_of_it_faster() -> None:
    reference = played((0, ON), recording=Recording(LINE, ratio=2 * ONE))
    assert promised(reference, 0, slice(0, 700)) == [[41, 200 + 3 * RAMP]]  # 2 * 41 is not below 100 - 8 - 2 * 5


def test_a_tail_that_is_there_in_time_covers_the_rest() -> None:
    assert promised(played((10, ON), cut=CUT, reach=REACH), steps((60, 1))) == []


def test_a_tail_that_is_late_leaves_a_gap() -> None:
    assert promised(played((10, ON), cut=CUT, reach=REACH), steps((200, 1))) == [[10 + HELD, 200]]
    assert promised(played((10, ON), cut=150, reach=REACH), 1) == [[10 + HELD, 160]], "before its cut nothing is sent"
    assert promised(played((10, ON)), 1) == [[10 + HELD, 410]], "a local note is never sent"


def test_what_is_done_to_a_streamed_note_must_be_heard_when_it_acts() -> None:
    notes = (10, ON), (200, OFF)
    assert promised(played(*notes, cut=CUT, reach=ENDLESS), steps((0, 1), (230, 2))) == [[200, 230]]
    assert promised(played(*notes, cut=CUT, reach=REACH), steps((0, 1), (230, 2))) == []
    assert promised(played(*notes, cut=CUT, reach=REACH), 1) == [[250, 410]], "where it sounds on for the server"
    swell = (10, ON), (200, midi.control_change(0, 11, 9)), (300, midi.control_change(1, 11, 9))
    assert promised(played(*swell, cut=CUT, reach=ENDLESS), steps((0, 1), (230, 2))) == [[200, 230]]


def test_a_remote_note_is_covered_by_the_stream_alone() -> None:
    reference = played((10, ON), cut=0, shift=40, reach=0, delays={1: 3})
    assert promised(reference, 1, held=0) == []
    assert promised(reference, steps((60, 1)), held=0) == [[53, 60]]


def test_a_hole_uncovers_what_is_not_held() -> None:
    reference = played((10, ON), cut=CUT, reach=REACH)
    assert promised(reference, 1, slice(50, 90)) == []
    assert promised(reference, 1, slice(200, 240)) == [[200, 240]]
    assert promised(reference, 1, slice(400, 500)) == [[400, 410 + 3 * RAMP]], "its mirror image fills the hole"
    assert promised(reference, 1, slice(430, 500)) == []


def test_a_packet_that_heard_another_pitch_asks_for_what_is_held_there() -> None:
    bent = *((0, message) for message in OCTAVE), (0, ON), (50, DOWN)
    reference = played(*bent, cut=0, reach=ENDLESS)
    phase_under_all = 50 + (HELD - 50) * 2
    assert promised(reference, 5, slice(0, 700)) == [[phase_under_all, 700]]
    assert promised(reference, steps((0, 5), (110, 6))) == [[HELD, 110]], (
        "as the packet has it, it is past what is held"
    )
    assert promised(reference, steps((0, 5), (80, 6))) == []


Parts = tuple[NDArray[np.float64], NDArray[np.float64]]


def parts(reference: Reference, count: int, held: int) -> Parts:
    """What a client that holds so much of each recording plays of a mix, and what it lacks of the notes past their
    cuts: with fades, and without concealment."""
    own, rest = np.zeros((count, 2)), np.zeros((count, 2))
    for note in reference.notes:
        first, end = reference.life(note)
        n, recording = np.arange(first, max(first, min(end, count))), note.recording
        phase, step = reference.motion(note, n)
        fade = reference.ramp * np.maximum(1, step / ONE)
        share = np.clip((held - HALF - phase / ONE) / fade, 0, 1) if held < recording.whole else np.ones(len(n))
        sound, sent = reference.sound(note, n), n - note.lag - note.on >= note.cut
        own[n] += sound * share[:, None]
        rest[n] += sound * (sent * (1 - share))[:, None]
    return own, rest


@settings(max_examples=30)
@given(st.integers(0, 9999))
def test_the_law_gives_the_mix_wherever_it_is_covered(seed: int) -> None:
    """A song of notes of all kinds on a network that is late and loses, with packets of 32 frames."""
    rng, chunk, held = np.random.default_rng(seed), 32, 900
    sounds = noises(rng)
    song = random_song(rng, 20, 100)
    count = (song[-1][0] // chunk + 40) * chunk
    kinds = [(480, 0, 600), (480, 0, ENDLESS), (0, 480, 0), (ENDLESS, 0, ENDLESS)]
    events = [Event(seq, at, message, *kinds[rng.integers(4)]) for seq, (at, message) in enumerate(song, 1)]
    delays = {event.seq: int(rng.integers(99)) for event in events if rng.random() < 0.1}

    def known(heard: int) -> Reference:
        reference = Reference(dict(enumerate(sounds)), 4800, 5)
        reference.feed(events[:heard], delays)
        return reference

    arrives = np.maximum.accumulate([event.position + rng.integers(600) for event in events])
    heard = np.searchsorted(arrives, np.arange(0, count, chunk))
    seqs, n = np.unique((0, *heard)), np.arange(count)
    lost = np.repeat(rng.random(len(heard)) < 0.1, chunk)
    before, heard = (np.repeat(seqs, chunk) for seqs in (np.concatenate(([0], heard[:-1])), heard))
    since = n - np.maximum.accumulate(np.where(lost, n, -count))
    flow = np.clip(since / 24, 0, 1)[:, None]
    lacked = np.stack([parts(known(seq), count, held)[1] for seq in seqs.tolist()])
    old, new = (lacked[np.searchsorted(seqs, knows), n] for knows in (before, heard))
    x = (n % chunk + 1)[:, None] / chunk

    reference = known(len(events))
    out = parts(reference, count, held)[0] + flow * ((1 - x) * old + x * new)
    wrong = np.abs(out - reference.mix(count)).max(axis=1) > 1e-9
    recordings = {recording: held for program in sounds for recording in program}
    mask = covered(reference, np.where(lost, -1, before), flow[:, 0] == 1, recordings)
    assert not (wrong & mask).any()
    assert mask.mean() > 0.2
