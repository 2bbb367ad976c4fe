"""A session's report becomes a picture, and what is none is told in a line."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from netaudio.errors import SettingError
from netaudio.screen.history import Row
from netaudio.screen.plot import plot
from netaudio.screen.report import Packets
from tests.screen.test_report import player, told


def figures(rows: int) -> dict[str, Any]:
    history = {name: list(range(rows)) for name in Row._fields}
    made: dict[str, Any] = msgspec.to_builtins(told(player(), packets=Packets(received=5), history=history))
    return made


@pytest.mark.parametrize("rows", [1, 2, 600])
def test_short_and_long_sessions_are_drawn(tmp_path: Path, rows: int) -> None:
    report = tmp_path / "some.report.json"
    some = figures(rows)
    some["history"]["slack_ms"] = [None] * rows
    report.write_text(json.dumps(some))
    assert plot(report) == tmp_path / "some.report.png"
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
    with pytest.raises(SettingError, match=f"^[^\n]*{said}[^\n]*$"):
        plot(report)
    assert not (tmp_path / "report.png").exists()


def test_a_report_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"cannot read .*none\.json: No such file or directory$"):
        plot(tmp_path / "none.json")
