"""How late a render worker's chunks are, and where its time goes."""

import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from netaudio.statistics import Histogram

if sys.platform == "linux":
    import resource

MAX_SPELLS = 1000  # of late chunks, until they are logged
FEW_SPELLS = 5  # that are logged one by one
STEP = 1e-4  # seconds, of the histogram
STAGES = ("read", "hear", "due", "mix", "encode", "send")  # of a tick


@dataclass
class Spell:
    """Chunks sent more than a chunk after they were due, from when the first was `due` (time.monotonic) to when
    the last was `sent`; `worst` seconds late."""

    due: float
    sent: float
    chunks: int
    worst: float
    spells: int = 1  # that this one stands for

    def joined(self, later: "Spell") -> "Spell":
        """Both as one."""
        chunks, worst = self.chunks + later.chunks, max(self.worst, later.worst)
        return Spell(self.due, later.sent, chunks, worst, self.spells + later.spells)

    def __str__(self) -> str:
        many = f"{self.chunks} chunks" if self.chunks > 1 else "1 chunk"
        many += f" in {self.spells} spells" if self.spells > 1 else ""
        return f"late: {many} by up to {1000 * self.worst:.1f} ms (time.monotonic {self.due:.4f} to {self.sent:.4f})"


class Lateness:
    """How late packets went out. The worker adds, another thread may take its spells."""

    def __init__(self) -> None:
        self.chunks = self.late = 0
        self.worst = 0.0  # seconds
        self.histogram = Histogram(STEP)  # seconds, 0 for what was early
        self._spells: deque[Spell] = deque(maxlen=MAX_SPELLS)

    def add(self, sent: Sequence[float], due: Sequence[float], limit: float) -> None:
        """Chunks of `limit` seconds: when each was sent, and when it was due."""
        self.chunks += len(sent)
        late = np.subtract(sent, due)
        self.histogram.add_all(np.maximum(late, 0.0))
        self.worst = max(self.worst, float(late.max()))
        for index in np.flatnonzero(late > limit).tolist():
            self._add_late(sent[index], float(late[index]))

    def _add_late(self, sent: float, seconds: float) -> None:
        self.late += 1
        spell = self._spells[-1] if self._spells else None
        if spell is None or sent - seconds > spell.sent:
            self._spells.append(Spell(sent - seconds, sent, 1, seconds))
        else:
            spell.due, spell.sent = min(spell.due, sent - seconds), sent
            spell.chunks, spell.worst = spell.chunks + 1, max(spell.worst, seconds)

    def spells(self, until: float) -> Iterator[Spell]:
        """Those that ended before a time, once each. Where there are many, all but the first few count as one: a
        server that is late must not spend its time on saying so."""
        for _ in range(FEW_SPELLS):
            if not self._spells or self._spells[0].sent >= until:
                return
            yield self._spells.popleft()
        rest: Spell | None = None
        while self._spells and self._spells[0].sent < until:
            spell, before = self._spells.popleft(), rest
            rest = spell if before is None else before.joined(spell)
        if rest is not None:
            yield rest

    def summary(self) -> str:
        return f"{self.chunks} chunks rendered, {self.late} of them late; the latest by {1000 * self.worst:.1f} ms"


class Stages:
    """Seconds that each of STAGES took so far, waiting for the interpreter included. A mark costs 0.2 µs.

    `faults` are those in which this thread waited for the disk, where they can be counted (getrusage(2))."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self.faults = 0
        self._last = 0.0

    def begin(self) -> None:
        self._last = time.perf_counter()

    def end(self, stage: str) -> None:
        """What was done since the last mark was this."""
        now = time.perf_counter()
        self.seconds[stage] += now - self._last
        self._last = now

    def count_faults(self) -> None:
        if sys.platform == "linux":
            self.faults = resource.getrusage(resource.RUSAGE_THREAD).ru_majflt
