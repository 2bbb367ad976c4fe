"""Adding a voice's frames of the bank to a sound, as far as they are held: the kernel's inner functions."""

from typing import Any

import numpy as np

from netaudio.sampler.interpolator import EARLIER, STEP_BITS, STEPS, WIDTH, add_between, add_straight, fetch
from netaudio.sampler.layout import ENDLESS, MISSING, UNCOVERED, compiled, f4, i8
from netaudio.sampler.motion import AFTER, flatten, wrapped
from netaudio.sampler.pitch import ONE

FETCHED = 16  # cache lines: what follows them the processor foresees
FAINT = f4(1e-9)
"""A weight that is none."""
_FRACTION = ONE - 1
_BETWEEN = 32 - STEP_BITS  # bits of a phase below a row of the table
_SCALE = f4(1.0 / (1 << _BETWEEN))


@compiled
def read(out: Any, bank: Any, v: Any, phase: Any, ratio: Any, curved: Any, level: Any, w: Any, taps: Any) -> None:
    """Add frames of the bank, times level, and times w where it is curved."""
    n = len(w)
    left, right = level * v.left, level * v.right
    t = 0
    while t < n:
        q = wrapped(v, phase + ratio * t)
        stop = n
        if v.loop_end > 0:
            stop = min(n, t + (((v.loop_end + AFTER) << 32) - q + ratio - 1) // ratio)
        if ratio == ONE and (q & _FRACTION) == 0:
            at = 2 * (v.address + (q >> 32))
            if curved:
                x, y, u = bank[at : at + 2 * (stop - t)], out[2 * t : 2 * stop], w[t:stop]
                for i in range(len(u)):
                    y[2 * i] += x[2 * i] * (u[i] * left)
                    y[2 * i + 1] += x[2 * i + 1] * (u[i] * right)
            else:
                i = 0
                while i <= 2 * (stop - t) - WIDTH:
                    add_straight(out, 2 * t + i, bank, at + i, left, right)
                    i += WIDTH
                for k in range(i // 2, stop - t):
                    out[2 * (t + k)] += bank[at + 2 * k] * left
                    out[2 * (t + k) + 1] += bank[at + 2 * k + 1] * right
        else:
            if not curved:
                w[:] = f4(1)
                curved = True
            for i in range(t, stop):
                add_between(
                    out, 2 * i, bank, 2 * (v.address + (q >> 32) - EARLIER), taps, (q >> _BETWEEN) & (STEPS - 1),
                    f4(np.int32(q & ((1 << _BETWEEN) - 1))) * _SCALE, w[i] * left, w[i] * right,
                )  # fmt: skip
                q += ratio
        t = stop


@compiled
def lasting(v: Any, phase: Any, ratio: Any, n: Any) -> Any:
    """How many of the next n frames come before its recording ends."""
    end = v.length << 32
    if v.loop_end > 0 or phase <= end - ratio * n:  # any phase may come in a state: no sum with it may overflow
        return n
    return min(n, max(i8(0), (end - phase + ratio - 1) // ratio))


@compiled
def put(
    out: Any,
    marks: Any,
    bank: Any,
    v: Any,
    phase: Any,
    ratio: Any,
    curved: Any,
    level: Any,
    w: Any,
    lack: Any,
    given: Any,
    slope: Any,
    taps: Any,
    ramp: Any,
) -> None:
    """Add a voice with these weights as far as it is held, fading at the end of that, and mark where it is not.
    `lack`: whether no packet has it at all; else it is missing where r < 1."""
    if ratio < 1 or phase < 0:
        return
    n = lasting(v, phase, ratio, len(w))
    covered = v.covered
    if covered < v.length:  # bent up, the fade at its end takes more of what is held
        covered = min(covered, max(i8(0), v.held - AFTER - (ramp * max(ratio, ONE) + ONE - 1) // ONE))
    if covered < min(v.length, ENDLESS) and n > 0 and (phase + ratio * (n - 1)) >> 32 >= covered:
        flatten(w, curved, level)
        curved, level = True, f4(1)
        bare = max(i8(0), ((covered << 32) - phase + ratio - 1) // ratio)
        for t in range(bare, n) if len(marks) else range(0):
            if abs(w[t]) > FAINT:
                marks[t] |= UNCOVERED
                if lack or -(given + slope * f4(t)) < f4(1):
                    marks[t] |= MISSING
        end = max(v.held - AFTER, i8(0)) << 32
        n = min(n, max(i8(0), (end - phase + ratio - 1) // ratio))
        scale = 1.0 / (float(ramp) * max(ratio, ONE))
        for t in range(bare, n):
            w[t] *= f4(min(1.0, (end - phase - ratio * t) * scale))
    if n > 0:
        read(out, bank, v, phase, ratio, curved, level, w if n == len(w) else w[:n], taps)


@compiled
def fetch_voice(bank: Any, v: Any, first: Any) -> None:
    """Have what a voice reads first, if nobody bends it, come nearer."""
    at = 2 * (v.address + (wrapped(v, v.anchor_phase + (first - v.lag - v.anchor_at) * v.ratio) >> 32))
    for line in range(FETCHED):
        fetch(bank, at + 16 * line)
