"""One session with a server: its control connection and its UDP socket, around a Link."""

import asyncio
import os
import socket
import time
from collections.abc import Callable

from netaudio.client.simulation import Deliver, Simulation
from netaudio.config.kinds import Address
from netaudio.errors import ProtocolError, RefusedError
from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from netaudio.player.stream_figures import StreamFigures
from netaudio.wire import control
from netaudio.wire.payload import PAYLOADS

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
PING_SECONDS = 1.0
SILENCE_SECONDS = 3.0  # without a datagram or a pong the server is lost
REST_SECONDS = 0.004  # at least, until the alarm; every packet that comes flushes, too
RECEIVE_BUFFER = 1 << 20  # bytes: a second of packets, should this program be held up


class Connection:
    """An open session. `attach` gives it a player; `run` moves everything until the server is lost."""

    def __init__(
        self,
        address: Address,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        hello: control.Hello,
        welcome: control.Welcome,
        simulation: Simulation | None,
    ) -> None:
        self.address, self.hello, self.welcome = address, hello, welcome
        self.link: Link | None = None
        self._reader, self._writer, self._simulation = reader, writer, simulation
        self._write: Deliver = simulation.sending(self._write_now) if simulation else self._write_now
        self._transport: asyncio.DatagramTransport | None = None
        self._send_datagram: Deliver = self._send_datagram_now
        self._answers: asyncio.Queue[control.Instrument] = asyncio.Queue()
        self._last_seen = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, address: Address, hello: control.Hello, simulation: Simulation | None) -> "Connection":
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
        return cls(address, reader, writer, hello, answer, simulation)

    async def attach(self, player: ClientPlayer, aim: int, figures: StreamFigures) -> Link:
        """Open the UDP side and begin to measure the way; audio starts when the player joins. `figures` are those
        of the run."""
        secret, payload = bytes.fromhex(self.welcome.secret), PAYLOADS[self.hello.payload]
        self.link = Link(player, self.welcome.ssrc, secret, payload, aim, figures)
        host = self._writer.get_extra_info("peername")[0]
        receive: Deliver = self._receive_datagram
        if self._simulation:
            self._send_datagram, receive = self._simulation.datagrams(self._send_datagram_now, receive)
        self._transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Datagrams(receive), remote_addr=(host, self.welcome.udp_port)
        )
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        return self.link

    async def select(self, program: int, name: str) -> control.Instrument:
        """Let a program number mean one of the server's instruments. `run` must be going on."""
        self._send(control.Select(program, name))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while (answer := await self._answers.get()).program != program:
                    pass  # of an earlier question, given up
                return answer
        except TimeoutError:
            raise RefusedError(f"the server did not describe {name}") from None

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
        self._write_now(control.encode(control.Bye()))
        self._writer.close()
        if self._transport:
            self._transport.close()
        if self._alarm:
            self._alarm.cancel()

    def _send(self, message: control.Message) -> None:
        self._write(control.encode(message))

    def _write_now(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    def _send_datagram_now(self, data: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.sendto(data)

    async def _listen(self, late: Callable[[int, int], None]) -> str:
        while True:
            try:
                message = await _receive(self._reader)
            except (OSError, EOFError):
                return "the server closed the connection"
            except ProtocolError as error:
                return str(error)
            self._last_seen = time.monotonic()
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
        if self.link is None or self._transport is None or self._transport.is_closing():
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
        while time.monotonic() - self._last_seen < SILENCE_SECONDS:
            self._send(control.Ping(time.monotonic()))
            await asyncio.sleep(PING_SECONDS)
        return f"nothing heard from the server for {SILENCE_SECONDS:.0f} s"

    def _receive_datagram(self, data: bytes) -> None:
        if self.link is not None and self._transport is not None and not self._transport.is_closing():
            self._last_seen = time.monotonic()
            self.link.receive(data, self._last_seen)
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
