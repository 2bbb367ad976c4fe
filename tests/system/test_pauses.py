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
from netaudio.config.load import client_parser, client_settings
from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from tests.support.programs import (
    BUFFER,
    CHUNK,
    HOME,
    OFFSET,
    RATE,
    Playing,
    Program,
    Result,
    Timed,
    difference,
    on_the_clock,
    playing,
    recorded,
    serving,
    write_midi,
)
from tests.support.relay import Way, way
from tests.support.songs import ORGAN, PIANO, RAMP, excused, overlap, reference

Troubled = list[tuple[float, float]]  # from, to: seconds of the song in which it may sound otherwise
SECOND = 1.0  # after which all is exact again


def song(seconds: int) -> Timed:
    """An organ chord from the beginning to the end, and piano notes of all lengths at all times."""
    events: Timed = [(0, bytes((0xC0, PIANO))), (0, bytes((0xC1, ORGAN)))]
    for key in (50, 57, 62):
        events += [(RATE // 4, bytes((0x91, key, 80))), (seconds * RATE, bytes((0x81, key, 0)))]
    for step in range(4 * seconds - 3):
        on, key = RATE // 3 + step * RATE // 4, 60 + step * 5 % 17
        events += [(on, bytes((0x90, key, 90))), (on + RATE // 8 * (1 + step % 7), bytes((0x80, key, 0)))]
    return events


def check(result: Result, seconds: int, troubled: Troubled) -> None:
    score, count = reference(song(seconds)), (seconds + 2) * RATE
    exact = score.mix(count).astype(np.float32)
    assert difference(result.sound, exact, result.spans) <= 1, result.figures()
    may = excused(score, count, result.report["held_frames"] - RAMP, 2 * BUFFER + 3 * CHUNK + RAMP)
    for first, end in troubled:
        may[round(first * RATE) : round((end + SECOND) * RATE)] = True
    assert overlap(result.spans, may) == [], f"{troubled}: {result.figures()}"
    assert may.mean() < 0.6, f"{may.mean():.2f}: the rest is not worth the name"


def played(client: Playing) -> float:
    """Seconds of the song that are in the recording."""
    return client.wav.stat().st_size / 8 / RATE


def stop(program: Program, client: Playing) -> tuple[float, float]:
    """For a second; where in the song that was."""
    first = played(client)
    program.process.send_signal(signal.SIGSTOP)
    try:
        threading.Event().wait(1.0)
    finally:
        program.process.send_signal(signal.SIGCONT)
    return first - 0.2, played(client) + 0.2  # the recorder is so far behind


def change_ports(between: Way, client: Playing) -> tuple[float, float]:
    """As a NAT does that forgets; and for a second somebody repeats, from the old port, what was sent there."""
    first = played(client)
    old = between.relays[-1].move()
    moved = played(client) + 0.2
    pause = threading.Event()
    for _ in range(100):
        between.relays[-1].replay(old)
        pause.wait(0.01)
    return first - 0.2, moved - SECOND + 0.3


@on_the_clock
def test_stopped_programs_and_a_changing_port(tmp_path: Path) -> None:
    seconds = 11
    path = write_midi(tmp_path / "song.mid", song(seconds))
    with serving() as (server, address), way(address) as between:
        with playing(tmp_path, path, between.address, "hybrid") as client:
            recorded(client, 2 * RATE)
            troubled = [change_ports(between, client)]
            recorded(client, 4 * RATE)
            troubled.append(stop(server, client))
            recorded(client, 7 * RATE)
            troubled.append(stop(client.program, client))
            result = client.result()
        assert len(between.relays) == 1 and "lost the server" not in result.text, result.text
        server.process.terminate()
        assert server.end() == 0
    assert "chunks skipped" in server.text and "strange datagrams" in server.text, server.text
    check(result, seconds, troubled)


@on_the_clock
def test_five_seconds_without_a_network(tmp_path: Path) -> None:
    """Keys go down and up meanwhile; the chord is held all the time."""
    seconds = 15
    path = write_midi(tmp_path / "song.mid", song(seconds))
    with serving("--max-clients", 1) as (server, address), way(address) as between:
        with playing(tmp_path, path, between.address, "hybrid") as client:
            recorded(client, 2 * RATE)
            first = played(client)
            between.sever()
            client.program.line("lost the server", seconds=10)
            server.line("player left", seconds=10)
            recorded(client, 7 * RATE)
            between.mend()
            client.program.line("connected to", seconds=10)
            back = played(client)
            result = client.result()
        assert back < 11, "it comes back by itself"
    assert server.text.count("player joined") == 2, server.text
    check(result, seconds, [(first - 0.2, back)])
    assert np.abs(result.sound[round((back + SECOND) * RATE) : (seconds - 1) * RATE]).max() > 0.1


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


@on_the_clock
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
        await connector.have("organ", 4 * RATE)
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
                await asyncio.wait_for(again.wait(), 20)
            else:
                player.push(asyncio.get_running_loop().time(), b"\x90\x3c\x60")
            assert connector.link
            tally = player.knit.tally
            await asyncio.wait_for(streamed(connector.link, 200, monkeypatch), 20)
            kinds.append(connector.link.receiver.payload.name)
            assert tally.missing <= RAMP, "no more than what 16 bits had rounded off, faded"
            assert len(player.sounding()) == 1
        staying.cancel()
        output.stop()
        await connector.close()
        assert output.error is None
        return player, kinds

    with serving("--max-clients", 1) as (server, address):
        player, kinds = asyncio.run(play(address))
        assert kinds == ["L24", NARROW, "L24"]
        assert server.text.count("player joined") == 3, server.text
    assert not any("lost" in line for line in said), said
    assert player.knit.tally.uncovered <= RAMP
