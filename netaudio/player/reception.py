"""A stream's sequence numbers and jitter, as RFC 3550 counts them (A.1, A.3, A.8)."""

from netaudio.units import unwrap16

MAX_SEEN, KEPT_SEEN = 8192, 4096  # sequence numbers that are remembered


class ReceptionStatistics:
    """Of one session. Sequence numbers are extended ones, but for `extended`."""

    def __init__(self, rate: int) -> None:
        self.highest: int | None = None
        self.lost = 0  # so far: less again by each that comes after a later one
        self.jitter = 0.0  # frames (RFC 3550, 6.4.1)
        self._rate = rate
        self._first = self._received = 0
        self._seen: set[int] = set()
        self._transit: float | None = None  # frames, from any beginning
        self._expected_before = self._received_before = 0  # as `fraction_lost` found them

    def extended(self, sequence: int) -> int:
        """Of the low 16 bits."""
        return sequence if self.highest is None else unwrap16(sequence, self.highest)

    def receive(self, sequence: int) -> bool:
        """Count a packet and the gap before it; False for a duplicate. What came before the first is not counted
        as lost."""
        if self.highest is None:
            self._first = self.highest = sequence
        elif sequence in self._seen:
            return False
        elif sequence > self.highest:
            self.lost += sequence - self.highest - 1
            self.highest = sequence
        else:
            self.lost -= sequence >= self._first
        self._received += 1
        self._seen.add(sequence)
        if len(self._seen) > MAX_SEEN:
            self._seen = {seen for seen in self._seen if seen > self.highest - KEPT_SEEN}
        return True

    def measure(self, now: float, position: int) -> None:
        """Take in when the packet of a position came."""
        transit = now * self._rate - position
        if self._transit is not None:
            self.jitter += (abs(transit - self._transit) - self.jitter) / 16
        self._transit = transit

    def fraction_lost(self) -> int:
        """Of 256, since the last call (A.3)."""
        total = 0 if self.highest is None else self.highest - self._first + 1
        expected, received = total - self._expected_before, self._received - self._received_before
        self._expected_before, self._received_before = total, self._received
        return min(max(0, 256 * (expected - received) // max(1, expected)), 255)
