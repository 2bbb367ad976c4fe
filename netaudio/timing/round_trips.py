"""Round trips as they were measured, in seconds, and what they tell of the way."""

from collections import deque
from itertools import islice

from netaudio.statistics import quantile

KEPT = 2000


class RoundTrips:
    """The newest of them. `count` counts all there ever were: who remembers it learns what came since."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: deque[float] = deque(maxlen=KEPT)

    def add(self, seconds: float) -> None:
        self.count += 1
        self._kept.append(seconds)

    def newest(self, number: int) -> list[float]:
        """At most so many, the last one last."""
        return list(islice(reversed(self._kept), max(0, number)))[::-1]

    def since(self, count: int) -> list[float]:
        """Those after the first `count`, as far as they are kept."""
        return self.newest(self.count - count)

    def quantile(self, share: float) -> float:
        """0 before the first."""
        return quantile(self._kept, share)

    @property
    def median(self) -> float:
        return self.quantile(0.5)

    @property
    def jitter(self) -> float:
        """p99.9 less p50."""
        return self.quantile(0.999) - self.median
