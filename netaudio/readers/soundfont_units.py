"""A SoundFont's units and shapes as seconds, Hz and gains (SoundFont 2.04, 8.1.3, 8.2, 9.1; FluidSynth 2.3.1).

"Measured" is what FluidSynth 2.3.1 plays without effects at 48 kHz. Where it departs from the format it is what is
taken, since banks are made by ear with players like it: the attenuation's scale, the fall of the volume's envelope,
the tremolo that never makes louder, and velocity that does not move the filter. Chorus and reverb do nothing here.
"""

import math
from dataclasses import dataclass

from netaudio.readers.soundfont_modulators import Curve, ModulatorSource
from netaudio.readers.soundfont_settings import Envelope

FLOOR = 96.0
"""dB below the peak where a note ends. Measured; the format says 100."""
ATTENUATION_SCALE = 0.4
"""Of the generator alone, not of what modulators add. Measured; EMU's cards did so, and banks were made with them."""
MOST_ATTENUATION = 1440.0  # cB
SHORTEST_RELEASE = -7200
"""Timecents: 16 ms. Measured: shorter ones are lengthened to it."""
CHOKE_RELEASE = -200
"""Timecents: 0.89 s for FLOOR. Measured: how another note of an exclusive class ends one."""
LOWEST_CUTOFF, HIGHEST_CUTOFF = 1500, 13500  # absolute cents
CUTOFF_OF_RATE = 0.45
"""Highest cutoff, of the output's rate. Measured at 22,050, 32,000 and 48,000 Hz."""
MIDDLE_KEY = 60


def seconds(timecents: float) -> float:
    """2^(t / 1200) (9.1.3); -12000, the default of most, is 1 ms and means at once."""
    return math.exp2(timecents / 1200)


def keyed_seconds(timecents: float, per_key: float, key: int) -> float:
    """The hold or decay at a key: `per_key` timecents longer for each key below 60 (8.1.3). Measured."""
    return seconds(timecents + per_key * (MIDDLE_KEY - key))


def gain(centibels: float) -> float:
    """10^(-c / 200): centibels attenuate (9.1.2)."""
    return math.pow(10, -centibels / 200)


def hertz(absolute_cents: float) -> float:
    """8.176 Hz, MIDI key 0, is 0 (9.1.1)."""
    return 440 * math.exp2((absolute_cents - 6900) / 1200)


def cents(key: int, root: int, scale_tuning: int, coarse: int, fine: int, correction: int) -> float:
    """How far a sample is shifted (8.1.3: coarseTune, fineTune, scaleTuning). Measured within 1 cent."""
    return scale_tuning * (key - root) + 100 * coarse + fine + correction


def concave(x: float) -> float:
    """0 … 1 to 0 … 1, slow first: -40/96 log10(1 - x) up to 1 (9.5.1). Measured within 0.01."""
    return 1.0 if x >= 1 else min(-40 / FLOOR * math.log10(1 - max(x, 0.0)), 1.0)


def convex(x: float) -> float:
    """The same, fast first (9.5.1). Measured within 0.01."""
    return 1 - concave(1 - x)


def curved(curve: Curve, x: float) -> float:
    """0 … 1 to 0 … 1; a switch is on from 0.5."""
    match curve:
        case Curve.LINEAR:
            return x
        case Curve.CONCAVE:
            return concave(x)
        case Curve.CONVEX:
            return convex(x)
        case Curve.SWITCH:
            return float(x >= 0.5)


def source_value(source: ModulatorSource, value: float, size: int = 128) -> float:
    """What a source puts out for a controller's value of 0 … size - 1 (pitch wheel: size 16384) (8.2, 9.5.1).

    Unipolar: the curve of value/size. Bipolar: -1 … 1, the curve on each side of the middle. Descending: turned round
    before the curve; a switch then is on below the middle. Measured for all 16 within 0.02.
    """
    x = value / size
    if source.curve is Curve.SWITCH:
        on = (x >= 0.5) is not source.descending
        return 1.0 if on else -1.0 if source.bipolar else 0.0
    if source.descending:
        x = 1 - x
    if not source.bipolar:
        return curved(source.curve, x)
    x = 2 * x - 1
    return math.copysign(curved(source.curve, abs(x)), x)


def attenuation_gain(generator: float, modulated: float = 0.0) -> float:
    """The gain of initialAttenuation in cB and of what modulators add to it in cB. Measured.

    The generator counts 0.4 times; the sum is limited to 0 … 1440 cB, so that a negative generator makes louder only
    what velocity or controllers make softer.
    """
    return gain(min(max(ATTENUATION_SCALE * generator + modulated, 0.0), MOST_ATTENUATION))


def velocity_attenuation(velocity: int, amount: float = 960.0) -> float:
    """cB that a velocity of 0 … 127 takes by the default modulator (8.4.1), CC7 and CC11 likewise (8.4.5, 8.4.7).

    Concave, falling: 400 log10(128 / v), so the gain is (v / 128)^2 and at 127 it is -0.14 dB. Measured.
    """
    return amount * concave(1 - velocity / 128)


def pan_gains(pan: float) -> tuple[float, float]:
    """Left and right for -500 … 500: 1 in the middle, 1.414 at a side, of constant power. Measured."""
    angle = (min(max(pan, -500.0), 500.0) + 500) * math.pi / 2000
    return math.sqrt(2) * math.cos(angle), math.sqrt(2) * math.sin(angle)


@dataclass(frozen=True, slots=True)
class VolumeShape:
    """A volume envelope at one key.

    Attack: straight in gain (8.1.3: 34). Decay and release: straight in dB, FLOOR in the time that the file gives, so
    that a decay is over sooner the less it falls. Release: from the gain that is reached, also in the attack.
    Measured within 0.4 dB, which is FluidSynth's block of 64 frames. Below -FLOOR it is 0.
    """

    delay: float
    """s, as the others."""
    attack: float
    hold: float
    decay: float
    """s for FLOOR, as in release."""
    sustain: float
    """dB below the peak, 0 to FLOOR. 1000 cB and more is FLOOR: the file's 100 dB are scaled as its times are."""
    release: float

    def gain_at(self, time: float, released: float = math.inf) -> float:
        """At `time` s after note-on, the key let go `released` s after it."""
        if time > released:
            held = self.gain_at(released)
            return _faded(held, FLOOR * (time - released) / self.release)
        time -= self.delay
        if time < 0:
            return 0.0
        if time < self.attack:
            return time / self.attack
        time -= self.attack + self.hold
        return _faded(1.0, min(FLOOR * max(time, 0.0) / self.decay, self.sustain))


@dataclass(frozen=True, slots=True)
class ModulationShape:
    """A modulation envelope at one key, of levels 0 … 1.

    Attack: convex (8.1.3: 26). Decay and release: straight, 1 in the time that the file gives (28, 30). Measured
    within 0.01 of the peak.
    """

    delay: float
    """s, as the others."""
    attack: float
    hold: float
    decay: float
    sustain: float
    """Level."""
    release: float

    def level_at(self, time: float, released: float = math.inf) -> float:
        """At `time` s after note-on, the key let go `released` s after it."""
        if time > released:
            return max(self.level_at(released) - (time - released) / self.release, 0.0)
        time -= self.delay
        if time < 0:
            return 0.0
        if time < self.attack:
            return convex(time / self.attack)
        time -= self.attack + self.hold
        return max(1 - max(time, 0.0) / self.decay, self.sustain)


def volume_shape(envelope: Envelope, key: int) -> VolumeShape:
    return VolumeShape(
        seconds(envelope.delay),
        seconds(envelope.attack),
        keyed_seconds(envelope.hold, envelope.key_to_hold, key),
        keyed_seconds(envelope.decay, envelope.key_to_decay, key),
        FLOOR * min(envelope.sustain, 1000) / 1000,
        seconds(max(envelope.release, SHORTEST_RELEASE)),
    )


def modulation_shape(envelope: Envelope, key: int) -> ModulationShape:
    return ModulationShape(
        seconds(envelope.delay),
        seconds(envelope.attack),
        keyed_seconds(envelope.hold, envelope.key_to_hold, key),
        keyed_seconds(envelope.decay, envelope.key_to_decay, key),
        1 - envelope.sustain / 1000,
        seconds(envelope.release),
    )


def lfo_at(time: float, delay: float, frequency: float) -> float:
    """-1 … 1, `time` s after note-on: after the delay in s a triangle that begins at 0 and rises (8.1.3: 21 to 24).

    Measured within 0.03.
    """
    phase = max(time - delay, 0.0) * frequency % 1
    return 4 * phase if phase < 0.25 else 2 - 4 * phase if phase < 0.75 else 4 * phase - 4


def tremolo_gain(lfo: float, centibels: float) -> float:
    """The gain of modLfoToVolume at a value of the LFO: what would be louder than without is as without. Measured.

    The format has it louder by as much as softer (8.1.3: 13).
    """
    return min(gain(-lfo * centibels), 1.0)


def cutoff_hertz(absolute_cents: float, rate: int) -> float:
    """The filter's cutoff with all that moves it, within its limits."""
    return min(hertz(min(max(absolute_cents, LOWEST_CUTOFF), HIGHEST_CUTOFF)), CUTOFF_OF_RATE * rate)


def is_filtered(absolute_cents: float, centibels: float) -> bool:
    """Whether a fixed cutoff and Q do anything (8.1.3: 8). FluidSynth always filters, here 3 dB at 19.9 kHz."""
    return absolute_cents < HIGHEST_CUTOFF or centibels > 0


def filter_q(centibels: float) -> float:
    """The Q of the filter of two poles, a low-pass by the bilinear transform: 0 is 0.707, without a peak (8.1.3: 9).

    Measured: its gain at the cutoff is this times `filter_gain`: -3 dB + Q / 2.
    """
    return math.pow(10, (centibels / 10 - 3.0103) / 20)


def filter_gain(centibels: float) -> float:
    """What a filter is turned down by at 0 Hz: half its Q in dB (8.1.3: 9). Measured."""
    return gain(centibels / 2)


def _faded(level: float, decibels: float) -> float:
    """Down by so much, 0 from -FLOOR on."""
    level *= math.pow(10, -decibels / 20)
    return level if level > math.pow(10, -FLOOR / 20) else 0.0
