"""A client's session with a server that takes its time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from netaudio.client import connection
from netaudio.client.connection import Connection, Greeting
from netaudio.config.kinds import Address
from netaudio.errors import RefusedError
from netaudio.player.player import ClientPlayer
from netaudio.player.stream_figures import StreamFigures
from netaudio.sampler.bank import Bank
from netaudio.wire import control

RATE, CHUNK = 48000, 128
WELCOME = control.Welcome(
    control.VERSION, "00", "00" * 16, 2, 9, RATE, CHUNK, 32, ["guitar"], "100ms", "40ms", "hybrid", "guitar",
    CHUNK,
)  # fmt: skip
GUITAR = control.Instrument(0, "guitar", [])
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def selected(after_select: Serve) -> control.Instrument:
    """What a client is told of the guitar by a server that welcomes it, hears its question, and goes on like that."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(control.encode(WELCOME))
        while b"select" not in await reader.readline():
            pass
        await after_select(reader, writer)
        writer.close()

    async def play() -> control.Instrument:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
            greeting = await Greeting.exchange(address, control.Hello(control.VERSION, CHUNK, "hybrid"), None)
            player = ClientPlayer(RATE, CHUNK, 32, Bank(), {}, set(), "hybrid", 4800)
            made = await Connection.open(greeting, player, 0, StreamFigures())
            running = asyncio.create_task(made.run(lambda *_: None))
            try:
                return await made.select(0, "guitar")
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    return asyncio.run(play())


def test_a_server_may_take_as_long_as_it_answers_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PING_SECONDS", 0.001)
    monkeypatch.setattr(connection, "LOST_PINGS", 100)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3 * connection.LOST_PINGS):
            await reader.readline()
            writer.write(control.encode(control.Pong(0.0)))
        writer.write(control.encode(GUITAR))
        await reader.read()

    assert selected(slow) == GUITAR


def test_a_server_that_goes_describes_nothing() -> None:
    async def gone(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        pass

    with pytest.raises(RefusedError, match="the server was lost before it described guitar"):
        selected(gone)


def test_a_server_that_is_silent_describes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PING_SECONDS", 0.001)

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(RefusedError, match="the server was lost before it described guitar"):
        selected(silent)
