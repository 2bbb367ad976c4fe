"""What lets sound be on time: the interpreter's manners, and priorities, where the system grants them."""

import contextlib
import gc
import os
import sys

from threadpoolctl import threadpool_limits

REAL_TIME = 5  # SCHED_RR, below what sound cards' own threads use
SERVING = -10  # nice


def prepare_interpreter(switch_seconds: float) -> None:
    """Let a thread have the interpreter within so long, keep collections short, and products on their own thread:
    a second one, without its priority, would hold up the first."""
    sys.setswitchinterval(switch_seconds)
    gc.collect()
    gc.freeze()
    threadpool_limits(1, "blas")


def hurry() -> None:
    """Real-time priority for this thread, unless it has one, and for none that it starts: for those that render, or
    tell of keys."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # not allowed, or not there
            if os.sched_getscheduler(0) == os.SCHED_OTHER:
                os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(REAL_TIME))


def hurry_serving() -> None:
    """For the event loop's thread. Render workers wait for whoever holds the interpreter, so it must not be
    put aside for long while it does."""
    if sys.platform == "linux":
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, SERVING)
