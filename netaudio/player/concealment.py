"""Concealment: what sounded before a hole in the stream, and cannot be made here, is mirrored and fades over 5 ms."""

import numpy as np
from numpy.typing import NDArray

from netaudio.player.rings import RemoteRing
from netaudio.units import Frames

NOISE = 2.0**-18
"""What a packet's rounding alone may leave of a residue."""

Levels = NDArray[np.float64]


class Concealment:
    """What is still to come of it, and how loud the stream was lately, itself or in a mirror image."""

    def __init__(self, ramp: int) -> None:
        # A level within 0 .. 1 of which a full change takes a ramp falls in two of three ramps at most, as long as
        # it began full: the third is left for a concealment's own fade.
        self.lookback = 3 * ramp
        self._ramp = ramp
        self._sound: Frames = np.zeros((0, 2), np.float32)
        self._level: Levels = np.zeros(0)
        self._levels: Levels = np.zeros(self.lookback)  # r and the concealment's, of the last frames not full
        self._full = 0  # frames since then, at level 1

    def __len__(self) -> int:
        """Frames that are still to come."""
        return len(self._sound)

    def begin(self, at: int, residue: Frames, remote: RemoteRing) -> int:
        """Mirror the residue (lookback, 2) that went out before position `at`; the length of what is to come.

        A mirror image is left alone where it fades of its own, because what it shows had been fading in: all of it
        after a hole, or what a packet was the first to have. Two fades at a time are a click.
        """
        count, ramp, first = self.lookback, self._ramp, at - self.lookback
        mirrored = np.concatenate((self._levels, np.ones(min(self._full, count))))[-count:][::-1]
        fading, end = np.diff(mirrored, prepend=mirrored[0]) < 0, at
        while end > first and (packet := remote.at(end - 1)):
            if packet.before < packet.heard:
                size = packet.end - packet.position
                fading[at - end :][: size - ramp if size > ramp else size] = True  # and over when the next may come
            end = packet.position
        share = np.clip(1 - np.cumsum(~fading) / ramp, 0, np.arange(count)[::-1] / ramp)
        sound = (residue[::-1] * share[:, None]).astype(np.float32)
        loud = np.flatnonzero(np.abs(sound).max(axis=1) > NOISE)
        length = int(loud[-1]) + 1 if len(loud) else 0
        self._sound, self._level = sound[:length], (share * mirrored)[:length]
        return length

    def add(self, out: Frames) -> None:
        """Add the next frames to a segment (count, 2) of what goes out."""
        part, self._sound = self._sound[: len(out)], self._sound[len(out) :]
        out[: len(part)] += part

    def follow(self, r: Levels | None, count: int) -> None:
        """Note how loud the stream was in a segment, after `add`; None: full all through."""
        if r is None and not len(self._level):
            self._full += count
            return
        level, self._level = self._level[:count], self._level[count:]
        loud = np.ones(count) if r is None else r.copy()
        loud[: len(level)] += level
        self._full = 0
        self._levels = np.concatenate((self._levels, loud))[-self.lookback :]
