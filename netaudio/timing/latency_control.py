"""OFFSET and BUFFER_SIZE that follow the network while one plays: up at once, down slowly. Time is an argument.

OFFSET covers the round trip (p99), BUFFER_SIZE and three chunks. BUFFER_SIZE covers the jitter of both ways: that
of the packets is the slack which the server is asked for, that of the keys is what is left.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netaudio.statistics import quantile
from netaudio.timing.latency_budget import SLACK_SHARE, Tuning, tuned
from netaudio.timing.pacer import EASE, MEMORY_SECONDS
from netaudio.units import Span

BLOCK_SECONDS, BLOCKS = 2.0, 30  # a minute of round trips is remembered
TAIL = 3.6  # p99.9 less p50 of two exponential ways, in units of their p90 less p50
LOOK_SECONDS = 0.25
TRIP_SPARE = 0.04  # of the jitter, above the p99 of the round trips
HEADROOM = 0.15  # of the jitter, above what is needed: estimates waver, and need not be followed at each step
FIRST = 0.4  # the same before the first note, when few round trips are known
STEP_SECONDS, MOST_CALM = 5.0, 640.0  # between steps down; doubled each time one of them was a mistake
MISTAKE_SECONDS = 300.0  # a step down was one if a step up follows so soon
NOTES, NOTE_SECONDS = 10, 5.0  # the notes of the last seconds tell something if there are at least so many
LATE_SHARE = 0.3  # of them are late: fewer mean a loss or a stall
LATE_SECONDS = 3.0  # of packets that come late, until what they lack is added


class Trips:
    """The round trips of the last minute, in blocks: what is beyond the medians of its block and of both
    neighbours is jitter, while a median that moves is another way."""

    def __init__(self) -> None:
        self._blocks: deque[NDArray[np.float64]] = deque(maxlen=BLOCKS)
        self._beyond: deque[NDArray[np.float64]] = deque(maxlen=BLOCKS)  # each less its own median, or a neighbour's
        self._medians: deque[float] = deque(maxlen=3)
        self._open: list[float] = []
        self._until: float | None = None

    def begin(self, trips: Sequence[float]) -> None:
        """Take a first block, measured by itself."""
        if trips:
            block = np.array(trips)
            self._blocks.append(block)
            self._medians.append(quantile(block, 0.5))
            self._beyond.append(block - self._medians[-1])

    def add(self, now: float, trip: float) -> None:
        if self._until is None:
            self._until = now + BLOCK_SECONDS
        if now >= self._until and self._open:
            self._close()
            self._until = now + BLOCK_SECONDS
        self._open.append(trip)

    def _close(self) -> None:
        block = np.array(self._open)
        self._open = []
        self._medians.append(quantile(block, 0.5))
        if len(self._medians) == 3:  # both neighbours of the block before are known
            self._beyond.append(self._blocks[-1] - max(self._medians))
        self._blocks.append(block)

    def usual(self) -> float:
        """Seconds: p99."""
        return quantile(np.concatenate((*self._blocks, self._open)), 0.99)

    def jitter(self) -> float:
        """Seconds: p99.9 less p50, or what the p90 leads one to expect where that is more: few have been seen."""
        beyond = np.concatenate((*self._beyond, ()))
        return max(0.0, quantile(beyond, 0.999), TAIL * quantile(beyond, 0.9))


class Figure:
    """A figure that goes up as soon as it must and down in steps when that has been possible for a while."""

    def __init__(self, value: float) -> None:
        self.value = value
        self._calm, self._peak = STEP_SECONDS, 0.0
        self._since: float | None = None  # it could have been lower
        self._fell: float | None = None
        self._rose: float | None = None
        self._row = 0  # rises that came soon after another

    def follow(self, now: float, need: float, spare: float, room: float) -> None:
        """Stay between `need` and `room` beyond it; to go up is to go to `need` and `spare`,
        further the more often it had to go up lately."""
        if need > self.value:
            self._row = self._row + 1 if self._rose is not None and now - self._rose < STEP_SECONDS else 0
            self._rose = now
            self.value = need + spare * min(8, 1 << max(0, self._row - 1))
            if self._fell is not None and now - self._fell < MISTAKE_SECONDS:
                self._calm = min(2 * self._calm, MOST_CALM)
        if need + room >= self.value or self._since is None:
            self._since, self._peak = now, 0.0
            return
        self._peak = max(self._peak, need + spare)
        if now - self._since >= self._calm and self._peak < self.value:
            self.value = max(self._peak, self.value - max(room, (self.value - self._peak) / 2))
            self._since = self._fell = now
            self._peak = 0.0


class Margin(NamedTuple):
    """A knit margin, and when it was taken."""

    at: float  # seconds
    frames: int


class Follow:
    """Chooses what of OFFSET and BUFFER_SIZE is auto: `begin`, then `hear` of round trips and `look` often.

    `chunk` is the stream's, in frames, and may change meanwhile."""

    def __init__(self, offset: Span, buffer_size: Span, rate: int, chunk: int) -> None:
        self._spans, self._rate, self.chunk = (offset, buffer_size), rate, chunk
        self.trips = Trips()
        self.short = False  # more OFFSET is needed than what is held allows
        self._trip, self._jitter = Figure(0.0), Figure(0.0)
        self.tuning = self._tuned()  # the last choice
        self._next = self._ignore_until = self._eased = 0.0
        self._in_time: float | None = None  # when packets last were
        self._margins: deque[Margin] = deque()

    def begin(self, trips: Sequence[float], most: int | None = None) -> Tuning:
        """The first choice, from round trips in seconds; `most` as for `look`, if anything is held already."""
        self.trips.begin(trips)
        jitter = self.trips.jitter()
        self._trip = Figure(self.trips.usual() + TRIP_SPARE * jitter)
        self._jitter = Figure(jitter * (1 + FIRST))
        self.tuning = self._tuned(most)
        return self.tuning

    def fix(self, offset: int) -> Tuning:
        """The choice under an OFFSET of the player's own, which is no longer followed."""
        self._spans = Span(offset), self._spans[1]
        self.tuning = self._tuned()
        return self.tuning

    def hear(self, now: float, trips: Sequence[float]) -> None:
        """Round trips whose replies came together: behind a stall they queue, and the last tells of the way."""
        if trips:
            self.trips.add(now, min(trips))

    def look(self, now: float, slack: int | None, margins: Sequence[int], most: int) -> Tuning | None:
        """Another choice, if one is due. `slack` is the p1 of the last second, `margins` the knit margins since
        the last look, `most` the largest OFFSET for which enough is held; all in frames."""
        if now >= self._ignore_until:  # until then they are of notes begun with less
            self._margins.extend(Margin(now, margin) for margin in margins)
        if self._in_time is None or slack is None or slack >= 0:
            self._in_time = now
        if now < self._next:
            return None
        self._next = now + LOOK_SECONDS
        chunk = self.chunk / self._rate
        jitter = max(self.trips.jitter(), self._unseen(now, slack))
        self._jitter.follow(now, jitter, HEADROOM * jitter, max(0.5 * jitter, 2 * chunk))
        # One of the three chunks in OFFSET is there to waver in.
        need = max(self.trips.usual() - chunk, min(self._late_by(now), most / self._rate))
        spare = 0.75 * chunk + TRIP_SPARE * self._jitter.value
        self._trip.follow(now, need, spare, max(spare, 0.05 * need) + 2 * chunk)
        return self._choose(now, most)

    def _unseen(self, now: float, slack: int | None) -> float:
        """The jitter, if the stream is unsteadier than the round trips tell; else 0."""
        if slack is None or self._in_time is None or now - self._in_time <= LATE_SECONDS:
            return 0.0
        self._in_time = now
        return (self.tuning.aim - 2 * self.chunk - slack) / SLACK_SHARE / self._rate

    def _late_by(self, now: float) -> float:
        """The round trip, if notes tell that it is longer than the measured ones; else 0."""
        while self._margins and self._margins[0].at < now - NOTE_SECONDS:
            self._margins.popleft()
        if len(self._margins) < NOTES:
            return 0.0
        margin = quantile([margin.frames for margin in self._margins], LATE_SHARE)
        if margin >= 0:
            return 0.0
        self._margins.clear()
        return self._trip.value - margin / self._rate

    def _choose(self, now: float, most: int) -> Tuning | None:
        before, chosen = self.tuning, self._tuned(most)
        if chosen.aim < before.aim:
            self._eased = now + (before.aim - chosen.aim) / self._rate / EASE + MEMORY_SECONDS
        if now < self._eased:  # the server still hears of keys as late as it did
            chosen = max(chosen, before)._replace(aim=chosen.aim)
        self.tuning = chosen
        if self.tuning == before:
            return None
        if self.tuning.offset > before.offset:
            self._margins.clear()
            self._ignore_until = self._next + 1.0 + before.offset / self._rate
        return self.tuning

    def _tuned(self, most: int | None = None) -> Tuning:
        offset, buffer_size = self._spans
        figures = self._rate, self.chunk, self._trip.value, self._jitter.value
        chosen = tuned(offset, buffer_size, *figures)
        self.short = most is not None and offset.auto and chosen.offset > most
        return tuned(Span(most), buffer_size, *figures) if self.short else chosen
