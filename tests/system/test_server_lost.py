"""The server is killed while chords sound, and comes back: the clients play on, and never click."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.support.programs import (
    OFFSET,
    RATE,
    Playing,
    Result,
    Timed,
    difference,
    playing,
    recorded,
    serving,
    write_midi,
)
from tests.support.relay import tcp_relay
from tests.support.songs import ORGAN, PIANO, RAMP, opening, reference, sounds_on, steps

SECONDS = 120  # the song's length, of which as much is heard as it takes
PACKET = 128
HELD = 0.4  # seconds


class Client(NamedTuple):
    playing: Playing
    delays: Mapping[int, int]
    away: tuple[int, int]  # frames from and to which it had no server for certain


def song() -> Timed:
    """An organ chord held from the beginning to the end, and a piano chord every second."""
    events: Timed = [(0, bytes((0xC0, PIANO))), (0, bytes((0xC1, ORGAN)))]
    for key in (50, 57, 62, 66):
        events += [(RATE // 4, bytes((0x91, key, 80))), (SECONDS * RATE, bytes((0x81, key, 0)))]
    for second in range(1, SECONDS - 1):
        for key in (62, 66, 69, 74):
            on = second * RATE + 11 * key
            events += [(on, bytes((0x90, key, 90))), (on + round(0.8 * RATE), bytes((0x80, key, 0)))]
    return events


@contextmanager
def bereaved(folder: Path) -> Iterator[tuple[Client, Client]]:
    """A hybrid and a remote client whose server was killed after two seconds, and has come back."""
    path = write_midi(folder / "song.mid", song())
    with ExitStack() as stack:
        with serving() as (server, address):
            relay = stack.enter_context(tcp_relay(address))
            hybrid = stack.enter_context(playing(folder / "hybrid", path, address, "hybrid", "--held", f"{HELD}s"))
            remote = stack.enter_context(playing(folder / "remote", path, relay.address, "remote"))
            clients = hybrid, remote
            for client in clients:
                recorded(client, 2 * RATE)
            server.kill()
        for client in clients:
            client.program.line("lost the server")
        away = [client.frames + RATE for client in clients]  # the recorder is less behind than that
        for client, first in zip(clients, away, strict=True):
            recorded(client, first + round(2.5 * RATE))
        back = [client.frames for client in clients]
        with serving("--port", address.rpartition(":")[2]) as (server, _):
            server.line("player joined", 2)
            for client in clients:
                client.program.line("connected to")
                sounds_on(client)
            yield Client(hybrid, {}, (away[0], back[0])), Client(remote, relay.delays, (away[1], back[1]))


def check(result: Result, client: Client, delay: int) -> None:
    """It is exact but where it says, and never clicks."""
    count = len(result.sound) - delay
    score = reference(opening(song(), count), delays=client.delays)
    exact = score.mix(count).astype(np.float32)
    assert difference(result.sound, exact, result.spans, delay) <= 1, result.figures()
    step = np.abs(np.diff(result.sound, axis=0)).max(axis=1)
    bound = np.full(len(step), np.abs(exact).max() / min(RAMP, PACKET))
    bound[delay:] += steps(score, count)[: len(step) - delay]
    clicks = np.flatnonzero(step > bound)
    assert not len(clicks), f"clicks at {clicks[:9]}, away from {client.away}: {result.figures()}"


def test_a_server_that_is_killed_and_started_again(tmp_path: Path) -> None:
    with bereaved(tmp_path) as (hybrid, remote):
        heard, streamed = (client.playing.leave() for client in (hybrid, remote))
    check(heard, hybrid, 0)
    check(streamed, remote, OFFSET)
    first, end = hybrid.away
    strikes = [at for at in range(RATE, SECONDS * RATE, RATE) if first < at - RATE // 3 and at + RATE < end]
    assert strikes
    for at in strikes:  # the heads of new notes sound on time, then silence
        assert np.abs(heard.sound[at : at + RATE // 2]).max() > 0.05
        assert np.abs(heard.sound[at - RATE // 20 : at]).max() < 1e-6
    first, end = remote.away
    assert np.abs(streamed.sound[first:end]).max() < 1e-6
