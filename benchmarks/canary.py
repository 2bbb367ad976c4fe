"""Canaries: processes that do nothing but wake up, one on each CPU, and note when their timers were late.

What holds up a timer is the machine's host and no program of ours. Afterwards they wait for their turn as any other
process, and do not count that: with real-time priority, each waking would move a render worker that runs to another
CPU, which took up to 10 ms.
"""

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

TICK = 0.002  # seconds: a canary that wakes more often takes a twentieth of a CPU
NICE = -20
STATISTICS = "/proc/thread-self/schedstat"
SPELL = re.compile(r"late: \d+ chunks?( in \d+ spells)? by up to (\S+) ms \(time.monotonic (\S+) to (\S+)\)")
Stall = tuple[float, float]
"""From when on (time.monotonic) a canary should have been awake, and when it was."""


def watch(cpu: int) -> None:
    """Note stalls of more than a TICK until stdin ends; then print them as JSON."""
    os.sched_setaffinity(0, {cpu})
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    stalls: list[Stall] = []
    with open(STATISTICS if os.path.exists(STATISTICS) else os.devnull, "rb", 0) as statistics:
        due, waited = time.monotonic(), _waited(statistics.fileno())
        print("awake", flush=True)
        while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            awake, before = time.monotonic(), waited
            waited = _waited(statistics.fileno())
            woken = awake - (waited - before)
            if woken - due > TICK:
                stalls.append((due, woken))
            due = (awake if awake - due > TICK else due) + TICK
    print(json.dumps(stalls))


def _waited(statistics: int) -> float:
    """Seconds that this thread was ready to run and had to wait for its turn (the kernel's sched-stats.rst)."""
    counts = os.pread(statistics, 100, 0).split()
    return int(counts[1]) / 1e9 if counts else 0.0


@contextmanager
def canaries() -> Iterator[list[Stall]]:
    """The list fills when the block ends: the stalls of all CPUs."""
    command = [sys.executable, "-m", "benchmarks.canary"]
    birds = [
        subprocess.Popen([*command, str(cpu)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for cpu in sorted(os.sched_getaffinity(0))
    ]
    stalls: list[Stall] = []
    try:
        for bird in birds:
            assert bird.stdout and bird.stdout.readline() == "awake\n"
        yield stalls
    finally:
        for bird in birds:
            said, _ = bird.communicate()
            stalls += [(due, awake) for due, awake in json.loads(said or "[]")]


def stalled(stalls: Iterable[Stall], first: float, last: float) -> float:
    """Seconds between `first` and `last` in which some CPU may have stood still: from the last time that its
    canary was awake on."""
    total, reached = 0.0, first
    for due, awake in sorted(stalls):
        begin, end = max(due - TICK, reached), min(awake, last)
        if end > begin:
            total, reached = total + end - begin, end
    return total


def unexplained(log: str, stalls: Sequence[Stall], chunk_seconds: float) -> list[str]:
    """Of a server's spells of late chunks those that were not held up by the machine: without the stalls that
    lie in them they would still be more than a chunk late. Several told as one are too many to be excused."""
    found = []
    for match in SPELL.finditer(log):
        worst, due, sent = map(float, match.groups()[1:])
        if match[1] or worst / 1000 - stalled(stalls, due - TICK, sent) > chunk_seconds + TICK:
            found.append(match[0])
    return found


if __name__ == "__main__":
    watch(int(sys.argv[1]))
