"""What a bad network does to packets: they come later, out of order, twice or not at all. Time is an argument."""

import math
from dataclasses import dataclass, field, fields

import numpy as np

from netaudio.units import Span

STALL_SECONDS = 0.2  # until TCP sends again what was lost, at the least (Linux)
OVERTAKEN_SECONDS = 0.01
QUEUE_SECONDS = 0.2  # what would wait longer for a slow line is dropped
CORRELATION_SECONDS = 0.05  # of jitter: queues grow and shrink, they do not toss coins
MOST_SECONDS = 1


@dataclass(frozen=True)
class Impairment:
    """One way of a network; a round trip is two ways. Times in seconds, shares of the packets from 0 to 1.

    A packet takes `delay` to `delay + jitter`, evenly spread, and keeps its place in the order. So where both ways
    are alike the round trip is 2 delay + jitter at the median, and at most `jitter` more.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    burst: float = 1.0  # packets lost in a row, on average; 1: each by itself
    twice: float = 0.0  # come two times
    reorder: float = 0.0  # come 10 ms later, and are overtaken
    rate: float = 0.0  # bit/s; 0: any

    @classmethod
    def parse(cls, text: str) -> "Impairment":
        """What a text such as "delay=30ms jitter=5ms loss=1% burst=3" says; raises ValueError."""
        known = {part.name for part in fields(cls)}
        values: dict[str, float] = {}
        for word in text.split():
            name, equals, value = word.lower().partition("=")
            if not equals or name not in known or name in values:
                raise ValueError(word)
            values[name] = _read(name, value)
        if not values:
            raise ValueError("nothing")
        return cls(**values)


def _read(name: str, text: str) -> float:
    if name in ("delay", "jitter"):
        span = Span.parse(text)
        if span.seconds is None or span.seconds > MOST_SECONDS:
            raise ValueError(text)
        return float(span.seconds)
    low, high, scale = {"burst": (1, 1000, 1.0), "rate": (8, 1e7, 1000.0)}.get(name, (0, 100, 0.01))
    number = float(text.removesuffix("%" if scale < 1 else ""))
    if not low <= number <= high:
        raise ValueError(text)
    return number * scale


@dataclass
class Way:
    """Packets going one way. `impairment` may be changed at any time.

    Luck comes from the seed, with the same draws for each packet: of two runs of one seed the same packets are lost.
    """

    impairment: Impairment
    seed: int
    _losing: bool = field(default=False, init=False)
    _luck: float = field(default=0.0, init=False)  # normally distributed, and correlated over time
    _luck_at: float = field(default=-math.inf, init=False)
    _free_at: float = field(default=-math.inf, init=False)  # when a slow line has sent all that waits
    _last: float = field(default=-math.inf, init=False)
    _last_segment: float = field(default=-math.inf, init=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    def datagram(self, now: float, size: int) -> list[float]:
        """When the copies of a packet of `size` bytes arrive that is sent now: none, one or two."""
        at, (overtaken, twice) = self._send(now, size)
        if at is None:
            return []
        if overtaken < self.impairment.reorder:
            at += OVERTAKEN_SECONDS
        else:
            at = self._last = max(at, self._last)
        return [at] * (2 if twice < self.impairment.twice else 1)

    def segment(self, now: float, size: int) -> float:
        """The same for a part of a TCP stream: if it is lost it comes later, and what is behind it waits."""
        at, _ = self._send(now, size)
        if at is None:
            at = now + STALL_SECONDS + self._delay(now)
        self._last_segment = max(at, self._last_segment)
        return self._last_segment

    def _send(self, now: float, size: int) -> tuple[float | None, list[float]]:
        """When the packet arrives, and two numbers of luck for other purposes."""
        lost, *others = self._rng.random(3).tolist()
        self._advance(now)
        self._losing = lost >= self._recovery if self._losing else lost < self._onset
        start = now
        if self.impairment.rate:
            start = max(now, self._free_at)
            if self._losing or start - now > QUEUE_SECONDS:
                return None, others
            start = self._free_at = start + 8 * size / self.impairment.rate
        return None if self._losing else start + self._delay(now), others

    @property
    def _recovery(self) -> float:
        """The chance that a packet arrives after one that was lost (Gilbert's model)."""
        return min(1 / self.impairment.burst, 1 - self.impairment.loss)

    @property
    def _onset(self) -> float:
        """The chance that a packet is lost after one that arrived."""
        loss = self.impairment.loss
        return loss * self._recovery / (1 - loss) if loss < 1 else 1.0

    def _advance(self, now: float) -> None:
        """An Ornstein-Uhlenbeck process: normal at all times, whenever packets come."""
        same = math.exp(min(0.0, self._luck_at - now) / CORRELATION_SECONDS)
        self._luck = same * self._luck + math.sqrt(1 - same * same) * self._rng.standard_normal()
        self._luck_at = now

    def _delay(self, now: float) -> float:
        even = 0.5 + 0.5 * math.erf(self._luck / math.sqrt(2))
        return self.impairment.delay + self.impairment.jitter * even
