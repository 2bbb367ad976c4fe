"""What the kernel reads: voices, the changes of controllers, and jobs, as records in arrays."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

f4, i8, u1 = np.float32, np.int64, np.uint8

ENDLESS = 1 << 48
"""Frames: the length of what loops, the cut of a note that the server never plays."""
VOLUME, EXPRESSION, BEND = 0, 1, 2
LINES = 3
"""Of a channel; line VOLUME of channel c is row LINES * c + VOLUME."""
MOST_CHANGES = 256
"""Of a line."""

voice_t = np.dtype([
    ("seq", i8), ("channel", i8), ("start", i8), ("lag", i8), ("cut", i8), ("reach", i8), ("off_seq", i8),
    ("off_at", i8), ("stolen_seq", i8), ("stolen_at", i8), ("anchor_at", i8), ("anchor_phase", i8), ("address", i8),
    ("length", i8), ("held", i8), ("covered", i8), ("loop_start", i8), ("loop_end", i8), ("ratio", i8),
    ("attack", i8), ("left", f4), ("right", f4),
])  # fmt: skip
"""A voice. `off_at` and `stolen_at` are where they act on its clock; no loop has the end 0."""
change_t = np.dtype([("seq", i8), ("at", i8), ("ratio", i8), ("gain", f4), ("_", f4)])
"""A change of a line at a position: to a gain, by a ramp, or to a ratio."""


Job = int
"""The address of JOB_SIZE int64 by the names below: one score's voices from position FIRST on, and who knows how much
of what shapes them."""
JOB_SIZE = 11
VOICES, NUMBER, CHANGES, COUNTS = range(4)
"""Addresses of arrays: of voice_t, with how many there are; of lines, change_t (16 * LINES, MOST_CHANGES), and of how
many changes each has, int64."""
FIRST, KNOWN, BEFORE, HEARD = range(4, 8)
"""A position, and seqs."""
INTO, FADE = range(8, 10)
"""Frames before FIRST in which the fade from BEFORE to HEARD has gone on, of so many."""
SHARE = 10
"""Of how many voices, all shifted and moving, the job may take the time; 0: of any number."""

UNCOVERED, MISSING, STREAMED = 1, 2, 4
"""Marks of a frame: some voice is not held that should be corrected; no packet has it; the stream alone has some."""

F = TypeVar("F", bound=Callable[..., Any])
FAST = frozenset({"contract", "reassoc", "nsz", "arcp"})
"""What floats may do: NaN tests must stay tests."""
compiled: Callable[[F], F] = njit(forceinline=True, boundscheck=False, error_model="numpy", fastmath=set(FAST))
"""Of the kernel's inner functions, which are compiled into whoever calls them."""
