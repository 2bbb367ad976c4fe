"""Sounds and songs for the wire."""

import numpy as np

from netaudio import midi
from tests.support.reference import Recording, Sound
from tests.support.sinc import ONE
from tests.support.wire import RATE

RATIOS = (ONE, ONE, 2 * ONE, ONE * 3 // 4 + 12345, ONE // 2 + 1, 3 * ONE // 2)
"""Of the six keys: as recorded, and shifted so that phases are whole, repeat or never do."""
SMOOTH = 8
"""Frames that the noise is averaged over: what is between them is then told by a windowed sinc."""
SHORTEST_LOOP = 16
SWEEP = RATE // 200
"""Frames between the messages of the fastest sweep."""

Song = list[tuple[int, bytes]]


def noises(rng: np.random.Generator) -> list[list[Recording]]:
    """Two programs of six keys; every other key of the second loops, one of them as short as can be."""
    programs: list[list[Recording]] = []
    for looped in (False, True):
        programs.append([])
        for key in range(6):
            length, start = int(rng.integers(600, 4000)), int(rng.integers(100, 500))
            end = start + SHORTEST_LOOP if key == 3 else int(rng.integers(start + SHORTEST_LOOP, length + 1))
            loop = (start, end) if looped and key % 2 else None
            programs[-1].append(_placed(rng, _noise(rng, length, loop), loop, RATIOS[key]))
    return programs


def _noise(rng: np.random.Generator, length: int, loop: tuple[int, int] | None) -> Sound:
    """It begins and ends softly, and its loop goes through its seam as smoothly as anywhere."""
    white = rng.normal(0.0, 0.1 * np.sqrt(SMOOTH), (length - SMOOTH + 1, 2))
    if loop:
        start, end = loop
        white = np.concatenate((white, np.zeros((SMOOTH, 2))))
        white[start - SMOOTH : start] = white[end - SMOOTH : end]
    smooth = [np.convolve(side, np.full(SMOOTH, 1 / SMOOTH))[:length] for side in white.T]
    return np.stack(smooth, axis=1).astype(np.float32)


def sines(rng: np.random.Generator) -> list[list[Recording]]:
    """The same with sounds so smooth that a step stands out: 5 to 20 Hz as recorded, peaking at 0.2."""
    programs: list[list[Recording]] = []
    for looped in (False, True):
        programs.append([])
        for key in range(6):
            period, turns = int(rng.integers(RATE // 20, RATE // 5)), int(rng.integers(3, 6))
            n = np.arange(turns * period)
            loop = (period, len(n)) if looped and key % 2 else None
            end = 1.0 if loop else np.clip((len(n) - n) / (RATE // 200), 0, 1)
            wave = 0.2 * np.sin(2 * np.pi * n / period) * end
            frames = np.stack((wave, wave), axis=1).astype(np.float32)
            programs[-1].append(_placed(rng, frames, loop, RATIOS[key]))
    return programs


def _placed(rng: np.random.Generator, frames: Sound, loop: tuple[int, int] | None, ratio: int) -> Recording:
    """Somewhere between the sides, with a short attack or none."""
    left, right = (float(side) for side in rng.uniform(0.3, 1.0, 2).astype(np.float32))
    return Recording(frames, loop, ratio, left, right, int(rng.choice((1, RATE // 1000))))


def random_song(rng: np.random.Generator, count: int, gap: int, released: bool = True) -> Song:
    """Everything that a player may do on two channels, `gap` frames apart at most, and now and then a sweep of up to
    200 messages a second besides; at the end all keys are up."""
    at, song = 0, []
    for _ in range(count):
        at += int(rng.integers(gap))
        channel, key, value = int(rng.integers(2)), int(rng.integers(6)), int(rng.integers(128))
        gestures_by_share: tuple[tuple[float, Song], ...] = (
            (0.46, [(0, midi.note_on(channel, key, max(1, value)))]),
            (0.23, [(0, midi.note_off(channel, key))]),
            (0.03, [(0, midi.control_change(channel, midi.VOLUME, value))]),
            (0.03, [(0, midi.control_change(channel, midi.EXPRESSION, value))]),
            (0.06, [(0, midi.control_change(channel, midi.SUSTAIN, value))]),
            (0.02, [(0, midi.control_change(channel, midi.ALL_NOTES_OFF, 0))]),
            (0.02, [(0, midi.control_change(channel, midi.ALL_SOUND_OFF, 0))]),
            (0.04, [(0, midi.program_change(channel, value % 3))]),  # the third means nothing
            (0.05, [(0, midi.pitch_bend(channel, int(rng.integers(1 << 14))))]),
            (0.02, _bend_range(channel, value)),
            (0.02, _swell(rng, channel)),
            (0.02, _slide(rng, channel)),
        )
        shares = [share for share, _ in gestures_by_share]
        gesture = gestures_by_share[int(rng.choice(len(shares), p=shares))][1]
        song += [(at + later, message) for later, message in gesture]
    song.sort(key=lambda event: event[0])
    if released and song:
        end = song[-1][0] + 1
        song += [(end, midi.control_change(channel, midi.SUSTAIN, 0)) for channel in (0, 1)]
        song += [(end, midi.control_change(channel, midi.ALL_NOTES_OFF, 0)) for channel in (0, 1)]
    return song


def _bend_range(channel: int, value: int) -> Song:
    """A semitone to two octaves, or something between."""
    semitones, cents = (1, 2, 3, 12, 24)[value % 5], value % 4 * 25
    numbers = {midi.RPN_COARSE: 0, midi.RPN_FINE: 0, midi.DATA_ENTRY: semitones, midi.DATA_ENTRY_FINE: cents}
    return [(0, midi.control_change(channel, number, sent)) for number, sent in numbers.items()]


def _swell(rng: np.random.Generator, channel: int) -> Song:
    """Expression from one value to another."""
    values = _sweep(rng, 128)
    return [(at, midi.control_change(channel, midi.EXPRESSION, value)) for at, value in values]


def _slide(rng: np.random.Generator, channel: int) -> Song:
    """The bend from one value to another, and back to none."""
    values = _sweep(rng, 1 << 14)
    values.append((values[-1][0] + SWEEP, midi.BEND_CENTRE))
    return [(at, midi.pitch_bend(channel, value)) for at, value in values]


def _sweep(rng: np.random.Generator, top: int) -> list[tuple[int, int]]:
    (first, last), steps = rng.integers(top, size=2).tolist(), int(rng.integers(2, 30))
    pause = int(rng.integers(SWEEP, 3 * SWEEP))
    return [(k * pause, first + (last - first) * k // (steps - 1)) for k in range(steps)]
