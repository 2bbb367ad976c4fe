"""How early packets came of late, in frames before they were to be played. Time is an argument."""

from collections import deque
from itertools import takewhile

from netaudio.statistics import quantile

WINDOW_SECONDS = 1.0
LOOK_SECONDS = 0.05  # between looks at all of them


class RecentSlacks:
    """Those of the last second's packets."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, int]] = deque()
        self._lowest: int | None = None
        self._looked = -LOOK_SECONDS

    def add(self, now: float, slack: int) -> None:
        self._recent.append((now, slack))

    def lowest(self, now: float) -> int | None:
        """p1, as of the last LOOK_SECONDS; None where nothing came."""
        if now - self._looked >= LOOK_SECONDS:
            while self._recent and self._recent[0][0] < now - WINDOW_SECONDS:
                self._recent.popleft()
            self._lowest = round(quantile([s for _, s in self._recent], 0.01)) if self._recent else None
            self._looked = now
        return self._lowest

    def since(self, time: float) -> list[int]:
        """Those after a time of the last second, the newest first."""
        return [slack for _, slack in takewhile(lambda item: item[0] > time, reversed(self._recent))]
