"""What NetAudio promises, tried at full length with the programs themselves, and a table of figures.

    python -m benchmarks.acceptance [--short]

apart: the largest difference from what should have been heard, outside the uncovered frames, in units of
the bound (2^-20 times max(1, peak)). margin, slack: the least, in frames; trip: p99. Ends with 1 if a promise
was not kept. Nothing is tried twice, so it wants a machine to itself.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.canary import SPELL, canaries, unexplained
from benchmarks.rows import Rows
from tests.support.programs import CHUNK, OFFSET, RATE, Result, difference, play, serving, stolen_seconds, write_midi
from tests.support.reference import Sound
from tests.support.songs import EPIANO, GUITAR, ORGAN, PIANO, piece, reference, window
from tests.system import test_five_clients, test_garbage, test_playing, test_server_lost

COLUMNS = {
    "": 35, "kept": 5, "apart": 10, "notes": 6, "late": 5, "lost": 5, "missing": 8, "uncovered": 10, "streamed": 9,
    "margin": 8, "slack": 8, "trip": 12,
}  # fmt: skip


class Table:
    """Prints a row at a time, and remembers whether all promises were kept."""

    def __init__(self) -> None:
        self.kept = True
        self._rows = Rows(COLUMNS)

    def row(self, name: str, result: Result, exact: Sound, delay: int, check: Callable[[], None]) -> None:
        """`exact` is what should have been heard, `check` raises AssertionError for a broken promise."""
        why = ""
        try:
            check()
        except AssertionError as error:
            self.kept, why = False, str(error).strip().partition("\n")[0][:200]
        report, frames = result.report, result.report["frames"]
        apart = difference(result.sound, exact, result.spans, delay)
        self._rows.line(
            name, "NO" if why else "yes", f"{apart:.2f}", report["notes"], report["late_notes"],
            report["packets"]["lost"], frames["missing"], frames["uncovered"],
            f"{100 * frames['streamed'] / frames['played']:.0f} %", report["knit_margin_frames"]["min"],
            report["slack_frames"]["min"], f"{report['round_trip_ms']['p99']} ms",
        )  # fmt: skip
        if why:
            print(f"    {why}", flush=True)


def modes(table: Table, folder: Path, measures: int) -> None:
    """A song of everything in each mode."""
    music = piece(2, measures, (PIANO, EPIANO, GUITAR, ORGAN))
    song = write_midi(folder / "song.mid", music)
    local = play(folder / "local", song, None, "local")
    with serving() as (_, server):
        whole = play(folder / "whole", song, server, "hybrid", "--held", "10s")
        heads = play(folder / "heads", song, server, "hybrid", "--held", "1")
        remote = play(folder / "remote", song, server, "remote")
        blocked, _ = test_playing.without_udp(folder / "blocked", song, server)

    def fails() -> None:
        try:
            test_playing.check_heads(blocked, local, music)
        except AssertionError:
            return
        raise AssertionError("without UDP it cannot have been kept")

    whole_name, heads_name = "hybrid, whole samples", "hybrid, heads alone"
    table.row(whole_name, whole, local.sound, 0, lambda: test_playing.check_whole(whole, local))
    table.row(heads_name, heads, local.sound, 0, lambda: test_playing.check_heads(heads, local, music))
    table.row("  without UDP, as it should fail", blocked, local.sound, 0, fails)
    table.row("remote", remote, local.sound, OFFSET, lambda: test_playing.check_remote(remote, local))


def five_clients(table: Table, folder: Path, seconds: float) -> None:
    with canaries() as stalls:
        results, told, log = test_five_clients.five(folder, seconds)
    for number, result in enumerate(results):
        _, mode, flags, _ = test_five_clients.PLAYERS[number]
        song = test_five_clients.song_of(number, seconds)
        exact = reference(song).mix(song[-1][0] + RATE).astype(np.float32)
        table.row(
            f"five at once: {mode} {' '.join(map(str, flags))}", result, exact,
            result.report["offset_frames"] if mode == "remote" else 0,
            partial(test_five_clients.check, number, result, seconds, window),
        )  # fmt: skip
    print(f"    a sixth was told: {told}")
    print("    the server said: " + "; ".join(line for line in log.splitlines() if "chunks rendered" in line))
    late = unexplained(log, stalls, CHUNK / RATE)
    spells, worst = len(SPELL.findall(log)), max((b - a for a, b in stalls), default=0.0)
    print(
        f"    {spells} spells of late chunks, {len(late)} of them not by a stall of the machine "
        f"(of {len(stalls)}, {1000 * worst:.0f} ms at worst)", *late, sep="\n      ",
    )  # fmt: skip
    table.kept = table.kept and not late


def lost_server(table: Table, folder: Path, times: int) -> None:
    score = reference(test_server_lost.song())
    exact = score.mix((test_server_lost.SECONDS + 2) * RATE).astype(np.float32)
    for number in range(times):
        results = test_server_lost.kill_and_restart(folder / str(number))
        for mode, result, delay in zip(("hybrid", "remote"), results, (0, OFFSET), strict=True):
            check = partial(test_server_lost.came_back, result, score, delay, window)
            table.row(f"server killed: {mode}", result, exact, delay, check)


def garbage(table: Table, folder: Path, measures: int, rate: int) -> None:
    with serving() as (server, address):
        results, sent = test_garbage.harass(server, address, folder, measures, rate)
    song = test_garbage.song(measures)
    exact = reference(song).mix(song[-1][0] + RATE).astype(np.float32)
    for name, result in zip(("replays", "forgeries"), results, strict=True):
        check = partial(test_garbage.check, [result], measures)
        table.row(f"garbage: {name}", result, exact, 0, check)
    print(f"    {sent} datagrams at {rate} a second")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("modes", "five", "lost", "garbage"), help="a part of it")
    parser.add_argument("--short", action="store_true", help="two minutes instead of five")
    flags = parser.parse_args()
    short, only = flags.short, flags.only
    before = stolen_seconds()
    table = Table()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("five", "lost/0", "lost/1", "lost/2", "garbage"):
            (folder / part).mkdir(parents=True)
        if only in (None, "modes"):
            modes(table, folder, 5 if short else 10)
        if only in (None, "five"):
            five_clients(table, folder / "five", 6 if short else 60)
        if only in (None, "lost"):
            lost_server(table, folder / "lost", 1 if short else 3)
        if only in (None, "garbage"):
            garbage(table, folder / "garbage", 3 if short else 7, 2000 if short else 10_000)
    print(f"{stolen_seconds() - before:.2f} s of CPU were taken away meanwhile")
    return 0 if table.kept else 1


if __name__ == "__main__":
    sys.exit(main())
