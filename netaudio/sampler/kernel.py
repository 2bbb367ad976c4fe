"""The kernel: what voices sound like, with every gain and every phase evaluated at every frame, compiled.

    out(n) = sum over voices of own * v(known) + given(n) * ((1 - x(n)) * v(before) + x(n) * v(heard))

v(k) is a voice's sound to one who has heard the events up to k: sample(phase) * gain. A server's chunk is the call
with the weights (0, 1): tails as heard. What a client has to add to a packet is the call with (1, -r).

Phases and ratios are 32.32 fixed point. Everything is read on a voice's own clock, position - lag; see `Voice`.
"""

from collections.abc import Sequence
from types import FunctionType
from typing import Any

import numpy as np
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from netaudio.jit import machine_code
from netaudio.midi import CHANNELS
from netaudio.sampler.interpolator import sinc_table
from netaudio.sampler.layout import (
    BEFORE,
    BEND,
    CHANGES,
    COUNTS,
    ENDLESS,
    EXPRESSION,
    FADE,
    FAST,
    FIRST,
    HEARD,
    INTO,
    JOB_SIZE,
    KNOWN,
    LINES,
    MOST_CHANGES,
    NUMBER,
    SHARE,
    STREAMED,
    VOICES,
    VOLUME,
    Job,
    change_t,
    compiled,
    f4,
    i8,
    u1,
    voice_t,
)
from netaudio.sampler.motion import acts, flatten, gain, phase_at, settled
from netaudio.sampler.reading import FAINT, fetch_voice, lasting, put
from netaudio.units import Frames

# What a voice costs at most, in eighths of a frame that is read between two: of each frame for each that is read of
# it, of each change of its channel for each knowledge, and of the rest.
_FRAME, _CHANGE, _VOICE = 8, 2, 64
_CHANGES = 512  # that a voice of a share may have


def _to_pointer(_typing: Any, address: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), generate


_pointer: Any = intrinsic(_to_pointer)
"""Scores' arrays, each where it lies: no copies, and one call for all."""


@compiled
def span(
    out: Any, marks: Any, job: Any, weights: Any, bank: Any, v: Any, changes: Any, counts: Any, first: Any,
    offset: Any, taps: Any, ramp: Any, release: Any, g: Any, h: Any, b: Any,
) -> Any:  # fmt: skip
    """One voice for a stretch of its clock in which no bend begins and which does not cross its cut. Whether it was
    faded from one knowledge to another, and how many times it was read."""
    n = len(g)
    bends, bend_count = changes[LINES * v.channel + BEND], counts[LINES * v.channel + BEND]
    given, slope = weights[1] + weights[2] * f4(offset), weights[2]
    tail = (given != 0 or slope != 0) and first >= v.start + v.cut and v.seq <= job[HEARD]
    two = tail and job[BEFORE] != job[HEARD] and not settled(v, changes, counts, job[BEFORE], job[HEARD], first + n)
    own, lack = weights[0] != 0, not tail or v.seq > job[BEFORE]
    alike = own and tail and not two and given == f4(-1) and slope == 0
    if alike and settled(v, changes, counts, job[HEARD], job[KNOWN], first + n):  # the stream has it all
        own, tail = False, False
        if len(marks):
            _mark_streamed(marks, job, v, changes, counts, first, ramp, release, g)
    curved, level, phase, ratio = False, f4(0), i8(0), i8(1)
    if own:
        curved, level = gain(v, changes, counts, first, job[KNOWN], ramp, release, g)
        level *= weights[0]
        phase, ratio = phase_at(v, bends, bend_count, first, job[KNOWN])
    heard_curved, heard_level, heard_phase, heard_ratio = False, f4(0), i8(0), i8(1)
    old_level, old_phase, old_ratio = f4(0), i8(0), i8(1)
    if tail:
        heard_curved, heard_level = gain(v, changes, counts, first, job[HEARD], ramp, release, h)
        heard_phase, heard_ratio = phase_at(v, bends, bend_count, first, job[HEARD])
    if two:
        old_curved, old_level = gain(v, changes, counts, first, job[BEFORE], ramp, release, b)
        old_phase, old_ratio = phase_at(v, bends, bend_count, first, job[BEFORE])
        flatten(h, heard_curved, heard_level)
        flatten(b, old_curved, old_level)
        step, x = f4(1) / f4(job[FADE]), f4(job[INTO] + offset + 1)
        one = old_phase == heard_phase and old_ratio == heard_ratio
        for t in range(n):
            share = min(f4(1), (x + f4(t)) * step)
            if one:
                h[t] = b[t] + share * (h[t] - b[t])
            else:
                h[t] *= share
                b[t] *= (f4(1) - share) * (given + slope * f4(t))
        heard_curved, heard_level, old_level = True, f4(1), f4(0) if one else f4(1)
    if slope != 0 and heard_level != 0:
        flatten(h, heard_curved, heard_level)
        for t in range(n):
            h[t] *= given + slope * f4(t)
        heard_curved, heard_level = True, f4(1)
    else:
        heard_level *= given
    if level != 0 and heard_level != 0 and phase == heard_phase and ratio == heard_ratio:  # read once
        if curved or heard_curved:
            flatten(g, curved, level)
            flatten(h, heard_curved, heard_level)
            for t in range(n):
                g[t] += h[t]
            curved, level = True, f4(1)
        else:
            level += heard_level
        heard_level = f4(0)
    readings = 0
    for reading in range(3):
        w = g
        if reading == 1:
            w, phase, ratio, curved, level = h, heard_phase, heard_ratio, heard_curved, heard_level
        elif reading == 2:
            w, phase, ratio, curved, level = b, old_phase, old_ratio, True, old_level
        if level != 0:
            readings += 1
            put(out, marks, bank, v, phase, ratio, curved, level, w, lack, given, slope, taps, ramp)
    return two, readings


@compiled
def _mark_streamed(
    marks: Any, job: Any, v: Any, changes: Any, counts: Any, first: Any, ramp: Any, release: Any, g: Any
) -> None:
    """Mark a voice that the stream alone has, if it sounds."""
    curved, level = gain(v, changes, counts, first, job[KNOWN], ramp, release, g)
    line = LINES * v.channel + BEND
    phase, ratio = phase_at(v, changes[line], counts[line], first, job[KNOWN])
    for t in range(lasting(v, phase, ratio, len(marks)) if level > FAINT else 0):
        if not curved or g[t] > FAINT:
            marks[t] |= STREAMED


def _render(
    bank: Any, jobs: Any, weights: Any, out: Any, marks: Any, facts: Any, taps: Any, ramp: Any, release: Any
) -> None:
    n, marked = out.shape[1] // 2, marks.shape[1]
    scratch = np.empty(3 * n, f4)
    # All from here on are views that own nothing: to count who uses an array costs a voice more than its frames.
    bank = carray(_pointer(bank.ctypes.data), bank.shape, f4)
    taps = carray(_pointer(taps.ctypes.data), taps.shape, f4)
    weights = carray(_pointer(weights.ctypes.data), (3,), f4)
    first_out, first_mark, room = out.ctypes.data, marks.ctypes.data, scratch.ctypes.data
    g, h = carray(_pointer(room), (n,), f4), carray(_pointer(room + 4 * n), (n,), f4)
    b = carray(_pointer(room + 8 * n), (n,), f4)
    for j in range(len(jobs)):
        job = carray(_pointer(jobs[j]), (JOB_SIZE,), i8)
        o = carray(_pointer(first_out + 8 * n * j), (2 * n,), f4)
        m = carray(_pointer(first_mark + marked * j), (marked,), u1)
        for t in range(2 * n):
            o[t] = f4(0)
        voices = carray(_pointer(job[VOICES]), (job[NUMBER],), voice_t)
        changes = carray(_pointer(job[CHANGES]), (CHANNELS * LINES, MOST_CHANGES), change_t)
        counts = carray(_pointer(job[COUNTS]), (CHANNELS * LINES,), i8)
        summed, faded, spent = 0, False, i8(0)
        most = job[SHARE] * (_FRAME * n + _CHANGE * _CHANGES + _VOICE) if job[SHARE] else ENDLESS
        for i in range(len(voices)):
            if spent > most:
                break
            if i + 1 < len(voices):
                fetch_voice(bank, voices[i + 1], job[FIRST])
            v = voices[i]
            first = job[FIRST] - v.lag
            at = max(i8(0), v.start - first)
            if weights[0] == 0:
                at = max(at, v.start + v.cut - first)
            line = LINES * v.channel + BEND
            summed += at < n
            while at < n:
                to = i8(n)
                if first + at < v.start + v.cut < first + to:
                    to = v.start + v.cut - first
                for k in range(1, counts[line]):
                    begin = acts(v, changes[line, k].at) - first
                    if at < begin < to:
                        to = begin
                x, y, u, w, z = o, m, g, h, b
                if to - at < n:  # seldom: slices cost as much as dozens of frames
                    x, y, u, w, z = o[2 * at : 2 * to], m[at:to], g[at:to], h[at:to], b[at:to]
                two, readings = span(
                    x, y, job, weights, bank, v, changes, counts, first + at, at, taps, ramp, release, u, w, z
                )
                faded |= two
                moves = counts[line] + counts[line - BEND + VOLUME] + counts[line - BEND + EXPRESSION]
                spent += _VOICE + _FRAME * readings * (to - at) + _CHANGE * moves * (2 if two else 1)
                at = to
        facts[j, 0], facts[j, 1], facts[j, 2] = faded, summed, spent > most


_SIGNATURE = types.void(
    types.Array(types.float32, 1, "C", readonly=True), types.int64[::1], types.float32[::1], types.float32[:, ::1],
    types.uint8[:, ::1], types.int64[:, ::1], types.float32[:, ::1], types.int64, types.int64,
)  # fmt: skip
_TABLE = sinc_table()
_TAILS, _UNMARKED, _FACTS = np.array((0, 1, 0), f4), np.zeros((1, 0), u1), np.zeros((1, 3), i8)
_variants: dict[str, Any] = {}


def variant(name: str, keep: bool = False) -> Any:
    """The kernel, letting go of the interpreter's lock ("free") or keeping it ("held"), as `machine_code`: that
    takes ten seconds."""
    if name not in _variants:
        # Each under a name of its own: numba keeps what it compiled by that, whatever the options.
        named = FunctionType(_render.__code__, _render.__globals__, f"render_{name}")
        named.__qualname__ = named.__name__
        options = {"nogil": name == "free", "boundscheck": False, "error_model": "numpy", "fastmath": set(FAST)}
        _variants[name] = machine_code(named, _SIGNATURE, keep, **options)
    return _variants[name]


def free(keep: bool = False) -> Any:
    """For servers: it lets go of the interpreter's lock."""
    return variant("free", keep)


def held(keep: bool = False) -> Any:
    """For clients: to let go of the lock costs an audio callback a switch interval each time."""
    return variant("held", keep)


def tails(bank: Frames, jobs: Sequence[Job], count: int, ramp: int, release: int) -> tuple[Frames, NDArray[np.int64]]:
    """What servers send: (jobs, count, 2), and for each job whether it was faded from one knowledge to another, how
    many voices it summed, and whether its share was spent before all were. Lets go of the interpreter's lock."""
    out, facts = np.empty((len(jobs), 2 * count), f4), np.empty((len(jobs), 3), i8)
    variant("free")(bank.reshape(-1), np.array(jobs, i8), _TAILS, out, _UNMARKED, facts, _TABLE, ramp, release)
    return out.reshape(len(jobs), count, 2), facts


def corrections(
    bank: Frames, job: Job, r: tuple[float, float], out: Frames, marks: NDArray[np.uint8], ramp: int, release: int
) -> None:
    """What a client adds where a packet's share is r, at first and its change a frame: into `out` (1, 2 count), and
    marks (1, count) of each frame, or (1, 0) for none.

    Keeps the interpreter's lock: to let go of it costs an audio callback a switch interval each time.
    """
    weights = np.array((1.0, -r[0], -r[1]), f4)
    variant("held")(bank.reshape(-1), np.array([job], i8), weights, out, marks, _FACTS, _TABLE, ramp, release)
