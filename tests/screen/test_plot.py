"""A session's report becomes a picture, and what is none is told in a line."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from netaudio.errors import SettingError
from netaudio.screen.history import Row
from netaudio.screen.plot import plot


def figures(rows: int) -> dict[str, Any]:
    return {
        "mode": "hybrid", "offset_ms": 100.0, "chunk_size": 128, "rate": 48000, "notes": 1, "late_notes": 0,
        "packets": {"received": 5, "lost": 0, "recovered": 0, "late": 0}, "frames": {"missing": 0},
        "history": {name: list(range(rows)) for name in Row._fields},
    }  # fmt: skip


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
