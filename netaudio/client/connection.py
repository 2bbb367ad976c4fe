"""One session with a server: the hello that begins it, its control connection and its UDP socket, around a Link."""

import asyncio
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from netaudio.client.simulation import Deliver, Simulation
from netaudio.config.kinds import Address
from netaudio.errors import ProtocolError, RefusedError
from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from netaudio.player.stream_figures import StreamFigures
from netaudio.wire import control
from netaudio.wire.payload import PAYLOADS

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0  # to a hello; later on, pings tell whether a server is slow or lost
PING_SECONDS = 1.0
LOST_PINGS = 3  # without a datagram or a message after any of them the server is lost
REST_SECONDS = 0.004  # at least, until the alarm; every packet that comes flushes, too
RECEIVE_BUFFER = 1 << 20  # bytes: a second of packets, should this program be held up


@dataclass(frozen=True)
class Greeting:
    """A hello and its answer: a session that is open, but has no player yet."""

    hello: control.Hello
    welcome: control.Welcome
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    simulation: Simulation | None

    @classmethod
    async def exchange(cls, address: Address, hello: control.Hello, simulation: Simulation | None) -> "Greeting":
        """Say hello; raises RefusedError, whose text says why there is no session."""
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(address.host, address.port, limit=control.MAX_REPLY), CONNECT_SECONDS
            )
        except (OSError, TimeoutError, UnicodeError) as error:
            number = getattr(error, "errno", None) or 0
            why = os.strerror(number) if number > 0 else "no answer"
            if isinstance(error, socket.gaierror | UnicodeError):
                raise RefusedError(f"no server at {address}: this name is not known: see --server") from None
            raise RefusedError(
                f"no server at {address} ({why}): start it with python server.py, or name it with --server HOST:PORT"
            ) from None
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if simulation:
            reader = simulation.reading(reader, control.MAX_REPLY)
        writer.write(control.encode(hello))
        try:
            answer = await asyncio.wait_for(_receive(reader), ANSWER_SECONDS)
            if isinstance(answer, control.Error):
                raise RefusedError(f"{address}: {answer.text}")
            if not isinstance(answer, control.Welcome):
                raise RefusedError(
                    f"{address} answered {type(answer).__name__.lower()} to hello: no NetAudio server?"
                )
        except (OSError, EOFError, TimeoutError, ProtocolError):
            writer.close()
            raise RefusedError(f"{address} does not answer like a NetAudio server: see --server HOST:PORT") from None
        except RefusedError:
            writer.close()
            raise
        return cls(hello, answer, reader, writer, simulation)

    def end(self) -> None:
        """Say good-bye, and close the control connection."""
        if not self.writer.is_closing():
            self.writer.write(control.encode(control.Bye()))
        self.writer.close()


class Connection:
    """A player's session. `run` moves everything until the server is lost."""

    def __init__(self, greeting: Greeting, link: Link, transport: asyncio.DatagramTransport) -> None:
        self.welcome, self.link = greeting.welcome, link
        self._greeting, self._transport = greeting, transport
        self._write: Deliver = self._write_now
        self._send_datagram: Deliver = self._send_datagram_now
        receive: Deliver = self._receive_datagram
        if simulation := greeting.simulation:
            self._write = simulation.sending(self._write_now)
            self._send_datagram, receive = simulation.datagrams(self._send_datagram_now, receive)
        transport.set_protocol(_Datagrams(receive))
        self._answers: asyncio.Queue[control.Instrument | None] = asyncio.Queue()  # None: the session is over
        self._pings = 0  # since something was heard
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, greeting: Greeting, player: ClientPlayer, aim: int, figures: StreamFigures) -> "Connection":
        """Open the UDP side; audio starts when the player joins. `figures` are those of the run. Raises OSError, and
        has ended the session."""
        welcome = greeting.welcome
        secret, payload = bytes.fromhex(welcome.secret), PAYLOADS[greeting.hello.payload]
        host = greeting.writer.get_extra_info("peername")[0]
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(host, welcome.udp_port)
            )
        except OSError:
            greeting.end()
            raise
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        return cls(greeting, Link(player, welcome.ssrc, secret, payload, aim, figures), transport)

    async def select(self, program: int, name: str) -> control.Instrument:
        """Let a program number mean one of the server's instruments: takes as long as the server does. Raises
        RefusedError when the session ends meanwhile. `run` must be going on, and one asks at a time."""
        self._send(control.Select(program, name))
        while not self._transport.is_closing() and (answer := await self._answers.get()):
            if answer.program == program:  # else of an earlier question, given up
                return answer
        raise RefusedError(f"the server was lost before it described {name}")

    async def run(self, late: Callable[[int, int], None]) -> str:
        """Move messages and datagrams until the session ends; why it did. `late` is told (seq, delay)."""
        tasks = [asyncio.create_task(part) for part in (self._listen(late), self._ping())]
        self.flush()
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.close()

    def close(self) -> None:
        self._answers.put_nowait(None)
        self._greeting.end()
        self._transport.close()
        if self._alarm:
            self._alarm.cancel()

    def _send(self, message: control.Message) -> None:
        self._write(control.encode(message))

    def _write_now(self, data: bytes) -> None:
        if not self._greeting.writer.is_closing():
            self._greeting.writer.write(data)

    def _send_datagram_now(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(data)

    async def _listen(self, late: Callable[[int, int], None]) -> str:
        while True:
            try:
                message = await _receive(self._greeting.reader)
            except (OSError, EOFError):
                return "the server closed the connection"
            except ProtocolError as error:
                return str(error)
            self._pings = 0
            if isinstance(message, control.Error):
                return message.text
            if isinstance(message, control.Late):
                late(message.seq, message.delay)
            elif isinstance(message, control.Instrument):
                self._answers.put_nowait(message)

    def wake(self) -> None:
        """Flush soon; from any thread."""
        self._loop.call_soon_threadsafe(self.flush)

    def flush(self) -> None:
        """Send what the player did, and the reports that are due; and those that will be, when they are."""
        if self._transport.is_closing():
            return
        for message in self.link.uplink.messages(time.monotonic()):
            self._send(message)
        now = time.monotonic()  # later than what the uplink learned of the callback
        if report := self.link.report(now):
            self._send_datagram(report)
        due = max(self.link.uplink.due, now + REST_SECONDS)
        if self._alarm is None or due < self._alarm.when():
            self._set_alarm(due)

    def _set_alarm(self, due: float) -> None:
        """Packets come before it mostly: to let it ring then and look again is cheaper than to set each anew."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.flush()

    async def _ping(self) -> str:
        while self._pings < LOST_PINGS:  # a time would count, too, how long this program itself was held up
            self._send(control.Ping(time.monotonic()))
            self._pings += 1
            await asyncio.sleep(PING_SECONDS)
        return f"nothing heard from the server for {LOST_PINGS * PING_SECONDS:.0f} s"

    def _receive_datagram(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._pings = 0
            self.link.receive(data, time.monotonic())
            self.flush()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, _address: object) -> None:
        self._receive(data)

    def error_received(self, _error: Exception) -> None:
        """A port that is closed, for now: the control connection tells whether the server is gone."""


async def _receive(reader: asyncio.StreamReader) -> control.FromServer:
    try:
        return control.decode_from_server(await reader.readuntil(b"\n"))
    except asyncio.LimitOverrunError:
        raise ProtocolError(f"a line longer than {control.MAX_REPLY} bytes") from None
