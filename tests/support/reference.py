"""mix(E), written to be read: the sum over all voices of sample times gain, with no ring, packet or block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from netaudio import midi
from netaudio.sampler.voices import Event

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """A whole sample (frames, 2) at the engine's rate, and its loop."""

    frames: Sound
    loop: tuple[int, int] | None = None

    @property
    def length(self) -> float:
        return np.inf if self.loop else len(self.frames)

    def at(self, age: NDArray[np.int64]) -> NDArray[np.float64]:
        if self.loop:
            start, end = self.loop
            age = np.where(age < end, age, start + (age - start) % (end - start))
        inside = (age >= 0) & (age < len(self.frames))
        return np.where(inside[:, None], self.frames[np.clip(age, 0, len(self.frames) - 1)].astype(np.float64), 0.0)


@dataclass
class Note:
    channel: int
    key: int
    level: float
    on: int
    recording: Recording
    off: float = np.inf
    stolen: float = np.inf
    key_up: bool = False
    delay: int = 0
    seq: int = 0


@dataclass
class Reference:
    """Plays events on instruments (program, then key, to recording)."""

    instruments: Mapping[int, Sequence[Recording]]
    rate: int
    polyphony: int
    program: int = 0
    notes: list[Note] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.release, self.ramp = round(0.1 * self.rate), round(0.005 * self.rate)
        self.programs, self.pedals = [self.program] * midi.CHANNELS, [False] * midi.CHANNELS
        self.controls: list[dict[int, list[tuple[int, float]]]] = [
            {midi.VOLUME: [], midi.EXPRESSION: []} for _ in range(midi.CHANNELS)
        ]

    def feed(self, events: Sequence[Event], delays: Mapping[int, int]) -> None:
        for event in events:
            kind, channel, data = midi.kind(event.message), midi.channel(event.message), [*event.message[1:], 0]
            if kind == midi.NOTE_ON and data[1]:
                self.note_on(event.position, channel, data[0], data[1], delays.get(event.seq, 0), event.seq)
            elif kind in (midi.NOTE_OFF, midi.NOTE_ON):
                self.note_off(event.position, channel, [n for n in self.notes if n.key == data[0]])
            elif kind == midi.PROGRAM_CHANGE and data[0] in self.instruments:
                self.programs[channel] = data[0]
            elif kind == midi.CONTROL_CHANGE:
                self.control(event.position, channel, data[0], data[1])

    def note_on(self, at: int, channel: int, key: int, velocity: int, delay: int, seq: int) -> None:
        for note in self.notes:
            if (note.channel, note.key) == (channel, key):
                note.off = min(note.off, at)
        sounding = [
            n for n in self.notes
            if n.stolen == np.inf and at < min(n.on + n.recording.length, n.off + self.release)
        ]  # fmt: skip
        if len(sounding) >= self.polyphony:
            (next((n for n in sounding if n.off < np.inf), sounding[0])).stolen = at
        recording = self.instruments[self.programs[channel]][key]
        self.notes.append(Note(channel, key, (velocity / 127) ** 2, at, recording, delay=delay, seq=seq))

    def note_off(self, at: int, channel: int, notes: Sequence[Note]) -> None:
        for note in notes:
            if note.channel == channel and note.off == np.inf:
                note.key_up = True
                if not self.pedals[channel]:
                    note.off = at

    def control(self, at: int, channel: int, number: int, value: int) -> None:
        if number in (midi.VOLUME, midi.EXPRESSION):
            self.controls[channel][number].append((at, (value / 127) ** 2))
        elif number == midi.SUSTAIN:
            self.pedals[channel] = value >= midi.PEDAL_DOWN
            if value < midi.PEDAL_DOWN:
                self.note_off(at, channel, [n for n in self.notes if n.key_up])
        elif number == midi.ALL_SOUND_OFF:
            for note in self.notes:
                if note.channel == channel:
                    note.stolen = min(note.stolen, at)
        elif number == midi.ALL_NOTES_OFF:
            self.note_off(at, channel, self.notes)

    def gain(self, note: Note, n: NDArray[np.int64]) -> NDArray[np.float64]:
        gain = np.full(len(n), note.level)
        gain *= np.clip(1 - (n - note.off - note.delay) / self.release, 0, 1)
        gain *= np.clip(1 - (n - note.stolen) / self.ramp, 0, 1)
        for changes in self.controls[note.channel].values():
            line, last = np.ones(len(n)), 1.0
            for at, value in changes:
                line += (value - last) * np.clip((n - at) / self.ramp, 0, 1)
                last = value
            gain *= line
        return gain

    def mix(self, count: int) -> NDArray[np.float64]:
        """Positions 0 .. count: (count, 2)."""
        out = np.zeros((count, 2))
        for note in self.notes:
            first = note.on + note.delay
            last = min(
                count, first + note.recording.length, note.off + note.delay + self.release, note.stolen + self.ramp
            )
            n = np.arange(first, max(first, int(last)))
            out[first : first + len(n)] += note.recording.at(n - first) * self.gain(note, n)[:, None]
        return out
