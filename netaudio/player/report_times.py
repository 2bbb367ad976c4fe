"""When a client's reports go out. Time is an argument."""

REPORT_SECONDS = 0.05
PROBE_SECONDS = 0.02  # between reports while the round trip is being measured
RESEND_SECONDS = (0.0, 0.005, 0.015, 0.035)  # a lost TCP segment would hold an event back for 200 ms
BURST, REPLENISH_SECONDS = 8, 0.01  # reports with events that may go out at once, and how soon another may


class ReportTimes:
    """Regularly; and at once and thrice more after new events, of which many share a report."""

    def __init__(self) -> None:
        self._regular = 0.0
        self._resends: list[float] = []
        self._allowed, self._allowed_at = float(BURST), 0.0

    @property
    def due(self) -> float:
        """When the next report is due; after many, one with events has to wait some longer."""
        return min(self._regular, self._resends[0]) if self._resends else self._regular

    def resend(self, now: float) -> None:
        """There are new events."""
        self._resends = [now + delay for delay in RESEND_SECONDS]

    def rest(self) -> None:
        """All events were heard."""
        self._resends.clear()

    def take(self, now: float, probing: bool) -> bool:
        """Whether a report goes out; if so, another is due later. `probing`: soon."""
        if now < self.due:
            return False
        self._allowed = min(BURST, self._allowed + (now - self._allowed_at) / REPLENISH_SECONDS)
        self._allowed_at = now
        if now < self._regular:
            if self._allowed < 1:
                return False
            self._allowed -= 1
        self._resends = [due for due in self._resends if due > now]
        self._regular = now + (PROBE_SECONDS if probing else REPORT_SECONDS)
        return True
