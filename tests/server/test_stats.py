"""What the server tells of itself: in its log, and to Prometheus."""

import sys
from collections import Counter

import pytest

from netaudio.server.lateness import STAGES, STEP
from netaudio.server.metrics import buckets
from netaudio.server.stats import Figures
from netaudio.statistics import Histogram


def lateness(*seconds: float) -> Histogram:
    histogram = Histogram(STEP)
    for value in seconds:
        histogram.add(value)
    return histogram


def figures(seconds: float, chunks: int, *late: float) -> Figures:
    stages = Counter({name: round(1e4 * seconds) for name in STAGES})
    return Figures(
        seconds, seconds / 4, 2, 7, chunks, len(late), chunks // 500, lateness(*late), stages,
        Counter(packets=chunks, strange=3),
    )  # fmt: skip


def test_lines_tell_what_was_done_since() -> None:
    begun, now = figures(10.0, 1000, 0.05), figures(12.0, 1500, 0.05, 0.0, 0.0, 0.0031)
    assert now.since(begun).lines() == [
        "stats of 2.0 s: 2 sessions, 7 voices, CPU 25.0 %; ticks 6.0 %: "
        "read 1.0, hear 1.0, due 1.0, mix 1.0, encode 1.0, send 1.0",
        "lateness in ms: p50 0.0, p99 3.1, p99.9 3.1, max 3.1; 500 chunks, 3 of them late; "
        "500 packets sent, 0 datagrams not sent, 0 strange datagrams, 0 chunks skipped, 0 chunks withheld, "
        "1 major faults",
    ]


def test_buckets_count_up_to_all() -> None:
    rising = buckets(lateness(0.0, 0.0005, 0.0011, 1.0))
    assert rising[:3] == [("0", 1), ("0.001", 2), ("0.002", 3)] and rising[-1] == ("+Inf", 4)


def test_without_prometheus_client(monkeypatch: pytest.MonkeyPatch) -> None:
    from netaudio.errors import SettingError
    from netaudio.server.metrics import need_prometheus

    need_prometheus()
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(SettingError, match="pip install prometheus-client"):
        need_prometheus()
