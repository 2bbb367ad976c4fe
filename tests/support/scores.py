"""Small scores at 1000 Hz, and what the kernel makes of them: a ramp has 5 frames, a release 100."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from netaudio import midi
from netaudio.sampler import kernel
from netaudio.sampler.bank import Bank, unrolled
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.region import BEYOND, Region, covers
from netaudio.sampler.voices import Event, Score
from netaudio.units import Frames
from tests.support.reference import Recording

RATE, RAMP, RELEASE = 1000, 5, 100
LENGTH = 500
BANK = Bank()
Song = Sequence[tuple[int, bytes]]
"""(frames since the last one, message)."""
MESSAGES = st.one_of(
    st.tuples(st.sampled_from((0x90, 0x80, 0x91)), st.integers(0, 3), st.integers(0, 127)),
    st.tuples(st.just(0xB0), st.sampled_from((7, 11, 64, 120, 123)), st.integers(0, 127)),
    st.tuples(st.just(0xB0), st.sampled_from((100, 101, 6, 38)), st.integers(0, 24)),
    st.tuples(st.sampled_from((0xE0, 0xE1)), st.sampled_from((0, 77)), st.integers(0, 127)),
    st.tuples(st.sampled_from((0xC0, 0xC1)), st.integers(0, 2)),
).map(bytes)
SONGS = st.lists(st.tuples(st.integers(0, 60), MESSAGES), max_size=25)
LOCAL, REMOTE, HYBRID = (ENDLESS, 0, ENDLESS), (0, 30, 0), (40, 0, 90)
MODES = st.sampled_from((LOCAL, REMOTE, HYBRID))
"""A note's cut, shift and reach."""


def counting(count: int = LENGTH) -> Frames:
    """Frame n has the value n / 1024 on both sides."""
    return np.repeat(np.arange(count)[:, None] / 1024, 2, axis=1).astype(np.float32)


def still(count: int = LENGTH) -> Frames:
    """Each frame has the value 1: what sounds is the gain."""
    return np.ones((count, 2), np.float32)


def region(recording: Recording, held: int | None = None) -> Region:
    """What plays a recording of which the first `held` frames (None: all) are in BANK."""
    loop, ratio = recording.loop, recording.ratio
    count = recording.whole if held is None else held
    whole = count == recording.whole
    part = unrolled(recording.frames, loop, count + BEYOND) if whole and loop else recording.frames[:count]
    (address,) = BANK.extend([part])
    covered = recording.length if whole else covers(count, ratio, RATE)
    return Region(
        address, recording.length, count, loop, ratio, recording.left, recording.right, recording.attack, covered
    )


def instrument(name: str, played: Region) -> Instrument:
    """It plays the same on all keys."""
    return Instrument(name, RATE, (), (played,) * 128)


def score(played: Region, polyphony: int = 8, client: bool = False) -> Score:
    return Score(RATE, polyphony, {0: instrument("one", played)}.get, client=client)


def play(score: Score, *song: tuple[int, str], cut: int = ENDLESS, shift: int = 0, reach: int = ENDLESS) -> None:
    """Apply messages (hexadecimal) at positions."""
    for position, message in song:
        score.apply(Event(score.seq + 1, position, bytes.fromhex(message), cut, shift, reach))


def spaced(song: Song, mode: tuple[int, int, int] = LOCAL, first: int = 1, position: int = 0) -> list[Event]:
    """A song as events from a seq and a position on. What a player thins comes a ramp later, as from him."""
    last: dict[bytes, int] = {}
    events = []
    for seq, (wait, message) in enumerate(song, first):
        position += wait
        line = message[: 1 if midi.kind(message) == midi.PITCH_BEND else 2]
        position = max(position, last.get(line, position - RAMP) + RAMP)
        last[line] = position
        events.append(Event(seq, position, message, *(mode if midi.begins_note(message) else (0, 0, 0))))
    return events


def rendered(
    score: Score,
    first: int,
    count: int,
    known: int | None = None,
    heard: tuple[int, int] = (-1, -1),
    r: tuple[float, float] = (0.0, 0.0),
    fade: tuple[int, int] = (0, 1),
) -> tuple[Frames, NDArray[np.uint8]]:
    """What a client adds (count, 2) under all events or the `known` ones, and the marks of the frames.

    `heard`: by the packet, before it and in it; `r`: the packet's share, and what that changes a frame; `fade`: how
    many frames of one lie before, of how many."""
    job = score.job(first, score.seq if known is None else known, *heard, *fade)
    out, marks = np.zeros((1, 2 * count), np.float32), np.zeros((1, count), np.uint8)
    kernel.corrections(BANK.frames, job, r, out, marks, score.ramp, score.release)
    return out.reshape(count, 2), marks[0]


def left(frames: Frames, scale: int = 1) -> list[float]:
    """The left side; a scale of 1024 makes the frames of `counting` their numbers."""
    return [round(float(value), 4) for value in scale * frames[:, 0]]


def gains(score: Score, first: int, end: int, known: int | None = None) -> list[float]:
    """What `still` voices sum up to."""
    return left(rendered(score, first, end - first, known)[0])


def frames(score: Score, first: int, end: int, known: int | None = None) -> list[float]:
    """Which frame a `counting` voice reads at each position."""
    return left(rendered(score, first, end - first, known)[0], 1024)
