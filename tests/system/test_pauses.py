"""The programs are stopped and go on, the network goes away and comes back: so does the sound, exactly."""

import asyncio
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from netaudio.audio.null import NullOutput
from netaudio.client.connector import NARROW, PROBES
from netaudio.client.setup import greet, set_up
from netaudio.compiler import prepare
from netaudio.config.load import client_parser, client_settings
from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from netaudio.sampler import kernel
from tests.support.programs import (
    CHUNK,
    HOME,
    OFFSET,
    PATIENCE,
    RATE,
    Playing,
    Program,
    Result,
    Timed,
    difference,
    playing,
    recorded,
    serving,
    write_midi,
)
from tests.support.relay import Way, way
from tests.support.songs import ORGAN, PIANO, RAMP, opening, reference, sounds_on

SECONDS = 120  # the song's length, of which as much is heard as it takes


def song() -> Timed:
    """An organ chord from the beginning to the end, and short piano notes of many lengths at all times."""
    events: Timed = [(0, bytes((0xC0, PIANO))), (0, bytes((0xC1, ORGAN)))]
    for key in (50, 57, 62):
        events += [(RATE // 4, bytes((0x91, key, 80))), (SECONDS * RATE, bytes((0x81, key, 0)))]
    for step in range(2 * SECONDS - 3):
        on, key = RATE // 3 + step * RATE // 2, 60 + step * 5 % 17
        events += [(on, bytes((0x90, key, 90))), (on + RATE // 20 * (1 + step % 6), bytes((0x80, key, 0)))]
    return events


def check(result: Result) -> None:
    count = len(result.sound)
    exact = reference(opening(song(), count)).mix(count).astype(np.float32)
    assert difference(result.sound, exact, result.spans) <= 1, result.figures()


def stop(program: Program) -> None:
    """For a second."""
    program.process.send_signal(signal.SIGSTOP)
    try:
        threading.Event().wait(1.0)
    finally:
        program.process.send_signal(signal.SIGCONT)


def change_ports(between: Way) -> None:
    """As a NAT does that forgets; and somebody repeats, from the old port, what was sent there."""
    old = between.relays[-1].move()
    pause = threading.Event()
    for _ in range(50):
        between.relays[-1].replay(old)
        pause.wait(0.01)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_midi(tmp_path_factory.mktemp("song") / "song.mid", song())


def begun(client: Playing) -> None:
    """Await that the organ chord is older than what is held of it, and sounds on."""
    recorded(client, 3 * RATE // 2)
    sounds_on(client)


def test_stopped_programs_and_a_changing_port(path: Path, tmp_path: Path) -> None:
    with serving() as (server, address), way(address) as between:
        with playing(tmp_path, path, between.address, "hybrid") as client:
            begun(client)
            change_ports(between)
            sounds_on(client)
            for program in (server, client.program):
                stop(program)
                sounds_on(client)
            result = client.leave()
        server.process.terminate()
        assert server.end() == 0
    assert "chunks skipped" in server.text and "strange datagrams" in server.text, server.text
    check(result)


def test_seconds_without_a_network(path: Path, tmp_path: Path) -> None:
    """Keys go down and up meanwhile; the chord is held all the time."""
    with serving("--max-clients", 1) as (server, address), way(address) as between:
        with playing(tmp_path, path, between.address, "hybrid") as client:
            begun(client)
            between.sever()
            client.program.line("lost the server: nothing heard")
            server.line("player left")
            recorded(client, client.frames + RATE)
            between.mend()
            client.program.line("connected to")
            sounds_on(client)
            result = client.leave()
        server.line("player joined", 2)
    check(result)


async def streamed(link: Link, packets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Await so many packets more."""
    count = link.figures.packets
    receive, come, until = link.receive, asyncio.Event(), count.received + packets

    def counted(data: bytes, now: float) -> None:
        receive(data, now)
        if count.received >= until:
            come.set()

    monkeypatch.setattr(link, "receive", counted)
    await come.wait()


def test_the_payload_changes_while_a_note_sounds(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    async def play(server: str) -> tuple[ClientPlayer, list[str]]:
        flags = ["--server", server, "--wav", str(HOME / "wav"), "--mode", "hybrid", "--chunk-size", str(CHUNK)]
        settings = client_settings("", client_parser().parse_args(flags))
        greeting = await greet(settings, None)
        setup = set_up(settings, greeting, None, said.append)
        player, connector = setup.player, setup.connector
        player.offset = OFFSET
        connector.set_buffer_size(OFFSET // 2, OFFSET // 2)
        await connector.enter(greeting, PROBES)
        await connector.have("organ", None, 0)
        connector.join()
        output = NullOutput(RATE, CHUNK, player.render)
        output.start()
        again = asyncio.Event()
        staying = asyncio.create_task(connector.stay(again.set))
        kinds: list[str] = []
        for payload in ("L24", NARROW, "L24"):
            if kinds:
                again.clear()
                connector.set_payload(payload)
                await asyncio.wait_for(again.wait(), PATIENCE)
            else:
                player.push(asyncio.get_running_loop().time(), b"\x90\x3c\x60")
            assert connector.link
            tally = player.knit.tally
            await asyncio.wait_for(streamed(connector.link, 200, monkeypatch), PATIENCE)
            kinds.append(connector.link.receiver.payload.name)
            assert tally.missing <= RAMP, "no more than what 16 bits had rounded off, faded"
            assert len(player.sounding()) == 1
        staying.cancel()
        output.stop()
        await connector.close()
        assert output.error is None
        return player, kinds

    prepare(kernel.held)
    with serving("--max-clients", 1) as (server, address):
        player, kinds = asyncio.run(play(address))
        assert kinds == ["L24", NARROW, "L24"]
        server.line("player joined", 3)
    assert not any("lost" in line and "nothing heard" not in line for line in said), said
    assert player.knit.tally.uncovered <= RAMP
