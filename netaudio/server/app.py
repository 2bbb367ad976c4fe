"""The server: one TCP control connection and one UDP socket per client, instruments shared by all."""

import asyncio
import dataclasses
import logging
import math
import os
import secrets
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from netaudio.config.settings import ServerSettings
from netaudio.errors import ProtocolError, RefusedError
from netaudio.readers.wav_folder import load, need_instruments, without_notes
from netaudio.realtime import hurry_serving
from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.voices import Event
from netaudio.server.listener import (
    CROWDED,
    HELLO_SECONDS,
    NO_HELLO,
    STRANGERS,
    Entrance,
    bind_udp,
    check_hello,
    check_room,
    same,
)
from netaudio.server.mapped_bank import MappedBank
from netaudio.server.metrics import serve_metrics
from netaudio.server.prefetcher import Prefetcher
from netaudio.server.render_worker import RenderWorker, Seat
from netaudio.server.stats import Figures, Stats, look, traffic
from netaudio.session.session import ServerSession
from netaudio.timing.latency_budget import stream_chunk
from netaudio.wire import control
from netaudio.wire.payload import PAYLOADS

GONE_SECONDS = 4.0  # without a report or a ping a client is gone
WATCH_SECONDS = 0.5
END_SECONDS = 1.5  # for what is being rendered
MAX_UNSENT = 1 << 22  # bytes that a client may leave unread

log = logging.getLogger("netaudio")


class Player:
    """A client that was let in."""

    def __init__(self, name: str, seat: Seat, worker: RenderWorker, writer: asyncio.StreamWriter) -> None:
        self.name, self.seat, self.worker, self.writer = name, seat, worker, writer
        self.secret = seat.secret.hex()
        self.heard_from = time.monotonic()


class Server:
    """Load instruments, then `run`. Raises SettingError where there can be no bank as the settings want it."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.bank = MappedBank(Path(settings.bank)) if settings.bank else Bank()
        self._prefetcher: Prefetcher | None = None
        self.instruments: dict[str, Instrument] = {}
        self.players: dict[str, Player] = {}
        self.workers: list[RenderWorker] = []
        self._strangers = 0
        self._leaving: list[Seat] = []  # whose UDP ports may not be free yet
        self._entering = 0  # places kept for those who wait for such a port
        self._gone: Counter[str] = Counter()  # traffic of those who have left
        self._begun = time.monotonic()
        self._entrance: Entrance

    def load(self, progress: Callable[[str, float], None]) -> list[str]:
        """Read all instruments; the problems found. Raises NetAudioError if there is nothing to play, or no room."""
        folder = Path(self.settings.wav)
        loaded = load(folder, need_instruments(folder), self.settings.rate, None, self.bank, progress)
        self.instruments = {name: item.instrument for name, item in loaded.items()}
        problems = [line for item in loaded.values() for line in item.problems] + without_notes(folder)
        if self.settings.instrument not in loaded:
            first = min(loaded)
            problems.append(
                f"there is no instrument {self.settings.instrument!r} to offer: {first} is offered instead"
            )
            self.settings = dataclasses.replace(self.settings, instrument=first)
        if isinstance(self.bank, MappedBank):
            self._prefetcher = Prefetcher(
                self.bank, self.instruments.values(), self.settings.rate, self.settings.offset
            )
        return problems

    async def run(self, entrance: Entrance) -> None:
        """Serve until SIGINT or SIGTERM, or until the entrance says so."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._begun, self._entrance = time.monotonic(), entrance
        self.workers = [RenderWorker(self.bank, self._prefetcher) for _ in range(self.settings.render_threads)]
        threads: list[RenderWorker | Prefetcher] = [*self.workers, *([self._prefetcher] if self._prefetcher else [])]
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        tasks = self._publish()
        hurry_serving()
        pool = ThreadPoolExecutor(len(threads), "render")
        futures = [loop.run_in_executor(pool, thread.run) for thread in threads]
        for future in futures:
            future.add_done_callback(lambda _: stop.set())
        tasks.append(asyncio.create_task(self._watch()))
        try:
            await entrance.open(self._welcome, stop.set)
            await stop.wait()
        finally:
            for task in tasks:
                task.cancel()
            entrance.close()
            for player in list(self.players.values()):
                player.writer.close()
            for thread in threads:
                thread.stop()
            pool.shutdown(wait=False)
        _, busy = await asyncio.wait(futures, timeout=END_SECONDS)
        self._log_late(math.inf)
        for worker in self.workers:
            log.info("%s; %s major faults", worker.lateness.summary(), worker.stages.faults)
        if busy:  # the interpreter would wait for them, however long
            log.error("ended without %d threads that are still at work", len(busy))
            logging.shutdown()
            os._exit(1)
        await asyncio.gather(*futures)

    def figures(self) -> Figures:
        playing = [player.seat for player in self.players.values()]
        return look(self._begun, self.workers, playing, self._leaving, self._gone)

    def _publish(self) -> list[asyncio.Task[None]]:
        """Have the figures told: at SIGUSR1, and as the settings say."""
        loop, stats = asyncio.get_running_loop(), Stats(self.figures)
        if hasattr(signal, "SIGUSR1"):
            signal.signal(signal.SIGUSR1, lambda *_: loop.call_soon_threadsafe(stats.tell))
        if self.settings.metrics:

            def ask() -> Figures:
                asked: Future[Figures] = Future()
                loop.call_soon_threadsafe(lambda: asked.set_result(self.figures()))
                return asked.result()

            serve_metrics(self.settings.metrics, ask)
        every = self.settings.stats
        return [asyncio.create_task(stats.tell_every(every))] if every else []

    def _log_late(self, until: float) -> None:
        for worker in self.workers:
            for spell in worker.lateness.spells(until):
                log.warning(spell)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its hello to its end."""
        player, peer = None, writer.get_extra_info("peername")
        if peer is None:  # gone before it was welcomed
            writer.close()
            return
        try:
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._strangers += 1
            try:
                if self._strangers > STRANGERS:
                    raise RefusedError(CROWDED)
                first = control.decode_from_client(
                    await asyncio.wait_for(_line(reader, control.MAX_LINE), HELLO_SECONDS)
                )
                player = await self._admit(check_hello(first, self.settings), writer)
            finally:
                self._strangers -= 1
            await self._listen(player, reader)
        except (ProtocolError, RefusedError) as error:
            log.info("turned away %s: %s", peer[0], error)
            _say(writer, control.Error(str(error)))
        except TimeoutError:
            _say(writer, control.Error(NO_HELLO))
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client has gone, with or without a word
        finally:
            if player is not None:
                self._part(player)
            writer.close()

    async def _listen(self, player: Player, reader: asyncio.StreamReader) -> None:
        """Until it says good-bye. To decode a long line holds up all threads: there is one, with a state."""
        longest = control.MAX_STATE
        while True:
            line = await _line(reader, longest)
            if len(line) > control.MAX_LINE:
                longest = control.MAX_LINE
            message = control.decode_from_client(line)
            if isinstance(message, control.Bye):
                return
            self._obey(player, message)
            await player.writer.drain()

    async def _admit(self, hello: control.Hello, writer: asyncio.StreamWriter) -> Player:
        """A place for a new client, or for one that comes back; raises RefusedError."""
        old = self.players.get(hello.session)
        if old is not None and same(old.secret, hello.secret):
            self._part(old)
            old.writer.transport.abort()
        check_room(len(self.players) + self._entering, self.settings)
        self._entering += 1
        try:
            for seat in list(self._leaving):
                await asyncio.wrap_future(seat.released)
        finally:
            self._entering -= 1
        return self._seat(hello, writer)

    def _seat(self, hello: control.Hello, writer: asyncio.StreamWriter) -> Player:
        settings, loop = self.settings, asyncio.get_running_loop()
        chunk = stream_chunk(hello.mode or settings.mode, hello.block or settings.chunk_size)
        secret, name = secrets.token_bytes(16), secrets.token_hex(8)
        udp = bind_udp(writer.get_extra_info("sockname")[0], settings.udp_ports)
        ssrc = secrets.randbits(31) << 1
        session = ServerSession(settings.rate, chunk, PAYLOADS[hello.payload], settings.polyphony, ssrc)
        peer = writer.get_extra_info("peername")

        def tell(message: control.Message) -> None:
            loop.call_soon_threadsafe(_tell, writer, message)

        seat = Seat(session, udp, peer[0], secret, tell)
        worker = min(self.workers, key=lambda worker: worker.load)
        player = Player(name, seat, worker, writer)
        self.players[name] = player
        worker.add(seat)
        self._entrance.joined(writer, name, player.secret)
        log.info("player joined from %s:%s (%s)", *peer[:2], self._entrance.count(len(self.players)))
        _say(writer, control.Welcome(
            control.VERSION, name, player.secret, ssrc, udp.getsockname()[1], settings.rate, chunk,
            settings.polyphony, sorted(self.instruments), str(settings.offset), str(settings.buffer_size),
            settings.mode, settings.instrument, settings.chunk_size,
        ))  # fmt: skip
        return player

    def _obey(self, player: Player, message: control.FromClient) -> None:
        player.heard_from = time.monotonic()
        match message:
            case control.Event(seq, position, data, cut, shift, reach):
                player.seat.receive(Event(seq, position, data, cut, shift, reach))
            case control.Resume(state):
                player.seat.receive(state)
            case control.Select(program, name):
                if name not in self.instruments:
                    raise ProtocolError(f"there is no instrument {name!r} here, only {', '.join(self.instruments)}")
                instrument = self.instruments[name]
                player.seat.session.instruments[program] = instrument
                _say(player.writer, control.Instrument(program, name, list(instrument.sources)))
            case control.Ping(sent):
                _say(player.writer, control.Pong(sent))
            case _:
                raise ProtocolError("a hello after the first")

    def _part(self, player: Player) -> None:
        if self.players.pop(player.name, None) is not None:
            player.worker.remove(player.seat)
            self._leaving.append(player.seat)
            loop = asyncio.get_running_loop()
            player.seat.released.add_done_callback(lambda _: loop.call_soon_threadsafe(self._left, player))
            log.info("player left (%s)%s", self._entrance.count(len(self.players)), player.seat.troubles())

    def _left(self, player: Player) -> None:
        """Its render worker has let it go."""
        self._leaving.remove(player.seat)
        self._gone += traffic(player.seat)
        self._entrance.left(player.name)

    async def _watch(self) -> None:
        """End sessions whose client is gone without a word."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(WATCH_SECONDS)
            self._log_late(time.monotonic() - WATCH_SECONDS)  # those that may still grow wait
            if time.monotonic() - before > 2 * WATCH_SECONDS:
                continue  # it was this program that stood still: what came meanwhile has yet to be read
            limit = time.monotonic() - GONE_SECONDS
            for player in list(self.players.values()):
                if max(player.heard_from, player.seat.last_report) < limit:
                    _say(player.writer, control.Error(f"nothing heard from this client for {GONE_SECONDS:.0f} s"))
                    self._part(player)
                    player.writer.transport.abort()


async def _line(reader: asyncio.StreamReader, longest: int) -> bytes:
    """The next one, of so many bytes at most; raises ProtocolError, or IncompleteReadError at the end."""
    too_long = ProtocolError(f"a line longer than {longest} bytes")
    try:
        line = await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError:
        raise too_long from None
    if len(line) > longest:
        raise too_long
    return line


def _say(writer: asyncio.StreamWriter, message: control.Message) -> None:
    if writer.is_closing():
        return
    writer.write(control.encode(message))
    if writer.transport.get_write_buffer_size() > MAX_UNSENT:
        writer.transport.abort()


def _tell(writer: asyncio.StreamWriter, message: control.Message) -> None:
    """What a render worker has for a client."""
    _say(writer, message)
    if isinstance(message, control.Error):
        writer.close()
