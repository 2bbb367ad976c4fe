"""How much parity a client asks for, by what it loses: nothing at first, and nothing again when that is over."""

from bisect import bisect_left
from collections import deque

from netaudio.wire.parity import KEPT, MAX_RATE, MAX_WINDOW, NEVER

REORDERED = 16  # packets by which one may be overtaken before it counts as lost
MEMORY_SECONDS = 20.0  # what was lost in this time shapes what is asked for
LEAST = 2  # losses in a window that are prepared for, once there is any loss
SPARE = 1  # parity packets that may be lost, too
GIVE_UP, GIVE_UP_SECONDS = 0.25, 5.0  # beyond this share lost, in this time, more packets would be more harm
MAX_GAPS = 1000  # kept


class ParityRequests:
    """What did not come, and what is to be asked for.

    A burst of lost packets takes the parity packets among them as well: so if `most` are lost in any window, the
    rest of the window has to bring `most` parity packets, and one to spare. At 2 % random loss and a window of 10
    that is 0.4 to 0.6 to an audio packet, and leaves less than 1 in 100,000 missing; at 2 % in bursts of 3 it is 1.
    """

    def __init__(self) -> None:
        self.maximum = MAX_RATE  # parity packets to an audio packet: less where bandwidth is short, 0 for none
        self._came = [NEVER] * KEPT  # extended sequence numbers
        self._judged = self._highest = NEVER  # extended sequence numbers
        self._gaps: deque[tuple[float, int, int]] = deque(maxlen=MAX_GAPS)  # (time, first, count) that were lost
        self._judgements: deque[tuple[float, int]] = deque()  # (time, sequence) of the last GIVE_UP_SECONDS

    def receive(self, sequence: int, now: float) -> None:
        """An audio packet came, of an extended sequence number, for the first time."""
        self._came[sequence % KEPT] = sequence
        if self._highest == NEVER:
            self._judged = sequence
        self._highest = max(self._highest, sequence)
        while self._judged < self._highest - REORDERED:
            if self._came[self._judged % KEPT] != self._judged:
                self._lose(self._judged, now)
            self._judged += 1

    def wanted(self, now: float, window: int) -> tuple[float, int]:
        """Parity packets to an audio packet, and how many audio packets each should be over; `window` is how
        many are under way between a packet's arrival and its playout."""
        window = min(max(window, 1), MAX_WINDOW)
        while self._gaps and self._gaps[0][0] < now - MEMORY_SECONDS:
            self._gaps.popleft()
        most = self._most(window)
        if not most or self._hopeless(now):
            return 0.0, window
        most = max(most, LEAST)
        rate = (most + SPARE) / (window - most) if most < window else MAX_RATE
        return min(rate, MAX_RATE, self.maximum), window

    def _lose(self, sequence: int, now: float) -> None:
        if self._gaps and sum(self._gaps[-1][1:]) == sequence:
            _, first, count = self._gaps.pop()
            self._gaps.append((now, first, count + 1))
        else:
            self._gaps.append((now, sequence, 1))

    def _most(self, window: int) -> int:
        """The most packets lost in any window. Gaps as long as a window are not counted: parity is no help."""
        lost = [s for _, first, count in self._gaps if count < window for s in range(first, first + count)]
        return max((i + 1 - bisect_left(lost, s - window + 1) for i, s in enumerate(lost)), default=0)

    def _hopeless(self, now: float) -> bool:
        """Whether so much is lost lately that the way is likely full."""
        self._judgements.append((now, self._judged))
        while self._judgements[0][0] < now - GIVE_UP_SECONDS:
            self._judgements.popleft()
        since = self._judgements[0][1]
        lost = sum(count for _, first, count in self._gaps if first >= since)
        return lost > GIVE_UP * max(self._judged - since, GIVE_UP_SECONDS * 20)
