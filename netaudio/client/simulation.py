"""A bad network between a client's sockets and the server, for the ear: what goes out and comes in waits here."""

import asyncio
import heapq
import secrets
from collections.abc import Callable
from itertools import count

from netaudio.timing.network_model import Impairment, Way

READ_BYTES = 65536

Deliver = Callable[[bytes], None]


class Simulation:
    """Both ways of a client's sessions, TCP and UDP; within a running event loop."""

    def __init__(self, impairment: Impairment) -> None:
        seed = secrets.randbits(32)
        self._up, self._down = Way(impairment, seed), Way(impairment, seed + 1)
        self._under_way: list[tuple[float, int, Deliver, bytes]] = []
        self._count = count()
        self._tasks: set[asyncio.Task[None]] = set()

    def sending(self, deliver: Deliver) -> Deliver:
        """What is given to this is delivered later: a part of a stream."""
        return self._stream(self._up, deliver)

    def reading(self, reader: asyncio.StreamReader, limit: int) -> asyncio.StreamReader:
        """A reader of the same stream, later."""
        late = asyncio.StreamReader(limit)
        carry = self._stream(self._down, lambda data: late.feed_data(data) if data else late.feed_eof())

        async def read() -> None:
            data = b"something"
            while data:
                try:
                    data = await reader.read(READ_BYTES)
                except OSError:  # a broken connection has ended, too
                    data = b""
                carry(data)

        task = asyncio.create_task(read())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return late

    def datagrams(self, send: Deliver, hear: Deliver) -> tuple[Deliver, Deliver]:
        """The same for datagrams out and in; they may be lost, doubled, overtaken."""
        return self._datagrams(self._up, send), self._datagrams(self._down, hear)

    def _stream(self, way: Way, deliver: Deliver) -> Deliver:
        def pass_on(data: bytes) -> None:
            self._later(way.segment(asyncio.get_running_loop().time(), len(data)), deliver, data)

        return pass_on

    def _datagrams(self, way: Way, deliver: Deliver) -> Deliver:
        def pass_on(data: bytes) -> None:
            for at in way.datagram(asyncio.get_running_loop().time(), len(data)):
                self._later(at, deliver, data)

        return pass_on

    def _later(self, at: float, deliver: Deliver, data: bytes) -> None:
        # Each timer takes the first that is under way: the loop's own heap may swap timers of one time.
        heapq.heappush(self._under_way, (at, next(self._count), deliver, data))
        asyncio.get_running_loop().call_at(at, self._arrive)

    def _arrive(self) -> None:
        _, _, deliver, data = heapq.heappop(self._under_way)
        deliver(data)
