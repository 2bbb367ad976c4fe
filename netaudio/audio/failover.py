"""A sound output that outlives its device: while that is away, the software clock asks for the blocks."""

import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from netaudio.audio import libportaudio
from netaudio.audio.backends import open_output
from netaudio.audio.devices import AbsentError
from netaudio.audio.null import NullOutput
from netaudio.audio.output import Durations, Output, Render
from netaudio.audio.portaudio import PortAudioOutput
from netaudio.audio.tryout import Tryout
from netaudio.errors import DeviceError

LOOK_SECONDS = 0.02
RETRY_SECONDS = 2.0
_TRYOUT_SECONDS, _FIRST_BLOCK_SECONDS, _WATCH_STOP_SECONDS = 10.0, 2.0, 1.5


class Turn:
    """An output's right to render: its first block takes it from the `former` output, without a lock.

    While the former output is still in its last block, this one plays silence: two never render at once.
    """

    def __init__(self, render: Render, rate: int, former: "Turn | None" = None) -> None:
        self.former, self.over = former, False
        self.due = time.monotonic()  # when the block after the last one begins
        self._render, self._rate, self._busy = render, rate, False

    def __call__(self, out: NDArray[np.float32], now: float, xrun: bool) -> None:
        self._busy = True  # before `over` is read: the next output writes `over` and then reads this
        try:
            if self.former is not None:
                self.former.over = True
                if not self.former._busy:
                    self.former = None
            if self.over or self.former is not None:
                out.fill(0)
            else:
                self._render(out, now, xrun)
                self.due = now + len(out) / self._rate
        finally:
            self._busy = False


class FailoverOutput:
    """An Output that only `stop` and an error of `render` end; raises DeviceError if it cannot begin.

    When its card goes, that is counted in `losses` and said, `on_away(True)` is called, and the software clock
    renders on from that very frame, without sound. Every two seconds the card is looked for. Once it is there,
    `on_away(False)` is called, PortAudio begins anew, and the card plays on where the clock is by then.
    """

    def __init__(
        self,
        device: str,
        rate: int,
        block: int,
        render: Render,
        say: Callable[[str], None] = lambda _: None,
        on_away: Callable[[bool], None] = lambda _: None,
        skew: float = 0.0,
    ) -> None:
        """`skew` (ppm) makes the clock of "null" fast."""
        self.rate, self.block, self.losses = rate, block, 0
        self.away = False
        """The software clock renders in place of a card that is gone."""
        self.times = Durations(block / rate)
        self._render, self._say, self._on_away = render, say, on_away
        self._turn = Turn(render, rate)
        self._output = output = open_output(device, rate, block, self._turn, skew)
        self._device = device.strip()
        if isinstance(output, PortAudioOutput) and self._device.isdecimal():
            self._device = output.identity  # its index may mean another by the time it is looked for
        self._output.times = self.times
        self.name = self._output.name
        self._past_xruns = 0  # of outputs that are no more
        self._running = False
        self._stopping = threading.Event()
        self._tryout: Tryout | None = None
        self._complaint = ""
        self._thread = threading.Thread(target=self._watch, name="output watch", daemon=True)

    @property
    def xruns(self) -> int:
        return self._past_xruns + self._output.xruns

    @property
    def error(self) -> Exception | None:
        return self._output.error

    @property
    def alive(self) -> bool:
        return self._running and self.error is None

    def start(self) -> None:
        self._output.start()
        self._running = True
        if isinstance(self._output, PortAudioOutput):
            self._thread.start()

    def stop(self) -> None:
        self._running = False
        self._stopping.set()
        if self._tryout:
            self._tryout.kill()
        if self._thread.ident is not None:
            self._thread.join(_WATCH_STOP_SECONDS)
        self._output.stop()

    def _watch(self) -> None:
        retry_at = 0.0
        while not self._stopping.wait(LOOK_SECONDS) and self.error is None:
            if not self.away:
                if not self._output.alive:
                    self._lose()
                    retry_at = time.monotonic() + RETRY_SECONDS
            elif time.monotonic() >= retry_at:
                self._seek()
                retry_at = time.monotonic() + RETRY_SECONDS

    def _lose(self) -> None:
        card, self.away, self._complaint = self._output, True, ""
        self.losses += 1
        turn = Turn(self._render, self.rate, self._turn)
        null = NullOutput(self.rate, self.block, turn, begin=self._turn.due)
        null.times = self.times
        null.start()
        self._change(null, turn)
        self._say(f"the sound device {card.name} is gone: playing on without sound, and looking for it")
        self._on_away(True)
        card.stop()

    def _seek(self) -> None:
        """Try to have the card back."""
        self._tryout = Tryout(self._device, self.rate, self.block)
        try:
            self._tryout.answer(_TRYOUT_SECONDS)
            if not self._stopping.is_set():
                self._on_away(False)
                libportaudio.renew()
                self._regain()
        except AbsentError:
            return
        except DeviceError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                self._say(self._complaint)

    def _regain(self) -> None:
        turn = Turn(self._render, self.rate, self._turn)
        card = PortAudioOutput(self._device, self.rate, self.block, turn)
        card.times = self.times
        try:
            card.start()
            late = time.monotonic() + _FIRST_BLOCK_SECONDS
            while turn.former is not None and time.monotonic() < late and not self._stopping.wait(LOOK_SECONDS):
                pass
        finally:
            if turn.former is not None:
                turn.over = True
                card.stop()
        if turn.former is None:
            null, self.away = self._output, False
            self._change(card, turn)
            null.stop()
            self._say(f"the sound device {card.name} is back")

    def _change(self, output: Output, turn: Turn) -> None:
        self._past_xruns += self._output.xruns
        self._output, self._turn = output, turn


def open_failover(
    device: str,
    rate: int,
    block: int,
    render: Render,
    say: Callable[[str], None],
    on_away: Callable[[bool], None],
    even_null: bool,
    skew: float = 0.0,
) -> FailoverOutput:
    """A FailoverOutput on the device; raises DeviceError, unless null is good enough in its place."""
    try:
        return FailoverOutput(device, rate, block, render, say, on_away, skew)
    except DeviceError as error:
        if not even_null:
            raise
        say(f"{error}; going on without sound")
        return FailoverOutput("null", rate, block, render, say, on_away, skew)
