"""What every sound output is: it asks the caller's `render` for one block after another, and times that.

A position is a count of the frames rendered.
"""

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from netaudio.statistics import SPREAD, Histogram

Render = Callable[[NDArray[np.float32], float, bool], None]
"""Fills a block (frames, 2) in place; the float is time.monotonic() at the block's start, and the bool whether the
output ran dry before it."""

STOP_SECONDS = 1.0
"""How long `stop` waits: a device whose driver died may never let its stream be closed."""
_STEP = 10e-6  # seconds of render time


class Durations:
    """Render times; one thread adds, any may read."""

    def __init__(self, block_seconds: float) -> None:
        self.late = 0
        """Renders that took longer than their block lasts."""
        self.longest = 0.0
        self._block_seconds = block_seconds
        self.histogram = Histogram(_STEP)

    def add(self, seconds: float) -> None:
        self.histogram.add(seconds)
        if seconds > self.longest:
            self.longest = seconds
        if seconds > self._block_seconds:
            self.late += 1

    def summary(self) -> dict[str, float]:
        """p50, p99, p99.9 and max in ms, rounded up to 10 us; 0 before the first."""
        seconds = {name: min(self.histogram.quantile(share), self.longest) for name, share in SPREAD.items()}
        return {name: round(1000 * some, 3) for name, some in seconds.items()}


class Output(Protocol):
    """An open sound output. `render` runs on the output's own thread, from `start` to `stop`."""

    name: str
    rate: int
    block: int
    xruns: int
    """Times that the output ran dry."""
    times: Durations
    error: Exception | None
    """What `render` raised; from then on it is not called again."""

    @property
    def alive(self) -> bool:
        """It asks for blocks: not before `start`, after `stop`, after an error or once its device is gone."""

    def start(self) -> None:
        """Begins to ask for blocks, once; raises DeviceError."""

    def stop(self) -> None:
        """Ends it for good, within about a second even if the device hangs; not to be called by `render`."""


class Rendering:
    """The part of an Output that all backends share: a block rendered, timed, and silent after an error."""

    def __init__(self, name: str, rate: int, block: int, render: Render) -> None:
        self.name, self.rate, self.block = name, rate, block
        self.xruns = 0
        self.times = Durations(block / rate)
        self.error: Exception | None = None
        self._render = render
        self._running = False

    def _fill(self, out: NDArray[np.float32], now: float, xrun: bool) -> None:
        self.xruns += xrun
        if self.error is None:
            begun = time.perf_counter()
            try:
                self._render(out, now, xrun)
            except Exception as error:
                self.error = error
            self.times.add(time.perf_counter() - begun)
        if self.error is not None:
            out.fill(0)
