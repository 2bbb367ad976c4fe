"""Loops of all kinds as forward loops of whole frames, which is what is played."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netaudio.readers.wav_loops import Loop
from netaudio.sampler.instrument import SHORTEST_LOOP, turns_in_tune
from netaudio.sampler.interpolator import EARLIER, STEPS, TAPS, sinc_table
from netaudio.sampler.layout import ENDLESS

SHORTEST_TURN = 4
"""Frames: a loop of less is a mark that some program left, not a sound."""
MOST_UNROLLED = 60.0
"""Seconds that a counted loop may last."""
_OUT_OF_TUNE = 1e-5  # 0.02 cents

Frames = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is made of a file's frames: the first of them as they are, then parts of them, backward or again."""

    straight: int
    """Frames at the beginning that are the file's."""
    reads: int
    """Frames of the file that the rest takes."""
    frames: int
    """Of the sound."""
    loop: tuple[int, int] | None
    """In it, end exclusive; forward."""
    source: Loop | None

    def reading(self, count: int) -> int:
        """Frames of the file that the sound's first `count` are made of."""
        return count if count <= self.straight else self.reads

    def made(self, sound: Frames, count: int) -> Frames:
        """The sound's first `count` frames (count, 2), from `reading(count)` frames of the file."""
        if count <= self.straight or self.source is None:
            return sound[:count]
        loop = self.source
        turn, before, after = sound[loop.start : loop.end], loop.start, loop.end
        if loop.kind == "alternating":
            turn, after = np.concatenate((turn, turn[-2:0:-1])), loop.start
        elif loop.kind == "backward":
            turn, before = turn[::-1], loop.end - 1
        if loop.plays:
            return np.concatenate((sound[:before], *[turn] * loop.plays, sound[after:]))[:count]
        length = self.frames - before
        body = _resampled(sound, loop, length) if loop.fraction else np.resize(turn, (length, 2))
        return np.concatenate((sound[:before], body))[:count]


def shaped(loop: Loop | None, frames: int, rate: int) -> tuple[Shape, str]:
    """What to make of a file of that many frames, and what there is to say of its loop; forward loops of whole
    frames stay as they are.

    A turn of an alternating loop goes there and back, both ends sounding once. A backward one begins when the sound
    has come to the loop's end. Fractions of a frame count in forward loops whose pitch they change.
    """
    plain = Shape(frames, frames, frames, None, None)
    if loop is None:
        return plain, ""
    start, end = loop.start, loop.end
    if end == frames + 1:  # told exclusively, against the standard
        end = frames
    if flaw := _flaw(start, end, frames):
        return plain, f"plays without its loop, {flaw}"
    span = end - start
    turn = 2 * span - 2 if loop.kind == "alternating" else span
    if loop.plays == 1 and loop.kind == "forward":
        return plain, ""
    if loop.plays:
        made = frames + turn * (loop.plays - (loop.kind == "forward")) - (loop.kind == "backward")
        if made - frames <= MOST_UNROLLED * rate:
            counted = Loop(start, end, loop.kind, 0.0, loop.plays)
            straight = end - (loop.kind == "backward")
            return Shape(straight, frames, made, None, counted), ""
    remark = f"its loop of {loop.plays} turns goes on without end, they are too long" if loop.plays else ""
    if loop.kind == "forward" and loop.fraction:
        exact = span + loop.fraction
        made = round(turns_in_tune(exact) * exact)
        if abs(turns_in_tune(exact) * span / made - 1) > _OUT_OF_TUNE:
            bounds = start, start + made
            return Shape(start, end, bounds[1], bounds, Loop(start, end, "forward", loop.fraction)), remark
    if loop.kind == "forward" and span >= SHORTEST_LOOP:
        return Shape(frames, frames, frames, (start, end), None), remark
    first = end - 1 if loop.kind == "backward" else start
    bounds = first, first + turn * max(1, math.ceil(SHORTEST_LOOP / turn))
    straight = end - (loop.kind == "backward")
    return Shape(straight, end, bounds[1], bounds, Loop(start, end, loop.kind)), remark


def _flaw(start: int, end: int, frames: int) -> str:
    if end <= start:
        return f"its loop from {start} to {end} ends before it begins"
    if end > frames:
        return f"its loop from {start} to {end} reaches beyond its {frames} frames"
    if end - start < SHORTEST_TURN:
        return f"its loop of {end - start} frames is too short (at least {SHORTEST_TURN})"
    return "it is too long" if 3 * frames >= ENDLESS else ""


def _resampled(sound: Frames, loop: Loop, count: int) -> Frames:
    """`count` frames of a loop whose turn takes a fraction of a frame more than its frames.

    Past the last of them sounds what sounded a turn before, between the frames.
    """
    period = loop.end - loop.start + loop.fraction
    ahead = np.arange(TAPS) + loop.end - period
    seam = np.concatenate((sound[: loop.end], _between(sound, ahead)))
    step = round(count / period) * period / count
    return _between(seam, loop.start + np.arange(count) * step % period)


def _between(sound: Frames, at: NDArray[np.floating]) -> Frames:
    """The sound between its frames; before the first and after the last it stays as there."""
    whole = np.floor(at).astype(np.int64)
    rows = sinc_table()[np.rint((at - whole) * STEPS).astype(np.int64)]
    taps = np.clip(whole[:, None] - EARLIER + np.arange(TAPS), 0, len(sound) - 1)
    read: Frames = np.einsum("nt,ntc->nc", rows, sound[taps]).astype(np.float32)
    return read
