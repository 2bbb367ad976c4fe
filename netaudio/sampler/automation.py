"""Controllers and pitch bend: the values of a score's lines over positions, and who knows of which change."""

from typing import NamedTuple

import numpy as np

from netaudio.midi import CHANNELS
from netaudio.sampler.layout import BEND, LINES, MOST_CHANGES, change_t
from netaudio.sampler.pitch import ONE

LONG_AGO = -(1 << 40)
"""A position before all others."""


class Change(NamedTuple):
    """At a position a line's value becomes another: a gain, 0 to 1, or for BEND a ratio, 32.32."""

    seq: int
    position: int
    value: float


class Automation:
    """The lines of 16 channels, as the kernel reads them: what holds first, and the changes from there on.

    Positions and seqs rise along a line; its owner sees to it that there are less than MOST_CHANGES.
    """

    def __init__(self) -> None:
        self.changes = np.zeros((CHANNELS * LINES, MOST_CHANGES), change_t)
        self.counts = np.ones(CHANNELS * LINES, np.int64)
        self.changes["at"][:, 0] = LONG_AGO
        self.changes["gain"], self.changes["ratio"] = 1.0, ONE

    def change(self, channel: int, line: int, seq: int, position: int, value: float) -> None:
        row = LINES * channel + line
        gain, ratio = (1.0, round(value)) if line == BEND else (value, ONE)
        self.changes[row, self.counts[row]] = seq, position, ratio, gain, 0.0
        self.counts[row] += 1

    def full(self, channel: int, line: int, most: int = MOST_CHANGES) -> bool:
        return int(self.counts[LINES * channel + line]) >= most

    def last(self, channel: int, line: int) -> int:
        """The position of a line's last change; LONG_AGO where there was none."""
        row = LINES * channel + line
        return int(self.changes["at"][row, self.counts[row] - 1])

    def bends(self, channel: int) -> list[tuple[int, int, int]]:
        """(seq, position, ratio) of a channel's bends; the first holds before all others."""
        row = LINES * channel + BEND
        found = self.changes[row, : self.counts[row]]
        return list(zip(found["seq"].tolist(), found["at"].tolist(), found["ratio"].tolist(), strict=True))

    def lowest_bend(self, channel: int) -> int:
        """The lowest ratio that is in force now or was known to be at a position that still counts."""
        row = LINES * channel + BEND
        return int(self.changes["ratio"][row, : self.counts[row]].min())

    def highest_bend(self, channel: int) -> int:
        """The same for the highest."""
        row = LINES * channel + BEND
        return int(self.changes["ratio"][row, : self.counts[row]].max())

    def foldable(self, channel: int, line: int, position: int, heard: int) -> int:
        """How many changes there are at or before a position that all who are left know."""
        row = LINES * channel + line
        known = self.changes[row, 1 : self.counts[row]]
        return int(np.count_nonzero((known["seq"] <= heard) & (known["at"] <= position)))

    def fold(self, channel: int, line: int, number: int) -> None:
        """Make the value after so many changes the one that holds first."""
        row = LINES * channel + line
        kept = int(self.counts[row]) - number
        self.changes[row, :kept] = self.changes[row, number : number + kept].copy()
        self.counts[row] = kept

    def moving(self) -> list[tuple[int, int]]:
        """The lines, as (channel, line), that have changes."""
        return [divmod(int(row), LINES) for row in np.flatnonzero(self.counts > 1)]

    def state(self, channel: int) -> list[list[Change]]:
        """A channel's lines."""
        lines = []
        for row in _rows(channel):
            found = self.changes[row, : self.counts[row]]
            values = found["ratio" if row % LINES == BEND else "gain"].tolist()
            lines.append(list(map(Change, found["seq"].tolist(), found["at"].tolist(), values)))
        return lines

    def restore(self, channel: int, lines: list[list[Change]]) -> None:
        for row, changes in zip(_rows(channel), lines, strict=True):
            bends, found = row % LINES == BEND, self.changes[row, : len(changes)]
            found["seq"], found["at"], values = zip(*changes, strict=True)
            found["gain"], found["ratio"] = (1.0, np.rint(values)) if bends else (values, ONE)
            self.counts[row] = len(changes)


def _rows(channel: int) -> range:
    return range(LINES * channel, LINES * channel + LINES)
