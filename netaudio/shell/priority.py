"""Scheduling of the server's threads, where the system grants it (root, or rights of its own)."""

import contextlib
import os
import sys

RENDERING = 5  # SCHED_RR, below what sound cards' own threads use
SERVING = -10  # nice


def hurry_rendering() -> None:
    """Real-time priority for this thread, and for none that it starts."""
    if sys.platform == "linux":
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(RENDERING))


def hurry_serving() -> None:
    """For the event loop's thread. Render workers wait for whoever holds the interpreter, so it must not be
    put aside for long while it does."""
    if sys.platform == "linux":
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, SERVING)
