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

from benchmarks import promises
from benchmarks.canary import SPELL, canaries, unexplained
from benchmarks.processes import stolen_seconds
from benchmarks.rows import Rows
from tests.support.programs import (
    CHUNK,
    OFFSET,
    RATE,
    Result,
    Timed,
    difference,
    play,
    recorded,
    serving,
    write_midi,
)
from tests.support.reference import Sound
from tests.support.relay import TcpRelay, dead_port, tcp_relay
from tests.support.songs import EPIANO, GUITAR, ORGAN, PIANO, opening, piece, reference, wall
from tests.system import test_five_clients, test_garbage, test_server_lost

COLUMNS = {
    "": 35, "kept": 5, "apart": 10, "notes": 6, "late": 5, "lost": 5, "missing": 8, "uncovered": 10, "streamed": 9,
    "margin": 8, "slack": 8, "trip": 12,
}  # fmt: skip

CALM = 6.0  # seconds in which five clients read their instruments
AFTERWARDS = 4  # seconds that are heard of one that came back


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
        with dead_port() as port, tcp_relay(server, lambda _: port) as firewall:
            blocked = play(folder / "blocked", song, firewall.address, "hybrid", "--held", "1")
    table.row("hybrid, whole samples", whole, local.sound, 0, lambda: promises.whole(whole, local))
    table.row("hybrid, heads alone", heads, local.sound, 0, lambda: promises.heads(heads, local, music))
    blocked_name = "  without UDP, as it should fail"
    table.row(blocked_name, blocked, local.sound, 0, lambda: promises.blocked(blocked, local, music))
    table.row("remote", remote, local.sound, OFFSET, lambda: promises.remote(remote, local))


def five_songs(seconds: float) -> list[Timed]:
    rest = round(CALM * RATE)
    walls = [wall(number, seconds, player[0]) for number, player in enumerate(test_five_clients.PLAYERS)]
    return [[(rest + at, message) for at, message in song] for song in walls]


def in_full_house(number: int, result: Result, song: Timed, relay: TcpRelay) -> None:
    _, mode, _ = test_five_clients.PLAYERS[number]
    test_five_clients.check(number, result, song, relay)
    promises.full_house(result, song, mode)


def came_back(client: test_server_lost.Client, result: Result, heard: Timed, delay: int) -> None:
    test_server_lost.check(result, client, delay)
    promises.back_again(result, heard, client.away[1] - 1)


def five_clients(table: Table, folder: Path, seconds: float) -> None:
    songs = five_songs(seconds)
    with canaries() as stalls:
        with test_five_clients.five(folder, songs) as house:
            told = test_five_clients.turned_away(house)
            results = [player.result(seconds + 60) for player in house.players]
            house.server.process.terminate()
            house.server.end()
        log = house.server.text
    for number, (result, song, relay) in enumerate(zip(results, songs, house.relays, strict=True)):
        _, mode, flags = test_five_clients.PLAYERS[number]
        table.row(
            f"five at once: {mode} {' '.join(map(str, flags))}", result,
            reference(song).mix(len(result.sound)).astype(np.float32),
            result.report["offset_frames"] if mode == "remote" else 0,
            partial(in_full_house, number, result, song, relay),
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
    song = test_server_lost.song()
    for number in range(times):
        with test_server_lost.bereaved(folder / str(number)) as clients:
            for client in clients:
                recorded(client.playing, client.playing.frames + AFTERWARDS * RATE)
            results = [client.playing.leave() for client in clients]
        for mode, client, result, delay in zip(("hybrid", "remote"), clients, results, (0, OFFSET), strict=True):
            heard = opening(song, len(result.sound) - delay)
            exact = reference(heard).mix(len(result.sound) - delay).astype(np.float32)
            check = partial(came_back, client, result, heard, delay)
            table.row(f"server killed: {mode}", result, exact, delay, check)


def garbage(table: Table, folder: Path, measures: int, rate: int) -> None:
    song = test_garbage.song(measures)
    with (
        serving() as (server, address),
        test_garbage.harassed(server, address, folder, song, rate) as (clients, flood, _),
    ):
        results = [client.result(60 + 2 * measures) for client in clients]
        sent = flood.sent
    exact = reference(song).mix(song[-1][0] + RATE).astype(np.float32)
    for name, result in zip(("replays", "forgeries"), results, strict=True):
        table.row(f"garbage: {name}", result, exact, 0, partial(promises.amid_garbage, result))
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
