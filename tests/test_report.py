"""The summary that a player reads at the end."""

from typing import Any

from netaudio.bank import Bank
from netaudio.player import ClientPlayer
from netaudio.report import report, summary


def figures(**changes: Any) -> dict[str, Any]:
    player = ClientPlayer(48000, 128, 32, Bank(), {}, set(), "hybrid", 4800)
    player.position, player.notes = 96000, 7
    return report(player, None, 48000, 1920, []) | {"xruns": 0, "device_losses": 0} | changes


def test_a_run_without_a_server_speaks_of_no_network() -> None:
    assert summary(figures()) == "7 notes in 2 s"
    assert summary(figures(xruns=3)).endswith("  xruns         3")


def test_a_run_with_a_server_tells_how_well_it_came() -> None:
    packets = {"received": 750, "lost": 0, "recovered": 0, "late": 0, "duplicate": 0}
    trips, margins = {"p50": 12.34, "p99": 20.0}, {"min": 2400, "p50": 2500}
    lines = summary(figures(packets=packets, round_trip_ms=trips, knit_margin_frames=margins)).splitlines()
    assert lines == [
        "7 notes in 2 s, each begun here and carried on by the server",
        "  round trip    12.3 ms, OFFSET 100 ms",
        "  knit margin   50 ms at the least",
        "  from the net  0 % of the time",
        "  packets       750 received, 0 lost, 0 late",
        "  late notes    0, frames missing 0",
    ]
    assert "larger --offset" in summary(figures(packets=packets | {"lost": 1}))
    assert "larger --offset" not in summary(figures(packets=packets | {"lost": 1, "recovered": 1}))
    assert "1 lost (1 recovered), 0 late" in summary(figures(packets=packets | {"lost": 1, "recovered": 1}))
