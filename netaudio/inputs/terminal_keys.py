"""Computer keys as a terminal types them."""

import os
import signal
import threading
import time

from netaudio.inputs import tty
from netaudio.inputs.escape_codes import TerminalEvent
from netaudio.inputs.key_layout import Command, Push, Say
from netaudio.inputs.key_player import KeyPlayer
from netaudio.inputs.timed_keys import NO_KEY_UP, TimedKeys
from netaudio.inputs.tty import Tty


class TerminalKeys:
    """Keys as a terminal sends them, with key-up where it speaks the kitty keyboard protocol, else timed."""

    name = "terminal"

    def __init__(self, fd: int, push: Push, command: Command, say: Say) -> None:
        self._keys, self._say = KeyPlayer(push, command), say
        self._timed = TimedKeys()
        self._answer_by: float | None = time.monotonic() + tty.ANSWER_WAIT
        self._tty = Tty(fd, self._handle)
        if os.environ.get("TERM") != "dumb":
            self._tty.write(tty.FOCUS_ON + tty.ASK_KITTY + tty.ASK_LAST, tty.FOCUS_OFF)
        self._tty.start()

    @property
    def octave(self) -> int:
        return self._keys.octave

    def close(self) -> None:
        self._keys.pause()
        self._tty.close()

    def _handle(self, events: list[TerminalEvent] | None, now: float) -> float | None:
        if events is None:
            self._keys.pause()
            self._say(tty.GONE)
            return None
        # before what came now: it may have waited behind the end of a key
        self._keys.play(self._timed.due(now))
        for event in events:
            self._obey(event, now)
        if self._answer_by is not None and now >= self._answer_by:
            self._obey(TerminalEvent("answered"), now)
        return min((t for t in (self._timed.next_end, self._answer_by) if t is not None), default=None)

    def _obey(self, event: TerminalEvent, now: float) -> None:
        match event.kind:
            case "typed":
                self._keys.play(self._timed.type(event.key, now))
            case "down" | "up":
                self._keys.play([event])
            case "kitty":
                self._answer_by = None
                self._tty.write(tty.KITTY_ON, tty.KITTY_OFF)
            case "answered" if self._answer_by is not None:
                self._answer_by = None
                self._say(NO_KEY_UP)
            case "blur":  # the key-up of what is held now will go to another window
                self._timed.clear()
                self._keys.release_all()
            case "interrupt":  # with the kitty protocol, the terminal leaves Ctrl-C to us
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
