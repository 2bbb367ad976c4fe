"""The sound output: PortAudio's callback, or a software clock where there is no card.

Either asks the caller's `render` for block after block; a position is a count of the frames rendered.
"""

import atexit
import difflib
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netaudio.errors import DeviceError

Render = Callable[[NDArray[np.float32], float], None]
"""Fills a block (frames, 2) in place; the float is time.monotonic() at the block's start."""

_BIN = 10e-6  # seconds of render time
_BINS = 5000  # up to 50 ms, and one for all beyond
_STOP_TIMEOUT = 1.0  # a device whose driver died may never let its stream be closed
_FELL_BEHIND = 0.5  # seconds after which the software clock gives up catching up
_BAD_RATE, _BAD_CHANNELS = -9997, -9998  # PaErrorCode: paInvalidSampleRate, paInvalidChannelCount


class Durations:
    """A histogram of render times in bins of 10 us; one thread adds, any may read."""

    def __init__(self, block_seconds: float) -> None:
        self.late = 0
        """Renders that took longer than their block lasts."""
        self.longest = 0.0
        self._block_seconds = block_seconds
        self._bins = [0] * (_BINS + 1)

    def add(self, seconds: float) -> None:
        self._bins[min(int(seconds / _BIN), _BINS)] += 1
        if seconds > self.longest:
            self.longest = seconds
        if seconds > self._block_seconds:
            self.late += 1

    def summary(self) -> dict[str, float]:
        """p50, p99, p99.9 and max in ms, rounded up to a bin; 0 before the first."""
        counts = np.cumsum(self._bins)
        found = {}
        for percent in (50, 99, 99.9):
            index = int(np.searchsorted(counts, counts[-1] * percent / 100))
            edge = self.longest if index == _BINS else min((index + 1) * _BIN, self.longest)
            found[f"p{percent}"] = round(1000 * edge, 3)
        return found | {"max": round(1000 * self.longest, 3)}


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

    def _fill(self, out: NDArray[np.float32], now: float) -> None:
        if self.error is None:
            begun = time.perf_counter()
            try:
                self._render(out, now)
            except Exception as error:
                self.error = error
            self.times.add(time.perf_counter() - begun)
        if self.error is not None:
            out.fill(0)


class NullSpeaker(_Output):
    """No sound, on a software clock `skew` ppm fast, which catches up after stalls of up to 0.5 s."""

    def __init__(self, rate: int, block: int, render: Render, skew: float = 0.0) -> None:
        super().__init__("null", rate, block, render)
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
        anchor, blocks = time.monotonic(), 0
        while self._running and self.error is None:
            due, now = anchor + blocks * self._period, time.monotonic()
            if now < due:
                time.sleep(due - now)
            elif now - due > _FELL_BEHIND:
                self.xruns += 1
                anchor, blocks, due = now, 0, now
            self._fill(out, due)
            blocks += 1


class CardSpeaker(_Output):
    """A PortAudio device."""

    def __init__(self, device: str, rate: int, block: int, render: Render) -> None:
        self._portaudio = sounddevice = _portaudio()
        info = _find(sounddevice, device)
        super().__init__(info["name"], rate, block, render)
        try:
            self._stream = sounddevice.OutputStream(
                device=info["index"],
                samplerate=rate,
                blocksize=block,
                channels=2,
                dtype="float32",
                latency="low",
                extra_settings=_extra(sounddevice, info),
                callback=self._callback,
            )
        except sounddevice.PortAudioError as error:
            raise DeviceError(_refusal(info, rate, error)) from None

    @property
    def alive(self) -> bool:
        return self._running and self.error is None and self._stream.active

    def start(self) -> None:
        try:
            self._stream.start()
        except self._portaudio.PortAudioError as error:
            raise DeviceError(f"sound output {self.name!r} does not start: {error}; {_OTHER}") from None
        self._running = True

    def stop(self) -> None:
        self._running = False
        closer = threading.Thread(target=self._close, name="speaker stop", daemon=True)
        closer.start()
        closer.join(_STOP_TIMEOUT)
        if closer.is_alive():
            atexit.unregister(self._portaudio._exit_handler)  # it would wait for the dead device as well

    def _close(self) -> None:
        self._stream.stop()
        self._stream.close()

    def _callback(self, out: NDArray[np.float32], _frames: int, _time: Any, status: Any) -> None:
        now = time.monotonic()
        if status and status.output_underflow:
            self.xruns += 1
        self._fill(out, now)


_OTHER = "choose another (--list-devices) or play without sound (--device null)"


def open_speaker(device: str, rate: int, block: int, render: Render, skew: float = 0.0) -> Speaker:
    """The output that `device` names: "" (the default), "null", an index or a part of a name.

    `rate` in Hz; `block` frames per render; `skew` (ppm) makes null's clock fast, and is nothing to a card.
    Raises DeviceError.
    """
    if device.strip().lower() == "null":
        return NullSpeaker(rate, block, render, skew)
    return CardSpeaker(device.strip(), rate, block, render)


def list_devices() -> list[str]:
    """A line for each output: * if it is the default, the number that --device takes; raises DeviceError."""
    sounddevice = _portaudio()
    marks = {_default(sounddevice): "*"}
    lines = [f"{marks.get(info['index'], ' ')} {_described(info)}" for info in _outputs(sounddevice)]
    return [*lines, "  null: no sound, a clock of its own"]


def _portaudio() -> ModuleType:
    try:
        import sounddevice
    except OSError:
        raise DeviceError(
            "the PortAudio library is missing: apt install libportaudio2, or brew install portaudio (on Windows "
            "it comes with sounddevice), or play without sound (--device null)"
        ) from None
    except Exception as error:  # its PortAudioError, which has no name where the import failed
        raise DeviceError(f"PortAudio does not start: {error}; play without sound (--device null)") from error
    module: ModuleType = sounddevice
    return module


def _outputs(sounddevice: ModuleType) -> list[dict[str, Any]]:
    apis = sounddevice.query_hostapis()
    return [
        {**info, "api": apis[info["hostapi"]]["name"]}
        for info in sounddevice.query_devices()
        if info["max_output_channels"] > 0
    ]


def _described(info: dict[str, Any]) -> str:
    channels = "" if info["max_output_channels"] > 1 else ", mono: of no use here"
    return f"{info['index']}: {info['name']} ({info['api']}, {info['default_samplerate']:.0f} Hz{channels})"


def _default(sounddevice: ModuleType) -> int:
    """The default output's index, or -1. On Windows it is WASAPI's: PortAudio's own choice there is slow."""
    if sys.platform == "win32":
        for api in sounddevice.query_hostapis():
            if api["name"] == "Windows WASAPI" and api["default_output_device"] >= 0:
                return int(api["default_output_device"])
    return int(sounddevice.default.device[1])


def _find(sounddevice: ModuleType, device: str) -> dict[str, Any]:
    outputs = _outputs(sounddevice)
    if not outputs:
        raise DeviceError("no sound output found: plug one in, or play without sound (--device null)")
    if not device or device.isdecimal():
        wanted = int(device) if device else _default(sounddevice)
        matches = [info for info in outputs if info["index"] == wanted]
    else:
        name = device.lower()
        matches = [info for info in outputs if name in f"{info['name']}, {info['api']}".lower()]
        exact = [info for info in matches if name == info["name"].lower()]
        matches = exact or matches
        best = [info for info in matches if info["api"] == "Windows WASAPI"]
        matches = best or matches
    if len(matches) == 1:
        info = matches[0]
        if info["max_output_channels"] < 2:
            raise DeviceError(f"sound output {_described(info)}: stereo is needed; {_OTHER}")
        return info
    if matches:
        several = "; ".join(map(_described, matches))
        raise DeviceError(f"several sound outputs are called {device!r}: give the number of one: {several}")
    if not device:
        raise DeviceError(f"the system has no default sound output: {_OTHER}")
    names = {info["name"].lower(): info for info in outputs}
    near = [names[name] for name in difflib.get_close_matches(device.lower(), names, 3, 0.5)] or outputs
    raise DeviceError(f"no sound output is called {device!r}; there are {'; '.join(map(_described, near))}")


def _extra(sounddevice: ModuleType, info: dict[str, Any]) -> Any:
    """WASAPI refuses every rate but its own unless it is told to convert."""
    return sounddevice.WasapiSettings(auto_convert=True) if info["api"] == "Windows WASAPI" else None


def _refusal(info: dict[str, Any], rate: int, error: Exception) -> str:
    name, own = info["name"], round(info["default_samplerate"])
    code = error.args[1] if len(error.args) > 1 else 0
    if code == _BAD_RATE:
        return f"sound output {name!r} plays at {own} Hz, not {rate}: start the server with --rate {own}, {_OTHER}"
    if code == _BAD_CHANNELS:
        return f"sound output {name!r} has no stereo: {_OTHER}"
    return f"sound output {name!r} does not open: {error}; {_OTHER}"
