"""What a server session's chunks sum: the tails of its voices."""

import numpy as np

from netaudio.sampler.mixer import NOWHERE, Rows
from netaudio.sampler.snapshot import NEVER
from netaudio.sampler.voice import Voice
from netaudio.sampler.voices import Score

OVER = NEVER + 1  # the end of a row that is silent for good
CROWDED = 8  # such rows


class Tails:
    """Each voice from its cut on, as the events heard so far shape it.

    A voice keeps its row until an event touches it or the row ends, and no other is looked at: half the time of
    looking at 32 voices whenever a note begins, ends or loops.
    """

    def __init__(self, score: Score, chunk: int, fade: int) -> None:
        """What was heard too late is faded in over so many frames at a chunk's beginning."""
        self.rows = Rows()
        self._score, self._chunk, self._fade = score, chunk, fade
        self._x = np.minimum(np.arange(1, chunk + 1) / min(fade, chunk), 1.0)
        self._voices: list[Voice] = []  # by their places in `rows`
        self._ends: list[int] = []  # the positions up to which their rows serve
        self._waiting: list[Voice] = []  # until their tails begin: no place, which would be room in all others' rows
        self._first_end = 0  # or beginning
        self._next = NEVER  # the position after the last chunk; NEVER: nothing of it serves again
        self._heard = -1  # what it had heard

    def __len__(self) -> int:
        """How many voices it knows."""
        return len(self._voices) + len(self._waiting)

    def forget(self) -> None:
        """Look at all voices anew."""
        self._next = NEVER

    def chunk(self, first: int, before: int, heard: int) -> Rows:
        """The rows from position `first` on; what came in between `before` and `heard` is faded in."""
        end = first + self._chunk
        if first < self._next:
            self._begin(first, before, heard)
        else:
            self.rows.advance(end - self._next)
            if end > self._first_end or heard != self._heard:
                (self._change if self._ends.count(OVER) < CROWDED else self._begin)(first, before, heard)
        self._next, self._heard = end, heard
        return self.rows

    def _begin(self, first: int, before: int, heard: int) -> None:
        self.rows = Rows()
        self._voices, self._ends, self._waiting = [], [], self._score.voices
        self._admit(first, before, heard)

    def _change(self, first: int, before: int, heard: int) -> None:
        end, known = first + self._chunk, self._heard
        self.rows.change()
        places = {place for place, until in enumerate(self._ends) if until < end}
        if heard != known:
            places.update([place for place, voice in enumerate(self._voices) if voice.touched > known])
            self._waiting += [voice for voice in self._score.voices if voice.seq > known]
        for place in places:
            self._look(place, first, before, heard)
        self._admit(first, before, heard)

    def _admit(self, first: int, before: int, heard: int) -> None:
        """Give places to those whose tails have begun, of all that wait and may sound yet."""
        waiting, self._waiting = self._waiting, []
        self._first_end = min(self._ends, default=NEVER)
        for voice in waiting:
            begin = voice.start + voice.delay + voice.cut
            if not self._score.alive(voice, first, before):
                continue
            if begin >= first + self._chunk:
                self._waiting.append(voice)
                self._first_end = min(self._first_end, begin)
                continue
            self._voices.append(voice)
            self._ends.append(0)
            self.rows.add(NOWHERE, 0.0, 0.0)
            self._look(len(self._voices) - 1, first, before, heard)
            self._first_end = min(self._first_end, self._ends[-1])

    def _look(self, place: int, first: int, before: int, heard: int) -> None:
        """Find a voice's row from `first` on, and where it ends."""
        voice, end = self._voices[place], first + self._chunk
        age = voice.age(first)
        address, line = voice.sample.read_at(age), (0.0, 0.0)
        settled = before == heard or voice.same(before, end)
        if age >= voice.sample.length:
            until = OVER
        elif (found := self._line(voice, first, settled, before, heard)) is None:
            n, until = np.arange(first, end), end
            self.rows.curved.append((address, self._score.tail_gains(voice, n, before, heard, self._x)))
        elif not settled:
            line, until = found, end
        elif any(found) or self._score.alive(voice, first, heard):
            line = found
            until = min(first + voice.sample.straight_from(age), self._score.straight_until(voice, first))
        else:
            until = OVER
        self._ends[place] = until
        self.rows.put(place, address if any(line) else NOWHERE, *line)

    def _line(self, voice: Voice, first: int, settled: bool, before: int, heard: int) -> tuple[float, float] | None:
        """Its gain and slope, if they are straight all through the chunk."""
        count = self._chunk
        if voice.cut and voice.age(first) < voice.cut:
            return None
        if settled:
            return self._score.straight(voice, first, count, heard)
        if self._fade < count:
            return None
        return self._score.tail_straight(voice, first, count, before, heard, 1 / count, 1 / count)
