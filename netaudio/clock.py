"""Time to position, from reports that come late but never early."""

from collections import deque

WINDOW = 64  # reports
SLEW_DOWN, SLEW_UP = 0.005, 0.05  # seconds a second by which the map follows; up is proven, down is a guess
SETTLING = 16  # reports until which it goes up at once
JUMP_SECONDS = 0.2  # a map that is behind by more is set anew at once; one that is ahead, when it has been
STUBBORN = 6  # for so many reports
STUBBORN_SECONDS = 0.25  # and for so long: reports that come in one heap have waited, and prove nothing
CARD_WINDOW = 16  # blocks: more than any system asks for at once


class Clock:
    """An affine map between a local time (seconds) and a remote position (frames).

    A report says that a position had been reached at a time; delays on its way make it look older, never
    newer. So the best of the last WINDOW reports is taken, and followed slowly: what is paced by this clock
    sees neither jitter nor steps. Drift needs no estimate: 200 ppm bias a window of 5 s by a millisecond.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.started = False
        self._ahead = 0.0  # position minus rate * time, in frames
        self._seen: deque[float] = deque(maxlen=WINDOW)
        self._time = 0.0
        self._wrong: list[tuple[float, float]] = []  # (time, ahead) of reports that the map is far ahead of
        self._reports = 0

    def report(self, time: float, position: float) -> None:
        """Take a report: at `time` this position had been reached."""
        ahead = position - self.rate * time
        if not self.started:
            self.started, self._ahead, self._time = True, ahead, time
        if ahead < self._ahead - JUMP_SECONDS * self.rate:
            self._wrong.append((time, ahead))
        else:
            self._wrong.clear()
        stubborn = len(self._wrong) >= STUBBORN and time - self._wrong[0][0] >= STUBBORN_SECONDS
        if stubborn or ahead > self._ahead + JUMP_SECONDS * self.rate:
            self._seen.clear()
            self._ahead = max([ahead, *(wrong for _, wrong in self._wrong)])
            self._wrong.clear()
        self._seen.append(ahead)
        self._reports += 1
        step = max(self._seen) - self._ahead
        elapsed = max(0.0, time - self._time) * self.rate
        if step < 0:
            step = max(step, -SLEW_DOWN * elapsed)
        elif self._reports > SETTLING:
            step = min(step, SLEW_UP * elapsed)
        self._ahead += step
        self._time = max(time, self._time)

    def shift(self, frames: float) -> None:
        """All positions are so many frames later (> 0) or earlier than they were thought to be."""
        self._ahead += frames
        self._seen = deque((ahead + frames for ahead in self._seen), WINDOW)

    def position(self, time: float) -> float:
        return self._ahead + self.rate * time

    def time(self, position: float) -> float:
        return (position - self._ahead) / self.rate


class CardClock:
    """The map between the time and the position of the sound card here, from its callback.

    Blocks are asked for late at times, never early, and sometimes several at once: the best of a few reports
    tells. A card that ran dry goes on later, for good, so that is followed soon, in one step.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._seen: deque[float] = deque(maxlen=CARD_WINDOW)
        self._ahead = 0.0

    def report(self, time: float, position: int) -> None:
        """The block from `position` on was asked for."""
        self._seen.append(position - self.rate * time)
        self._ahead = max(self._seen)

    def position(self, time: float) -> float:
        return self._ahead + self.rate * time
