"""SoundFonts (SF2, SF3): presets with their merged zones, and samples, which are read by need."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netaudio.readers.soundfont_file import BankFile, Remarks, clean_name, read_bank
from netaudio.readers.soundfont_modulators import Modulator
from netaudio.readers.soundfont_samples import Frames, Sample, SampleReader, Side
from netaudio.readers.soundfont_settings import LoopMode, Settings
from netaudio.readers.soundfont_zones import Merged, Span, ZoneReader

DRUM_BANK = 128
SHORTEST_LOOP = 2  # frames, as in FluidSynth
LEFT, RIGHT = -500, 500  # pan


@dataclass(frozen=True, slots=True)
class Preset:
    bank: int
    program: int
    """0 to 127."""
    name: str
    """No other preset of the bank has it; one line that can be shown."""
    place: int
    """In the file's list."""


@dataclass(frozen=True, slots=True)
class Zone:
    """What plays of a sample, and how. A key and velocity start all zones that they lie in."""

    keys: Span
    velocities: Span
    sample: Sample
    start: int
    """First frame of the sample."""
    end: int
    """The frame after the last."""
    loop: tuple[int, int] | None
    """In the same frames, inside of start and end; None where it plays through."""
    root_key: int
    settings: Settings
    modulators: tuple[Modulator, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One recording: a mono zone (then `right` is None), or two that are the sides of a stereo one.

    Those of a pair are alike in all but sample and pan, which is LEFT and RIGHT.
    """

    left: Zone
    right: Zone | None


class SoundFont:
    """An open bank: headers in memory, sound in the file. It keeps no file open; may be read on several threads."""

    def __init__(self, path: Path) -> None:
        """Raises InstrumentError if it cannot be read, or is no SoundFont with presets."""
        self._remarks = Remarks()
        self._bank = read_bank(path, self._remarks)
        self._zones = ZoneReader(self._bank, self._remarks)
        self._samples = SampleReader(self._bank, self._remarks)
        self.name = self._bank.name or path.stem
        self.presets = _presets(self._bank, self._remarks)
        """By bank and program, each once."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """One line for each kind of trouble in what was read so far."""
        return tuple(f"{self._bank.path.name}: {line}" for line in self._remarks.lines())

    def zones(self, preset: Preset) -> tuple[Zone, ...]:
        """All that can be played, in the file's order."""
        found = (self._zone(merged) for merged in self._zones.zones(preset.place))
        return tuple(zone for zone in found if zone)

    def layers(self, preset: Preset) -> tuple[Layer, ...]:
        """The same as recordings."""
        return paired(self.zones(preset))

    def read(self, sample: Sample) -> Frames:
        """All of its frames, (n, channels), in an SF2 (frames, 1). Vorbis may end early, and has the channels it has.

        Raises InstrumentError if they cannot be read.
        """
        return self._samples.read(sample)

    def read_layer(self, layer: Layer) -> Frames:
        """The frames of a recording, (n, 1) or (n, 2); raises InstrumentError."""
        left = self.read(layer.left.sample)
        if layer.right is None:
            return left
        right = self.read(layer.right.sample)
        count = min(len(left), len(right))
        return np.column_stack([left[:count, 0], right[:count, 0]])

    def _zone(self, merged: Merged) -> Zone | None:
        sample = self._samples.sample(merged.sample)
        if sample is None:
            return None
        start = min(max(merged.offsets.start, 0), sample.frames)
        end = min(max(sample.frames + merged.offsets.end, 0), sample.frames)
        if start >= end:
            self._remarks.add("zones are left out: they start past their end", sample.name)
            return None
        loop = None
        if merged.settings.loop_mode is not LoopMode.NONE:
            first = sample.loop[0] + merged.offsets.loop_start
            last = sample.loop[1] + merged.offsets.loop_end
            if not start <= first or not last <= end:
                self._remarks.add("loops reach beyond their sample: cut off there", sample.name)
            loop = max(first, start), min(last, end)
            if loop[1] - loop[0] < SHORTEST_LOOP:
                self._remarks.add("zones play without their loops: those have no frames in the sample", sample.name)
                loop = None
        root = merged.settings.root_key
        return Zone(
            merged.keys,
            merged.velocities,
            sample,
            start,
            end,
            loop,
            sample.key if root is None else root,
            merged.settings,
            merged.modulators,
        )


def paired(zones: Iterable[Zone]) -> tuple[Layer, ...]:
    """Finds the two sides of stereo recordings: linked samples in zones that are alike in all but sample and pan."""
    zones = tuple(zones)
    waiting: dict[tuple[Span, Span, int | None], deque[int]] = {}
    for place, zone in enumerate(zones):
        if zone.sample.side is Side.RIGHT:
            waiting.setdefault((zone.keys, zone.velocities, zone.sample.index), deque()).append(place)
    sides: dict[int, int] = {}
    for place, zone in enumerate(zones):
        if zone.sample.side is Side.LEFT:
            others = waiting.get((zone.keys, zone.velocities, zone.sample.link))
            if others and _one_recording(zone, zones[others[0]]):
                sides[place] = others.popleft()
    taken = set(sides.values())
    return tuple(
        Layer(zone, zones[sides[place]] if place in sides else None)
        for place, zone in enumerate(zones)
        if place not in taken
    )


def _one_recording(left: Zone, right: Zone) -> bool:
    return (
        (left.settings.pan, right.settings.pan) == (LEFT, RIGHT)
        and (left.sample.rate, left.sample.correction) == (right.sample.rate, right.sample.correction)
        and replace(left, sample=right.sample, settings=replace(left.settings, pan=RIGHT)) == right
    )


def _presets(bank: BankFile, remarks: Remarks) -> tuple[Preset, ...]:
    found: dict[tuple[int, int], tuple[str, int]] = {}
    for place, (raw, program, number, *_) in enumerate(bank.presets.headers[:-1].tolist()):
        name = clean_name(raw)
        if program > 127:
            remarks.add("presets are left out: their programs are not of 0 to 127", name)
        elif (number, program) in found:
            remarks.add("presets are left out: another has the same bank and program", name)
        else:
            found[number, program] = name, place
    named: dict[str, Preset] = {}
    for (number, program), (name, place) in sorted(found.items()):
        while not name or name in named:
            name = f"{name} ({number}:{program})".strip()
        named[name] = Preset(number, program, name, place)
    return tuple(named.values())
