"""The summary that a player reads at the end."""

from typing import Any

from msgspec.structs import replace

from netaudio.screen.report import Frames, KnitMargin, Packets, Report, Spread
from netaudio.screen.summary import summary
from tests.screen.test_report import player, told


def figures(**changes: Any) -> Report:
    return told(player(), **changes)


PACKETS = Packets(received=750)
MISSING = Frames(played=96000, streamed=48000, uncovered=480, deferred=0, missing=480, concealed=0)
LARGER_OFFSET, LARGER_BUFFER = "  notes came late: try a larger --offset", "try a larger --buffer-size"


def test_a_run_without_a_server_speaks_of_no_network() -> None:
    assert summary(figures()) == "7 notes in 2 s"
    assert summary(figures(notes=1)) == "1 note in 2 s"
    assert "  xruns         3: " in summary(figures(xruns=3))
    assert summary(figures(device_losses=1)).endswith("  sound device  gone 1 time")


def test_a_run_with_a_server_tells_how_well_it_came() -> None:
    trips, margins = Spread(p50=12.34, p99=20.0), KnitMargin(5, 2400, 2400, 2500)
    lines = summary(figures(packets=PACKETS, round_trip_ms=trips, knit_margin_frames=margins)).splitlines()
    assert lines == [
        "7 notes in 2 s, 5 of them carried on by the server",
        "  round trip    12.3 ms, OFFSET 100 ms",
        "  knit margin   50 ms at the least",
        "  streamed      0 % of the time",
        "  packets       750 received, 0 lost, 0 late",
        "  late notes    0, missing 0 ms",
    ]
    sounded = summary(figures(packets=PACKETS, frames=replace(MISSING, uncovered=2880)))
    assert "missing 10 ms, uncovered 50 ms more (see --held)" in sounded
    assert "--held" not in summary(figures(packets=PACKETS, frames=replace(MISSING, uncovered=2880), stream_gaps=1))
    assert "1 lost (1 recovered), 0 late" in summary(figures(packets=replace(PACKETS, lost=1, recovered=1)))


def test_a_recording_is_named() -> None:
    assert "demo.wav" in summary(figures(recording="demo.wav"))


def test_advice_fits_what_was_wrong() -> None:
    late = summary(figures(packets=PACKETS, late_notes=2))
    assert LARGER_OFFSET in late and LARGER_BUFFER not in late
    assert LARGER_OFFSET not in summary(figures(packets=PACKETS, late_notes=2, auto=["OFFSET"]))
    for packets in (replace(PACKETS, lost=2, recovered=1), replace(PACKETS, late=1)):
        holes = figures(packets=packets, frames=MISSING)
        assert LARGER_BUFFER in summary(holes) and LARGER_OFFSET not in summary(holes)
        assert LARGER_BUFFER not in summary(figures(packets=packets)), "none was heard to be missing"


def test_where_the_server_was_away_no_setting_is_blamed() -> None:
    said = summary(figures(packets=replace(PACKETS, lost=9), frames=MISSING, late_notes=2, stream_gaps=2))
    assert "  stream        absent 2 times" in said
    assert LARGER_OFFSET not in said and LARGER_BUFFER not in said
