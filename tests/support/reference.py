"""mix(E), written to be read: the sum over all notes of sample times gain, with no ring, packet, block or bank.

Every note has a clock of its own: at position n of the timeline it shows n - shift - delay. On that clock the note
begins at `on`, and an event acts on it when `Note.acts` says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netaudio import midi
from netaudio.sampler.voices import Event
from tests.support import sinc
from tests.support.sinc import ONE, Positions, Values

Sound = NDArray[np.float32]

ENDLESS = 1 << 48
"""Frames: a length without an end, the cut of a note that no server plays, the reach of one that is held whole."""
NEVER = 1 << 60
"""The position and the seq of what does not happen."""
RELEASE_SECONDS, RAMP_SECONDS = 0.1, 0.005
WIDEST_BEND = 2400
"""Cents."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A whole recording (frames, 2) at the engine's rate, and how a key plays it."""

    frames: Sound
    loop: tuple[int, int] | None = None  # (start, end) in its frames, end exclusive
    ratio: int = ONE  # its frames for each frame of the timeline
    left: float = 1.0
    right: float = 1.0
    attack: int = 1  # frames of the timeline

    @property
    def whole(self) -> int:
        """How many of its frames are ever read."""
        return self.loop[1] if self.loop else len(self.frames)

    @property
    def length(self) -> int:
        return ENDLESS if self.loop else len(self.frames)

    @property
    def duration(self) -> int:
        """Frames of the timeline until it is silent, without bends."""
        return ENDLESS if self.loop else -(-self.length * ONE // self.ratio)

    def unrolled(self, index: Positions) -> Values:
        """Its frames, loop unrolled; silence before and after it."""
        if self.loop:
            start, end = self.loop
            index = np.where(index < end, index, start + (index - start) % (end - start))
        inside = (index >= 0) & (index < self.whole)
        return np.where(inside[..., None], self.frames[np.where(inside, index, 0)].astype(np.float64), 0.0)

    def at(self, phase: Positions, step: Positions | int = ONE) -> Values:
        """(n, 2): its sound at phases that go on by `step`; silence before 0 and from its length on."""
        out = sinc.read(self.unrolled, phase, step)
        out[(phase < 0) | (phase >> 32 >= self.length)] = 0.0
        return out


class Change(NamedTuple):
    """Of a controller, to a gain."""

    seq: int
    position: int
    value: float


class Bend(NamedTuple):
    seq: int
    position: int
    ratio: int


class Stretch(NamedTuple):
    """Of a note: from `at` on its clock its phase goes on from `phase` by `step` a frame."""

    at: int
    phase: int
    step: int


@dataclass
class Note:
    seq: int
    channel: int
    key: int
    level: float
    recording: Recording
    on: int
    cut: int
    shift: int
    reach: int
    delay: int = 0
    off: int = NEVER
    off_seq: int = NEVER
    stolen: int = NEVER
    stolen_seq: int = NEVER
    key_up: bool = False

    @property
    def lag(self) -> int:
        """By how much its clock is behind the timeline."""
        return self.shift + self.delay

    def acts(self, seq: int, position: int) -> int:
        """When an event acts, on its clock."""
        now = seq <= self.seq or self.reach == ENDLESS or position - self.on + self.cut < self.reach
        return position if now else position + self.cut


@dataclass
class Channel:
    program: int
    pedal: bool = False
    lines: dict[int, list[Change]] = field(default_factory=lambda: {midi.VOLUME: [], midi.EXPRESSION: []})
    bends: list[Bend] = field(default_factory=list)
    parameter: dict[int, int] = field(default_factory=lambda: {midi.RPN_COARSE: 127, midi.RPN_FINE: 127})
    widest: dict[int, int] = field(default_factory=lambda: {midi.DATA_ENTRY: 2, midi.DATA_ENTRY_FINE: 0})
    """The range of bends: semitones, and cents besides."""

    def ratio(self, value: int) -> int:
        """What a bend to 0 .. 16383 multiplies the pitch by."""
        cents = min(WIDEST_BEND, 100 * self.widest[midi.DATA_ENTRY] + self.widest[midi.DATA_ENTRY_FINE])
        steps = (value - midi.BEND_CENTRE) * cents >> 5
        return round(2 ** (steps / (1200 * 256)) * ONE)


@dataclass
class Reference:
    """Plays events on instruments: by program, then by key."""

    instruments: Mapping[int, Sequence[Recording]]
    rate: int
    polyphony: int
    program: int = 0
    notes: list[Note] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.release, self.ramp = round(RELEASE_SECONDS * self.rate), round(RAMP_SECONDS * self.rate)
        self.channels = [Channel(self.program) for _ in range(midi.CHANNELS)]

    def feed(self, events: Sequence[Event], delays: Mapping[int, int]) -> None:
        """Events in the order of their seqs; `delays`: by seq, by how many frames late remote notes were moved."""
        for event in events:
            self.events.append(event)
            if len(event.message) > 1:
                self._take(event, delays.get(event.seq, 0))

    def _take(self, event: Event, delay: int) -> None:
        kind, channel = midi.kind(event.message), self.channels[midi.channel(event.message)]
        first, second, *_ = *event.message[1:], 0
        if midi.begins_note(event.message):
            self._note_on(event, channel, first, second, delay)
        elif kind in (midi.NOTE_ON, midi.NOTE_OFF):
            self._keys_up(event, channel, [note for note in self.notes if note.key == first])
        elif kind == midi.PROGRAM_CHANGE and first in self.instruments:
            channel.program = first
        elif kind == midi.PITCH_BEND:
            channel.bends.append(Bend(event.seq, event.position, channel.ratio(first | second << 7)))
        elif kind == midi.CONTROL_CHANGE:
            self._control(event, channel, first, second)

    def _note_on(self, event: Event, channel: Channel, key: int, velocity: int, delay: int) -> None:
        if channel.program not in self.instruments:
            return
        seq, at, number = event.seq, event.position, midi.channel(event.message)
        for note in self.notes:
            if (note.channel, note.key, note.off) == (number, key, NEVER):
                note.off, note.off_seq = at, seq
        sounding = [
            note for note in self.notes
            if note.stolen == NEVER and at < min(note.on + note.recording.duration, note.off + self.release)
        ]  # fmt: skip
        if len(sounding) >= self.polyphony:
            victim = next((note for note in sounding if note.off < NEVER), sounding[0])
            victim.stolen, victim.stolen_seq = at, seq
        recording, level = self.instruments[channel.program][key], (velocity / 127) ** 2
        self.notes.append(Note(seq, number, key, level, recording, at, event.cut, event.shift, event.reach, delay))

    def _keys_up(self, event: Event, channel: Channel, notes: Sequence[Note]) -> None:
        for note in notes:
            if self.channels[note.channel] is channel and note.off == NEVER:
                note.key_up = True
                if not channel.pedal:
                    note.off, note.off_seq = event.position, event.seq

    def _control(self, event: Event, channel: Channel, number: int, value: int) -> None:
        if number in channel.lines:
            channel.lines[number].append(Change(event.seq, event.position, (value / 127) ** 2))
        elif number in channel.parameter:
            channel.parameter[number] = value
        elif number in channel.widest and not any(channel.parameter.values()):
            channel.widest[number] = value
        elif number == midi.SUSTAIN:
            channel.pedal = value >= 64
            if not channel.pedal:
                self._keys_up(event, channel, [note for note in self.notes if note.key_up])
        elif number == midi.ALL_NOTES_OFF:
            self._keys_up(event, channel, self.notes)
        elif number == midi.ALL_SOUND_OFF:
            for note in self.notes:
                if self.channels[note.channel] is channel and note.stolen == NEVER:
                    note.stolen, note.stolen_seq = event.position, event.seq

    def stretches(self, note: Note, heard: int = NEVER) -> list[Stretch]:
        """A note's way through its recording from age 0 on, to one who has heard the events up to a seq."""
        found = [Stretch(note.on, 0, note.recording.ratio)]
        for seq, position, ratio in self.channels[note.channel].bends:
            if seq <= heard:
                last, at = found[-1], max(note.on, note.acts(seq, position))
                phase = last.phase + (at - last.at) * last.step
                found.append(Stretch(at, phase, times(note.recording.ratio, ratio)))
        return found

    def phase(self, note: Note, n: Positions, heard: int = NEVER) -> Positions:
        """Its phase at positions from its age 0 on."""
        return self.motion(note, n, heard)[0]

    def motion(self, note: Note, n: Positions, heard: int = NEVER) -> tuple[Positions, Positions]:
        """Its phase and by how much that goes on a frame, at positions from its age 0 on."""
        clock, stretches = n - note.lag, self.stretches(note, heard)
        at, phase, step = (np.array(part, np.int64) for part in zip(*stretches, strict=True))
        here = np.searchsorted(at, clock, side="right") - 1
        return np.asarray(phase[here] + (clock - at[here]) * step[here]), np.asarray(step[here])

    def life(self, note: Note, heard: int = NEVER) -> tuple[int, int]:
        """The positions from which it sounds and from which it is silent: the second one from NEVER on is none."""
        end = NEVER
        for at, phase, step in self.stretches(note, heard):
            left = note.recording.length * ONE - phase
            if left > 0 and not note.recording.loop:  # else it ended before
                end = at - -left // step
        if note.off_seq <= heard:
            end = min(end, note.acts(note.off_seq, note.off) + self.release)
        if note.stolen_seq <= heard:
            end = min(end, note.acts(note.stolen_seq, note.stolen) + self.ramp)
        return note.on + note.lag, end + note.lag

    def gain(self, note: Note, n: Positions) -> Values:
        """(n,): at positions from its age 0 on, both sides alike."""
        clock = n - note.lag
        gain = note.level * np.minimum(1, (clock - note.on + 1) / note.recording.attack)
        gain *= np.clip(1 - (clock - note.acts(note.off_seq, note.off)) / self.release, 0, 1)
        gain *= np.clip(1 - (clock - note.acts(note.stolen_seq, note.stolen)) / self.ramp, 0, 1)
        for changes in self.channels[note.channel].lines.values():
            line, last = np.ones(len(n)), 1.0
            for seq, position, value in changes:
                line += (value - last) * np.clip((clock - note.acts(seq, position)) / self.ramp, 0, 1)
                last = value
            gain *= line
        return gain

    def sound(self, note: Note, n: Positions) -> Values:
        """(n, 2): what it adds at positions from its age 0 on."""
        sides: Values = np.array((note.recording.left, note.recording.right))
        return note.recording.at(*self.motion(note, n)) * self.gain(note, n)[:, None] * sides

    def _sounds(self, count: int) -> Iterator[tuple[Positions, Values]]:
        for note in self.notes:
            first, end = self.life(note)
            n = np.arange(first, max(first, min(end, count)))
            yield n, self.sound(note, n)

    def mix(self, count: int) -> Values:
        """Positions 0 .. count: (count, 2)."""
        out = np.zeros((count, 2))
        for n, sound in self._sounds(count):
            out[n] += sound
        return out

    def loudness(self, count: int) -> Values:
        """(count,): the sum over the notes of what each adds, all of it positive; of the louder side."""
        out = np.zeros((count, 2))
        for n, sound in self._sounds(count):
            out[n] += np.abs(sound)
        return np.asarray(out.max(axis=1))

    def local(self) -> "Reference":
        """The same events as local mode plays them."""
        other = Reference(self.instruments, self.rate, self.polyphony, self.program)
        other.feed([event._replace(cut=ENDLESS, shift=0, reach=ENDLESS) for event in self.events], {})
        return other


def times(a: int, b: int) -> int:
    """The product of two ratios: it fits 64 bits all the way, and loses one unit of the last place at most."""
    return (a * (b >> 16) >> 16) + (a * (b & 0xFFFF) >> 32)
