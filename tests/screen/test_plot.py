"""A session's report becomes a picture, and what is none is told in a line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from netaudio.screen.history import Row
from netaudio.screen.report import Packets
from tests.screen.test_report import player, told
from tests.support.programs import HOME, RATE, play, write_midi


def plot(report: Path, *python: str) -> tuple[int, str, str]:
    """`python client.py --plot`: exit code, output, errors."""
    command = [sys.executable, *(python or ("client.py",)), "--plot", str(report)]
    run = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=120)
    return run.returncode, run.stdout, run.stderr


def figures(rows: int) -> dict[str, Any]:
    history = {name: list(range(rows)) for name in Row._fields}
    made: dict[str, Any] = msgspec.to_builtins(told(player(), packets=Packets(received=5), history=history))
    return made


def test_a_real_session_is_drawn(tmp_path: Path) -> None:
    song = write_midi(tmp_path / "song.mid", [(0, bytes((0x90, 60, 90))), (RATE, bytes((0x80, 60, 0)))])
    result = play(tmp_path, song, None, "local")
    history = result.report["history"]
    assert set(history) == set(Row._fields) and max(history["voices"]) == 1
    assert -60 < max(history["level_db"]) < 0
    code, out, err = plot(tmp_path / "out.json")
    assert (code, out, err) == (0, f"{tmp_path / 'out.png'}\n", "")
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.size == (1200, 396), "no panels for a network"
        colours = picture.convert("RGB").getcolors(1 << 24)
        assert colours is not None and len(colours) > 50


@pytest.mark.parametrize("rows", [1, 2, 600])
def test_short_and_long_sessions_are_drawn(tmp_path: Path, rows: int) -> None:
    report = tmp_path / "some.report.json"
    some = figures(rows)
    some["history"]["slack_ms"] = [None] * rows
    report.write_text(json.dumps(some))
    assert plot(report)[0] == 0
    with Image.open(tmp_path / "some.report.png") as picture:
        assert picture.size == (1200, 852), "all panels but that for slack"


BROKEN: list[tuple[str, str]] = [
    ("not json", "no report of a session"),
    ("[1, 2]", "no report of a session"),
    ("{}", "no report of a session"),
    (json.dumps(figures(2) | {"history": {"seconds": [1]}}), "no report of a session"),
    (json.dumps(figures(2) | {"packets": "none"}), "no report of a session"),
    (json.dumps(figures(2) | {"history": {}}), "no report of a session"),
    (json.dumps(figures(0)), "nothing to draw"),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_what_is_no_report_is_told_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    report = tmp_path / "report.json"
    report.write_text(text)
    code, out, err = plot(report)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1
    assert not (tmp_path / "report.png").exists()


def test_a_report_that_is_not_there(tmp_path: Path) -> None:
    code, _, err = plot(tmp_path / "none.json")
    assert code == 2 and err == f"netaudio: cannot read {tmp_path / 'none.json'}: No such file or directory\n"


def test_without_matplotlib_a_line_says_what_to_install(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps(figures(2)))
    without = "import sys, runpy; sys.modules['matplotlib'] = None; runpy.run_path('client.py', run_name='__main__')"
    code, _, err = plot(report, "-c", without)
    assert (code, err) == (1, "netaudio: a picture needs matplotlib: pip install matplotlib\n")


def test_nothing_else_loads_matplotlib() -> None:
    code = "import client, sys; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=HOME, check=True, timeout=60)
