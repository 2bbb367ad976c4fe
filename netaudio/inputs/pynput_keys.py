"""Computer keys as the display tells them, by pynput."""

import os
import sys
import threading
import time
from typing import Any

from netaudio.errors import DeviceError
from netaudio.inputs import tty
from netaudio.inputs.escape_codes import TerminalEvent
from netaudio.inputs.key_layout import Command, Push, Say
from netaudio.inputs.key_player import KeyPlayer
from netaudio.inputs.tty import Tty
from netaudio.inputs.windows_console import typed_keys
from netaudio.realtime import hurry
from netaudio.timing.clock import StampClock

NO_FOCUS = "keys are heard in every window: this terminal does not tell when it has the focus"
_START_WAIT = 5.0
_STAMPS = 1000  # of X11, a second
_MODIFIERS = {"ctrl", "ctrl_l", "ctrl_r", "alt", "alt_l", "alt_r", "cmd", "cmd_l", "cmd_r"}


class PynputKeys:
    """Keys as the display tells them, down and up; on a terminal, only while that has the focus if it tells.

    Raises DeviceError if pynput is missing or cannot hear. Keys pressed with Ctrl, Alt or Cmd play nothing.
    """

    name = "pynput"

    def __init__(self, push: Push, command: Command, say: Say) -> None:
        self._keys, self._say = KeyPlayer(push, command), say
        self._modifiers: set[str] = set()
        self._names: dict[int, str] = {}
        self._at: float | None = None  # of the key that is being told, where the display stamps keys
        self._answer_by: float | None = time.monotonic() + tty.ANSWER_WAIT
        self._closing = False
        self._tty: Tty | None = None
        self._listener = self._make_listener()
        self._start(self._listener)
        if sys.platform == "win32" or not os.isatty(0):
            say(NO_FOCUS)
            return
        try:
            self._tty = Tty(0, self._handle)
        except DeviceError:  # in the background: then nothing is typed here either
            say(NO_FOCUS)
            return
        prints_it = os.environ.get("TERM_PROGRAM") == "Apple_Terminal"
        ask = tty.ASK_LAST if prints_it else tty.ASK_FOCUS + tty.ASK_LAST
        self._tty.write(tty.FOCUS_ON + ask, tty.FOCUS_OFF)
        self._tty.start()

    @property
    def octave(self) -> int:
        return self._keys.octave

    def close(self) -> None:
        self._closing = True
        self._keys.pause()
        if self._listener.is_alive():
            self._listener.stop()
            if threading.current_thread() is not self._listener:
                threading.Thread.join(self._listener, 1.0)  # pynput's own join would raise its errors here
        if self._tty:
            self._tty.close()
        typed_keys()  # what was typed shall not spill into the shell

    def _make_listener(self) -> Any:
        try:
            from pynput import keyboard

            listener = keyboard.Listener(on_press=self._press, on_release=self._release)
        except Exception as error:  # of whatever library pynput stands on: Xlib, pyobjc, ctypes
            raise DeviceError(_refusal(error)) from error
        if type(listener).__module__.endswith("_xorg"):
            self._take_stamps(listener)
        return listener

    def _start(self, listener: Any) -> None:
        """Returns once it listens; raises DeviceError if it does not."""
        settled, errors = threading.Event(), list[Exception]()
        run = listener.run

        def listen() -> None:
            hurry()
            try:
                run()
            except Exception as error:  # the display refused, or died
                errors.append(error)
            if settled.is_set():
                self._lost()
            settled.set()

        def wait() -> None:
            listener.wait()
            settled.set()

        listener.run = listen
        listener.start()
        threading.Thread(target=wait, name="pynput start", daemon=True).start()
        if not settled.wait(_START_WAIT) or not listener.is_alive() or errors:
            self._closing = True
            raise DeviceError(_refusal(errors[0] if errors else "it did not start"))
        if not getattr(listener, "IS_TRUSTED", True):
            self._closing = True
            listener.stop()
            raise DeviceError(_refusal("allow your terminal under Privacy & Security, Accessibility"))

    def _take_stamps(self, listener: Any) -> None:
        """Keys count from when X11 saw them, however long pynput's thread had to wait; pynput drops that time.

        X11's stamps are whole milliseconds, rounded down. A key counts from the end of its millisecond: from the
        beginning, it would be too late for the constant delay of a block wherever a block begins in between.
        """
        clock, handle = StampClock(_STAMPS), listener._handle_message

        def stamped(display: Any, event: Any, injected: Any) -> None:
            self._at = clock.time(event.time, time.monotonic()) + 1 / _STAMPS
            handle(display, event, injected)

        listener._handle_message = stamped

    def _lost(self) -> None:
        if not self._closing:
            self._keys.pause()
            self._say("the display is gone: computer keys are no longer heard")

    def _press(self, key: Any) -> None:
        name = self._name(key)
        if name in _MODIFIERS or name == "alt_gr":
            self._modifiers.add(name)
            if name == "alt_gr":  # the keys held now may go up under other names
                self._keys.release_all()
        elif name and (not self._modifiers or "alt_gr" in self._modifiers):
            if vk := getattr(key, "vk", None):
                self._names[vk] = name
            self._keys.press(name, self._at)

    def _release(self, key: Any) -> None:
        name = self._name(key)
        self._modifiers.discard(name)
        # where virtual codes know no Shift, a key goes up under the name under which it went down
        self._keys.release(self._names.pop(getattr(key, "vk", None) or 0, name), self._at)

    @staticmethod
    def _name(key: Any) -> str:
        """ "a", "space", "esc", "ctrl_l"; "" for a key without a name."""
        return getattr(key, "char", None) or getattr(key, "name", None) or ""

    def _handle(self, events: list[TerminalEvent] | None, now: float) -> float | None:
        if events is None:
            self._keys.pause()
            self._say(tty.GONE)
            return None
        if self._answer_by is not None and now >= self._answer_by:
            events = [*events, TerminalEvent("answered")]
        for event in events:
            match event.kind:
                case "focus":
                    self._answer_by = None
                    self._modifiers.clear()
                    self._keys.resume()
                case "blur":
                    self._answer_by = None
                    self._keys.pause()
                case "tells focus":
                    self._answer_by = None
                case "answered" if self._answer_by is not None:
                    self._answer_by = None
                    self._say(NO_FOCUS)
        return self._answer_by


def _refusal(why: object) -> str:
    kind = f"{type(why).__name__}: " if isinstance(why, Exception) else ""
    return f"pynput cannot hear the keyboard: {kind}{next(iter(str(why).splitlines()), '')}"
