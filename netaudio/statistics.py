"""How values are spread: one quantile, one histogram."""

import math
from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPREAD = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
"""The shares whose quantiles tell how values are spread."""


def quantile(values: Collection[float] | NDArray[Any], share: float) -> float:
    """The lowest value that at least this share of them (0 to 1) do not exceed; 0 of none."""
    if not len(values):
        return 0.0
    array = values if isinstance(values, np.ndarray) else np.fromiter(values, float, len(values))
    rank = _least(share, len(array)) - 1
    return float(np.partition(array, rank)[rank])


def _least(share: float, count: int) -> int:
    """How many of `count` values are at least this share of them; 1 or more."""
    return max(math.ceil(share * count - 1e-9), 1)  # 0.07 x 100 is a little more than 7


class Histogram:
    """Values counted in steps: `counts[i]` lie above (i - 1) x `step` and not above i x `step`.

    One thread may add while others read.
    """

    __slots__ = ("counts", "step")

    def __init__(self, step: float, counts: "Counter[int] | None" = None) -> None:
        self.step = step
        self.counts: Counter[int] = Counter() if counts is None else counts

    def add(self, value: float) -> None:
        self.counts[math.ceil(value / self.step)] += 1

    def add_all(self, values: NDArray[np.float64]) -> None:
        self.counts.update(np.ceil(values / self.step).astype(np.int64).tolist())

    def plus(self, other: "Histogram") -> "Histogram":
        """What was added to either. The steps must be the same."""
        assert self.step == other.step
        return Histogram(self.step, self.counts.copy() + other.counts.copy())

    def less(self, earlier: "Histogram") -> "Histogram":
        """What was added since an earlier copy was taken."""
        return Histogram(self.step, self.counts.copy() - earlier.counts)

    def quantile(self, share: float) -> float:
        """That of the values, each rounded up to a step; 0 of none."""
        counts = self.counts.copy()
        needed, reached = _least(share, counts.total()), 0
        for index in sorted(counts):
            reached += counts[index]
            if reached >= needed:
                return index * self.step
        return 0.0
