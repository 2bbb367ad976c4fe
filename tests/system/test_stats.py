"""What a server that is played on tells of itself: in its log, and to Prometheus."""

import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from netaudio.server.lateness import STAGES
from tests.support.programs import PATIENCE, RATE, Program, playing, running, serving, write_midi

STATS = r"stats of \d+\.\d s: "
SONG = [(at * RATE, bytes((0x90, 60 + at % 12, 90))) for at in range(60)]  # left as soon as it was noticed


@pytest.fixture(scope="module")
def published(piano: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, int]]:
    """A server that was played on, and the port of its metrics."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving("--wav", piano, "--stats", "0.2s", "--metrics", port) as (server, address):
        folder = tmp_path_factory.mktemp("song")
        with playing(folder, write_midi(folder / "song.mid", SONG), address, "remote", "--wav", piano) as client:
            server.line(STATS + r"1 sessions, [1-9]\d* voices, CPU ")
            client.leave()
        server.line("player left")
        yield server, port


def test_figures_in_the_log(published: tuple[Program, int]) -> None:
    server = published[0]
    server.line(r"lateness in ms: p50 \d+\.\d, .*; [1-9]\d* chunks, \d+ of them late; [1-9]\d* packets sent")
    server.line(STATS + "0 sessions, 0 voices")


def test_figures_for_prometheus(published: tuple[Program, int]) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{published[1]}/metrics", timeout=PATIENCE) as answer:
        text = answer.read().decode()
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    chunks = values[("netaudio_chunks_total",)]
    assert (
        chunks > 0
        and values[("netaudio_packets_total",)] == chunks == values[("netaudio_lateness_seconds_bucket", "+Inf")]
    )
    assert values[("netaudio_sessions",)] == 0 and values[("netaudio_octets_total",)] == chunks * 128 * 6
    assert all(values[("netaudio_tick_seconds_total", stage)] > 0 for stage in STAGES)


def test_figures_at_a_signal(piano: Path) -> None:
    with serving("--wav", piano) as (server, _):
        server.process.send_signal(signal.SIGUSR1)
        server.line("stats of .*: 0 sessions, 0 voices")
        server.line("lateness in ms: .*; 0 chunks, 0 of them late")


def test_metrics_that_cannot_be(published: tuple[Program, int], piano: Path) -> None:
    port = published[1]
    for flags, code, said in (
        (("--metrics", port), 1, f"cannot serve metrics at 127.0.0.1:{port}"),
        (("--metrics", 65535, "--workers", 2), 2, "METRICS is port 65535"),
    ):
        with running("server.py", "--wav", piano, "--port", 0, *flags) as server:
            assert server.end() == code and said in server.text and len(server.lines) == 1, server.text
