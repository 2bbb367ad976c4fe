"""The live view, on a terminal that the test plays."""

import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from tests.support.programs import HOME, PATIENCE

# obeys the lines of its standard input
PLAYER = """
import dataclasses, sys
from netaudio.screen.live import open_screen
from tests.support.programs import HOME, PATIENCE
from tests.screen.test_view import PLAYING

screen = open_screen("plain" in sys.argv)
print(type(screen).__name__, flush=True)
for number, line in enumerate(sys.stdin):
    order, _, text = line.strip().partition(" ")
    if order == "show":
        screen.show(dataclasses.replace(PLAYING, seconds=number, instrument=text))
    elif order == "say":
        screen.say(text)
    elif order == "stderr":
        print(text, file=sys.stderr)
    elif order == "close":
        screen.close()
    elif order == "crash":
        raise ValueError(text)
"""


class Terminal:
    """A terminal with a player on it; what it shows, it keeps as it came."""

    def __init__(self, columns: int = 80, lines: int = 24, *flags: str, **variables: str) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(columns, lines)
        self.modes = termios.tcgetattr(self.slave)
        environment = {"TERM": "xterm", "PYTHONUTF8": "1", "PYTHONPATH": str(HOME)} | variables
        self.process = subprocess.Popen(
            [sys.executable, "-c", PLAYER, *flags],
            stdin=subprocess.PIPE, stdout=self.slave, stderr=self.slave, cwd=HOME,
            env={name: value for name, value in os.environ.items() if name != "NO_COLOR"} | environment,
        )  # fmt: skip
        self.seen = ""

    def resize(self, columns: int, lines: int) -> None:
        termios.tcsetwinsize(self.slave, (lines, columns))

    def tell(self, *orders: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{order}\n" for order in orders).encode())
        self.process.stdin.flush()

    def see(self, text: str) -> str:
        """Await a text; what came up to its end since the last."""
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"awaited {text!r}, got {self.seen!r}"
            self.seen += os.read(self.master, 65536).decode(errors="replace")
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def end(self) -> str:
        """What came until its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        os.close(self.slave)
        self.slave = -1
        end = time.monotonic() + PATIENCE
        while select.select([self.master], [], [], max(0.0, end - time.monotonic()))[0]:
            try:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
            except OSError:  # EIO: all have closed it
                break
        self.process.wait(PATIENCE)
        return self.seen

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    opened.close()


def test_the_live_view_draws_and_restores_the_terminal(terminal: Terminal) -> None:
    terminal.tell("say loading", "show harp", "say hello", "show harp")
    before = terminal.see("\x1b[?25l")
    assert "Live" in before and "loading" in before
    assert "\x1b[1H" in terminal.see("2 harp")
    terminal.see("hello")
    terminal.tell("say " + "long " * 40, "say good bye", "close", "close")
    after = terminal.see("\x1b[?25h")
    assert "\x1b[H\x1b[J" in after
    rest = terminal.see("good bye\r\n")
    words = "long " * 15 + "long\r\n", "  " + "long " * 14 + "long\r\n", "  " + "long " * 8 + "long\r\n"
    assert "hello\r\n" + "".join(words) in rest and "loading" not in rest
    assert termios.tcgetattr(terminal.slave) == terminal.modes
    end = terminal.end()
    assert "\x1b" not in end and "\x1b[?1049" not in before + after


def test_only_what_changes_is_drawn_again(terminal: Terminal) -> None:
    """But for a frame each second, which is whole."""
    terminal.tell("show harp")
    assert "\x1b[18H" in terminal.see("\x1b[?2026l")

    def drawn(name: str) -> str:
        terminal.tell(f"show {name}")
        return terminal.see(name) + terminal.see("\x1b[?2026l")

    assert any("\x1b[18H" not in drawn(f"harp{number}") for number in range(1000))


def test_the_view_follows_the_size_of_the_terminal(terminal: Terminal) -> None:
    terminal.tell("show harp")
    assert "instrument" not in terminal.see("Esc")
    terminal.resize(200, 50)
    terminal.tell("show harp")
    assert "\x1b[H\x1b[2J" in terminal.see("instrument")
    terminal.resize(20, 4)
    terminal.tell("show harp")
    terminal.see("\x1b[4H\x1b[?2026l")


def test_a_crash_restores_the_terminal_and_is_told(terminal: Terminal) -> None:
    terminal.tell("show harp", "stderr seen by others", "crash of the player")
    terminal.see("\x1b[?25h")
    end = terminal.end()
    assert "seen by others\r\n" in end and "ValueError: of the player\r\n" in end
    assert terminal.process.returncode == 1


def test_messages_give_the_terminal_no_orders(terminal: Terminal) -> None:
    terminal.tell("show harp", "say a\x1b[31mb", "close")
    terminal.see("\x1b[?25h")
    assert "a [31mb\r\n" in terminal.end()


@pytest.mark.parametrize(
    ("columns", "lines", "flags", "variables", "kind"),
    [
        (60, 16, (), {}, "Live"),
        (59, 16, (), {}, "Plain"),
        (60, 15, (), {}, "Plain"),
        (80, 24, ("plain",), {}, "Plain"),
        (80, 24, (), {"TERM": "dumb"}, "Plain"),
    ],
)
def test_the_live_view_is_for_terminals_that_can_show_it(
    columns: int, lines: int, flags: tuple[str, ...], variables: dict[str, str], kind: str
) -> None:
    opened = Terminal(columns, lines, *flags, **variables)
    try:
        opened.see(kind + "\r\n")
    finally:
        opened.close()


@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "ascii"}, {"TERM": "linux"}])
def test_where_blocks_cannot_be_shown_letters_stand_for_them(variables: dict[str, str]) -> None:
    opened = Terminal(80, 24, **variables)
    try:
        opened.tell("show harp")
        assert opened.see("Esc").isascii()
    finally:
        opened.close()


def test_without_colour_nothing_is_coloured() -> None:
    opened = Terminal(80, 24, NO_COLOR="1")
    try:
        opened.tell("show harp")
        frame = opened.see("Esc")
        assert "\x1b[2m" in frame and "\x1b[36m" not in frame
    finally:
        opened.close()
