"""What this machine would let any server do: the same mixing, encoding and sending by C, and how late that is."""

import os
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import pin, unpin

PROGRAM = Path(__file__).parent / "limit.c"
RATE = 48000


def hold(clients: int, voices: int, chunk: int, seconds: float) -> dict[str, Any]:
    """On a core of its own; what it sends is received on another."""
    others = pin(0)
    try:
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
            program = Path(folder) / "limit"
            subprocess.run(["gcc", "-O3", "-march=native", "-o", program, PROGRAM, "-lm"], check=True)
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            sink.bind(("127.0.0.1", 0))
            sink.settimeout(0.5)
            asked = map(str, (clients, voices, chunk, RATE, seconds, sink.getsockname()[1]))
            running = subprocess.Popen(
                [program, *asked], stdout=subprocess.PIPE, text=True,
                preexec_fn=lambda: os.sched_setaffinity(0, others or os.sched_getaffinity(0)),
            )  # fmt: skip
            while running.poll() is None:
                try:
                    sink.recv(2048)
                except TimeoutError:
                    continue
            said = running.communicate()[0].split()
            if running.returncode:
                raise RuntimeError(f"{PROGRAM.name} failed: {running.returncode}")
    finally:
        unpin(others)
    chunks, late, spells = map(int, said[:3])
    latest, cpu, span = map(float, said[3:])
    return {
        "clients": clients, "voices": voices, "chunk": chunk, "seconds": round(span, 1), "chunks": chunks,
        "late chunks": late, "spells": spells, "worst ms": round(1000 * latest, 1),
        "cpu %": round(100 * cpu / span, 1), "cpu % per client": round(100 * cpu / span / clients, 2),
    }  # fmt: skip
