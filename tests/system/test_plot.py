"""`client.py --plot`, of what a session left."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

from netaudio.screen.history import Row
from tests.support.programs import HOME, PATIENCE, RATE, play, write_midi

WITHOUT_MATPLOTLIB = """
import sys, runpy
sys.modules["matplotlib"] = None
runpy.run_path("client.py", run_name="__main__")
"""


def plot(report: Path, *python: str) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    command = [sys.executable, *(python or ("client.py",)), "--plot", str(report)]
    run = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=PATIENCE)
    return run.returncode, run.stdout, run.stderr


def test_a_real_session_is_drawn(tmp_path: Path) -> None:
    song = write_midi(tmp_path / "song.mid", [(0, bytes((0x90, 60, 90))), (RATE // 2, bytes((0x80, 60, 0)))])
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
    said = "netaudio: a picture needs matplotlib: pip install matplotlib\n"
    assert plot(tmp_path / "out.json", "-c", WITHOUT_MATPLOTLIB) == (1, "", said)


def test_what_is_no_report_is_told_in_a_line(tmp_path: Path) -> None:
    code, out, err = plot(tmp_path / "none.json")
    assert (code, out) == (2, "") and err.startswith("netaudio: cannot read") and err.count("\n") == 1


def test_nothing_else_loads_matplotlib() -> None:
    code = "import client, sys; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=HOME, check=True, timeout=PATIENCE)
