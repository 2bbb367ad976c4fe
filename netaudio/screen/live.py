"""What the player sees: a live view on a terminal, plain lines elsewhere."""

import atexit
import contextlib
import io
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from netaudio.screen.plain import Plain, printed
from netaudio.screen.styled_text import ASCII, UNICODE, clean, paint
from netaudio.screen.view import Status, View

LEAST_WIDTH, LEAST_HEIGHT = 60, 16
REFRESH_SECONDS = 1.0  # after which lines are drawn that have not changed: others may have written here
KEPT = 200  # messages
_CLOSE_SECONDS = 1.0


class Screen(Protocol):
    """Where the player is told things."""

    def say(self, text: str) -> None:
        """One line for the player; from any thread."""

    def show(self, status: Status) -> None:
        """The state of things, about ten times a second."""

    def close(self) -> None:
        """Restores the terminal; once more does nothing."""


class Live:
    """The live view, from the first `show` on: until then, and again in the end, messages are plain lines.

    It is drawn on a thread of its own: a terminal that takes nothing holds nobody up.
    """

    def __init__(self) -> None:
        self._fd = sys.stdout.fileno()
        self._encoding = sys.stdout.encoding
        utf8 = self._encoding.lower().replace("-", "") == "utf8"
        # the Linux console's font lacks most of the blocks
        self._view = View(UNICODE if utf8 and os.environ.get("TERM") != "linux" else ASCII)
        self._colour = not os.environ.get("NO_COLOR")
        self._recent: deque[str] = deque(maxlen=KEPT)
        self._unprinted: deque[str] = deque(maxlen=KEPT)
        self._status: Status | None = None
        self._drawn: list[str] = []
        self._size = os.terminal_size((0, 0))
        self._refreshed = 0.0
        self._news, self._closing = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="display", daemon=True)
        self._stderr, self._shared = sys.stderr, sys.stderr.isatty()

    def say(self, text: str) -> None:
        lines = [clean(line) for line in text.splitlines() if line.strip()]
        self._recent.extend(lines)
        if self._shared and self._status is not None and not self._closing.locked():
            self._unprinted.extend(lines)
        else:
            self._stderr.write(printed(lines, self._shared))
            self._stderr.flush()

    def show(self, status: Status) -> None:
        if self._closing.locked():
            return
        begins, self._status = self._status is None, status
        if begins:
            if self._shared:  # its lines would be drawn over
                sys.stderr = Overheard(self.say)
            _allow_sequences()
            atexit.register(self.close)
            self._thread.start()
        self._news.set()

    def close(self) -> None:
        if not self._closing.acquire(blocking=False) or self._status is None:
            return
        atexit.unregister(self.close)
        self._news.set()
        self._thread.join(_CLOSE_SECONDS)
        if isinstance(sys.stderr, Overheard):
            sys.stderr = self._stderr
        if self._thread.is_alive():  # the terminal takes nothing: this would wait, too
            return
        messages = printed(self._unprinted, True)
        with contextlib.suppress(OSError):  # a terminal that is gone needs no restoring
            self._write("\x1b[H\x1b[J\x1b[?25h" + messages)

    def _run(self) -> None:
        try:
            # what stands there goes up into the scrollback
            self._write("\n" * (os.get_terminal_size(self._fd).lines - 1) + "\x1b[?25l")
            while self._news.wait() and not self._closing.locked():
                self._news.clear()
                self._draw()
        except OSError:  # the terminal is gone; the keys' reader says so
            return

    def _draw(self) -> None:
        """Lines that have changed, each at its place."""
        assert self._status is not None
        size, now = os.get_terminal_size(self._fd), time.monotonic()
        out = ["\x1b[?2026h"]  # begin a synchronized update, where the terminal knows such
        if size != self._size:
            self._size, self._drawn = size, []
            out.append("\x1b[H\x1b[2J")
        if now - self._refreshed >= REFRESH_SECONDS:
            self._refreshed, self._drawn = now, []
        frame = self._view.frame(self._status, list(self._recent), max(size.columns, 2), size.lines)
        lines = [paint(line, self._colour) for line in frame]
        for row, line in enumerate(lines):
            if row >= len(self._drawn) or self._drawn[row] != line:
                out.append(f"\x1b[{row + 1}H{line}\x1b[K")
        if not self._drawn and len(lines) < size.lines:
            out.append(f"\x1b[{len(lines) + 1}H\x1b[J")
        self._drawn = lines
        self._write("".join(out) + f"\x1b[{size.lines}H\x1b[?2026l")

    def _write(self, text: str) -> None:
        data = text.encode(self._encoding, "replace")
        while data:
            data = data[os.write(self._fd, data) :]


class Overheard(io.TextIOBase):
    """Stands in for stderr: what is written there is said, in whole lines."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._say(line)
        return len(text)

    def writable(self) -> bool:
        return True


def open_screen(plain: bool) -> Screen:
    """The live view if standard output is a terminal that can show it, and `plain` is not asked for."""
    if not plain and sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        size = os.get_terminal_size(sys.stdout.fileno())
        if size.columns >= LEAST_WIDTH and size.lines >= LEAST_HEIGHT:
            return Live()
    return Plain(sys.stderr.isatty())


def _allow_sequences() -> None:
    """Has the Windows console obey escape sequences (ENABLE_VIRTUAL_TERMINAL_PROCESSING)."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        output, mode = kernel.GetStdHandle(-11), ctypes.c_uint32()
        if kernel.GetConsoleMode(output, ctypes.byref(mode)):
            kernel.SetConsoleMode(output, mode.value | 4)
