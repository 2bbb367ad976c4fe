"""Whether the way is wide enough for the stream: what came in against what was sent, and against time."""

WINDOW_SECONDS = 1.0
SHORT = 0.05  # of the stream: so much that does not come in a second makes the second short
SHORT_SECONDS = 4  # short ones on end: neither a burst of losses nor a stop lasts so long


class Bandwidth:
    """Judges the audio packets of a session, a second at a time.

    A way that is too narrow loses packets all the time, or keeps them: then the positions that come in go up
    more slowly than time does.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.carried = 1.0  # the share of the stream that came in the last second
        self._short = 0  # seconds
        self._begun: tuple[float, int, int, int] | None = None

    @property
    def narrow(self) -> bool:
        return self._short >= SHORT_SECONDS

    def add(self, now: float, end: int, received: int, lost: int) -> None:
        """A packet came: the highest position so far (frames), and both counts with it."""
        if self._begun is None:
            self._begun = now, end, received, lost
        elapsed = now - self._begun[0]
        if elapsed < WINDOW_SECONDS:
            return
        came, gone = received - self._begun[2], max(0, lost - self._begun[3])
        pace = (end - self._begun[1]) / (elapsed * self.rate)
        self.carried = came / (came + gone) * min(1.0, pace)
        cut = elapsed > 2 * WINDOW_SECONDS  # nothing came at all for a while
        self._short = 0 if cut or self.carried >= 1 - SHORT else self._short + 1
        self._begun = now, end, received, lost
