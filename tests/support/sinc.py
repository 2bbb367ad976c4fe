"""Sound between two frames: a windowed sinc, from its formula."""

from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

Values = NDArray[np.float64]
Positions = NDArray[np.int64]

ONE = 1 << 32
"""Phases and ratios are 32.32 fixed point."""
AROUND = np.arange(-7, 9)
"""The frames that sound at a phase, from the one that it is in on."""
HALF = 8
"""Half of the window's width."""
BETA, CUTOFF = 10.0, 0.97
"""Of the Kaiser window, and of the low-pass in half the sample rate."""


def weights(fractions: Values) -> Values:
    """(n, 16): what the frames around count, a fraction past a frame."""
    apart = AROUND - fractions[:, None]
    sinc = np.sinc(CUTOFF * apart) * np.i0(BETA * np.sqrt(np.maximum(0, 1 - (apart / HALF) ** 2)))
    return np.asarray(sinc / sinc.sum(axis=1, keepdims=True))


_DEGREE = 24
_NODES = chebyshev.chebpts1(_DEGREE + 1)
_CURVES = np.linalg.solve(chebyshev.chebvander(_NODES, _DEGREE), weights((_NODES + 1) / 2))


def quick_weights(fractions: Values) -> Values:
    """The same to 1e-13: from one frame to the next each weight is as good as a polynomial, which is quick."""
    return np.asarray(chebyshev.chebvander(2 * fractions - 1, _DEGREE) @ _CURVES)


def read(frames: Callable[[Positions], Values], phase: Positions, step: Positions | int = ONE) -> Values:
    """(n, 2): a sound of which `frames` gives those at indices, at phases that go on by `step` a frame. What is not
    shifted is the frames themselves."""
    out = frames(phase >> 32)
    (between,) = np.nonzero((phase % ONE != 0) | (step != ONE))
    for part in np.array_split(between, len(between) // 32768 + 1):  # so that a long sound needs little memory
        around = frames((phase[part, None] >> 32) + AROUND)
        out[part] = np.einsum("nt,ntc->nc", quick_weights(phase[part] % ONE / ONE), around)
    return out
