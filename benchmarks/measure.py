"""Timing on a machine that others use, too: contenders take turns, and what a stall touched is dropped."""

import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping

HAD = 0.95  # of the wall's time a repetition must have had the CPU
ROUNDS_AT_MOST = 10  # times the rounds wanted, where stalls eat some

Work = Callable[[], object]


def pin(core: int = -1) -> set[int]:
    """Keep this process on one core, the last by default; the cores that are left to others."""
    if sys.platform != "linux":
        return set()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core]})
    return set(cores) - {cores[core]}


def unpin(cores: set[int]) -> None:
    """Take those cores back."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, os.sched_getaffinity(0) | cores)


def side_by_side(work: Mapping[str, Work], seconds: float = 0.002, rounds: int = 60) -> dict[str, float]:
    """Seconds that one call of each takes, at the median.

    All take turns, two milliseconds each, so that a slow spell of the machine is everybody's. A repetition that
    lost the CPU is dropped: the canary is this thread's own CPU time.
    """
    calls = {}
    for name, call in work.items():
        for _ in range(3):
            call()
        started = time.perf_counter()
        call()
        calls[name] = max(1, round(seconds / (time.perf_counter() - started)))
    taken: dict[str, list[float]] = {name: [] for name in work}
    order = random.Random(0)
    for _ in range(rounds * ROUNDS_AT_MOST):
        for name in order.sample(list(work), len(work)):  # shuffled, or a busy neighbour's beat hits one of them
            span = _repeat(work[name], calls[name])
            if span is not None:
                taken[name].append(span)
        if min(map(len, taken.values())) >= rounds:
            break
    stalled = [name for name, spans in taken.items() if not spans]
    if stalled:
        raise RuntimeError(f"every repetition was stalled, the machine is too busy to time: {', '.join(stalled)}")
    return {name: statistics.median(spans) for name, spans in taken.items()}


def _repeat(call: Work, times: int) -> float | None:
    """Seconds a call, or None if the CPU was away meanwhile."""
    cpu, wall = time.thread_time(), time.perf_counter()
    for _ in range(times):
        call()
    wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
    return wall / times if cpu > HAD * wall else None
