"""What the player sees, on a terminal that the test plays and on none."""

import asyncio
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from netaudio.client.app import Client
from netaudio.client.status import SILENCE
from netaudio.config.load import client_parser, client_settings
from netaudio.screen.live import open_screen
from netaudio.screen.plain import PLAIN_SECONDS, Plain, figures
from tests.screen.test_view import IDLE, LOST, PLAYING
from tests.support.programs import HOME

PATIENCE = 20.0

# obeys the lines of its standard input
PLAYER = """
import dataclasses, sys
from netaudio.screen.live import open_screen
from tests.support.programs import HOME
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

    assert any("\x1b[18H" not in drawn(f"harp{number}") for number in range(20))


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


def test_plain_says_lines_and_where_somebody_watches_figures(capsys: pytest.CaptureFixture[str]) -> None:
    for interactive in (False, True):
        screen = Plain(interactive)
        screen.say("connected")
        for tenth in range(round(20 * PLAIN_SECONDS) + 1):
            screen.show(replace(PLAYING, seconds=tenth / 10))
        for tenth in range(1000):
            screen.show(replace(IDLE, seconds=20 + tenth / 10))
        screen.close()
        lines = capsys.readouterr().err.replace("\n  ", " ").splitlines()  # long ones are broken
        assert lines[0] == "connected"
        assert len(lines) == (4 if interactive else 1)
    assert lines[1].startswith("A-K play, Z X octave, ") and lines[1].endswith(", Esc leave")
    assert lines[2] == "4 of 32 notes, peak -18 dBFS, round trip 12.3 ms, slack 39.5 ms, knit margin 33.0 ms"
    assert figures(LOST).endswith("dBFS, lost 163, recovered 160, late 2, late notes 1, xruns 1, missing 12.5 ms")


def test_plain_tells_what_a_key_changed(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Plain(interactive=True)
    screen.show(PLAYING)
    capsys.readouterr()
    for change, said in (
        ({}, ""),
        ({"mode": "local"}, "MODE local\n"),
        ({"mode": "local", "instrument": "organ", "number": 3}, "INSTRUMENT 3 organ\n"),
        ({"offset_ms": 105.0, "volume_db": -4.0}, "MODE hybrid\nINSTRUMENT 2 epiano\nOFFSET 105 ms\nVOLUME -4 dB\n"),
        ({"octave": 5}, "OFFSET 100 ms\nVOLUME -3 dB\noctave: A plays C5\n"),
        ({"octave": 5, "pedal": True}, "pedal down\n"),
    ):
        screen.show(replace(PLAYING, **change))
        assert capsys.readouterr().err == said


def test_plain_says_a_hint_when_it_begins_to_hold(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Plain()
    for hint in ("", "more", "more than that", "", "more"):
        screen.show(replace(PLAYING, hint=hint))
    assert capsys.readouterr().err == "more\nmore\n"


def test_no_terminal_no_view() -> None:
    assert isinstance(open_screen(plain=False), Plain)


def test_a_status_is_read_from_a_client(tmp_path: Path) -> None:
    """From the player's first note to its head's and its tail's share."""
    sound = 0.25 * np.sin(2 * np.pi * 261.6 * np.arange(48000) / 48000)
    for name in ("harp", "lute"):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "C4.wav", sound, 48000)
    flags = client_parser().parse_args(
        ["--mode", "local", "--wav", str(tmp_path), "--instrument", "lute", "--device", "null", "--volume", "-6"]
    )

    async def play() -> None:
        client = await Client.prepare(client_settings("", flags), flags, Plain(), None)
        player, block = client.player, np.zeros((128, 2), np.float32)
        quiet = client.status()
        assert (quiet.instrument, quiet.number, quiet.mode, quiet.server) == ("lute", 2, "local", "")
        assert (quiet.notes, quiet.level, quiet.volume_db, quiet.connected) == ((), SILENCE, -6.0, False)
        assert quiet.round_trip_ms is None and quiet.slack_ms is None and quiet.margin_ms is None

        def render(frames: int) -> None:
            for start in range(player.position, player.position + frames, 128):
                player.render(block, start / 48000)

        render(128)
        player.push(player.position / 48000, bytes((0x90, 60, 127)))
        render(9600)
        local = client.status()
        assert local.notes == ((60, None),) and local.voices == 1
        assert -40 < local.level < 0

        player.post(player.set_mode, "hybrid", 4800)
        player.post(player.join, 128, 32)
        player.push(player.position / 48000, bytes((0x90, 62, 127)))
        render(4736)
        assert dict(client.status().notes)[62] == 1.0
        render(4800)
        assert dict(client.status().notes)[62] == pytest.approx(0.5, abs=0.02)
        player.post(player.leave)
        render(128)
        assert dict(client.status().notes)[62] is None
        assert not client.status().pedal
        player.push(player.position / 48000, bytes((0xB0, 64, 127)))
        render(128)
        render(128)
        assert client.status().pedal
        player.score.voices[-1].cut = 0
        assert 62 not in dict(client.status().notes), "without a server nothing is heard of it"

    asyncio.run(play())
