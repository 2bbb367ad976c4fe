"""Pitch in integers: the same ratio on every machine, for what is shifted, tuned or bent.

A ratio is a 32.32 fixed-point number: frames of a recording for each frame that is played.
"""

from math import isqrt
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

ONE = 1 << 32
"""The ratio that leaves a recording as it is."""
CENT, OCTAVE = 256, 1200 * 256
"""In the unit of `ratio`."""

Number = TypeVar("Number", int, NDArray[np.int64])

_BITS = 64  # of the fractions of all that follows: what the tables' products lose stays below 2^-50
_COARSE, _FINE = 300, 1024  # steps of 4 cents to the octave, and of 1/256 cent to each of them


def ratio(cents_256: int) -> int:
    """2^(cents_256 / OCTAVE), within 0.51 of its last place, and of that times 2^n in the n-th octave above.

    Whole octaves are exact, and above 0 an octave more is exactly twice as much.
    """
    octave, rest = divmod(cents_256, OCTAVE)
    coarse, fine = divmod(rest, _FINE)
    shift = 2 * _BITS - 32 - min(octave, 0)
    return ((_STEPS[coarse] * _FINE_STEPS[fine] + (1 << (shift - 1))) >> shift) << max(octave, 0)


def mul(a: Number, b: Number) -> Number:
    """The product of two ratios, up to 2 below the exact one; in 64 bits where both are below 2^39."""
    return ((a * (b >> 16)) >> 16) + ((a * (b & 0xFFFF)) >> 32)


def _root(degree: int) -> int:
    """2^(1 / degree), rounded down."""
    found = 0
    for bit in reversed(range(_BITS + 1)):
        tried = found | 1 << bit
        if tried**degree <= 2 << (degree * _BITS):
            found = tried
    return found


def _halved(step: int, times: int) -> int:
    """The step of which 2^times make this one."""
    for _ in range(times):
        step = isqrt(step << _BITS)
    return step


def _powers(base: int, count: int) -> tuple[int, ...]:
    """The first `count` powers, from 1 on."""
    found = [1 << _BITS]
    while len(found) < count:
        found.append((found[-1] * base) >> _BITS)
    return tuple(found)


_STEP = _halved(_root(75), 2)
_STEPS, _FINE_STEPS = _powers(_STEP, _COARSE), _powers(_halved(_STEP, 10), _FINE)
