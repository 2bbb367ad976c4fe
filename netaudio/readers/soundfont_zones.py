"""The zones of a SoundFont's presets, preset and instrument merged into one (SoundFont 2.04, 7.3, 7.7, 9.4)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from netaudio.readers.soundfont_file import BankFile, Level, Remarks, clean_name
from netaudio.readers.soundfont_generators import LIMITS, Generator
from netaudio.readers.soundfont_modulators import (
    Modulator,
    Modulators,
    merged_modulators,
    modulators_of,
)
from netaudio.readers.soundfont_settings import Settings, merged_values, settings_of

MOST_PAIRS = 1 << 16  # of a preset's and an instrument's zones that are looked at for one preset


class Span(NamedTuple):
    """Keys or velocities, both ends included."""

    low: int
    high: int

    def __and__(self, other: "Span") -> "Span":
        return Span(max(self.low, other.low), min(self.high, other.high))


ALL = Span(0, 127)


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


def _zones(level: Level, index: int, target: Generator, remarks: Remarks) -> Iterator[_Raw]:
    """The zones of one preset or instrument; `target` is the generator that names what a zone plays."""
    first, end = level.zone_bounds[index : index + 2]
    below: tuple[dict[int, int], Modulators] = ({}, {})
    for place in range(first, end):
        generators, modulators = _bag(level, place, target, remarks)
        if target not in generators:
            if place == first:
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
    found: dict[int, int] = {}
    for operator, amount in level.generators[slice(*level.generator_bounds[place : place + 2])].tolist():
        # A range of keys comes first, one of velocities after nothing else (8.1.2): others count for nothing.
        misplaced = operator == Generator.KEYS and found
        misplaced = misplaced or (operator == Generator.VELOCITIES and not found.keys() <= {Generator.KEYS})
        if misplaced:
            remarks.add("ranges of keys or velocities that are not at the start of a zone are left out")
        elif operator in LIMITS or operator in (Generator.KEYS, Generator.VELOCITIES, target):
            found[operator] = amount
        if operator == target:
            break
    return found, modulators_of(level.modulators[slice(*level.modulator_bounds[place : place + 2])], remarks)


def _span(generators: dict[int, int], kind: Generator) -> Span:
    amount = generators.pop(kind, None)
    return ALL if amount is None else Span(amount & 0xFF, amount >> 8 & 0xFF) & ALL


def _merged(keys: Span, velocities: Span, outer: _Raw, inner: _Raw) -> Merged:
    values = merged_values(outer.generators, inner.generators)
    offsets = Offsets(*(values[fine] + 32768 * values[coarse] for fine, coarse in _OFFSETS))
    modulators = merged_modulators(inner.modulators, outer.modulators)
    return Merged(keys, velocities, inner.target, settings_of(values), offsets, modulators)


_OFFSETS = (
    (Generator.START, Generator.START_COARSE),
    (Generator.END, Generator.END_COARSE),
    (Generator.LOOP_START, Generator.LOOP_START_COARSE),
    (Generator.LOOP_END, Generator.LOOP_END_COARSE),
)
