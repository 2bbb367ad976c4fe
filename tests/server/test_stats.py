"""What the server tells of itself: in its log, and to Prometheus."""

import signal
import socket
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from netaudio.server.lateness import STAGES, STEP
from netaudio.server.metrics import buckets
from netaudio.server.stats import Figures
from netaudio.statistics import Histogram
from tests.support.programs import HOME, Program, running, serving, write_midi

SONG = [(0, bytes((0x90, 60, 90))), (0, bytes((0x90, 64, 90))), (40000, bytes((0x80, 60, 0)))]


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
        "read 1.0, hear 1.0, rows 1.0, mix 1.0, encode 1.0, send 1.0",
        "lateness in ms: p50 0.0, p99 3.1, p99.9 3.1, max 3.1; 500 chunks, 3 of them late; "
        "500 packets sent, 0 datagrams not sent, 0 strange datagrams, 0 chunks skipped, 0 chunks withheld, "
        "1 major faults",
    ]


def test_buckets_count_up_to_all() -> None:
    rising = buckets(lateness(0.0, 0.0005, 0.0011, 1.0))
    assert rising[:3] == [("0", 1), ("0.001", 2), ("0.002", 3)] and rising[-1] == ("+Inf", 4)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, str, int, Path]]:
    folder = tmp_path_factory.mktemp("figures")
    (folder / "wav").mkdir()
    (folder / "wav" / "piano").symlink_to(HOME / "wav" / "piano", target_is_directory=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving("--wav", folder / "wav", "--stats", "0.2s", "--metrics", port) as (server, address):
        song = write_midi(folder / "song.mid", SONG)
        flags = ("--device", "null", "--mode", "remote", "--play", song, "--wav", folder / "wav")
        with running("client.py", "--server", address, *flags) as client:
            assert client.end() == 0, client.text
        server.line("player left")
        yield server, address, port, folder


def test_figures_in_the_log(published: tuple[Program, str, int, Path]) -> None:
    server = published[0]
    server.line(r"stats of 0\.\d s: 1 sessions, [12] voices, CPU ")
    server.line(r"lateness in ms: p50 \d+\.\d, .*; [1-9]\d* chunks, \d+ of them late; [1-9]\d* packets sent")
    server.line(r"stats of 0\.\d s: 0 sessions, 0 voices")


def test_figures_for_prometheus(published: tuple[Program, str, int, Path]) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{published[2]}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    chunks = values[("netaudio_chunks_total",)]
    assert (
        chunks > 100
        and values[("netaudio_packets_total",)] == chunks == values[("netaudio_lateness_seconds_bucket", "+Inf")]
    )
    assert values[("netaudio_sessions",)] == 0 and values[("netaudio_octets_total",)] == chunks * 128 * 6
    assert all(values[("netaudio_tick_seconds_total", stage)] > 0 for stage in STAGES)


def test_figures_at_a_signal(published: tuple[Program, str, int, Path]) -> None:
    with serving("--wav", published[3] / "wav") as (server, _):
        server.process.send_signal(signal.SIGUSR1)
        server.line("stats of .*: 0 sessions, 0 voices")
        server.line("lateness in ms: .*; 0 chunks, 0 of them late")


def test_metrics_that_cannot_be(published: tuple[Program, str, int, Path]) -> None:
    wav, port = published[3] / "wav", published[2]
    for flags, code, said in (
        (("--metrics", port), 1, f"cannot serve metrics at 127.0.0.1:{port}"),
        (("--metrics", 65535, "--workers", 2), 2, "METRICS is port 65535"),
    ):
        with running("server.py", "--wav", wav, "--port", 0, *flags) as server:
            assert server.end() == code and said in server.text and len(server.lines) == 1, server.text


def test_without_prometheus_client(monkeypatch: pytest.MonkeyPatch) -> None:
    from netaudio.errors import SettingError
    from netaudio.server.metrics import need_prometheus

    need_prometheus()
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(SettingError, match="pip install prometheus-client"):
        need_prometheus()
