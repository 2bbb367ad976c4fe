"""The sound output: PortAudio's callback, or a software clock where there is no card.

Either asks the caller's `render` for block after block; a position is a count of the frames rendered.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netaudio.audio.devices import JACK, abandon, extra, find, identity, portaudio, refusal
from netaudio.errors import DeviceError
from netaudio.statistics import SPREAD, Histogram

Render = Callable[[NDArray[np.float32], float, bool], None]
"""Fills a block (frames, 2) in place; the float is time.monotonic() at the block's start, and the bool whether the
output ran dry before it."""

_STEP = 10e-6  # seconds of render time
_STOP_TIMEOUT = 1.0  # a device whose driver died may never let its stream be closed
_NO_CALL = 3.0  # seconds without a callback after which a device counts as gone
_FELL_BEHIND = 0.5  # seconds after which the software clock gives up catching up


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


class Speaker(Protocol):
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


class _Output:
    """What the card and the software clock share."""

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


class NullSpeaker(_Output):
    """No sound, on a software clock `skew` ppm fast, which catches up after stalls of up to 0.5 s.

    Its first block is due at `begin` (time.monotonic()), which may have passed, else at once.
    """

    def __init__(self, rate: int, block: int, render: Render, skew: float = 0.0, begin: float | None = None) -> None:
        super().__init__("null", rate, block, render)
        self._begin = begin
        self._period = block / (rate * (1 + skew * 1e-6))
        self._thread = threading.Thread(target=self._run, name="null speaker", daemon=True)

    @property
    def alive(self) -> bool:
        return self._running and self._thread.is_alive()

    def start(self) -> None:
        self._running = True
        self._thread.start()

    def stop(self) -> None:
        self._running = False
        self._thread.join(_STOP_TIMEOUT)

    def _run(self) -> None:
        out = np.zeros((self.block, 2), np.float32)
        anchor, blocks = time.monotonic() if self._begin is None else self._begin, 0
        while self._running and self.error is None:
            due, now = anchor + blocks * self._period, time.monotonic()
            xrun = now - due > _FELL_BEHIND
            if now < due:
                time.sleep(due - now)
            elif xrun:
                anchor, blocks, due = now, 0, now
            self._fill(out, due, xrun)
            blocks += 1


class CardSpeaker(_Output):
    """A PortAudio device; `identity` finds it again."""

    def __init__(self, device: str, rate: int, block: int, render: Render) -> None:
        self._portaudio = sounddevice = portaudio()
        info = find(sounddevice, device)
        super().__init__(info["name"], rate, block, render)
        self.identity, self._jack = identity(info), info["api"] == JACK
        self._called = 0.0
        self._stopped = False
        try:
            self._stream = sounddevice.OutputStream(
                device=info["index"],
                samplerate=rate,
                blocksize=block,
                channels=2,
                dtype="float32",
                latency="low",
                extra_settings=extra(sounddevice, info),
                callback=self._callback,
            )
        except sounddevice.PortAudioError as error:
            raise DeviceError(refusal(info, rate, error)) from None

    @property
    def alive(self) -> bool:
        if not self._running or self.error is not None:
            return False
        return self._stream.active and time.monotonic() - self._called < _NO_CALL

    def start(self) -> None:
        try:
            self._stream.start()
        except self._portaudio.PortAudioError as error:
            raise DeviceError(f"sound output {self.name!r} does not start: {error}") from None
        self._called = time.monotonic()
        self._running = True

    def stop(self) -> None:
        if self._stopped:
            return
        # PortAudio waits for ten minutes for a JACK server that has died, and then ends the program.
        dead = self._jack and self._running and not self._stream.active
        self._running, self._stopped = False, True
        if not dead:
            closer = threading.Thread(target=self._close, name="speaker stop", daemon=True)
            closer.start()
            closer.join(_STOP_TIMEOUT)
            dead = closer.is_alive()
        if dead:
            abandon(self._portaudio)

    def _close(self) -> None:
        self._stream.stop()
        self._stream.close()

    def _callback(self, out: NDArray[np.float32], _frames: int, _time: Any, status: Any) -> None:
        self._called = now = time.monotonic()
        self._fill(out, now, bool(status and status.output_underflow))


def open_speaker(device: str, rate: int, block: int, render: Render, skew: float = 0.0) -> Speaker:
    """The output that `device` names: "" (the default), "null", an index or a part of a name.

    `rate` in Hz; `block` frames per render; `skew` (ppm) makes null's clock fast, and is nothing to a card.
    Raises DeviceError.
    """
    if device.strip().lower() == "null":
        return NullSpeaker(rate, block, render, skew)
    return CardSpeaker(device.strip(), rate, block, render)
