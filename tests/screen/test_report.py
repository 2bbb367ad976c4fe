"""What a run's report says, and that it reads back as it was written."""

import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from netaudio.player.player import ClientPlayer
from netaudio.player.stream_figures import StreamFigures
from netaudio.sampler.bank import Bank
from netaudio.screen.history import History, Row
from netaudio.screen.report import Change, Report, Spread, Stretch, read_report, report, write_report

TIMES = {"p50": 0.1, "p99": 0.2, "p99.9": 0.3, "max": 0.4}
QUANTILES = {"p50", "p99", "p99.9", "max"}


def player() -> ClientPlayer:
    """One that has played 7 notes in 2 s."""
    one = ClientPlayer(48000, 128, 32, Bank(), {}, set(), "hybrid", 4800)
    one.position, one.notes = 96000, 7
    return one


def told(one: ClientPlayer, figures: StreamFigures | None = None, *changes: Change, **others: Any) -> Report:
    """The report of a run without troubles, but for `others`."""
    made = report(
        one, figures or StreamFigures(), 48000, 1920, changes, block_size=64, callback_ms=TIMES, xruns=0,
        device_losses=0, auto=[], stream_gaps=0, recording=None, history=History(),
    )  # fmt: skip
    return replace(made, **others)


def test_keys_of_the_json(tmp_path: Path) -> None:
    write_report(tmp_path / "out.json", told(player(), None, Change(50, 4800, 1920), uncovered_spans=[Stretch(3, 5)]))
    made = json.loads((tmp_path / "out.json").read_text())
    assert list(made) == [
        "mode", "rate", "chunk_size", "block_size", "offset_frames", "offset_ms", "buffer_size_frames", "held_frames",
        "changes", "notes", "late_notes", "stolen", "round_trip_ms", "jitter_ms", "slack_frames",
        "knit_margin_frames", "packets", "frames", "uncovered_spans", "clipped", "callback_ms", "xruns",
        "device_losses", "auto", "stream_gaps", "recording", "history",
    ]  # fmt: skip
    assert {name: set(value) for name, value in made.items() if isinstance(value, dict)} == {
        "round_trip_ms": QUANTILES,
        "slack_frames": {"min", "p50"},
        "knit_margin_frames": {"notes", "min", "p1", "p50"},
        "packets": {"received", "lost", "recovered", "late", "duplicate", "strange"},
        "frames": {"played", "streamed", "uncovered", "deferred", "missing", "concealed"},
        "callback_ms": QUANTILES,
        "history": set(Row._fields),
    }
    assert (made["changes"], made["uncovered_spans"]) == ([[50, 4800, 1920]], [[3, 5]])


def test_a_report_reads_back(tmp_path: Path) -> None:
    one = player()
    one.knit.tally.margins.extend([96, -240, 96])
    made = told(one, StreamFigures(), Change(50, 4800, 1920), recording="täst.wav")
    write_report(tmp_path / "out.json", made)
    assert read_report(tmp_path / "out.json") == made


def test_positions_count_from_the_beginning_of_the_song() -> None:
    one = player()
    one.song_start, one.song_end = 1000, 49000
    one.knit.tally.spans.append([1003, 1005])
    made = told(one, None, Change(1050, 4800, 1920))
    assert (made.changes, made.uncovered_spans) == ([Change(50, 4800, 1920)], [Stretch(3, 5)])
    assert made.frames.played == 48000


def test_what_links_and_the_knit_have_measured() -> None:
    one = player()
    figures = StreamFigures()
    for trip in [0.010] * 98 + [0.020, 0.030]:
        figures.round_trips.add(trip)
    for slack in (192, -3, 240, 200):
        figures.slacks.add(slack)
    figures.packets.lost = 3
    one.knit.tally.margins.extend([96, -240, 97])
    one.knit.tally.late = 1
    made = told(one, figures, late_notes=1)
    assert made.round_trip_ms == Spread(10.0, 20.0, 30.0, 30.0) and made.jitter_ms == 20.0
    assert (made.slack_frames.min, made.slack_frames.p50, made.packets.lost) == (-3, 192, 3)
    margin = made.knit_margin_frames
    assert (margin.notes, margin.min, margin.p1, margin.p50) == (3, -240, -240, 96)


def test_without_a_server_nothing_is_known_of_the_network() -> None:
    made = told(player())
    assert made.round_trip_ms == Spread() and made.jitter_ms is None
    assert made.slack_frames.min is made.knit_margin_frames.min is None
    assert made.packets.received == 0
