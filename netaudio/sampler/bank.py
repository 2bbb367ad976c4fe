"""The bank: the frames of all samples in one array, so that one gather reads many voices."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netaudio.sampler.instrument import ENDLESS, GUARD, Plan, attack, edge

LEVEL = np.float32(0.25)
"""A voice at full velocity peaks at -12 dBFS."""


class Bank:
    """All samples in one float32 array (frames, 2), each between silent guards of GUARD frames.

    `frames` is replaced, and nothing that it shows is written to again: a reader on another thread takes the
    reference once per block. An empty bank is one guard, so address 0 always reads silence. Only one thread may
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


def finished(sound: NDArray[np.float32], plan: Plan, kept: int) -> NDArray[np.float32]:
    """The sample's first `kept` frames, from a recording at the bank's rate that is at least as long.

    They are brought to LEVEL, with a ramp at the beginning and fades at the sample's end and at the end of a
    part of it. With the whole of a loop come GUARD frames of its next turn, for a voice to read straight on.
    """
    assert len(sound) >= kept, (len(sound), kept)
    sound = sound[:kept] * LEVEL
    rise = sound[: attack(plan.rate)]
    rise *= _ramp(np.arange(1, len(rise) + 1), attack(plan.rate))  # its first frame is heard: none is waited for
    if plan.length < ENDLESS:
        _fade(sound, plan.length, edge(plan.rate))
    if kept < plan.kept(None):
        _fade(sound, kept, edge(plan.rate))
    elif plan.loop:
        start, end = plan.loop
        sound = np.concatenate((sound, np.resize(sound[start:end], (GUARD, 2))))
    return sound


def _fade(sound: NDArray[np.float32], end: int, length: int) -> None:
    """A straight fade in place, down to 0 at frame `end`."""
    first = max(0, end - length)
    tail = sound[first:end]
    tail *= _ramp(end - np.arange(first, first + len(tail)), length)


def _ramp(steps: NDArray[np.int_], length: int) -> NDArray[np.float32]:
    """(n, 1): how far along a ramp of that length the steps are."""
    return (steps / max(1, length)).astype(np.float32)[:, np.newaxis]
