"""What stands on a player's desk: a terminal that the test plays, and a display."""

import os
import pty
import select
import shutil
import subprocess
import termios
import time

import pytest

from tests.support.programs import PATIENCE

ANSWERS_KITTY, ANSWERS_FOCUS, ANSWERS = b"\x1b[?0u\x1b[?62c", b"\x1b[?1004;2$y\x1b[?62c", b"\x1b[?62c"
KITTY_ON, KITTY_OFF, FOCUS_ON, FOCUS_OFF = b"\x1b[>15u", b"\x1b[<u", b"\x1b[?1004h", b"\x1b[?1004l"


class Screen:
    """The terminal's side of a pty: what it is told, what it answers, what the player types."""

    def __init__(self) -> None:
        self.fd, self.slave = pty.openpty()
        self.told = b""
        self.modes = termios.tcgetattr(self.slave)

    def expect(self, sequence: bytes) -> None:
        deadline = time.monotonic() + PATIENCE
        while sequence not in self.told:
            ready, _, _ = select.select([self.fd], [], [], deadline - time.monotonic())
            assert ready, f"{sequence!r} did not come, but {self.told!r}"
            self.told += os.read(self.fd, 4096)

    def type(self, data: bytes) -> None:
        os.write(self.fd, data)

    def left_over(self) -> bytes:
        """What was typed and would now be read by the next program."""
        modes = termios.tcgetattr(self.slave)
        modes[3] &= ~termios.ICANON
        termios.tcsetattr(self.slave, termios.TCSANOW, modes)
        return os.read(self.slave, 4096) if select.select([self.slave], [], [], 0)[0] else b""

    def close(self) -> None:
        os.close(self.fd)
        os.close(self.slave)


class Display:
    """An X server without a screen."""

    def __init__(self, *options: str) -> None:
        for tool in ("Xvfb", "xdotool"):
            if not shutil.which(tool):
                pytest.fail(f"this test needs {tool} (Debian: apt install xvfb xdotool)")
        reader, writer = os.pipe()
        command = ["Xvfb", "-displayfd", str(writer), "-nolisten", "tcp", "-noreset", *options]
        self.process = subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            assert select.select([pipe], [], [], PATIENCE)[0], "Xvfb does not start"
            self.env = environment(DISPLAY=f":{pipe.readline().strip()}")

    def keys(self, *strokes: str) -> None:
        """Strokes of xdotool: "keydown", "a", "sleep", "0.1", "keyup", "a"."""
        subprocess.run(["xdotool", *strokes], env=self.env, check=True, timeout=PATIENCE)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


def environment(**more: str) -> dict[str, str]:
    ignored = ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "TERM", "TERM_PROGRAM")
    plain = {name: value for name, value in os.environ.items() if name not in ignored}
    return plain | {"TERM": "xterm-256color"} | more
