"""How values are spread: one quantile, one histogram."""

import math
from collections.abc import Iterable, Sequence


def quantile(values: Iterable[float], share: float) -> float:
    """By nearest rank; 0 of none."""
    ranked = sorted(values)
    return ranked[round(share * (len(ranked) - 1))] if ranked else 0.0


class Histogram:
    """`counts[i]` values lie above (i - 1) x `step` and not above i x `step`; the first holds all that are
    lower, the last all that are higher."""

    __slots__ = ("counts", "step")

    def __init__(self, step: float, counts: Sequence[int]) -> None:
        self.step, self.counts = step, list(counts)

    def add(self, value: float) -> None:
        index = math.ceil(value / self.step) if value > 0 else 0
        self.counts[index if index < len(self.counts) else -1] += 1

    def plus(self, other: "Histogram") -> "Histogram":
        return Histogram(self.step, [one + two for one, two in zip(self.counts, other.counts, strict=True)])

    def less(self, earlier: "Histogram") -> "Histogram":
        """What was added since an earlier copy was taken."""
        return Histogram(self.step, [now - then for now, then in zip(self.counts, earlier.counts, strict=True)])

    def edge(self, index: int) -> float:
        """The highest value that a count stands for; infinite for the last."""
        return index * self.step if index < len(self.counts) - 1 else math.inf

    def percentile(self, percent: float) -> float:
        """The lowest edge that so many percent of the values do not exceed; 0 where there are none."""
        needed, reached = percent * sum(self.counts) / 100, 0
        for index, count in enumerate(self.counts):
            reached += count
            if reached >= needed:
                return self.edge(index)
        return math.inf
