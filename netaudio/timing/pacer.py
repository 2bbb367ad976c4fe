"""When a session's chunks are due: the cursor is kept `lead` frames ahead of the client's playhead."""

import math
from collections import deque

from netaudio.timing.clock import JUMP_SECONDS, PlayheadClock
from netaudio.timing.latency_budget import CAPACITY

UNREPORTED_SECONDS = 1.0  # without a report for so long nothing is paced
MEMORY_SECONDS = 1.5  # a reported slack is of packets no older
PATIENCE = 0.5  # of BUFFER_SIZE, beyond it
JITTERS = 4  # from a packet's mean lateness to the latest percent's, about
EASE = 0.02  # seconds a second by which the lead shrinks
HASTE = 0.5  # by which it grows, at most by half a chunk a report


class Pacer:
    """Learns a client's positions from its reports. Counts are frames."""

    def __init__(self, rate: int, chunk: int) -> None:
        self.rate, self.chunk, self._jump = rate, chunk, JUMP_SECONDS * rate
        self.clock = PlayheadClock(rate)
        self.lead = 0.0  # that the cursor should be ahead of the playhead, as this side sees it
        self.position = 0  # as last reported
        self._reported = -math.inf
        self._leads: deque[tuple[float, float]] = deque()  # (time, least lead since) of MEMORY_SECONDS

    def restart(self) -> None:
        """Another stream begins; the lead is a good guess for it, too."""
        self.clock = PlayheadClock(self.rate)
        self._leads.clear()
        self._reported = -math.inf

    def report(
        self, arrived: float, sent: int, age: int, position: int, block: int,
        slack: int | None, buffer_size: int, round_trip: float, jitter: int,
    ) -> None:  # fmt: skip
        """At `sent` (the client's microseconds, low 32 bits) the block of `block` frames from `position` on had begun
        `age` microseconds ago. `slack`: p1 of the last second's packets; `round_trip` in seconds."""
        elapsed = min(arrived - self._reported, UNREPORTED_SECONDS)
        self._reported, self.position = arrived, position
        self.clock.report(arrived, sent, age, position + block)
        self._aim(arrived, elapsed, slack, min(buffer_size, CAPACITY // 4), round_trip, jitter)

    def _aim(
        self, now: float, elapsed: float, slack: int | None, buffer_size: int, round_trip: float, jitter: int
    ) -> None:
        """Set the lead so that the slack becomes the client's BUFFER_SIZE. The least slack of the last second
        came about under the least lead of that time: their difference is what the way takes.

        It grows as far as jitter explains, and by no more than half of BUFFER_SIZE: a single stall would make
        all that is played for seconds after it late, and OFFSET has no room for that."""
        usual = buffer_size + round_trip * self.rate + self.chunk
        goal = usual
        if slack is not None and self._leads:
            goal = buffer_size + self._leads[0][1] - slack
            # No packet comes before it is sent, a chunk ahead of its time at most: more slack than that is of a card
            # that lags behind what it reports, and what it has yet to play must not be skipped.
            least = max(buffer_size - self.chunk, self.chunk)
            goal = max(goal, self.lead - EASE * elapsed * self.rate, least)
            # The pace is slewed: no chunk becomes overdue by this, however many reports come at once.
            goal = min(goal, self.lead + min(self.chunk / 2, HASTE * elapsed * self.rate))
        patience = min(JITTERS * jitter, PATIENCE * buffer_size)
        self.lead = min(goal, usual + patience, CAPACITY / 2)
        while self._leads and self._leads[-1][1] >= self.lead:
            self._leads.pop()
        self._leads.append((now, self.lead))
        while self._leads[0][0] < now - MEMORY_SECONDS:
            self._leads.popleft()

    def place(self, now: float, cursor: int) -> tuple[int, float] | None:
        """Where the next chunk begins, and by how many frames it is overdue (> 0) or early; None while nothing may
        be sent. A cursor that fell behind skips what is already played; one far too far ahead goes back."""
        if now - self._reported > UNREPORTED_SECONDS:
            return None
        playhead = self.clock.position(now)
        goal = playhead + self.lead
        if cursor < playhead:  # at the start, or fallen behind
            cursor = self._chunk_from(playhead if cursor else goal)
        elif cursor > goal + self._jump:
            start = self._chunk_from(goal)
            cursor = max(start, 0) if start + self._jump < cursor else cursor
        if cursor + self.chunk > self.position + CAPACITY // 2:
            return None
        return cursor, goal - cursor

    def _chunk_from(self, position: float) -> int:
        return math.ceil(position / self.chunk) * self.chunk
