"""What the sound device asks for at a time, and what the server renders at a time: two things in hybrid mode."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from netaudio.audio.null import NullOutput
from netaudio.client.autotune import Auto, measure
from netaudio.client.commands import Commands
from netaudio.client.connector import Connector
from netaudio.client.setup import greet, set_up
from netaudio.client.tasks import Tasks
from netaudio.config.load import client_parser, client_settings
from netaudio.midi import note_on
from netaudio.player.player import ClientPlayer
from netaudio.timing.latency_budget import HYBRID_CHUNK
from tests.support.programs import HOME, OFFSET, PATIENCE, Program, difference, playing, serving, write_midi
from tests.support.relay import answer, hello, tcp_relay
from tests.support.songs import EPIANO, PIANO, piece, reference

OFFERED = 96  # frames
SONG = piece(seed=5, measures=2, programs=(PIANO, EPIANO))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Program, str]]:
    with serving("--chunk-size", OFFERED) as served:
        yield served


@pytest.mark.parametrize(
    ("asked", "chunk"),
    [
        ({}, HYBRID_CHUNK),  # as the server proposes: hybrid
        ({"mode": "remote"}, OFFERED),
        ({"mode": "local"}, HYBRID_CHUNK),  # which may become hybrid
        ({"mode": "hybrid", "block": 64}, HYBRID_CHUNK),
        ({"mode": "remote", "block": 64}, 64),
        ({"mode": "hybrid", "block": 512}, 512),
        ({"mode": "remote", "block": 512}, 512),
    ],
)
def test_a_session_streams_as_its_mode_and_block_have_it(
    server: tuple[Program, str], asked: dict[str, object], chunk: int
) -> None:
    welcome = answer(server[1], hello(**asked))
    assert (welcome["type"], welcome["chunk"], welcome["block"]) == ("welcome", chunk, OFFERED)


def test_whatever_block_and_chunk_are_the_sound_is_exact(server: tuple[Program, str], tmp_path: Path) -> None:
    song, (_, address) = write_midi(tmp_path / "song.mid", SONG), server
    players = (
        ("hybrid", ("--held", "10s", "--chunk-size", 64), 64, HYBRID_CHUNK),
        ("hybrid", ("--held", "10s", "--chunk-size", 512), 512, 512),
        ("remote", (), OFFERED, OFFERED),
    )
    with ExitStack() as stack:
        relay = stack.enter_context(tcp_relay(address))
        clients = [
            stack.enter_context(playing(tmp_path / str(number), song, relay.address, mode, *flags))
            for number, (mode, flags, _, _) in enumerate(players)
        ]
        results = [client.result() for client in clients]
    for (mode, _, block, chunk), result in zip(players, results, strict=True):
        delay, delays = (OFFSET, relay.delays) if mode == "remote" else (0, {})
        exact = reference(SONG, delays=delays).mix(len(result.sound)).astype("f4")
        assert (result.report["block_size"], result.report["chunk_size"]) == (block, chunk)
        assert result.report["frames"]["streamed"] > 0, result.figures()
        assert difference(result.sound, exact, result.spans, delay) <= 1, result.figures()
        assert mode == "remote" or result.spans == [], result.figures()


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not happened():
            await asyncio.sleep(0.01)


async def streams(connector: Connector) -> None:
    """Await a hundred packets more."""
    packets = connector.figures.packets
    enough = packets.received + 100
    await until(lambda: packets.received > enough)


def plays(player: ClientPlayer, mode: str, chunk: int) -> bool:
    return player.linked and (player.mode, player.chunk) == (mode, chunk)


def test_m_takes_the_other_chunk_and_no_note_is_lost(server: tuple[Program, str]) -> None:
    said: list[str] = []

    async def play() -> None:
        flags = ["--server", server[1], "--wav", str(HOME / "wav"), "--chunk-size", "64", "--instrument", "organ"]
        settings = client_settings("", client_parser().parse_args(flags))
        greeting = await greet(settings, None)
        setup = set_up(settings, greeting, None, said.append)
        player, connector, tasks = setup.player, setup.connector, Tasks(said.append)
        await measure(setup.settings, connector, greeting, player.rate)
        auto = Auto(setup.settings, player, connector, setup.library, said.append)
        await connector.have("organ", None, auto.reach)
        player.score.channels[0].program = setup.library.program("organ", "hybrid")
        commands = Commands(setup, auto, tasks, said.append)
        output = NullOutput(player.rate, setup.settings.chunk_size, player.render)
        output.start()
        commands.stay_connected()
        keys: set[int] = set()
        for mode, chunk in (
            ("hybrid", HYBRID_CHUNK),
            ("local", HYBRID_CHUNK),
            ("remote", 64),
            ("hybrid", HYBRID_CHUNK),
        ):
            if keys:
                commands.ask("mode", 0)
            await until(partial(plays, player, mode, chunk))
            await streams(connector)
            key = 60 + len(keys)
            keys.add(key)
            player.push(asyncio.get_running_loop().time(), note_on(0, key, 96))
            await until(lambda: {voice.key for voice in player.sounding()} == keys)
        gaps = connector.gaps
        for _ in range(3):  # the session that one asks for is not there yet when the next one comes
            commands.ask("mode", 0)
        await until(lambda: connector.gaps > gaps)
        await until(partial(plays, player, "hybrid", HYBRID_CHUNK))
        await streams(connector)
        assert {voice.key for voice in player.sounding()} == keys
        tasks.cancel()
        output.stop()
        await connector.close()
        assert output.error is None

    asyncio.run(play())
    assert not any("lost" in line or "blocked" in line for line in said), said
