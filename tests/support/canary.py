"""A process that does nothing but wake up: what keeps it from that keeps others from their work, too."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.programs import PATIENCE

_WATCH = """
import select, sys, time
stalled, due = 0.0, time.monotonic() + 0.01
while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
    awake = time.monotonic()
    stalled += awake - due if awake - due > 0.02 else 0.0
    due = awake + 0.01
print(stalled)
"""


@dataclass
class Canary:
    stalled: float = 0.0
    """Seconds, of all times together that were longer than 20 ms; known when it has ended."""


@contextmanager
def canary() -> Iterator[Canary]:
    bird, told = (
        subprocess.Popen([sys.executable, "-c", _WATCH], stdin=subprocess.PIPE, stdout=subprocess.PIPE),
        Canary(),
    )
    try:
        yield told
    finally:
        told.stalled = float(bird.communicate(timeout=PATIENCE)[0])
