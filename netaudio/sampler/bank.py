"""The bank: all recordings, each once, in one array that one kernel reads."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netaudio.sampler.instrument import Plan
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.region import BEYOND, GUARD, LEVEL, ramp

FULL_SCALE = 1 << 23
"""Of 24 bits: a frame is a whole number of steps, and they are below it."""


class Bank:
    """All recordings in one float32 array (frames, 2), each between silent guards of GUARD frames.

    `frames` is replaced, and nothing that it shows is written to again: a reader on another thread takes the
    reference once per block. An empty bank is one guard, so it always begins with silence. Only one thread may
    extend.
    """

    def __init__(self) -> None:
        self._room = np.zeros((GUARD, 2), np.float32)  # with more than `frames` shows, so that few parts cost a copy
        self.frames: NDArray[np.float32] = self._room
        self._show(GUARD)

    def extend(self, parts: Sequence[NDArray[np.float32]]) -> list[int]:
        """Adds arrays (n, 2) and returns the addresses of their first frames, which stay good."""
        if not parts:
            return []
        addresses, end = places(len(self.frames), parts)
        if end > len(self._room):
            grown = np.zeros((max(end, 2 * len(self._room)), 2), np.float32)
            grown[: len(self.frames)] = self.frames
            self._room = grown
        for part, address in zip(parts, addresses, strict=True):
            self._room[address : address + len(part)] = part
        self._show(end)
        return addresses

    def _show(self, end: int) -> None:
        self.frames = self._room[:end]
        self.frames.flags.writeable = False


def places(first: int, parts: Sequence[NDArray[np.float32]]) -> tuple[list[int], int]:
    """Where parts lie in a bank of `first` frames, a guard after each, and how many frames it has then."""
    addresses = []
    for part in parts:
        assert part.ndim == 2 and part.shape[1] == 2, part.shape
        addresses.append(first)
        first += len(part) + GUARD
    return addresses, first


def unrolled(frames: NDArray[np.float32], loop: tuple[int, int] | None, need: int) -> NDArray[np.float32]:
    """`need` frames (need, 2) of a recording; past its loop's end more turns of it, without one silence."""
    start, end = loop or (0, len(frames))
    if need <= end:
        return frames[:need]
    more = np.resize(frames[start:end], (need - end, 2)) if loop else np.zeros((need - end, 2), np.float32)
    return np.concatenate((frames[:end], more))


def finished(sound: NDArray[np.float32], plan: Plan, kept: int) -> tuple[NDArray[np.float32], float]:
    """What a bank keeps of a recording at its rate, the first `kept` frames, and the gain to play them with.

    They fade at the recording's end and are rounded to 24 bits. Where that takes it they are halved until they are
    below full scale, which the gain makes up for. With the whole of a loop come BEYOND frames of its next turn.
    """
    assert len(sound) >= kept, (len(sound), kept)
    sound = sound[:kept].copy()
    if plan.length < ENDLESS:
        _fade(sound, plan.length, ramp(plan.rate))
    peak, scale = float(np.abs(sound).max(initial=0.0)), 1
    while round(peak * FULL_SCALE / scale) >= FULL_SCALE:
        scale *= 2
    sound *= np.float32(FULL_SCALE / scale)
    np.rint(sound, out=sound)
    sound /= np.float32(FULL_SCALE)
    if plan.loop and kept == plan.kept(None):
        start, end = plan.loop
        sound = np.concatenate((sound, np.resize(sound[start:end], (BEYOND, 2))))
    return sound, LEVEL * scale


def _fade(sound: NDArray[np.float32], end: int, length: int) -> None:
    """A straight fade in place, down to 0 at frame `end`, which may lie past the frames that are there."""
    first = max(0, end - length)
    tail = sound[first:end]
    tail *= ((end - np.arange(first, first + len(tail))) / max(1, length)).astype(np.float32)[:, np.newaxis]
