"""VOLUME: a gain on what goes out, which moves by ramps."""

import numpy as np
from numpy.typing import NDArray


class Fader:
    """The gain over positions, which go up; a change takes `ramp` frames."""

    def __init__(self, gain: float, ramp: int) -> None:
        self._ramp = ramp
        self._moves = [(-ramp, gain, gain)]  # (position, from, to)

    def move(self, position: int, gain: float) -> None:
        """From a position on go to another gain, from wherever it is there."""
        self._moves.append((position, float(self.values(np.array([position]))[0]), gain))

    def steady(self, position: int) -> float | None:
        """The gain, where it does not move from a position on."""
        at, _, gain = self._moves[-1]
        return gain if at + self._ramp <= position else None

    def values(self, n: NDArray[np.int64]) -> NDArray[np.float64]:
        """At each of some positions."""
        out = np.full(len(n), self._moves[0][2])
        for at, begin, end in self._moves:
            moving = begin + (end - begin) * np.clip((n - at) / self._ramp, 0.0, 1.0)
            out = np.where(n >= at, moving, out)
        return out

    def forget(self, position: int) -> None:
        """Positions before this one are not asked for again."""
        while len(self._moves) > 1 and self._moves[1][0] + self._ramp <= position:
            del self._moves[0]
