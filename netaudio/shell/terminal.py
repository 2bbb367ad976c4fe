"""Computer keys as a terminal types them: raw bytes, with key-up where the terminal tells it."""

import atexit
import codecs
import contextlib
import math
import os
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Literal

from netaudio.errors import DeviceError
from netaudio.keymap import fold

HOLD = 0.7
"""Seconds that a key counts as held after it was typed: keyboards begin to repeat after 250 to 660 ms."""
REPEAT_WITHIN = 0.1  # seconds in which a key that is held down is typed again
NO_KEY_UP = (
    f"this terminal does not tell when a key goes up: a note ends {HOLD:g} s after its key, "
    "and space switches the pedal"
)
PEDAL, STEPS = "space", frozenset("zx[]-=")
ESCAPE_WAIT = 0.05
ANSWER_WAIT = 0.5

ASK_FOCUS = b"\x1b[?1004$p"
ASK_KITTY = b"\x1b[?u"
ASK_LAST = b"\x1b[c"  # every terminal answers this one, so what is unanswered by then is unknown to it
FOCUS_ON, FOCUS_OFF = b"\x1b[?1004h", b"\x1b[?1004l"
KITTY_ON, KITTY_OFF = b"\x1b[>15u", b"\x1b[<u"

_CSI = re.compile(rb"\x1b\[([0-?]{0,64})([ -/]{0,4})([@-~])")
_CSI_BEGUN = re.compile(rb"\x1b\[[0-?]{0,64}[ -/]{0,4}")
_TEXT_SEQUENCE = re.compile(rb"\x1b[\]P_^X][^\x07\x1b]{0,4096}(\x07|\x1b\\)")
_TEXT_SEQUENCE_BEGUN = re.compile(rb"\x1b[\]P_^X][^\x07\x1b]{0,4096}\x1b?")
_KITTY_KEY = re.compile(rb"(\d{1,7})(?::(\d{0,7}))?(?::(\d{0,7}))?(?:;(\d{0,5})(?::(\d))?(?:;[\d:]*)?)?")
_KEYPAD = {57399 + digit: str(digit) for digit in range(10)} | {57412: "-", 57413: "+", 57415: "="}
_SHIFT, _ALT, _CTRL, _SUPER = 1, 2, 4, 8


@dataclass(frozen=True)
class Event:
    """What the terminal said. "typed": a key whose key-up will not come; "answered": it answers no more."""

    kind: Literal["typed", "down", "up", "interrupt", "focus", "blur", "kitty", "tells focus", "answered"]
    key: str = ""


class Parser:
    """A terminal's bytes, cut anywhere, to events. Escape alone shows by the silence after it: `flush`."""

    def __init__(self) -> None:
        self._rest = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def pending(self) -> bool:
        """Whether an escape sequence has begun; call `flush` if nothing follows for ESCAPE_WAIT seconds."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[Event]:
        self._rest += data
        events: list[Event] = []
        while self._rest:
            text, escape, after = self._rest.partition(b"\x1b")
            if text:
                self._rest = escape + after
                typed = self._decoder.decode(text)
                events += [Event("typed", key) for key in typed if key.isprintable() and key != "\ufffd"]
                continue
            size, event = _escape(self._rest)
            if size == 0:
                break
            self._rest = self._rest[size:]
            events += [event] if event else []
        return events

    def flush(self) -> list[Event]:
        """Nothing more came: Escape was typed, or a sequence stays unfinished and is dropped."""
        rest, self._rest = self._rest, b""
        return [Event("typed", "esc")] if rest == b"\x1b" else []


def _escape(data: bytes) -> tuple[int, Event | None]:
    """The length of the sequence at the start (0: unfinished) and what it says."""
    second = data[1:2]
    if second == b"":
        return 0, None
    if second == b"\x1b":
        return 1, Event("typed", "esc")
    if second == b"[":
        if match := _CSI.match(data):
            return match.end(), _control(*match.groups())
        return (0, None) if _CSI_BEGUN.fullmatch(data) else (2, None)
    if second in (b"]", b"P", b"_", b"^", b"X"):
        if match := _TEXT_SEQUENCE.match(data):
            return match.end(), None
        return (0, None) if _TEXT_SEQUENCE_BEGUN.fullmatch(data) else (2, None)
    if second == b"O":
        return (3 if len(data) > 2 else 0), None
    return 2, None  # Alt with a key


def _control(parameters: bytes, middle: bytes, final: bytes) -> Event | None:
    match parameters, middle + final:
        case b"", b"I":
            return Event("focus")
        case b"", b"O":
            return Event("blur")
        case _, b"$y" if parameters in (b"?1004;1", b"?1004;2", b"?1004;3"):
            return Event("tells focus")
        case _, b"c" if parameters.startswith(b"?"):
            return Event("answered")
        case _, b"u" if parameters.startswith(b"?"):
            return Event("kitty")
        case _, b"u" if key := _KITTY_KEY.fullmatch(parameters):
            return _kitty(*(int(number or 0) for number in key.groups()))
    return None


def _kitty(code: int, shifted: int, us_code: int, modifiers: int, kind: int) -> Event | None:
    """A key by the kitty keyboard protocol; `us_code` is what this key types on a US keyboard."""
    modifiers = max(0, modifiers - 1)
    if modifiers & _CTRL and ord("c") in (code, us_code):
        return Event("interrupt") if kind <= 1 else None
    if modifiers & _SHIFT and shifted:
        code = shifted
    if code > 127 and us_code:
        code = us_code
    key = "esc" if code == 27 else _KEYPAD.get(code) or (chr(code) if code <= sys.maxunicode else "")
    if not key.isprintable() or not key:
        return None
    if kind == 3:
        return Event("up", key)
    if kind == 2 or modifiers & (_ALT | _CTRL | _SUPER):
        return None
    return Event("down", key)


class TimedKeys:
    """Ends keys whose key-up is never told, HOLD seconds after they were last typed. Times in seconds."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._last = ""
        self._typed = -math.inf

    def type(self, key: str, now: float) -> list[Event]:
        """A key was typed, or repeats itself: only the key that was typed last can do that.

        Steps are taken each time; the pedal, which nobody could hold while playing, is switched on and off.
        """
        key = fold(key)
        held, repeats = key in self._ends, key == self._last
        quick = now - self._typed < REPEAT_WITHIN
        self._last, self._typed = key, now
        if key == PEDAL and not (repeats and quick):
            if held:
                del self._ends[key]
                return [Event("up", key)]
            self._ends[key] = math.inf
            return [Event("down", key)]
        if key == PEDAL:
            return []
        self._ends[key] = now + HOLD
        if held and repeats and key not in STEPS:
            return []
        return [Event("up", key), Event("down", key)] if held else [Event("down", key)]

    def due(self, now: float) -> list[Event]:
        """The keys that end by now."""
        ended = [key for key, end in self._ends.items() if end <= now]
        for key in ended:
            del self._ends[key]
        return [Event("up", key) for key in ended]

    def clear(self) -> None:
        self._ends.clear()

    @property
    def next_end(self) -> float | None:
        return min((end for end in self._ends.values() if end < math.inf), default=None)


class Tty:
    """A terminal without echo and line editing, read by a thread. Ctrl-C works; Ctrl-Z and Ctrl-S do not.

    `handle(events, now)` gets what was said and returns when it wants to be called again; the last call has
    events None: the terminal is gone. `close` restores the terminal and throws away what was typed; so do the
    exit of the program, and SIGTERM and SIGHUP where it does not handle these itself.
    """

    def __init__(self, fd: int, handle: Callable[[list[Event] | None, float], float | None]) -> None:
        import termios

        if not os.isatty(fd):
            raise DeviceError("no computer keys: standard input is not a terminal")
        self._fd = _reopen(fd)
        try:
            if _in_background(self._fd):
                raise DeviceError("no computer keys: the program is in the background of its terminal")
            self._saved = termios.tcgetattr(self._fd)
            _make_raw(self._fd)
        except BaseException:
            os.close(self._fd)
            raise
        self._handle = handle
        self._undo = b""
        self._closing = threading.Lock()
        self._awake, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._read, name="terminal", daemon=True)
        atexit.register(self.close)
        self._signals = _catch_signals(self._die)

    def start(self) -> None:
        """Reads from now on."""
        self._thread.start()

    def write(self, sequence: bytes, undo: bytes = b"") -> None:
        """Sends an escape sequence to the terminal; `undo` takes it back in the end."""
        self._undo = undo + self._undo
        with contextlib.suppress(OSError):  # that the terminal is gone, the reader tells
            os.write(self._fd, sequence)

    def close(self) -> None:
        """Restores the terminal and ends the thread; once more does nothing."""
        import termios

        if not self._closing.acquire(blocking=False):
            return
        os.write(self._wake, b"x")
        inside = threading.current_thread() is self._thread
        if self._thread.is_alive() and not inside:
            self._thread.join(1.0)
        with contextlib.suppress(OSError, termios.error):  # a terminal that is gone needs no restoring
            os.write(self._fd, self._undo)
            termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._saved)
        if inside or not self._thread.is_alive():
            for fd in (self._fd, self._awake, self._wake):
                os.close(fd)
        if threading.current_thread() is threading.main_thread():
            for number in self._signals:
                if signal.getsignal(number) == self._die:
                    signal.signal(number, signal.SIG_DFL)
        atexit.unregister(self.close)

    def _die(self, number: int, _frame: FrameType | None) -> None:
        self.close()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _read(self) -> None:
        parser = Parser()
        heard = time.monotonic()
        again = self._handle([], heard)
        while not self._closing.locked():
            waits = [again] if again is not None else []
            waits += [heard + ESCAPE_WAIT] if parser.pending else []
            timeout = max(0.0, min(waits) - time.monotonic()) if waits else None
            ready, _, _ = select.select([self._fd, self._awake], [], [], timeout)
            if self._awake in ready:
                return
            now = time.monotonic()
            events: list[Event] = []
            if ready:
                data = _read_some(self._fd)
                if not data:
                    self._handle(None, now)
                    return
                events, heard = parser.feed(data), now
            elif parser.pending and now >= heard + ESCAPE_WAIT:
                events = parser.flush()
            again = self._handle(events, now)


def _read_some(fd: int) -> bytes:
    try:
        return os.read(fd, 4096)
    except OSError:  # EIO: the other end hung up
        return b""


def _reopen(fd: int) -> int:
    """The same terminal to read and write: standard input may be for reading only."""
    try:
        return os.open(os.ttyname(fd), os.O_RDWR | os.O_NOCTTY)
    except OSError:  # a container may hide the terminal's name
        return os.dup(fd)


def _make_raw(fd: int) -> None:
    import termios

    iflag, oflag, cflag, lflag, ispeed, ospeed, controls = termios.tcgetattr(fd)
    iflag &= ~termios.IXON
    lflag = lflag & ~(termios.ECHO | termios.ICANON | termios.IEXTEN) | termios.ISIG
    controls[termios.VMIN], controls[termios.VTIME] = 1, 0
    controls[termios.VSUSP] = bytes((os.fpathconf(fd, "PC_VDISABLE") & 0xFF,))
    termios.tcsetattr(fd, termios.TCSAFLUSH, [iflag, oflag, cflag, lflag, ispeed, ospeed, controls])


def _in_background(fd: int) -> bool:
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:  # not the terminal that controls this process: its job control does not matter
        return False


def _catch_signals(handler: Callable[[int, FrameType | None], None]) -> list[signal.Signals]:
    if threading.current_thread() is not threading.main_thread():
        return []
    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, handler)
    return numbers
