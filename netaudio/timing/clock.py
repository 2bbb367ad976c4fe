"""Time to position, from reports that come late but never early."""

from collections import deque

from netaudio.units import unwrap32

WINDOW = 64  # reports
SLEW_DOWN, SLEW_UP = 0.005, 0.05  # seconds a second by which the map follows; up is proven, down is a guess
SETTLING = 16  # reports until which it goes up at once
JUMP_SECONDS = 0.2  # a map that is behind by more is set anew at once; one that is ahead, when it has been
STUBBORN = 6  # for so many reports
STUBBORN_SECONDS = 0.25  # and for so long: reports that come in one heap have waited, and prove nothing
CARD_WINDOW = 16  # blocks: more than any system asks for at once
CARD_REPORTS = 8


class Highest:
    """The highest of the last values, without looking at all of them, in a quarter of the time."""

    def __init__(self, window: int) -> None:
        self._window, self._count = window, 0
        self._kept: deque[tuple[int, float]] = deque()

    def add(self, value: float) -> float:
        """Take a value; the highest of the last `window` ones."""
        kept = self._kept
        while kept and kept[-1][1] <= value:
            kept.pop()
        kept.append((self._count, value))
        self._count += 1
        if kept[0][0] < self._count - self._window:
            kept.popleft()
        return kept[0][1]

    def clear(self) -> None:
        self._kept.clear()


class Clock:
    """An affine map between a local time (seconds) and a count that goes on elsewhere (frames).

    A report says that a count had been reached at a time; delays on its way make it look older, never
    newer. So the best of the last WINDOW reports is taken, and followed slowly: what is paced by this clock
    sees neither jitter nor steps. Drift needs no estimate: 200 ppm bias a window of 5 s by a millisecond.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.started = False
        self._ahead = 0.0  # position minus rate * time, in frames
        self._seen = Highest(WINDOW)
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
        self._reports += 1
        step = self._seen.add(ahead) - self._ahead
        elapsed = max(0.0, time - self._time) * self.rate
        if step < 0:
            step = max(step, -SLEW_DOWN * elapsed)
        elif self._reports > SETTLING:
            step = min(step, SLEW_UP * elapsed)
        self._ahead += step
        self._time = max(time, self._time)

    def position(self, time: float) -> float:
        return self._ahead + self.rate * time


class PlayheadClock:
    """The map from a local time (seconds) to a client's playhead (frames), from its reports.

    The way and the card are told apart, because a report tells its age by the client's own clock: what comes
    late was late on its way, what is behind by that clock was lost by the card, and is gone at once.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._way = Clock(rate)  # the client's time, in frames
        self._sent = 0  # that time in microseconds, as last reported
        self._cards: deque[float] = deque(maxlen=CARD_REPORTS)  # the playhead minus it
        self._card = self._ahead = 0.0

    def report(self, arrived: float, sent: int, age: int, position: int) -> None:
        """At `sent` (the client's microseconds, their low 32 bits) the playhead had left `position` `age` ago."""
        before, self._sent = self._sent, unwrap32(sent, self._sent)
        self._way.report(arrived, self._sent * self.rate / 1e6)
        card, jump = position - (self._sent - age) * self.rate / 1e6, JUMP_SECONDS * self.rate
        if not self._cards or abs(card - self._card) > jump:  # it was stopped, or opened anew
            self._cards.clear()
            self._card = card
        self._cards.append(card)  # blocks begin late at times, so the best of a few tells
        haste = SLEW_UP * max(0, self._sent - before) * self.rate / 1e6  # what is paced by this must not hurry
        self._card = min(max(self._cards), self._card + haste)
        self._ahead = self._way.position(0.0) + self._card

    def position(self, time: float) -> float:
        return self._ahead + self.rate * time


class StampClock:
    """The map from the stamps of another clock to the time here, in seconds."""

    def __init__(self, rate: int) -> None:
        """`rate`: stamps a second."""
        self._clock = Clock(rate)

    def time(self, stamp: float, now: float) -> float:
        """When what arrived just now was stamped, as far as a stamp can tell: not after now, nor long ago."""
        self._clock.report(now, stamp)
        late = (self._clock.position(now) - stamp) / self._clock.rate
        return now - late if 0 < late < JUMP_SECONDS else now


class CardClock:
    """The map between the time and the position of the sound card here, from its callback.

    Blocks are asked for late at times, never early, and sometimes several at once: the best of a few reports
    tells. A card that ran dry goes on later, for good: what was reported before is void.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._seen = Highest(CARD_WINDOW)
        self._ahead = 0.0

    def report(self, time: float, position: int, xrun: bool = False) -> None:
        """The block from `position` on was asked for; `xrun`: the card had run dry meanwhile."""
        if xrun:
            self._seen.clear()
        self._ahead = self._seen.add(position - self.rate * time)

    def position(self, time: float) -> float:
        return self._ahead + self.rate * time
