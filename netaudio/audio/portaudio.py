"""The sound card, by PortAudio."""

import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netaudio.audio import libportaudio
from netaudio.audio.devices import extra, find, identity, refusal
from netaudio.audio.libportaudio import JACK
from netaudio.audio.output import STOP_SECONDS, Render, Rendering
from netaudio.errors import DeviceError

_NO_CALL_SECONDS = 3.0  # without a callback: the device counts as gone


class PortAudioOutput(Rendering):
    """A PortAudio device, named as `find` takes it; `identity` finds it again."""

    def __init__(self, device: str, rate: int, block: int, render: Render) -> None:
        self._sounddevice = sounddevice = libportaudio.load()
        info = find(sounddevice, device)
        super().__init__(info["name"], rate, block, render)
        self.identity, self._on_jack = identity(info), info["api"] == JACK
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
        return self._stream.active and time.monotonic() - self._called < _NO_CALL_SECONDS

    def start(self) -> None:
        try:
            self._stream.start()
        except self._sounddevice.PortAudioError as error:
            raise DeviceError(f"sound output {self.name!r} does not start: {error}") from None
        self._called = time.monotonic()
        self._running = True

    def stop(self) -> None:
        if self._stopped:
            return
        # PortAudio waits for ten minutes for a JACK server that has died, and then ends the program.
        dead = self._on_jack and self._running and not self._stream.active
        self._running, self._stopped = False, True
        if not dead:
            closer = threading.Thread(target=self._close, name="output stop", daemon=True)
            closer.start()
            closer.join(STOP_SECONDS)
            dead = closer.is_alive()
        if dead:
            libportaudio.abandon(self._sounddevice)

    def _close(self) -> None:
        self._stream.stop()
        self._stream.close()

    def _callback(self, out: NDArray[np.float32], _frames: int, _time: Any, status: Any) -> None:
        self._called = now = time.monotonic()
        self._fill(out, now, bool(status and status.output_underflow))
