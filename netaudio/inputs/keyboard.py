"""The computer's keyboard as an input: by pynput where there is a display, else as the terminal types it."""

import os
import signal
import sys
import threading
import time
from typing import Any, Protocol

from netaudio.errors import DeviceError
from netaudio.inputs import tty
from netaudio.inputs.escape_codes import NO_KEY_UP, Event, TimedKeys
from netaudio.inputs.key_layout import Command, Note, Push
from netaudio.inputs.key_player import Hands
from netaudio.inputs.tty import Tty
from netaudio.inputs.windows_console import ConsoleKeys, typed_keys
from netaudio.realtime import hurry
from netaudio.timing.clock import StampClock

NO_FOCUS = "keys are heard in every window: this terminal does not tell when it has the focus"
GONE = "the terminal is gone: computer keys are no longer heard"
_START_WAIT = 5.0
_STAMPS = 1000  # of X11, a second
_MODIFIERS = {"ctrl", "ctrl_l", "ctrl_r", "alt", "alt_l", "alt_r", "cmd", "cmd_l", "cmd_r"}


class Keys(Protocol):
    """An open reader of keys. `close` ends held keys and restores the terminal; once more does nothing."""

    @property
    def name(self) -> str: ...

    @property
    def octave(self) -> int: ...

    def close(self) -> None: ...


def open_keys(push: Push, command: Command, note: Note) -> Keys:
    """The best reader of keys that there is here; raises DeviceError if there is none.

    pynput is no help under Wayland and over ssh, where it would hear other keys than the player's or none.
    """
    where = os.environ.get
    x11 = sys.platform not in ("win32", "darwin")
    if where("SSH_CONNECTION") or where("WAYLAND_DISPLAY") or (x11 and not where("DISPLAY")):
        return _open_terminal(push, command, note)
    try:
        return PynputKeys(push, command, note)
    except DeviceError as error:
        try:
            keys = _open_terminal(push, command, note)
        except DeviceError as too:
            raise DeviceError(f"{error}; {too}") from too
        note(f"{error}; keys are read from the terminal")
        return keys


def _open_terminal(push: Push, command: Command, note: Note) -> Keys:
    if sys.platform == "win32":
        return ConsoleKeys(push, command, note)
    return TerminalKeys(0, push, command, note)


class TerminalKeys:
    """Keys as a terminal sends them, with key-up where it speaks the kitty keyboard protocol, else timed."""

    name = "terminal"

    def __init__(self, fd: int, push: Push, command: Command, note: Note) -> None:
        self._hands, self._note = Hands(push, command), note
        self._timed = TimedKeys()
        self._answer_by: float | None = time.monotonic() + tty.ANSWER_WAIT
        self._tty = Tty(fd, self._handle)
        if os.environ.get("TERM") != "dumb":
            self._tty.write(tty.FOCUS_ON + tty.ASK_KITTY + tty.ASK_LAST, tty.FOCUS_OFF)
        self._tty.start()

    @property
    def octave(self) -> int:
        return self._hands.octave

    def close(self) -> None:
        self._hands.let_go(deaf=True)
        self._tty.close()

    def _handle(self, events: list[Event] | None, now: float) -> float | None:
        if events is None:
            self._hands.let_go(deaf=True)
            self._note(GONE)
            return None
        # before what came now: it may have waited behind the end of a key
        self._hands.play(self._timed.due(now))
        for event in events:
            self._hear(event, now)
        if self._answer_by is not None and now >= self._answer_by:
            self._hear(Event("answered"), now)
        return min((t for t in (self._timed.next_end, self._answer_by) if t is not None), default=None)

    def _hear(self, event: Event, now: float) -> None:
        match event.kind:
            case "typed":
                self._hands.play(self._timed.type(event.key, now))
            case "down" | "up":
                self._hands.play([event])
            case "kitty":
                self._answer_by = None
                self._tty.write(tty.KITTY_ON, tty.KITTY_OFF)
            case "answered" if self._answer_by is not None:
                self._answer_by = None
                self._note(NO_KEY_UP)
            case "blur":  # the key-up of what is held now will go to another window
                self._timed.clear()
                self._hands.let_go()
            case "interrupt":  # with the kitty protocol, Ctrl-C no longer is the terminal's business
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


class PynputKeys:
    """Keys as the display tells them, down and up; on a terminal, only while that has the focus if it tells.

    Raises DeviceError if pynput is missing or cannot hear. Keys pressed with Ctrl, Alt or Cmd are not for us.
    """

    name = "pynput"

    def __init__(self, push: Push, command: Command, note: Note) -> None:
        self._hands, self._note = Hands(push, command), note
        self._modifiers: set[str] = set()
        self._names: dict[int, str] = {}
        self._at: float | None = None  # of the key that is being told, where the display stamps them
        self._answer_by: float | None = time.monotonic() + tty.ANSWER_WAIT
        self._closing = False
        self._tty: Tty | None = None
        self._listener = self._start()
        if sys.platform == "win32" or not os.isatty(0):
            note(NO_FOCUS)
            return
        try:
            self._tty = Tty(0, self._handle)
        except DeviceError:  # in the background: then nothing is typed here either
            note(NO_FOCUS)
            return
        prints_it = os.environ.get("TERM_PROGRAM") == "Apple_Terminal"
        ask = tty.ASK_LAST if prints_it else tty.ASK_FOCUS + tty.ASK_LAST
        self._tty.write(tty.FOCUS_ON + ask, tty.FOCUS_OFF)
        self._tty.start()

    @property
    def octave(self) -> int:
        return self._hands.octave

    def close(self) -> None:
        self._closing = True
        self._hands.let_go(deaf=True)
        if self._listener.is_alive():
            self._listener.stop()
            if threading.current_thread() is not self._listener:
                threading.Thread.join(self._listener, 1.0)  # pynput's own join would raise its errors here
        if self._tty:
            self._tty.close()
        typed_keys()  # what was typed shall not spill into the shell

    def _start(self) -> Any:
        try:
            from pynput import keyboard

            listener = keyboard.Listener(on_press=self._press, on_release=self._release)
        except Exception as error:  # of whatever library pynput stands on: Xlib, pyobjc, ctypes
            raise DeviceError(_refusal(error)) from error
        if type(listener).__module__.endswith("_xorg"):
            self._take_stamps(listener)
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
        return listener

    def _take_stamps(self, listener: Any) -> None:
        """Keys count from when X11 saw them, however long pynput's thread had to wait: it keeps that to itself.

        Its stamps are whole milliseconds, rounded down. Keys count from the end of theirs: from its beginning, they
        would come too late for a constant delay wherever a block began meanwhile.
        """
        clock, handle = StampClock(_STAMPS), listener._handle_message

        def stamped(display: Any, event: Any, injected: Any) -> None:
            self._at = clock.time(event.time, time.monotonic()) + 1 / _STAMPS
            handle(display, event, injected)

        listener._handle_message = stamped

    def _lost(self) -> None:
        if not self._closing:
            self._hands.let_go(deaf=True)
            self._note("the display is gone: computer keys are no longer heard")

    def _press(self, key: Any) -> None:
        name = self._name(key)
        if name in _MODIFIERS or name == "alt_gr":
            self._modifiers.add(name)
            if name == "alt_gr":  # the keys held now may go up under other names
                self._hands.let_go()
        elif name and (not self._modifiers or "alt_gr" in self._modifiers):
            if vk := getattr(key, "vk", None):
                self._names[vk] = name
            self._hands.press(name, self._at)

    def _release(self, key: Any) -> None:
        name = self._name(key)
        self._modifiers.discard(name)
        # where virtual codes know no Shift, a key goes up under the name under which it went down
        self._hands.release(self._names.pop(getattr(key, "vk", None) or 0, name), self._at)

    @staticmethod
    def _name(key: Any) -> str:
        """ "a", "space", "esc", "ctrl_l"; "" for a key without a name."""
        return getattr(key, "char", None) or getattr(key, "name", None) or ""

    def _handle(self, events: list[Event] | None, now: float) -> float | None:
        if events is None:
            self._hands.let_go(deaf=True)
            self._note(GONE)
            return None
        if self._answer_by is not None and now >= self._answer_by:
            events = [*events, Event("answered")]
        for event in events:
            match event.kind:
                case "focus":
                    self._answer_by = None
                    self._modifiers.clear()
                    self._hands.hear()
                case "blur":
                    self._answer_by = None
                    self._hands.let_go(deaf=True)
                case "tells focus":
                    self._answer_by = None
                case "answered" if self._answer_by is not None:
                    self._answer_by = None
                    self._note(NO_FOCUS)
        return self._answer_by


def _refusal(why: object) -> str:
    kind = f"{type(why).__name__}: " if isinstance(why, Exception) else ""
    return f"pynput cannot hear the keyboard: {kind}{next(iter(str(why).splitlines()), '')}"
