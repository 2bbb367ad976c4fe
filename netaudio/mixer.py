"""Voices to frames: one gather and one matrix product for everything that is due."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]


class Rows:
    """What one session's chunk, or one block, sums: bank addresses with straight gains, and a few with a
    gain for each frame."""

    __slots__ = ("addresses", "curved", "gains", "slopes")

    def __init__(self) -> None:
        self.addresses: list[int] = []
        self.gains: list[float] = []
        self.slopes: list[float] = []
        self.curved: list[tuple[int, NDArray[np.float64]]] = []

    def add(self, address: int, gain: float, slope: float) -> None:
        if gain or slope:
            self.addresses.append(address)
            self.gains.append(gain)
            self.slopes.append(slope)


class Mixer:
    """Keeps the views into a bank that gathering needs: one for each count of frames."""

    def __init__(self) -> None:
        self._bank: Frames | None = None
        self._views: dict[int, tuple[NDArray[np.void], Frames]] = {}

    def mix(self, bank: Frames, jobs: Sequence[Rows], count: int) -> Frames:
        """The sums of all jobs: (jobs, count, 2). `bank` is (frames, 2), contiguous."""
        voices = max((len(rows.addresses) for rows in jobs), default=0)
        if voices == 0:
            out = np.zeros((len(jobs), count, 2), np.float32)
        else:
            items, time = self._view(bank, count)
            addresses = np.zeros((len(jobs), voices), np.intp)  # address 0 is silence
            gains = np.zeros((len(jobs), 2, voices), np.float32)
            for j, rows in enumerate(jobs):
                k = len(rows.addresses)
                addresses[j, :k], gains[j, 0, :k], gains[j, 1, :k] = rows.addresses, rows.gains, rows.slopes
            gathered = items[addresses].view(np.float32).reshape(len(jobs), voices, 2 * count)
            lines = gains @ gathered
            out = (lines[:, 0] + time * lines[:, 1]).reshape(len(jobs), count, 2)
        for j, rows in enumerate(jobs):
            for address, curve in rows.curved:
                out[j] += bank[address : address + count] * curve[:, None].astype(np.float32)
        return out

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
