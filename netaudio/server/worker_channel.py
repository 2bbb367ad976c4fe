"""A worker process's entrance: its parent hands it connections, and hears from it who plays.

They talk over a SOCK_SEQPACKET pair, a msgpack packet per word; a socket travels beside its word (SCM_RIGHTS).
"""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable

import msgspec

from netaudio.server.listener import Welcome
from netaudio.wire import control

MAX_PACKET = 1 << 16  # bytes

log = logging.getLogger("netaudio")


class Word(msgspec.Struct, frozen=True, tag=True):
    """What the two say to each other. A ticket is the number of a connection that was handed over."""


class Given(Word, frozen=True):
    """Parent: a connection, and what was read of it so far."""

    ticket: int
    said: bytes


class Ready(Word, frozen=True):
    """Worker: connections may come."""


class Joined(Word, frozen=True):
    ticket: int
    session: str
    secret: str


class Left(Word, frozen=True):
    """Worker: a place and its UDP port are free again."""

    session: str


class Ended(Word, frozen=True):
    """Worker: a connection has ended, if it ever joined or not."""

    ticket: int


_given = msgspec.msgpack.Decoder(Given)
_news = msgspec.msgpack.Decoder(Ready | Joined | Left | Ended)


def give(channel: socket.socket, client: socket.socket, given: Given) -> None:
    """Hand a connection over; raises OSError if the worker is gone or takes nothing."""
    socket.send_fds(channel, [msgspec.msgpack.encode(given)], [client.fileno()])


def news(packet: bytes) -> Ready | Joined | Left | Ended:
    word: Ready | Joined | Left | Ended = _news.decode(packet)
    return word


class Handed:
    """The worker's side of `channel`. When the parent has closed its own, the worker stops."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._tickets: dict[asyncio.StreamWriter, int] = {}
        self._outbox: deque[bytes] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, welcome: Welcome, stop: Callable[[], None]) -> None:
        self._welcome, self._stop = welcome, stop
        self._channel.setblocking(False)
        asyncio.get_running_loop().add_reader(self._channel, self._hear)
        self._tell(Ready())

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._channel)

    def joined(self, writer: asyncio.StreamWriter, session: str, secret: str) -> None:
        self._tell(Joined(self._tickets[writer], session, secret))

    def left(self, session: str) -> None:
        self._tell(Left(session))

    def count(self, here: int) -> str:
        return f"{here} at this worker"

    def _hear(self) -> None:
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._channel, MAX_PACKET, 1)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            packet = b""
        if not packet:
            asyncio.get_running_loop().remove_reader(self._channel)
            self._stop()
            return
        given = _given.decode(packet)
        if not descriptors:  # this process may have no more of them: the connection is closed
            log.error("out of file descriptors: raise ulimit -n, or lower MAX_CLIENTS")
            self._tell(Ended(given.ticket))
            return
        task = asyncio.create_task(self._take(socket.socket(fileno=descriptors[0]), given))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, client: socket.socket, given: Given) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(control.MAX_STATE, loop)
        reader.feed_data(given.said)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        client.setblocking(False)
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, client)
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            self._tickets[writer] = given.ticket
            try:
                await self._welcome(reader, writer)
            finally:
                del self._tickets[writer]
        finally:
            self._tell(Ended(given.ticket))

    def _tell(self, word: Word) -> None:
        self._outbox.append(msgspec.msgpack.encode(word))
        self._flush()

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._outbox:
            try:
                self._channel.send(self._outbox[0])
            except (BlockingIOError, InterruptedError):  # the parent is held up
                loop.add_writer(self._channel, self._flush)
                return
            except OSError:  # it is gone, of which the end of its channel tells
                self._outbox.clear()
                break
            self._outbox.popleft()
        loop.remove_writer(self._channel)
