"""A sound output that outlives its device: until that is back, the software clock has the engine go on."""

import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from netaudio.audio.devices import AbsentError, find, portaudio, renew
from netaudio.audio.speaker import CardSpeaker, Durations, NullSpeaker, Render, Speaker, open_speaker
from netaudio.audio.tryout import Tryout
from netaudio.errors import DeviceError

LOOK_SECONDS = 0.02
RETRY_SECONDS = 2.0
_TRYOUT_SECONDS, _START_SECONDS, _STOP_SECONDS = 10.0, 2.0, 1.5


class Turn:
    """An output's leave to render, which its first block takes from the `former` output, without a lock.

    It is silent for as long as that one is still at its last block: never do two render at once.
    """

    def __init__(self, render: Render, rate: int, former: "Turn | None" = None) -> None:
        self.former, self.over = former, False
        self.due = time.monotonic()  # when the block after the last one begins
        self._render, self._rate, self._busy = render, rate, False

    def __call__(self, out: NDArray[np.float32], now: float, xrun: bool) -> None:
        self._busy = True  # before it looks whether it is over: the other one looks in the opposite order
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


class LastingSpeaker:
    """A Speaker that only `stop` and an error of `render` end; raises DeviceError if it cannot begin.

    A card that goes is counted in `losses` and said, `told(True)` is called, and the software clock renders on from
    the very frame, in silence. The card is sought every two seconds; once it is there, `told(False)` is called,
    PortAudio begun anew, and the card goes on in its turn.
    """

    def __init__(
        self,
        device: str,
        rate: int,
        block: int,
        render: Render,
        say: Callable[[str], None] = lambda _: None,
        told: Callable[[bool], None] = lambda _: None,
        skew: float = 0.0,
    ) -> None:
        """`skew` (ppm) makes the clock of "null" fast."""
        self.rate, self.block, self.losses = rate, block, 0
        self.away = False
        """The software clock stands in for a card that is gone."""
        self.times = Durations(block / rate)
        self._render, self._say, self._told = render, say, told
        self._turn = Turn(render, rate)
        self._output = output = open_speaker(device, rate, block, self._turn, skew)
        self._device = device.strip()
        if isinstance(output, CardSpeaker) and self._device.isdecimal():
            self._device = output.identity  # by the time that it is sought, its index may mean another
        self._output.times = self.times
        self.name = self._output.name
        self._past_xruns = 0  # of outputs that are no more
        self._running = False
        self._stopping = threading.Event()
        self._tryout: Tryout | None = None
        self._complaint = ""
        self._thread = threading.Thread(target=self._watch, name="speaker watch", daemon=True)

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
        if isinstance(self._output, CardSpeaker):
            self._thread.start()

    def stop(self) -> None:
        self._running = False
        self._stopping.set()
        if self._tryout:
            self._tryout.kill()
        if self._thread.ident is not None:
            self._thread.join(_STOP_SECONDS)
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
        null = NullSpeaker(self.rate, self.block, turn, begin=self._turn.due)
        null.times = self.times
        null.start()
        self._change(null, turn)
        self._say(f"the sound device {card.name} is gone: playing on without sound, and looking for it")
        self._told(True)
        card.stop()

    def _seek(self) -> None:
        """Try to have the card back."""
        self._tryout = Tryout(self._device, self.rate, self.block)
        try:
            self._tryout.answer(_TRYOUT_SECONDS)
            if not self._stopping.is_set():
                self._told(False)
                renew()
                self._regain()
        except AbsentError:
            return
        except DeviceError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                self._say(self._complaint)

    def _regain(self) -> None:
        turn = Turn(self._render, self.rate, self._turn)
        card = CardSpeaker(self._device, self.rate, self.block, turn)
        card.times = self.times
        try:
            card.start()
            late = time.monotonic() + _START_SECONDS
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

    def _change(self, output: Speaker, turn: Turn) -> None:
        self._past_xruns += self._output.xruns
        self._output, self._turn = output, turn


def need_output(device: str) -> None:
    """Raises DeviceError if there is no output that `device` names."""
    if device.strip().lower() != "null":
        find(portaudio(), device.strip())


def open_output(
    device: str,
    rate: int,
    block: int,
    render: Render,
    say: Callable[[str], None],
    told: Callable[[bool], None],
    even_null: bool,
    skew: float = 0.0,
) -> LastingSpeaker:
    """A LastingSpeaker on the device; raises DeviceError, unless null is good enough in its place."""
    try:
        return LastingSpeaker(device, rate, block, render, say, told, skew)
    except DeviceError as error:
        if not even_null:
            raise
        say(f"{error}; going on without sound")
        return LastingSpeaker("null", rate, block, render, say, told, skew)
