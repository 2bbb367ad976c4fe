"""What other processes use, a terminal for them, and CPUs that do not sleep."""

import os
import re
import subprocess
from collections.abc import Iterator
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


def drain(master: int) -> None:
    """Be a terminal that takes everything at once, until its other end is closed."""
    with suppress(OSError):  # EIO: nobody has it open any more
        while os.read(master, 1 << 16):
            pass
    os.close(master)


@contextmanager
def awake() -> Iterator[None]:
    """Keep every CPU from sleeping by a loop that gives way to all else: a virtual one takes a tenth of a
    millisecond to wake up, at each of the ten programs that a JACK server calls within a block."""
    loops = [
        subprocess.Popen(["taskset", "-c", str(cpu), "chrt", "--idle", "0", "sh", "-c", "while :; do :; done"])
        for cpu in sorted(os.sched_getaffinity(0))
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
