"""Voices to frames: one gather and one matrix product for everything that is due."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]

NOWHERE = -(1 << 62)  # the address of a voice that adds nothing


class Row(NamedTuple):
    """How a voice is read from a position on, up to another, until an event touches it. To use one again costs a
    tenth of a look at the voice."""

    at: int
    until: int
    touched: int
    address: int
    gain: float
    slope: float


class Rows:
    """What one session's chunk, or one block, sums: bank addresses with straight gains, and a few with a
    gain for each frame. Once they were mixed they `advance`, and `change`."""

    __slots__ = ("addresses", "changed", "changes", "curved", "gains", "moved", "since", "slopes")

    def __init__(self) -> None:
        self.addresses: list[int] = []
        self.gains: list[float] = []
        self.slopes: list[float] = []
        self.curved: list[tuple[int, NDArray[np.float64]]] = []
        self.moved = 0  # frames by which all are further on
        self.since: list[int] = []  # `moved` when each had its address and its gain
        self.changes = 0
        self.changed: list[int] = []  # places, in the last change

    def add(self, address: int, gain: float, slope: float) -> None:
        if gain or slope or address == NOWHERE:
            self.addresses.append(address)
            self.gains.append(gain)
            self.slopes.append(slope)
            self.since.append(self.moved)

    def change(self) -> None:
        """Begin a change: what follows are voices to `add`, and others to `put` in their places."""
        self.changes += 1
        self.changed = []
        self.curved = []

    def put(self, place: int, address: int, gain: float, slope: float) -> None:
        self.addresses[place], self.gains[place], self.slopes[place] = address, gain, slope
        self.since[place] = self.moved
        self.changed.append(place)

    @property
    def voices(self) -> int:
        """How many add something."""
        return len(self.addresses) - self.addresses.count(NOWHERE) + len(self.curved)

    def __bool__(self) -> bool:
        return bool(self.addresses or self.curved)

    def go_on(self, kept: Sequence[Row], position: int) -> None:
        self.addresses += [row.address + position - row.at for row in kept]
        self.gains += [row.gain + row.slope * (position - row.at) for row in kept]
        self.slopes += [row.slope for row in kept]
        self.since += [self.moved] * len(kept)

    def advance(self, count: int) -> None:
        """Mean the frames after the last ones; where every gain goes straight on and every voice reads on."""
        if self.addresses:
            self.moved += count


class Mixer:
    """Keeps what one call after another needs alike: views into the bank, and the arrays of the last jobs."""

    def __init__(self) -> None:
        self._bank: Frames | None = None
        self._views: dict[int, tuple[NDArray[np.void], Frames]] = {}
        self._last: list[Rows | None] = []
        self._ramps: list[bool] = []  # which of them have slopes
        self._changes: list[int] = []  # of them, as they were then
        self._addresses = self._since = np.zeros((0, 0), np.intp)
        self._lines = np.zeros((0, 2, 0), np.float32)  # gain and slope

    def mix(self, bank: Frames, jobs: Sequence[Rows], count: int) -> Frames:
        """The sums of all jobs: (jobs, count, 2). `bank` is (frames, 2), contiguous."""
        voices = max([len(rows.addresses) for rows in jobs], default=0)
        if voices == 0:
            out = np.zeros((len(jobs), count, 2), np.float32)
        else:
            items, time = self._view(bank, count)
            addresses, lines = self._arrays(jobs, voices)
            np.maximum(addresses, 0, out=addresses)  # NOWHERE: the silence where a bank begins, always in the cache
            gathered = items[addresses].view(np.float32).reshape(len(jobs), voices, 2 * count)
            sums = lines[:, :1] @ gathered
            ramping = [j for j, _ in enumerate(jobs) if self._ramps[j]]
            if ramping:  # two products by vectors: a third less than one by both at once
                # Mostly few have slopes: for 3 of 50 jobs a copy of theirs and its product take half the time.
                which = slice(None) if 2 * len(ramping) > len(jobs) else ramping
                slopes = lines[which, 1:] @ gathered[which]
                slopes *= time
                sums[which] += slopes
            out = sums.reshape(len(jobs), count, 2)
        for j, rows in enumerate(jobs):
            for address, curve in rows.curved:
                out[j] += bank[address : address + count] * curve[:, None].astype(np.float32)
        return out

    def _arrays(self, jobs: Sequence[Rows], voices: int) -> tuple[NDArray[np.intp], Frames]:
        """The jobs' addresses (jobs, voices), and their gains and slopes (jobs, 2, voices).

        Rows that were there in the last call, too, are not written again: that took as long as mixing them.
        """
        n = len(jobs)
        if n > len(self._last) or voices > self._addresses.shape[1]:
            size = max(n, len(self._last)), max(voices, self._addresses.shape[1])
            self._addresses, self._since = np.zeros(size, np.intp), np.zeros(size, np.intp)
            self._lines = np.zeros((size[0], 2, size[1]), np.float32)
            self._last, self._changes, self._ramps = [None] * size[0], [0] * size[0], [False] * size[0]
        for j, rows in enumerate(jobs):
            if rows is not self._last[j] or rows.changes != self._changes[j]:
                self._write(j, rows)
        moved = np.array([rows.moved for rows in jobs], np.intp)[:, None] - self._since[:n, :voices]
        addresses, lines = self._addresses[:n, :voices] + moved, self._lines[:n, :, :voices]
        if any(self._ramps[:n]):
            lines = lines.copy()
            lines[:, 0] += lines[:, 1] * moved.astype(np.float32)
        return addresses, lines

    def _write(self, j: int, rows: Rows) -> None:
        if rows is not self._last[j] or rows.changes != self._changes[j] + 1:
            k = len(rows.addresses)
            self._addresses[j, :k], self._addresses[j, k:] = rows.addresses, NOWHERE
            self._lines[j, 0, :k], self._lines[j, 1, :k] = rows.gains, rows.slopes
            self._since[j, :k], self._since[j, k:] = rows.since, 0
            self._lines[j, :, k:] = 0
        else:
            for k in rows.changed:
                self._addresses[j, k], self._since[j, k] = rows.addresses[k], rows.since[k]
                self._lines[j, 0, k], self._lines[j, 1, k] = rows.gains[k], rows.slopes[k]
        self._last[j], self._changes[j], self._ramps[j] = rows, rows.changes, any(rows.slopes)

    def _view(self, bank: Frames, count: int) -> tuple[NDArray[np.void], Frames]:
        if bank is not self._bank:
            self._bank, self._views = bank, {}
        if count not in self._views:
            # The bank seen as overlapping items of `count` frames: indexing gathers whole chunks by memcpy,
            # 5 times faster than a loop over voices.
            items = np.ndarray(
                (len(bank) - count + 1,), dtype=np.dtype((np.void, 8 * count)), buffer=bank.data, strides=(8,)
            )
            self._views[count] = items, np.repeat(np.arange(count, dtype=np.float32), 2)
        return self._views[count]
