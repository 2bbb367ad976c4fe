"""Ratios as integers, against powers of two in 60 digits."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.sampler.pitch import CENT, OCTAVE, ONE, mul, ratio

CENTS = st.integers(-11 * OCTAVE, 8 * OCTAVE)
RATIOS = st.integers(0, 1 << 39)


@pytest.mark.parametrize("octaves", range(-11, 12))
def test_whole_octaves_are_exact(octaves: int) -> None:
    assert ratio(octaves * OCTAVE) == (ONE << 12 + octaves) >> 12


@given(CENTS)
def test_a_ratio_is_within_its_bound_of_the_power_of_two(cents: int) -> None:
    with localcontext() as context:
        context.prec = 60
        exact = ONE * Decimal(2) ** (Decimal(cents) / OCTAVE)
        assert abs(ratio(cents) - exact) < Decimal("0.51") * 2 ** max(0, cents // OCTAVE)


@given(CENTS)
def test_an_octave_more_is_twice_as_much(cents: int) -> None:
    lost = 0 if cents >= 0 else 1  # below 1 the last place is lost
    assert abs(ratio(cents + OCTAVE) - 2 * ratio(cents)) <= lost


@given(CENTS)
def test_the_smallest_step_is_a_step(cents: int) -> None:
    assert ratio(cents + 1) > ratio(cents)


def test_a_fifth_is_seven_semitones() -> None:
    assert ratio(700 * CENT) == 6_435_179_895  # 1.4983070769


@given(RATIOS, RATIOS)
def test_a_product_is_at_most_2_below_the_exact_one_and_fits_64_bits(a: int, b: int) -> None:
    assert 0 <= a * b - (mul(a, b) << 32) < 2 << 32
    assert max(a * (b >> 16), a * (b & 0xFFFF)) < 1 << 63


@given(RATIOS)
def test_a_product_with_one_changes_nothing(a: int) -> None:
    assert mul(a, ONE) == mul(ONE, a) == a
