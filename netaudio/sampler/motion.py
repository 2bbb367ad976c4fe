"""A voice's gain and phase at each frame, as known to someone: the kernel's inner functions."""

from typing import Any

from netaudio.sampler.interpolator import TAPS
from netaudio.sampler.layout import BEND, ENDLESS, LINES, compiled, f4
from netaudio.sampler.pitch import ONE

AFTER = TAPS // 2
"""Frames after a loop's end at which it turns, so that all taps lie in its unrolled form."""


@compiled
def mul(a: Any, b: Any) -> Any:
    """The product of two ratios, rounded down alike on all machines."""
    if a == ONE:
        return b
    if b == ONE:
        return a
    return ((a * (b >> 16)) >> 16) + ((a * (b & 0xFFFF)) >> 32)


@compiled
def acts(v: Any, at: Any) -> Any:
    """Where, on a voice's clock, something acts that happened at a position."""
    if v.reach >= ENDLESS or at < v.start or at - v.start + v.cut < v.reach:
        return at
    return at + v.cut


@compiled
def wrapped(v: Any, phase: Any) -> Any:
    """The same place in the first turn of a loop."""
    turn = (v.loop_end + AFTER) << 32
    if v.loop_end == 0 or phase < turn:
        return phase
    span = (v.loop_end - v.loop_start) << 32
    return turn - span + (phase - turn) % span


@compiled
def phase_at(v: Any, bends: Any, count: Any, at: Any, heard: Any) -> Any:
    """A voice's phase and ratio at a position of its clock."""
    phase, since, bend = v.anchor_phase, v.anchor_at, bends[0].ratio
    for k in range(1, count):
        acting = acts(v, bends[k].at)
        if bends[k].seq > heard or acting > at:
            break
        if acting > since:
            phase += (acting - since) * mul(v.ratio, bend)
            since = acting
        bend = bends[k].ratio
    ratio = mul(v.ratio, bend)
    return wrapped(v, phase + (at - since) * ratio), ratio


@compiled
def ramp_down(g: Any, curved: Any, since: Any, length: Any) -> None:
    """Multiply by a straight line from 1 to 0 that began `since` frames before the first."""
    if not curved:
        g[:] = f4(1)
    slope, begun = f4(1) / f4(length), f4(since)
    for t in range(len(g)):
        g[t] *= min(f4(1), max(f4(0), f4(1) - (begun + f4(t)) * slope))


@compiled
def line_gain(
    g: Any, curved: Any, level: Any, line: Any, count: Any, v: Any, first: Any, heard: Any, ramp: Any
) -> Any:
    """Multiply by a controller's line: constant values, with a straight ramp into each."""
    n = len(g)
    last = count - 1
    while last > 0 and (line[last].seq > heard or acts(v, line[last].at) >= first + n):
        last -= 1
    k = last
    while k > 0 and acts(v, line[k].at) + ramp > first:
        k -= 1
    value = line[k].gain
    if k == last:
        return curved, level * value
    if not curved:
        g[:] = f4(1)
    done = 0
    while k < last:
        k += 1
        begin = acts(v, line[k].at) - first
        goal, slope, a, b = line[k].gain, (line[k].gain - value) / f4(ramp), max(begin, 0), min(begin + ramp, n)
        for t in range(done, a):
            g[t] *= value
        for t in range(a, b):
            g[t] *= value + f4(t - begin) * slope
        done, value = max(b, 0), goal
    for t in range(done, n):
        g[t] *= value
    return True, level


@compiled
def gain(v: Any, changes: Any, counts: Any, first: Any, heard: Any, ramp: Any, release: Any, g: Any) -> Any:
    """A voice's gain as (curved, level): level at each frame, times g where it is curved."""
    n = len(g)
    off, stolen = v.off_seq <= heard, v.stolen_seq <= heard
    over = (off and v.off_at + release <= first) or (stolen and v.stolen_at + ramp <= first)
    if over or v.seq > heard:
        return False, f4(0)
    curved, level = False, f4(1)
    age = first - v.start
    if age < v.attack - 1:
        slope, begun = f4(1) / f4(v.attack), f4(age + 1)
        for t in range(n):
            g[t] = min(f4(1), (begun + f4(t)) * slope)
        curved = True
    for line in range(LINES * v.channel, LINES * v.channel + BEND):
        if counts[line] == 1:
            level *= changes[line, 0].gain
        else:
            curved, level = line_gain(g, curved, level, changes[line], counts[line], v, first, heard, ramp)
    if off and v.off_at < first + n:
        ramp_down(g, curved, first - v.off_at, release)
        curved = True
    if stolen and v.stolen_at < first + n:
        ramp_down(g, curved, first - v.stolen_at, ramp)
        curved = True
    return curved, level


@compiled
def settled(v: Any, changes: Any, counts: Any, before: Any, after: Any, end: Any) -> Any:
    """Whether all that shapes a voice on its clock before `end`, and is known after so much, was known before."""
    if before < v.seq <= after or (before < v.off_seq <= after and v.off_at < end):
        return False
    if before < v.stolen_seq <= after and v.stolen_at < end:
        return False
    for line in range(LINES * v.channel, LINES * v.channel + LINES):
        k = counts[line] - 1
        while k > 0 and changes[line, k].seq > before:
            if changes[line, k].seq <= after and acts(v, changes[line, k].at) < end:
                return False
            k -= 1
    return True


@compiled
def flatten(g: Any, curved: Any, level: Any) -> None:
    """Write the gain (curved, level) out into g."""
    if not curved:
        g[:] = level
    elif level != f4(1):
        for t in range(len(g)):
            g[t] *= level
