"""The modulators of a SoundFont: what moves a generator while a note sounds (SoundFont 2.04, 7.4, 8.2, 8.4, 9.5)."""

from dataclasses import dataclass, replace
from enum import IntEnum

from netaudio.readers.soundfont_file import Remarks, Table
from netaudio.readers.soundfont_generators import Generator


class Curve(IntEnum):
    LINEAR = 0
    CONCAVE = 1
    CONVEX = 2
    SWITCH = 3


class General(IntEnum):
    """Sources that are no MIDI controllers."""

    NONE = 0
    VELOCITY = 2
    KEY = 3
    POLY_PRESSURE = 10
    CHANNEL_PRESSURE = 13
    PITCH_WHEEL = 14
    PITCH_WHEEL_RANGE = 16


@dataclass(frozen=True, slots=True)
class ModulatorSource:
    number: int
    """Of a MIDI controller, else a `General`."""
    is_controller: bool
    curve: Curve
    bipolar: bool
    """-1 … 1, else 0 … 1."""
    descending: bool


@dataclass(frozen=True, slots=True)
class Modulator:
    """Adds amount * source * amount_source to its destination, in the destination's unit."""

    source: ModulatorSource
    amount: int
    amount_source: ModulatorSource | None
    """None counts as 1."""
    destination: Generator
    """FINE_TUNE in cents is what the pitch wheel moves; modulators may take it past the limits of that generator."""
    absolute: bool
    """The sum's sign is dropped."""


_Identity = tuple[ModulatorSource, ModulatorSource | None, Generator, bool]
Modulators = dict[_Identity, Modulator]
"""Those of a zone: of two alike the later counts."""

MOST_MODULATORS = 64  # in a zone, as in FluidSynth
_GENERALS, _GENERATORS = frozenset(General), frozenset(Generator)
_NO_SOURCES = frozenset({0, 6, 32, 38, *range(98, 102), *range(120, 128)})  # controllers ruled out by 8.2.1


def source_of(code: int) -> ModulatorSource | None:
    """What 16 bits of a file say (8.2); None if the format has no such source."""
    number, is_controller, curve = code & 127, bool(code & 128), code >> 10
    if curve > Curve.SWITCH:
        return None
    if number in _NO_SOURCES if is_controller else number not in _GENERALS:
        return None
    return ModulatorSource(number, is_controller, Curve(curve), bool(code & 512), bool(code & 256))


def _default(code: int, amount: int, destination: Generator, amount_code: int = 0) -> Modulator:
    source = source_of(code)
    assert source is not None
    return Modulator(source, amount, source_of(amount_code) if amount_code else None, destination, False)


DEFAULT_MODULATORS = (
    _default(0x0502, 960, Generator.ATTENUATION),  # velocity
    _default(0x0102, 0, Generator.FILTER_CUTOFF),  # velocity; the format says -2400
    _default(0x000D, 50, Generator.VIBRATO_LFO_TO_PITCH),  # pressure of the channel
    _default(0x0081, 50, Generator.VIBRATO_LFO_TO_PITCH),  # CC1
    _default(0x0587, 960, Generator.ATTENUATION),  # CC7
    _default(0x028A, 500, Generator.PAN),  # CC10; the format says 1000, which is past the side from 96 on
    _default(0x058B, 960, Generator.ATTENUATION),  # CC11
    _default(0x00DB, 200, Generator.REVERB),  # CC91
    _default(0x00DD, 200, Generator.CHORUS),  # CC93
    _default(0x020E, 12700, Generator.FINE_TUNE, 0x0010),  # pitch wheel, times its range of 127 semitones
)
"""The ten of 8.4, with the amounts that FluidSynth plays with: banks are made by ear with it and its like."""


def identity(modulator: Modulator) -> _Identity:
    return modulator.source, modulator.amount_source, modulator.destination, modulator.absolute


_DEFAULTS: Modulators = {identity(modulator): modulator for modulator in DEFAULT_MODULATORS}
_PLAIN = tuple(modulator for modulator in DEFAULT_MODULATORS if modulator.amount)


def modulators_of(records: Table, remarks: Remarks) -> Modulators:
    """Those of one zone in a file."""
    found: Modulators = {}
    for source, destination, amount, amount_source, transform in records.tolist():
        modulator = _parsed(source, destination, amount, amount_source, transform)
        if modulator is None:
            remarks.add("modulators are left out: they are linked, or of a kind that the format does not have")
        elif len(found) == MOST_MODULATORS:
            remarks.add(f"modulators are left out: more than {MOST_MODULATORS} in a zone")
            break
        else:
            found[identity(modulator)] = modulator
    return found


def merged_modulators(instrument: Modulators, preset: Modulators) -> tuple[Modulator, ...]:
    """An instrument's replace the defaults, a preset's are added (9.5); what then has no amount is left out."""
    if not instrument and not preset:
        return _PLAIN
    merged = _DEFAULTS | instrument
    for key, modulator in preset.items():
        known = merged.get(key)
        merged[key] = replace(known, amount=known.amount + modulator.amount) if known else modulator
    return tuple(modulator for modulator in merged.values() if modulator.amount)


def _parsed(source: int, destination: int, amount: int, amount_source: int, transform: int) -> Modulator | None:
    first, second = source_of(source), source_of(amount_source)
    if first is None or second is None or destination not in _GENERATORS or transform not in (0, 2):
        return None
    if not first.is_controller and first.number == General.NONE:
        return None
    none = not second.is_controller and second.number == General.NONE
    return Modulator(first, amount, None if none else second, Generator(destination), transform == 2)
