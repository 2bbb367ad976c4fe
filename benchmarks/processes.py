"""What other processes use, a terminal for them, and CPUs that do not sleep."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Of a process so far, its own and the kernel's for it (proc(5), /proc/PID/stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """MB resident (proc(5), /proc/PID/status)."""
    match = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert match
    return int(match[1]) / 1024


def memory_together(pids: Iterable[int]) -> float:
    """MB resident of processes that share some, each page once (proc(5), Pss in /proc/PID/smaps_rollup)."""
    found = [re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text()) for pid in pids]
    return sum(int(match[1]) for match in found if match) / 1024


def stolen_seconds() -> float:
    """CPU time that the machine's host took away so far (proc(5), /proc/stat); 0 where nobody counts it."""
    stat = Path("/proc/stat")
    return int(stat.read_text().split()[8]) / os.sysconf("SC_CLK_TCK") if stat.exists() else 0.0


def drain(master: int) -> None:
    """Be a terminal that takes everything at once, until its other end is closed."""
    with suppress(OSError):  # EIO: nobody has it open any more
        while os.read(master, 1 << 16):
            pass
    os.close(master)


@contextmanager
def awake() -> Iterator[None]:
    """Keep every CPU from sleeping, by loops that give way to all else: a virtual one takes a tenth of a millisecond
    to wake up. They leave a fifth of the time, since hosts put aside for 100 ms whoever takes all of it."""
    loops = [subprocess.Popen([sys.executable, "-c", _LOOP, str(cpu)]) for cpu in sorted(os.sched_getaffinity(0))]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


_LOOP = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while True:
    end = time.monotonic() + 0.004
    while time.monotonic() < end:
        pass
    time.sleep(0.001)
"""
