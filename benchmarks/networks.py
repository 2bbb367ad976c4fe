"""What NetAudio does over the networks that people have: one table.

    python -m benchmarks.networks [--short] [--seeds N] [--notes N] [--json FILE]

client.py and server.py run in two network namespaces (root, /dev/net/tun: tests/namespaces.py) whose link impairs TCP
and UDP alike, with OFFSET and BUFFER_SIZE auto and HELD at 1 s. Each seed is a song in hybrid mode; a short song in
remote mode gives the latency (~: other than its OFFSET at the end). Summed over the seeds: late, lost, recovered,
concealed, uncovered, missing. The worst of them: margin (the knit margin's p1, frames) and apart (the largest
difference from the local recording outside the uncovered frames, in units of the bound, 2^-20 times max(1, peak)).
The others are medians. jacktrip, where it is installed, plays over the same link. Ends with 1 unless at most 5 notes
of a row were late, apart is at most 1, and OFFSET at most the round trip's p99.9, BUFFER_SIZE and 3 chunks (+: it is
more). One link is up at a time, and it wants a machine to itself: an hour of it.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.jacktrip import DEFAULT_QUEUE, Unheard, listen, packets
from benchmarks.processes import cpu_seconds
from benchmarks.rows import Rows
from netaudio.timing.network_model import Impairment
from tests.support.namespaces import Side, bridge, why_not
from tests.support.programs import (
    RATE,
    Playing,
    Program,
    Result,
    difference,
    play,
    playing,
    recorded,
    serving,
    write_midi,
)
from tests.support.reference import Sound
from tests.support.songs import EPIANO, GUITAR, ORGAN, PIANO, notes_in, piece

MOST_LATE = 5
LOOK_SECONDS = 0.2
REMOTE_NOTES = 150
AUTO = ("--offset", "auto", "--buffer-size", "auto")
T = TypeVar("T")
COLUMNS = {
    "round trip / jitter / loss": 40, "kept": 5, "OFFSET": 8, "BUFFER": 8, "notes": 7, "late": 5, "margin": 8,
    "lost": 6, "recovered": 10, "concealed": 10, "uncovered": 10, "missing": 8, "apart": 7, "remote": 9,
    "down": 8, "up": 5, "client": 7, "server": 7,
}  # fmt: skip
UNITS = ("", "", "ms", "ms", "", "", "frames", *[""] * 5, "bounds", "ms", "kbit/s", "", "% CPU", "% CPU")


class Condition(NamedTuple):
    """Seconds at the median, seconds that it may be more, share of the packets, packets in a row."""

    name: str
    round_trip: float
    jitter: float
    loss: float
    burst: float = 1.0

    def impairment(self) -> Impairment:
        """Of each way: both together take the round trip at the median, and up to the jitter more."""
        return Impairment((self.round_trip - self.jitter) / 2, self.jitter, self.loss, self.burst)

    def __str__(self) -> str:
        burst = f" in bursts of {self.burst:g}" if self.burst > 1 else ""
        parts = f"{1000 * self.round_trip:g} / {1000 * self.jitter:g} ms / {100 * self.loss:g} %{burst}"
        return f"{self.name}: {parts}"


CONDITIONS = (
    Condition("clean", 0.001, 0.0, 0.0),
    Condition("Wi-Fi", 0.005, 0.003, 0.005),
    Condition("city fibre", 0.015, 0.002, 0.001),
    Condition("across a country", 0.060, 0.008, 0.005),
    Condition("mobile", 0.090, 0.030, 0.02, 3),
    Condition("across an ocean", 0.150, 0.010, 0.005),
)


@dataclass(frozen=True)
class Music:
    """The file that a song is in, and how it sounds."""

    file: Path
    local: Sound


@dataclass(frozen=True)
class Load:
    """Traffic in kbit/s with its IP headers, shares of a CPU in percent; while a song plays."""

    down: float
    up: float
    client: float
    server: float


def song(notes: int, seed: int) -> list[tuple[int, bytes]]:
    """So many notes, or a few more."""
    measures = 1
    while notes_in(music := piece(seed, measures, (PIANO, EPIANO, GUITAR, ORGAN))) < notes:
        measures += 1
    return music


def compose(folder: Path, notes: int, seed: int) -> Music:
    """Write a song, and record what it sounds like in local mode."""
    music, folder = song(notes, seed), folder / f"local-{notes}-{seed}"
    folder.mkdir()
    file = write_midi(folder / "song.mid", music)
    return Music(file, play(folder, file, None, "local").sound)


def watch(client: Playing, server: Program, side: Side) -> Load:
    """What the programs and their link do until the client ends."""

    def look() -> NDArray[np.float64]:
        pids = client.program.process.pid, server.process.pid
        return np.array([time.monotonic(), *side.traffic(), *map(cpu_seconds, pids)])

    pause = threading.Event()
    recorded(client, 0)
    first = last = look()
    while client.program.process.poll() is None:
        last = look()
        pause.wait(LOOK_SECONDS)
    seconds, down, up, ours, theirs = last - first
    return Load(*(round(float(f), 1) for f in (
        8e-3 * down / seconds, 8e-3 * up / seconds, 100 * ours / seconds, 100 * theirs / seconds,
    )))  # fmt: skip


def perform(folder: Path, condition: Condition, seed: int, music: Music, mode: str) -> tuple[Result, Load]:
    """Play a song over such a link."""
    folder = folder / f"{condition.name}-{mode}-{seed}"
    with (
        bridge(condition.impairment(), seed=seed) as link,
        serving("--host", link.server.address, inside=link.server.enter) as (server, address),
        playing(folder, music.file, address, mode, *AUTO, inside=link.client.enter) as client,
    ):
        load = watch(client, server, link.client)
        return client.result(), load


def hybrid(folder: Path, condition: Condition, seed: int, music: Music) -> dict[str, Any]:
    """The report of one song, without its spans, and what else was measured."""
    result, load = perform(folder, condition, seed, music, "hybrid")
    report = {name: value for name, value in result.report.items() if name != "uncovered_spans"}
    return report | {"apart": difference(result.sound, music.local, result.spans), "load": vars(load)}


def remote(folder: Path, condition: Condition, music: Music) -> dict[str, float]:
    """How much later than local the song is heard, by the place where it fits best; and how exactly it fits there."""
    result, _ = perform(folder, condition, 0, music, "remote")
    size = 1 << (len(result.sound) + len(music.local) - 1).bit_length()
    heard, meant = (np.fft.rfft(sound.sum(axis=1), size) for sound in (result.sound, music.local))
    delay = int(np.argmax(np.fft.irfft(heard * np.conj(meant), size)[: size // 2]))
    return {
        "latency_ms": 1000 * delay / RATE,
        "offset_ms": 1000 * result.report["offset_frames"] / RATE,
        "late_notes": result.report["late_notes"],
        "apart": difference(result.sound, music.local, result.spans, delay),
    }


def beside(folder: Path, condition: Condition, buffer_size: float, seconds: float) -> list[dict[str, Any]]:
    """Print and return what jacktrip makes of such a link: its default queue, and one of `buffer_size` seconds."""
    print(condition, flush=True)
    figures = []
    for queue in sorted({DEFAULT_QUEUE, packets(buffer_size)}):
        try:
            with bridge(condition.impairment()) as link:
                room = f"{condition.name}-jacktrip-{queue}".replace(" ", "-")  # ALSA splits its path at spaces
                heard = listen(folder / room, link, queue, seconds)
        except Unheard as why:
            print(f"    jacktrip was not tried: {why}", flush=True)
        else:
            print(f"    {heard}", flush=True)
            figures.append(vars(heard))
    return figures


def tried(what: str, work: Callable[..., T], *args: Any) -> T | None:
    """What came of a run; None, and why, if it failed."""
    try:
        return work(*args)
    except AssertionError as error:
        print(f"    FAILED: {str(error).strip().replace(chr(10), '; ')[:300]}", flush=True)
        return None
    finally:
        print(f"  {what}: done", file=sys.stderr, flush=True)


def row(rows: Rows, condition: Condition, runs: Sequence[dict[str, Any]], far: dict[str, float] | None) -> bool:
    """Print a condition's figures; whether the promises were kept."""
    late, apart = sum(run["late_notes"] for run in runs), max(run["apart"] for run in runs)
    most = [
        run["round_trip_ms"]["p99.9"] * RATE / 1000 + run["buffer_size_frames"] + 3 * run["chunk_size"]
        for run in runs
    ]
    tight = all(run["offset_frames"] <= frames + 1 for run, frames in zip(runs, most, strict=True))
    kept: bool = late <= MOST_LATE and apart <= 1 and tight

    def middle(name: str, scale: float = 1.0) -> str:
        return f"{median(scale * float((run | run['load'])[name]) for run in runs):.0f}"

    def total(kind: str, *names: str) -> list[int]:
        return [sum(run[kind][name] for run in runs) for name in names]

    latency = None
    if far:
        latency = f"{'' if abs(far['latency_ms'] - far['offset_ms']) < 0.05 else '~'}{far['latency_ms']:.1f}"
    rows.line(
        condition, "yes" if kept else "NO",
        middle("offset_frames", scale=1000 / RATE) + ("" if tight else "+"),
        middle("buffer_size_frames", scale=1000 / RATE),
        sum(run["notes"] for run in runs), late, min(run["knit_margin_frames"]["p1"] for run in runs),
        *total("packets", "lost", "recovered"), *total("frames", "concealed", "uncovered", "missing"), f"{apart:.2f}",
        latency,
        *(middle(name) for name in ("down", "up", "client", "server")),
    )  # fmt: skip
    return kept


def ours(folder: Path, seeds: int, notes: int) -> tuple[bool, dict[str, dict[str, Any]]]:
    """Play all songs over all links; whether the promises were kept, and all figures."""
    kept, figures = True, {}
    music = [compose(folder, notes, seed) for seed in range(seeds)]
    short = compose(folder, REMOTE_NOTES, seeds)
    rows = Rows(COLUMNS)
    rows.line(*UNITS)
    for condition in CONDITIONS:
        far = tried(f"{condition.name}, remote", remote, folder, condition, short)
        results = [
            tried(f"{condition.name} {seed}", hybrid, folder, condition, seed, song)
            for seed, song in enumerate(music)
        ]
        runs = [run for run in results if run]
        figures[condition.name] = {"hybrid": runs, "remote": far}
        kept &= bool(runs) and row(rows, condition, runs, far)
        kept &= None not in (far, *results)
    return kept, figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="one seed of 150 notes: eight minutes")
    parser.add_argument("--seeds", type=int, default=5, help="songs for each network (5)")
    parser.add_argument("--notes", type=int, default=1000, help="notes in each (1000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    flags = parser.parse_args()
    if reason := why_not():
        print(f"no network namespaces here: {reason}", file=sys.stderr)
        return 1
    seeds, notes, seconds = (1, 150, 5.0) if flags.short else (flags.seeds, flags.notes, 30.0)
    with tempfile.TemporaryDirectory() as name:
        kept, figures = ours(Path(name), seeds, notes)
        print("\njacktrip over the same links")
        for condition in CONDITIONS:
            figure = figures[condition.name]
            buffers = [run["buffer_size_frames"] / RATE for run in figure["hybrid"]]
            figure["jacktrip"] = beside(Path(name), condition, max(buffers, default=0.0), seconds)
    if flags.json:
        flags.json.write_text(json.dumps(figures, indent=1))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
