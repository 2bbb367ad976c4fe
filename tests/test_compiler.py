"""Programs that start together: one compiles the kernel, and the others wait for it."""

import subprocess
import sys
from pathlib import Path

from netaudio.compiler import turn

CHILD = """
import sys
from pathlib import Path
from netaudio.compiler import turn
with turn(Path(sys.argv[1]), "held"):
    print("mine", flush=True)
    sys.stdin.read()
"""
WAITING = "netaudio: waiting for another program that compiles the sampler\n"


def starting(folder: Path) -> "subprocess.Popen[str]":
    """A program that takes its turn, and keeps it."""
    command = [sys.executable, "-c", CHILD, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_one_waits_for_another_and_says_so(tmp_path: Path) -> None:
    with turn(tmp_path / "new", "held"):
        other = starting(tmp_path / "new")
        assert other.stderr and other.stderr.readline() == WAITING
    said, more = other.communicate("")
    assert (said, more, other.returncode) == ("mine\n", "", 0)


def test_one_that_dies_while_it_compiles_holds_up_nobody(tmp_path: Path) -> None:
    with starting(tmp_path) as dying:
        assert dying.stdout and dying.stdout.readline() == "mine\n"
        other = starting(tmp_path)
        assert other.stderr and other.stderr.readline() == WAITING
        dying.kill()
    assert other.communicate("")[0] == "mine\n"


def test_nobody_waits_where_all_is_compiled(tmp_path: Path) -> None:
    with turn(tmp_path, "held"):
        pass
    with turn(tmp_path, "held"), turn(tmp_path, "held"):
        pass
