"""A SoundFont's units and shapes: figures that the format states or that FluidSynth was measured with."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from netaudio.readers import soundfont_units as units
from netaudio.readers.soundfont_modulators import Curve, ModulatorSource, source_of
from netaudio.readers.soundfont_settings import Envelope

SUDDEN = -12000


def decibels(gain: float) -> float:
    return 20 * math.log10(gain)


def source(curve: Curve, *, bipolar: bool = False, descending: bool = False) -> ModulatorSource:
    return ModulatorSource(20, True, curve, bipolar, descending)


def envelope(**values: int) -> Envelope:
    sudden = {"delay": SUDDEN, "attack": SUDDEN, "hold": SUDDEN, "decay": SUDDEN, "release": SUDDEN}
    return Envelope(**(sudden | {"sustain": 0, "key_to_hold": 0, "key_to_decay": 0} | values))


def test_units_are_those_of_the_format() -> None:
    assert units.seconds(0) == 1
    assert units.seconds(-1200) == 0.5
    assert units.seconds(-7973) == approx(0.010, abs=1e-5)
    assert units.gain(60) == approx(0.501, abs=1e-3)
    assert units.gain(200) == approx(0.1)
    assert units.hertz(6900) == 440
    assert units.hertz(0) == approx(8.176, abs=1e-3)
    assert units.hertz(13500) == approx(19912, abs=1)
    assert units.cents(72, 60, 50, 2, -7, 3) == 796


@pytest.mark.parametrize(
    ("curve", "bipolar", "descending", "expected"),
    [
        (Curve.LINEAR, False, False, {0: 0, 16: 0.125, 64: 0.5, 96: 0.75}),
        (Curve.LINEAR, False, True, {0: 1, 16: 0.875, 64: 0.5, 127: 0.008}),
        (Curve.LINEAR, True, False, {0: -1, 32: -0.5, 64: 0, 96: 0.5}),
        (Curve.LINEAR, True, True, {0: 1, 64: 0, 96: -0.5}),
        (Curve.CONCAVE, False, False, {0: 0, 64: 0.126, 96: 0.248, 126: 0.757, 127: 0.867}),
        (Curve.CONCAVE, False, True, {0: 1, 16: 0.375, 64: 0.126, 96: 0.053, 127: 0.004}),
        (Curve.CONCAVE, True, False, {0: -1, 16: -0.25, 64: 0, 96: 0.126, 127: 0.757}),
        (Curve.CONCAVE, True, True, {0: 1, 16: 0.248, 64: 0, 127: -0.753}),
        (Curve.CONVEX, False, False, {0: 0, 1: 0.122, 16: 0.624, 64: 0.867}),
        (Curve.CONVEX, False, True, {0: 1, 64: 0.867, 126: 0.246, 127: 0.122}),
        (Curve.CONVEX, True, False, {0: -1, 63: -0.247, 64: 0, 96: 0.867}),
        (Curve.CONVEX, True, True, {0: 1, 63: 0.246, 64: 0, 96: -0.873}),
        (Curve.SWITCH, False, False, {0: 0, 63: 0, 64: 1, 127: 1}),
        (Curve.SWITCH, False, True, {0: 1, 63: 1, 64: 0, 127: 0}),
        (Curve.SWITCH, True, False, {0: -1, 63: -1, 64: 1, 127: 1}),
        (Curve.SWITCH, True, True, {0: 1, 63: 1, 64: -1, 127: -1}),
    ],
)
def test_sources_follow_the_measured_curves(
    curve: Curve, bipolar: bool, descending: bool, expected: dict[int, float]
) -> None:
    put_out = source(curve, bipolar=bipolar, descending=descending)
    assert {value: units.source_value(put_out, value) for value in expected} == approx(expected, abs=0.02)


@given(st.sampled_from(Curve), st.booleans(), st.booleans(), st.integers(0, 126))
def test_sources_stay_within_their_range_and_go_one_way(curve: Curve, bipolar: bool, down: bool, value: int) -> None:
    put_out = source(curve, bipolar=bipolar, descending=down)
    now, then = units.source_value(put_out, value), units.source_value(put_out, value + 1)
    assert (-1 if bipolar else 0) <= now <= 1
    assert (now >= then) if down else (now <= then)


def test_the_wheel_in_the_middle_moves_nothing() -> None:
    wheel = source_of(0x020E)
    assert wheel is not None
    assert units.source_value(wheel, 8192, 16384) == 0
    assert units.source_value(wheel, 0, 16384) == -1


@pytest.mark.parametrize(("velocity", "down"), [(1, -84.15), (16, -35.99), (32, -23.95), (64, -11.91), (100, -4.15)])
def test_velocity_is_squared(velocity: int, down: float) -> None:
    whole, part = (units.attenuation_gain(0, units.velocity_attenuation(v)) for v in (127, velocity))
    assert decibels(part / whole) == approx(down, abs=0.01)


def test_the_generator_of_attenuation_counts_by_0_4() -> None:
    assert decibels(units.attenuation_gain(100)) == approx(-4)
    assert decibels(units.attenuation_gain(100, 100)) == approx(-14)
    assert units.attenuation_gain(-100) == 1
    assert decibels(units.attenuation_gain(-100, 100)) == approx(-6)


def test_pan_has_constant_power() -> None:
    assert units.pan_gains(0) == approx((1, 1))
    assert units.pan_gains(-500) == approx((math.sqrt(2), 0), abs=1e-12)
    assert units.pan_gains(250) == approx((0.541, 1.307), abs=1e-3)
    assert units.pan_gains(9000) == units.pan_gains(500)


def test_a_volumes_attack_is_straight_in_gain_and_its_decay_in_decibels() -> None:
    shape = units.volume_shape(envelope(attack=0, decay=0, sustain=480), 60)
    assert shape.gain_at(0) == 0
    assert shape.gain_at(0.5) == approx(0.5, abs=0.002)
    assert decibels(shape.gain_at(1.25)) == approx(-23.7, abs=0.4)
    assert decibels(shape.gain_at(9)) == approx(-46.08, abs=0.1)


def test_a_release_begins_where_the_key_was_let_go_and_ends() -> None:
    shape = units.volume_shape(envelope(attack=0, release=0), 60)
    assert decibels(shape.gain_at(0.6, released=0.5)) == approx(-15.6, abs=0.1)
    assert decibels(shape.gain_at(1, released=0.5)) == approx(-53.9, abs=0.4)
    assert shape.gain_at(1.5, released=0.5) == 0


def test_the_shortest_release_is_16_ms() -> None:
    assert units.volume_shape(envelope(), 60).release == approx(0.0156, abs=1e-4)


@pytest.mark.parametrize(("key", "hold"), [(24, 0.1414), (48, 0.0707), (60, 0.05), (72, 0.0354)])
def test_keys_below_the_middle_hold_longer(key: int, hold: float) -> None:
    of_50_ms = round(1200 * math.log2(0.05))
    assert units.volume_shape(envelope(hold=of_50_ms, key_to_hold=50), key).hold == approx(hold, abs=1e-4)


def test_a_modulation_envelope_rises_convex_and_falls_straight() -> None:
    shape = units.modulation_shape(envelope(attack=0, decay=0, sustain=500, release=0), 60)
    rising = {time: 1200 * shape.level_at(time + units.seconds(SUDDEN)) for time in (0.1, 0.25, 0.5, 0.9)}
    assert rising == approx({0.1: 700.4, 0.25: 898.7, 0.5: 1049, 0.9: 1176.5}, abs=3)
    assert shape.level_at(1.25) == approx(0.75, abs=0.01)
    assert shape.level_at(5) == 0.5
    assert shape.level_at(0.75, released=0.5) == approx(0.8736 - 0.25, abs=0.01)
    assert shape.level_at(9, released=0.5) == 0


def test_an_lfo_is_a_triangle_after_its_delay() -> None:
    values = {time: units.lfo_at(time, 0.25, 2) for time in (0, 0.25, 0.3125, 0.375, 0.5, 0.625, 0.6875, 0.75)}
    assert values == approx({0: 0, 0.25: 0, 0.3125: 0.5, 0.375: 1, 0.5: 0, 0.625: -1, 0.6875: -0.5, 0.75: 0})


def test_a_tremolo_makes_softer_only() -> None:
    assert units.tremolo_gain(1, 100) == 1
    assert decibels(units.tremolo_gain(-1, 100)) == approx(-10)


@pytest.mark.parametrize(("q", "low", "cutoff"), [(0, 0, -3.02), (10, -0.5, -2.52), (100, -4.98, 1.96)])
def test_a_peak_takes_half_of_itself_from_the_rest(q: int, low: float, cutoff: float) -> None:
    assert decibels(units.filter_gain(q)) == approx(low, abs=0.03)
    assert decibels(units.filter_gain(q) * units.filter_q(q)) == approx(cutoff, abs=0.05)


def test_a_cutoff_stays_below_half_the_rate() -> None:
    assert units.cutoff_hertz(13500, 22050) == 9922.5
    assert units.cutoff_hertz(20000, 96000) == approx(19912, abs=1)
    assert units.cutoff_hertz(0, 48000) == approx(19.4, abs=0.1)
    assert not units.is_filtered(13500, 0)
    assert units.is_filtered(13500, 10)
    assert units.is_filtered(13000, 0)
