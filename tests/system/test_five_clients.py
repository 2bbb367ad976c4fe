"""A full house: five players at once, each of them exact, and a sixth who is told."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.support.programs import (
    RATE,
    Playing,
    Program,
    Result,
    Timed,
    difference,
    playing,
    recorded,
    running,
    serving,
    write_midi,
)
from tests.support.relay import TcpRelay, tcp_relay
from tests.support.songs import EPIANO, GUITAR, ORGAN, PIANO, opening, reference, voices, wall

SECONDS = 4  # that are heard of each
PLAYERS: tuple[tuple[int, str, tuple[object, ...]], ...] = (  # instrument, mode, flags
    (PIANO, "hybrid", ("--held", "10s")),
    (EPIANO, "hybrid", ("--held", "1")),
    (GUITAR, "hybrid", ()),
    (ORGAN, "remote", ()),
    (PIANO, "remote", ("--chunk-size", 256)),
)


class House(NamedTuple):
    """A server, and those who play there, each behind a relay."""

    server: Program
    address: str
    players: list[Playing]
    relays: list[TcpRelay]


@contextmanager
def five(folder: Path, songs: Sequence[Timed]) -> Iterator[House]:
    """All play at once, a song each."""
    with ExitStack() as stack:
        server, address = stack.enter_context(serving())
        house = House(server, address, [], [])
        for number, (_, mode, flags) in enumerate(PLAYERS):
            song, relay = write_midi(folder / f"{number}.mid", songs[number]), stack.enter_context(tcp_relay(address))
            player = stack.enter_context(playing(folder / str(number), song, relay.address, mode, *flags))
            house.relays.append(relay)
            house.players.append(player)
        server.line(r"joined.*\(5 of 5\)")
        yield house


def turned_away(house: House) -> str:
    """What a sixth is told."""
    with running("client.py", "--mode", "remote", "--device", "null", "--server", house.address) as sixth:
        assert sixth.end() == 1
    for player in house.players:
        assert player.program.process.poll() is None, "the sixth came when one of the five had gone"
    return sixth.text


def check(number: int, result: Result, song: Timed, relay: TcpRelay) -> None:
    """What each of the players heard, whatever else the machine had to do."""
    _, mode, flags = PLAYERS[number]
    if "10s" in flags:
        assert result.spans == [], result.figures()
    delay = result.report["offset_frames"] if mode == "remote" else 0
    count = len(result.sound) - delay
    exact = reference(opening(song, count), delays=relay.delays).mix(count).astype(np.float32)
    assert difference(result.sound, exact, result.spans, delay) <= 1, result.figures()


def test_five_at_once(tmp_path: Path) -> None:
    songs = [wall(number, 100, instrument) for number, (instrument, *_) in enumerate(PLAYERS)]
    with five(tmp_path, songs) as house:
        told = turned_away(house)
        for player in house.players:
            recorded(player, SECONDS * RATE)
        results = [player.leave() for player in house.players]
        house.server.process.terminate()
        assert house.server.end() == 0
    assert "the server is full (5 of 5 players)" in told and len(told.splitlines()) == 1, told
    for number, (result, song, relay) in enumerate(zip(results, songs, house.relays, strict=True)):
        assert (
            np.count_nonzero(voices(reference(opening(song, SECONDS * RATE)), SECONDS * RATE) >= 32)
            > 0.9 * SECONDS * RATE
        )
        assert result.report["frames"]["streamed"] > 0 or number == 0, result.figures()
        check(number, result, song, relay)
