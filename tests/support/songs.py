"""Music to try the programs with, and what the readable reference makes of it."""

import random
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netaudio import midi
from netaudio.midi import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    EXPRESSION,
    SUSTAIN,
    VOLUME,
    begins_note,
    control_change,
    note_off,
    note_on,
    program_change,
)
from netaudio.readers.wav_folder import list_instruments, load
from netaudio.sampler.bank import Bank
from netaudio.sampler.voices import Event
from tests.support.programs import HOME, RATE, Playing, Timed, until
from tests.support.reference import Recording, Reference

KEYS = range(48, 85)
POLYPHONY = 32
RAMP = RATE // 200
MEASURE = 2 * RATE
EPIANO, GUITAR, ORGAN, PIANO = 4, 24, 16, 0  # the programs of General MIDI that mean wav/*
PROGRAMS = {"epiano": EPIANO, "guitar": GUITAR, "organ": ORGAN, "piano": PIANO}


def piece(seed: int, measures: int, programs: Sequence[int]) -> Timed:
    """Measures of 2 s, of four kinds in turn: melody with fast repeats over a chord that swells; a pedalled
    wash of more voices than there are; chords that change instrument; controllers over old and new notes."""
    rng = random.Random(seed)
    events = [(0, program_change(channel, programs[channel % len(programs)])) for channel in range(4)]
    for measure in range(measures):
        make = (_repeats, _wash, _changes, _controls)[measure % 4]
        events += [(measure * MEASURE + at, message) for at, message in make(rng, programs)]
    return sorted(events, key=lambda event: event[0])


def _note(channel: int, key: int, velocity: int, on: int, off: int) -> Timed:
    return [(on, note_on(channel, key, velocity)), (off, note_off(channel, key))]


def _control(channel: int, number: int, value: int, at: int) -> tuple[int, bytes]:
    return at, control_change(channel, number, value)


def _chord(rng: random.Random, channel: int, size: int, on: int, off: int) -> Timed:
    keys = rng.sample(KEYS, size)
    return [event for key in keys for event in _note(channel, key, rng.randint(40, 110), on, off)]


def _repeats(rng: random.Random, _programs: Sequence[int]) -> Timed:
    events = _chord(rng, 1, 5, 100, MEASURE - 500)
    events += [_control(1, EXPRESSION, 40 + 3 * step, 9000 + 2000 * step) for step in range(25)]
    key = rng.choice(KEYS)
    for step in range(40):
        on = 400 + step * 2300 + rng.randint(0, 200)
        which = key if step % 4 else rng.choice(KEYS)
        events += _note(0, which, rng.randint(30, 127), on, on + rng.randint(600, 5000))
    return events


def _wash(rng: random.Random, _programs: Sequence[int]) -> Timed:
    events = [_control(channel, SUSTAIN, 127, 0) for channel in (0, 2)]
    for step in range(64):
        on = step * 1200 + rng.randint(0, 100)
        off = on + rng.randint(1000, 9000)
        events += _note(rng.choice((0, 2)), rng.choice(KEYS), rng.randint(20, 100), on, off)
    return [*events, _control(0, SUSTAIN, 0, MEASURE - 9000), _control(2, SUSTAIN, 30, MEASURE - 3000)]


def _changes(rng: random.Random, programs: Sequence[int]) -> Timed:
    events: Timed = []
    for step in range(8):
        on = step * MEASURE // 8
        events.append((on, program_change(3, rng.choice(programs))))
        events += _chord(rng, 3, 4, on, on + rng.randint(7000, 30000))
    return events


def _controls(rng: random.Random, _programs: Sequence[int]) -> Timed:
    events = _chord(rng, 0, 6, 0, MEASURE - 100) + _chord(rng, 2, 6, 10, MEASURE + 20000)
    events += [_control(0, VOLUME, rng.randint(30, 127), 4000 + step * 7000) for step in range(12)]
    events += [_control(2, EXPRESSION, rng.randint(30, 127), 5000 + step * 9000) for step in range(9)]
    events += _chord(rng, 3, 5, 30000, MEASURE)
    events += [_control(3, ALL_SOUND_OFF, 0, 70000), _control(0, ALL_NOTES_OFF, 0, 80000)]
    return [*events, _control(0, VOLUME, 127, MEASURE - 1), _control(2, EXPRESSION, 127, MEASURE - 1)]


def wall(seed: int, seconds: float, program: int) -> Timed:
    """As many voices as there are, all the time: under the pedal, twice a second eight notes steal eight."""
    rng, end = random.Random(seed), round(seconds * RATE)
    keys = rng.sample(KEYS, len(KEYS))
    events = [(0, program_change(0, program)), _control(0, SUSTAIN, 127, 0), _control(0, SUSTAIN, 0, end)]
    for number in range(POLYPHONY + 8 * (2 * round(seconds) - 1)):
        burst = max(0, number - POLYPHONY + 8) // 8
        on = burst * RATE // 2 + number % POLYPHONY * 50
        events += _note(0, keys[number % len(keys)], rng.randint(30, 90), on, on + rng.randint(1000, 20000))
    return sorted(events, key=lambda event: event[0])


def notes_in(song: Timed) -> int:
    return sum(begins_note(message) for _, message in song)


@cache
def recordings(folder: Path = HOME / "wav") -> Mapping[int, Sequence[Recording]]:
    """Those of all instruments, by program and by key, as they are at the bank's rate."""
    bank, names = Bank(), list_instruments(folder)
    loaded = load(folder, names, RATE, None, bank)
    found = {}
    for name in names:
        found[PROGRAMS[name]] = [
            Recording(bank.frames[r.address :][: r.held], r.loop, r.ratio, r.left, r.right, r.attack)
            for r in loaded[name].instrument.regions
        ]
    return found


def opening(song: Timed, count: int) -> Timed:
    """What of a song is heard in its first frames, and no more."""
    return [*(event for event in song if event[0] < count), _control(0, SUSTAIN, 0, count)]


def reference(
    song: Timed, program: int = PIANO, polyphony: int = POLYPHONY, delays: Mapping[int, int] | None = None
) -> Reference:
    """The song as a client plays it: in order, and with all keys and pedals up at its end. `delays` by seq, of
    notes that a server heard late."""
    score = Reference(recordings(), RATE, polyphony, program)
    ordered = sorted(song, key=lambda event: event[0])
    end = ordered[-1][0]
    for channel in {midi.channel(message) for _, message in ordered}:
        ordered += [_control(channel, SUSTAIN, 0, end), _control(channel, ALL_NOTES_OFF, 0, end)]
    score.feed([Event(seq, at, message) for seq, (at, message) in enumerate(ordered, 1)], delays or {})
    return score


def voices(score: Reference, count: int) -> NDArray[np.int64]:
    """How many notes sound at each frame."""
    change = np.zeros(count + 1, np.int64)
    for note in score.notes:
        first, last = score.life(note)
        change[min(first, count)] += 1
        change[min(last, count)] -= 1
    return np.cumsum(change)[:-1]


def sounds_on(client: Playing) -> None:
    """Await that its next half second has no gap, and so, under a chord that is held for long, that it streams."""
    begun = client.frames

    def sounds() -> bool:
        loud = np.abs(client.last(RATE // 2)).max(axis=1).reshape(-1, RATE // 100).max(axis=1)
        return bool((loud > 1e-3).all())

    until(lambda: client.frames > begun + RATE // 2 and sounds(), "the stream sounds")


def steps(score: Reference, count: int) -> NDArray[np.float64]:
    """The sum over the notes of their own largest steps around each frame: more than that is a click."""
    total = np.zeros(count)
    for note in score.notes:
        first, last = score.life(note)
        n = np.arange(first, min(last, count))
        sound = score.sound(note, n)
        if not len(sound):
            continue
        step = np.abs(np.diff(sound, axis=0, prepend=0)).max(axis=1)
        total[first : first + len(step)] += _widest(step, 2 * RAMP)
    return total


def _widest(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """The largest of the values up to `reach` away, to the nearest few frames."""
    blocks = -(-len(values) // reach)
    tops = np.pad(values, (0, blocks * reach - len(values))).reshape(blocks, reach).max(axis=1)
    near = np.maximum(tops, np.maximum(np.append(tops[1:], 0), np.append(0, tops[:-1])))
    return np.repeat(near, reach)[: len(values)]
