"""How a zone of a SoundFont sounds: what its generators add up to (SoundFont 2.04, 8.1, 9.4)."""

from dataclasses import dataclass
from enum import IntEnum

from netaudio.readers.soundfont_generators import INSTRUMENT_ONLY, LIMITS
from netaudio.readers.soundfont_generators import Generator as G


class LoopMode(IntEnum):
    NONE = 0
    ALWAYS = 1
    WHILE_HELD = 3
    """Until the key is let go, then on to the end."""


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


_VOLUME_ENVELOPE = (
    G.VOLUME_ENVELOPE_DELAY,
    G.VOLUME_ENVELOPE_ATTACK,
    G.VOLUME_ENVELOPE_HOLD,
    G.VOLUME_ENVELOPE_DECAY,
    G.VOLUME_ENVELOPE_SUSTAIN,
    G.VOLUME_ENVELOPE_RELEASE,
    G.KEY_TO_VOLUME_ENVELOPE_HOLD,
    G.KEY_TO_VOLUME_ENVELOPE_DECAY,
)
_MODULATION_ENVELOPE = (
    G.MODULATION_ENVELOPE_DELAY,
    G.MODULATION_ENVELOPE_ATTACK,
    G.MODULATION_ENVELOPE_HOLD,
    G.MODULATION_ENVELOPE_DECAY,
    G.MODULATION_ENVELOPE_SUSTAIN,
    G.MODULATION_ENVELOPE_RELEASE,
    G.KEY_TO_MODULATION_ENVELOPE_HOLD,
    G.KEY_TO_MODULATION_ENVELOPE_DECAY,
)
_DEFAULTS = [LIMITS.get(number, (0, 0, 0))[0] for number in range(max(LIMITS) + 1)]


def merged_values(outer: dict[int, int], inner: dict[int, int]) -> list[int]:
    """Of each generator, by its number: an instrument's or the default, a preset's added, within the limits (9.4)."""
    values = _DEFAULTS.copy()
    for number, amount in inner.items():
        values[number] = amount
    for number, amount in outer.items():
        if number not in INSTRUMENT_ONLY:
            values[number] += amount
    for number in inner.keys() | outer.keys():
        _, low, high = LIMITS[number]
        values[number] = min(max(values[number], low), high)
    return values


def settings_of(values: list[int]) -> Settings:
    def midi(generator: G) -> int | None:
        return given if (given := values[generator]) >= 0 else None

    return Settings(
        loop_mode=LoopMode(mode) if (mode := values[G.LOOP_MODE]) in (1, 3) else LoopMode.NONE,
        root_key=midi(G.ROOT_KEY),
        coarse_tune=values[G.COARSE_TUNE],
        fine_tune=values[G.FINE_TUNE],
        scale_tuning=values[G.SCALE_TUNING],
        fixed_key=midi(G.FIXED_KEY),
        fixed_velocity=midi(G.FIXED_VELOCITY),
        exclusive_class=values[G.EXCLUSIVE_CLASS],
        attenuation=values[G.ATTENUATION],
        pan=values[G.PAN],
        chorus=values[G.CHORUS],
        reverb=values[G.REVERB],
        filter_cutoff=values[G.FILTER_CUTOFF],
        filter_q=values[G.FILTER_Q],
        volume_envelope=Envelope(*(values[generator] for generator in _VOLUME_ENVELOPE)),
        modulation_envelope=Envelope(*(values[generator] for generator in _MODULATION_ENVELOPE)),
        modulation_envelope_to_pitch=values[G.MODULATION_ENVELOPE_TO_PITCH],
        modulation_envelope_to_filter=values[G.MODULATION_ENVELOPE_TO_FILTER],
        modulation_lfo=Lfo(values[G.MODULATION_LFO_DELAY], values[G.MODULATION_LFO_FREQUENCY]),
        modulation_lfo_to_pitch=values[G.MODULATION_LFO_TO_PITCH],
        modulation_lfo_to_filter=values[G.MODULATION_LFO_TO_FILTER],
        modulation_lfo_to_volume=values[G.MODULATION_LFO_TO_VOLUME],
        vibrato_lfo=Lfo(values[G.VIBRATO_LFO_DELAY], values[G.VIBRATO_LFO_FREQUENCY]),
        vibrato_lfo_to_pitch=values[G.VIBRATO_LFO_TO_PITCH],
    )
