"""Controllers: values over positions, and who knows of which change."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Gains = NDArray[np.float64]
Straight = tuple[float, float]  # gain at the first frame, its change per frame


class Change(NamedTuple):
    seq: int
    position: int
    value: float


class Line:
    """A controller's value over positions. Every change is a straight ramp, and is known by its seq."""

    __slots__ = ("changes", "ramp")

    def __init__(self, value: float, ramp: int) -> None:
        self.ramp = ramp
        self.changes = [Change(0, -ramp, value)]

    def change(self, seq: int, position: int, value: float) -> None:
        self.changes.append(Change(seq, position, value))

    def same(self, before: int, end: int) -> bool:
        """Whether all changes before position `end` are known to one who has heard `before`."""
        for change in reversed(self.changes):  # seqs and positions both grow along them
            if change.seq <= before:
                return True
            if change.position < end:
                return False
        return True

    def straight(self, first: int, last: int, heard: int) -> Straight | None:
        """Value at `first` and slope, where it is one straight line from `first` to `last`; else None."""
        value, slope, ramp = self.changes[0].value, 0.0, self.ramp
        beyond, previous = max(last, first + 1), value  # a ramp that begins here gives a single frame its slope
        for seq, at, new in self.changes[1:]:
            if seq > heard or at >= beyond:
                break
            step, previous = new - previous, new
            if at + ramp <= first:
                value += step
            elif at <= first and last <= at + ramp:
                value += step * (first - at) / ramp
                slope += step / ramp
            else:
                return None
        return value, slope

    def values(self, n: NDArray[np.int64], heard: int) -> Gains:
        known = [c for c in self.changes if c.seq <= heard] or self.changes[:1]
        out = np.full(len(n), known[0].value)
        for (_, _, old), (_, at, new) in pairwise(known):
            out += (new - old) * between_0_and_1((n - at) / self.ramp)
        return out

    def forget(self, position: int, heard: int) -> None:
        """Drop what no position from here on and no one who has heard this much can tell."""
        while len(self.changes) > 1 and self._over(self.changes[1], position, heard):
            del self.changes[0]

    def _over(self, change: Change, position: int, heard: int) -> bool:
        return change.seq <= heard and change.position + self.ramp <= position


def between_0_and_1(x: Gains) -> Gains:
    """A third of the time of numpy's clip, for a chunk."""
    out: Gains = np.minimum(np.maximum(x, 0.0), 1.0)
    return out
