"""Instruments: which recording sounds on which key, and how two sides compare.

Nothing here knows a file or a resampler: recordings are described by numbers and digests, and a plan says
how one comes to the bank's rate. Both sides work that out alike from the same description.
"""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netaudio.errors import InstrumentError
from netaudio.sampler import pitch
from netaudio.sampler.interpolator import TAPS
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.region import LEVEL, Region, attack, covers, needed

IDENTITY_BLOCK = 16384
"""Source frames from one digest of a recording to the next."""
SHORTEST_LOOP = 16
"""Frames, of a source and in a bank."""
HIGHEST_RATE = 768_000
"""Hz of a source."""
HIGHEST_SHIFT = 72
"""Semitones: a key further above its recording sounds no higher."""
REACH = 256
"""Frames, at the lower of two rates, past which the resampler's filter hears nothing (below 1e-8)."""

_OCTAVE = 12
_NOTE = re.compile(r"(?P<letter>[a-g])(?P<sign>[#b]?)(?P<octave>-?[0-9]{1,2})|(?P<number>[0-9]{1,3})", re.IGNORECASE)
_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_TUNE = 1e-5  # how far out of tune a loop may be: 0.02 cents
_LONG = 1 << 15  # bank frames of a loop that rounding to a whole frame puts out of tune by 0.03 cents at most


@dataclass(frozen=True, slots=True)
class Source:
    """A sound file as decoded: what tells one recording from another."""

    note: int
    """The MIDI note of its name."""
    rate: int
    frames: int
    loop: tuple[int, int] | None
    """(start, end) in source frames, end exclusive."""
    digests: tuple[str, ...]
    """Cumulative, see `digests`; fewer if it was read in part."""

    def flaw(self) -> str | None:
        """What makes no sense about it, or None."""
        if not 0 <= self.note < 128:
            return f"note {self.note} is not a MIDI note (0 to 127)"
        if not 1 <= self.rate <= HIGHEST_RATE:
            return f"its rate is {self.rate} Hz"
        if not 0 < self.frames < ENDLESS:
            return "it is empty" if self.frames < 1 else "it does not say how long it is"
        return None if self.loop is None else loop_flaw(self.loop, self.frames)


@dataclass(frozen=True, slots=True)
class Instrument:
    name: str
    rate: int
    sources: tuple[Source, ...]
    """By note."""
    regions: tuple[Region, ...]
    """One for each of the 128 MIDI keys."""

    def region(self, key: int) -> Region:
        """The region of a MIDI key, 0 to 127."""
        return self.regions[key]


@dataclass(frozen=True, slots=True)
class Plan:
    """How one recording comes to the bank's rate."""

    rate: int
    """The bank's."""
    ratio: float
    """Bank frames for each source frame, such that a loop takes a whole number of bank frames."""
    length: int
    """Bank frames; ENDLESS with a loop."""
    loop: tuple[int, int] | None
    """(start, end) in bank frames, end exclusive. It may span several turns of the source's loop, and begins
    where the resampler no longer hears what was before the loop."""

    def kept(self, held: int | None) -> int:
        """The bank frames to make when at most `held` (None: all) are kept; a loop is whole at its end."""
        whole = self.loop[1] if self.loop else self.length
        return whole if held is None else min(held, whole)

    def needs(self, kept: int) -> int:
        """Source frames, loop unrolled, that the first `kept` bank frames are made of."""
        return kept if self.ratio == 1 else math.ceil(kept / self.ratio) + _reach(self.ratio)


class Stored(NamedTuple):
    """A recording in a bank."""

    plan: Plan
    held: int
    """Frames of it that are there."""
    address: int
    """Of the first of them."""
    gain: float
    """That it is played with at full velocity."""

    def region(self, semitones: int) -> Region:
        """What plays it so much higher."""
        plan, ratio = self.plan, _ratio(semitones)
        covered = plan.length if self.held == plan.kept(None) else covers(self.held, ratio, plan.rate)
        return Region(
            self.address, plan.length, self.held, plan.loop, ratio, self.gain, self.gain, attack(plan.rate), covered
        )


def parse_note(text: str) -> int | None:
    """The MIDI note of "C4" (60), "c#4", "Db4", "C-1" (0) or "60"; None where it is none."""
    match = _NOTE.fullmatch(text)
    if match is None:
        return None
    if match["number"]:
        note = int(match["number"])
    else:
        sign = {"": 0, "#": 1, "b": -1}[match["sign"].lower()]
        note = _OCTAVE * (int(match["octave"]) + 1) + _LETTERS[match["letter"].lower()] + sign
    return note if 0 <= note < 128 else None


def note_name(note: int) -> str:
    """60 is "C4"; black keys are sharps."""
    return f"{_NAMES[note % _OCTAVE]}{note // _OCTAVE - 1}"


def key_map(notes: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """For each of the 128 keys the note of the recording that it plays and the semitones to shift it by.

    Each plays the nearest at its own pitch; halfway between two it is the lower. `notes` must not be empty.
    """

    def recording(key: int) -> tuple[int, int]:
        nearest = min(notes, key=lambda note: (abs(note - key), note))
        return nearest, min(key - nearest, HIGHEST_SHIFT)

    return tuple(recording(key) for key in range(128))


def plan(source: Source, rate: int) -> Plan:
    """How the recording comes to the bank's rate."""
    ratio = rate / source.rate
    if source.loop is None:
        return Plan(rate, ratio, max(1, round(source.frames * ratio)), None)
    start, end = source.loop
    span = end - start
    if ratio == 1:
        first, turn = start, span
    else:
        turns = turns_in_tune(span * ratio)
        turn = round(turns * span * ratio)
        ratio = turn / (turns * span)
        first = math.ceil((start + _reach(ratio)) * ratio)
    return Plan(rate, ratio, ENDLESS, (first, first + turn))


def holdings(sources: Sequence[Source], rate: int, held: int | None, reach: int) -> dict[int, tuple[Plan, int]]:
    """Of each recording, by note, its plan and the bank frames to keep: `held` (None: all), or more where the
    highest of its keys needs more to play `reach` frames."""
    highest = dict.fromkeys((source.note for source in sources), 0)
    for note, semitones in key_map(list(highest)):
        highest[note] = max(highest[note], semitones)
    found = {}
    for source in sources:
        made = plan(source, rate)
        least = needed(reach, _ratio(highest[source.note]), rate)
        found[source.note] = made, made.kept(None if held is None else max(held, least))
    return found


def assembled(name: str, sources: Sequence[Source], rate: int, stored: Mapping[int, Stored]) -> Instrument:
    """The instrument that plays these recordings, by note."""
    by_note = sorted(sources, key=lambda source: source.note)
    keys = key_map([source.note for source in by_note])
    regions = (stored[note].region(semitones) for note, semitones in keys)
    return Instrument(name, rate, tuple(by_note), tuple(regions))


def described(name: str, sources: Sequence[Source], rate: int) -> Instrument:
    """An instrument of which nothing is held; raises InstrumentError where the sources make no sense."""
    if not sources:
        raise InstrumentError(f"instrument {name!r} has no recordings: give it at least one")
    if len({source.note for source in sources}) < len(sources):
        raise InstrumentError(f"instrument {name!r} has two recordings of one note: give it one of each")
    for source in sources:
        if flaw := source.flaw():
            raise InstrumentError(f"instrument {name!r} has a recording that cannot be played: {flaw}")
    nowhere = {source.note: Stored(plan(source, rate), 0, TAPS, LEVEL) for source in sources}
    return assembled(name, sources, rate, nowhere)


def differences(own: Sequence[Source], theirs: Sequence[Source]) -> list[str]:
    """A line for each note that is missing here, missing there or another recording; none if all agree."""
    here, there = ({source.note: source for source in side} for side in (own, theirs))
    lines = []
    for note in sorted(here.keys() | there.keys()):
        if note not in here or note not in there:
            lines.append(f"{note_name(note)}: missing {'there' if note in here else 'here'}")
        elif difference := _difference(here[note], there[note]):
            lines.append(f"{note_name(note)}: another recording, {difference}")
    return lines


def digests(frames: NDArray[np.float32]) -> tuple[str, ...]:
    """Of frames (n, 2) as decoded: the k-th covers the first (k + 1) * IDENTITY_BLOCK, the last all."""
    digest = hashlib.blake2b(digest_size=16)
    found = []
    for first in range(0, len(frames), IDENTITY_BLOCK):
        digest.update(frames[first : first + IDENTITY_BLOCK].astype("<f4", copy=False).tobytes())
        found.append(digest.hexdigest())
    return tuple(found)


def loop_flaw(loop: tuple[int, int], frames: int) -> str | None:
    """Why a recording of that many frames cannot loop there (end exclusive), or None."""
    start, end = loop
    if start < 0 or end <= start:
        return f"its loop from {start} to {end} ends before it begins"
    if end > frames:
        return f"its loop from {start} to {end} reaches beyond its {frames} frames"
    if end - start < SHORTEST_LOOP:
        return f"its loop of {end - start} frames is too short (at least {SHORTEST_LOOP})"
    return None


def turns_in_tune(span: float) -> int:
    """How many turns of a loop of `span` frames to unroll so that a whole number of them is in tune, and
    SHORTEST_LOOP at least."""
    least, most = math.ceil(SHORTEST_LOOP / span), math.ceil(_LONG / span)
    in_tune = (n for n in range(least, min(most, 4096)) if abs(round(n * span) / (n * span) - 1) < _TUNE)
    return next(in_tune, most)


def _reach(ratio: float) -> int:
    """Source frames around an instant that the resampler hears."""
    return math.ceil(REACH * max(1.0, 1 / ratio))


def _ratio(semitones: int) -> int:
    return pitch.ratio(100 * pitch.CENT * semitones)


def _difference(here: Source, there: Source) -> str | None:
    if here.rate != there.rate:
        return f"{here.rate} Hz here, {there.rate} Hz there"
    if here.frames != there.frames:
        return f"{here.frames} frames here, {there.frames} there"
    if here.loop != there.loop:
        return f"{_loop_text(here.loop)} here, {_loop_text(there.loop)} there"
    # Both may have been read in part: what both have read must be the same.
    if any(ours != theirs for ours, theirs in zip(here.digests, there.digests, strict=False)):
        return "other sound"
    return None


def _loop_text(loop: tuple[int, int] | None) -> str:
    return "no loop" if loop is None else f"a loop from {loop[0]} to {loop[1]}"
