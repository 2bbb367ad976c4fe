"""Sounds and songs for the wire."""

import numpy as np

from netaudio import midi
from netaudio.sampler.instrument import edge
from tests.support.reference import Recording
from tests.support.wire import RATE


def noises(rng: np.random.Generator) -> list[list[Recording]]:
    """Two programs of six keys; every other key of the second loops."""
    programs: list[list[Recording]] = []
    for looped in (False, True):
        programs.append([])
        for key in range(6):
            frames = rng.normal(0.0, 0.1, (int(rng.integers(600, 4000)), 2)).astype(np.float32)
            start = int(rng.integers(100, 500))
            loop = (start, int(rng.integers(start + 16, len(frames) + 1))) if looped and key % 2 else None
            programs[-1].append(Recording(frames, loop))
    return programs


def sines(rng: np.random.Generator) -> list[list[Recording]]:
    """The same with sounds so smooth that a step stands out: 5 to 20 Hz, peaking at 0.2."""
    programs: list[list[Recording]] = []
    for looped in (False, True):
        programs.append([])
        for key in range(6):
            period, turns = int(rng.integers(RATE // 20, RATE // 5)), int(rng.integers(3, 6))
            n = np.arange(turns * period)
            loop = (period, len(n)) if looped and key % 2 else None
            end = 1.0 if loop else np.clip((len(n) - n) / edge(RATE), 0, 1)
            wave = 0.2 * np.sin(2 * np.pi * n / period) * end
            programs[-1].append(Recording(np.stack((wave, wave), axis=1).astype(np.float32), loop))
    return programs


def random_song(rng: np.random.Generator, count: int, gap: int, released: bool = True) -> list[tuple[int, bytes]]:
    """Everything that a player may do on two channels, `gap` frames apart at most; at the end all keys are up."""
    at, song = 0, []
    for _ in range(count):
        at += int(rng.integers(gap))
        channel, key, value = int(rng.integers(2)), int(rng.integers(6)), int(rng.integers(128))
        messages_by_share = (
            (0.50, (midi.NOTE_ON, key, max(1, value))),
            (0.25, (midi.NOTE_OFF, key, 0)),
            (0.05, (midi.CONTROL_CHANGE, midi.VOLUME, value)),
            (0.05, (midi.CONTROL_CHANGE, midi.EXPRESSION, value)),
            (0.07, (midi.CONTROL_CHANGE, midi.SUSTAIN, value)),
            (0.02, (midi.CONTROL_CHANGE, midi.ALL_NOTES_OFF, 0)),
            (0.02, (midi.CONTROL_CHANGE, midi.ALL_SOUND_OFF, 0)),
            (0.04, (midi.PROGRAM_CHANGE, value % 3)),  # the third program means nothing
        )
        shares = [share for share, _ in messages_by_share]
        kind, *data = messages_by_share[int(rng.choice(len(shares), p=shares))][1]
        song.append((at, bytes((kind | channel, *data))))
    if released:
        ends = midi.SUSTAIN, midi.ALL_NOTES_OFF
        song += [(at + 1, midi.control_change(channel, number, 0)) for channel in (0, 1) for number in ends]
    return song
