"""The zones of a SoundFont's presets, preset and instrument merged into one (SoundFont 2.04, 7.3, 7.7, 9.4)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from netaudio.readers.soundfont_file import BankFile, Level, Remarks, clean_name
from netaudio.readers.soundfont_generators import INSTRUMENT_ONLY, LIMITS, Generator
from netaudio.readers.soundfont_modulators import (
    Modulator,
    Modulators,
    merged_modulators,
    modulators_of,
)

MOST_PAIRS = 1 << 16  # of a preset's and an instrument's zones that are looked at for one preset
_TABLE_FLAW = "lists of zones are damaged: plays what can be read"


class LoopMode(IntEnum):
    NONE = 0
    ALWAYS = 1
    WHILE_HELD = 3
    """Until the key is let go, then on to the end."""


class Span(NamedTuple):
    """Keys or velocities, both ends included."""

    low: int
    high: int

    def __and__(self, other: "Span") -> "Span":
        return Span(max(self.low, other.low), min(self.high, other.high))


ALL = Span(0, 127)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Times in timecents, from -12000 (at once) on."""

    delay: int
    attack: int
    hold: int
    decay: int
    sustain: int
    """How far below the peak: cB in the volume's (to 1440), 0.1 % of it in the modulation's (to 1000)."""
    release: int
    key_to_hold: int
    """Timecents for each key below 60."""
    key_to_decay: int


@dataclass(frozen=True, slots=True)
class Lfo:
    delay: int
    """Timecents."""
    frequency: int
    """Absolute cents."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the generators of a zone add up to, but for ranges, sample and offsets. Read-only and shared."""

    loop_mode: LoopMode
    root_key: int | None
    """None: the sample's."""
    coarse_tune: int
    """Semitones."""
    fine_tune: int
    """Cents; the sample's correction comes on top."""
    scale_tuning: int
    """Cents from key to key."""
    fixed_key: int | None
    fixed_velocity: int | None
    exclusive_class: int
    """0: none."""
    attenuation: int
    """cB of the format: a player takes 0.4 of them. May be negative, which counts against the modulators'."""
    pan: int
    """0.1 %: -500 is left, 500 right."""
    chorus: int
    """0.1 %."""
    reverb: int
    """0.1 %."""
    filter_cutoff: int
    """Absolute cents."""
    filter_q: int
    """cB above the gain at 0 Hz."""
    volume_envelope: Envelope
    modulation_envelope: Envelope
    modulation_envelope_to_pitch: int
    """Cents."""
    modulation_envelope_to_filter: int
    """Cents."""
    modulation_lfo: Lfo
    modulation_lfo_to_pitch: int
    """Cents."""
    modulation_lfo_to_filter: int
    """Cents."""
    modulation_lfo_to_volume: int
    """cB."""
    vibrato_lfo: Lfo
    vibrato_lfo_to_pitch: int
    """Cents."""


class Offsets(NamedTuple):
    """Frames that are added to a sample's bounds."""

    start: int
    end: int
    loop_start: int
    loop_end: int


@dataclass(frozen=True, slots=True)
class Merged:
    """One zone of a preset with one of its instrument; the sample may not be there."""

    keys: Span
    velocities: Span
    sample: int
    settings: Settings
    offsets: Offsets
    modulators: tuple[Modulator, ...]


@dataclass(frozen=True, slots=True)
class _Raw:
    """One zone of the file, over its global zone."""

    target: int  # index of the instrument or sample
    keys: Span
    velocities: Span
    generators: dict[int, int]
    modulators: Modulators


@dataclass
class ZoneReader:
    """Merges zones by need; instruments are read once."""

    bank: BankFile
    remarks: Remarks
    _instruments: dict[int, list[_Raw]] = field(default_factory=dict)

    def zones(self, preset: int) -> Iterator[Merged]:
        """Those of the preset that is at this place of the file's list."""
        pairs = 0
        for outer in _zones(self.bank.presets, preset, Generator.INSTRUMENT, self.remarks):
            if outer.target >= len(self.bank.instruments.headers) - 1:
                self.remarks.add("zones are left out: their instrument is not there")
                continue
            for inner in self._instrument(outer.target):
                pairs += 1
                if pairs > MOST_PAIRS:
                    name = clean_name(self.bank.presets.headers["name"][preset])
                    self.remarks.add(f"zones are left out: more than {MOST_PAIRS} in a preset", name)
                    return
                keys, velocities = outer.keys & inner.keys, outer.velocities & inner.velocities
                if keys.low <= keys.high and velocities.low <= velocities.high:
                    yield _merged(keys, velocities, outer, inner)

    def _instrument(self, index: int) -> list[_Raw]:
        if index not in self._instruments:
            self._instruments[index] = [*_zones(self.bank.instruments, index, Generator.SAMPLE, self.remarks)]
        return self._instruments[index]


def _between(indices: list[int], most: int, remarks: Remarks) -> range:
    """From one record's index to the next one's."""
    first, end = indices
    if first > end or end > most:
        remarks.add(_TABLE_FLAW)
    return range(min(first, most), min(end, most))


def _zones(level: Level, index: int, target: Generator, remarks: Remarks) -> Iterator[_Raw]:
    """The zones of one preset or instrument; `target` is the generator that names what a zone plays."""
    own = _between(level.headers["bag"][index : index + 2].tolist(), max(len(level.bags) - 1, 0), remarks)
    below: tuple[dict[int, int], Modulators] = ({}, {})
    for place in own:
        generators, modulators = _bag(level, place, target, remarks)
        if target not in generators:
            if place == own.start:
                below = generators, modulators
            elif generators or modulators:
                remarks.add("zones are left out: they name nothing that they play")
            continue
        generators = below[0] | generators
        modulators = below[1] | modulators if modulators else below[1]
        keys, velocities = (_span(generators, kind) for kind in (Generator.KEYS, Generator.VELOCITIES))
        yield _Raw(generators.pop(target) & 0xFFFF, keys, velocities, generators, modulators)


def _bag(level: Level, place: int, target: Generator, remarks: Remarks) -> tuple[dict[int, int], Modulators]:
    """What one zone of the file says itself, up to its target."""
    bag = level.bags[place : place + 2]
    found: dict[int, int] = {}
    records = _between(bag["generator"].tolist(), len(level.generators), remarks)
    for operator, amount in level.generators[records.start : records.stop].tolist():
        # A range of keys comes first, one of velocities after nothing else (8.1.2): others count for nothing.
        misplaced = operator == Generator.KEYS and found
        misplaced = misplaced or (operator == Generator.VELOCITIES and not found.keys() <= {Generator.KEYS})
        if misplaced:
            remarks.add("ranges of keys or velocities that are not at the start of a zone are left out")
        elif operator in LIMITS or operator in (Generator.KEYS, Generator.VELOCITIES, target):
            found[operator] = amount
        if operator == target:
            break
    records = _between(bag["modulator"].tolist(), len(level.modulators), remarks)
    return found, modulators_of(level.modulators[records.start : records.stop], remarks)


def _span(generators: dict[int, int], kind: Generator) -> Span:
    amount = generators.pop(kind, None)
    return ALL if amount is None else Span(amount & 0xFF, amount >> 8 & 0xFF) & ALL


_LIMITS: dict[int, tuple[int, int, int]] = {**LIMITS}
_DEFAULTS = [_LIMITS.get(number, (0, 0, 0))[0] for number in range(max(_LIMITS) + 1)]


def _values(outer: dict[int, int], inner: dict[int, int]) -> list[int]:
    """Of each generator, by its number."""
    values = _DEFAULTS.copy()
    for number, amount in inner.items():
        values[number] = amount
    for number, amount in outer.items():
        if number not in INSTRUMENT_ONLY:
            values[number] += amount
    for number in inner.keys() | outer.keys():
        _, low, high = _LIMITS[number]
        values[number] = min(max(values[number], low), high)
    return values


def _merged(keys: Span, velocities: Span, outer: _Raw, inner: _Raw) -> Merged:
    value = _values(outer.generators, inner.generators).__getitem__

    def midi(generator: Generator) -> int | None:
        return given if (given := value(generator)) >= 0 else None

    G = Generator
    settings = Settings(
        loop_mode=LoopMode(mode) if (mode := value(G.LOOP_MODE)) in (1, 3) else LoopMode.NONE,
        root_key=midi(G.ROOT_KEY),
        coarse_tune=value(G.COARSE_TUNE),
        fine_tune=value(G.FINE_TUNE),
        scale_tuning=value(G.SCALE_TUNING),
        fixed_key=midi(G.FIXED_KEY),
        fixed_velocity=midi(G.FIXED_VELOCITY),
        exclusive_class=value(G.EXCLUSIVE_CLASS),
        attenuation=value(G.ATTENUATION),
        pan=value(G.PAN),
        chorus=value(G.CHORUS),
        reverb=value(G.REVERB),
        filter_cutoff=value(G.FILTER_CUTOFF),
        filter_q=value(G.FILTER_Q),
        volume_envelope=Envelope(*map(value, _VOLUME_ENVELOPE)),
        modulation_envelope=Envelope(*map(value, _MODULATION_ENVELOPE)),
        modulation_envelope_to_pitch=value(G.MODULATION_ENVELOPE_TO_PITCH),
        modulation_envelope_to_filter=value(G.MODULATION_ENVELOPE_TO_FILTER),
        modulation_lfo=Lfo(value(G.MODULATION_LFO_DELAY), value(G.MODULATION_LFO_FREQUENCY)),
        modulation_lfo_to_pitch=value(G.MODULATION_LFO_TO_PITCH),
        modulation_lfo_to_filter=value(G.MODULATION_LFO_TO_FILTER),
        modulation_lfo_to_volume=value(G.MODULATION_LFO_TO_VOLUME),
        vibrato_lfo=Lfo(value(G.VIBRATO_LFO_DELAY), value(G.VIBRATO_LFO_FREQUENCY)),
        vibrato_lfo_to_pitch=value(G.VIBRATO_LFO_TO_PITCH),
    )
    offsets = Offsets(*(value(fine) + 32768 * value(coarse) for fine, coarse in _OFFSETS))
    modulators = merged_modulators(inner.modulators, outer.modulators)
    return Merged(keys, velocities, inner.target, settings, offsets, modulators)


_VOLUME_ENVELOPE = (
    Generator.VOLUME_ENVELOPE_DELAY,
    Generator.VOLUME_ENVELOPE_ATTACK,
    Generator.VOLUME_ENVELOPE_HOLD,
    Generator.VOLUME_ENVELOPE_DECAY,
    Generator.VOLUME_ENVELOPE_SUSTAIN,
    Generator.VOLUME_ENVELOPE_RELEASE,
    Generator.KEY_TO_VOLUME_ENVELOPE_HOLD,
    Generator.KEY_TO_VOLUME_ENVELOPE_DECAY,
)
_MODULATION_ENVELOPE = (
    Generator.MODULATION_ENVELOPE_DELAY,
    Generator.MODULATION_ENVELOPE_ATTACK,
    Generator.MODULATION_ENVELOPE_HOLD,
    Generator.MODULATION_ENVELOPE_DECAY,
    Generator.MODULATION_ENVELOPE_SUSTAIN,
    Generator.MODULATION_ENVELOPE_RELEASE,
    Generator.KEY_TO_MODULATION_ENVELOPE_HOLD,
    Generator.KEY_TO_MODULATION_ENVELOPE_DECAY,
)
_OFFSETS = (
    (Generator.START, Generator.START_COARSE),
    (Generator.END, Generator.END_COARSE),
    (Generator.LOOP_START, Generator.LOOP_START_COARSE),
    (Generator.LOOP_END, Generator.LOOP_END_COARSE),
)
