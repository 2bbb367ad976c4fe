"""The terminal as a keyboard: raw while it is read, and restored whatever happens."""

import atexit
import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from netaudio.errors import DeviceError
from netaudio.inputs.escape_codes import Parser, TerminalEvent

GONE = "the terminal is gone: computer keys are no longer heard"
ESCAPE_WAIT = 0.05
ANSWER_WAIT = 0.5

ASK_FOCUS = b"\x1b[?1004$p"
ASK_KITTY = b"\x1b[?u"
ASK_LAST = b"\x1b[c"  # every terminal answers this one, so what is unanswered by then is unknown to it
FOCUS_ON, FOCUS_OFF = b"\x1b[?1004h", b"\x1b[?1004l"
KITTY_ON, KITTY_OFF = b"\x1b[>15u", b"\x1b[<u"


class Tty:
    """A terminal without echo and line editing, read by a thread. Ctrl-C works; Ctrl-Z and Ctrl-S do not.

    `handle(events, now)` gets what was said and returns when it wants to be called again; the last call has
    events None: the terminal is gone. `close` restores the terminal and throws away what was typed; so do the
    exit of the program, and SIGTERM and SIGHUP where it does not handle these itself.
    """

    def __init__(self, fd: int, handle: Callable[[list[TerminalEvent] | None, float], float | None]) -> None:
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
            events: list[TerminalEvent] = []
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
