"""The output without sound: a software clock that asks for blocks as a card would."""

import threading
import time

import numpy as np

from netaudio.audio.output import STOP_SECONDS, Render, Rendering

_FELL_BEHIND_SECONDS = 0.5  # after which it gives up catching up


class NullOutput(Rendering):
    """No sound, on a software clock `skew` ppm fast, which catches up after stalls of up to 0.5 s.

    Its first block is due at `begin` (time.monotonic()), which may have passed, else at once.
    """

    def __init__(self, rate: int, block: int, render: Render, skew: float = 0.0, begin: float | None = None) -> None:
        super().__init__("null", rate, block, render)
        self._begin = begin
        self._period = block / (rate * (1 + skew * 1e-6))
        self._thread = threading.Thread(target=self._run, name="null output", daemon=True)

    @property
    def alive(self) -> bool:
        return self._running and self._thread.is_alive()

    def start(self) -> None:
        self._running = True
        self._thread.start()

    def stop(self) -> None:
        self._running = False
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        out = np.zeros((self.block, 2), np.float32)
        anchor, blocks = time.monotonic() if self._begin is None else self._begin, 0
        while self._running and self.error is None:
            due, now = anchor + blocks * self._period, time.monotonic()
            xrun = now - due > _FELL_BEHIND_SECONDS
            if now < due:
                time.sleep(due - now)
            elif xrun:
                anchor, blocks, due = now, 0, now
            self._fill(out, due, xrun)
            blocks += 1
