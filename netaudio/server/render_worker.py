"""Render workers: threads that own shards of sessions, tick on absolute deadlines and send for themselves.

A hop through an executor costs up to a millisecond and asyncio's timers start half of one late, so the pool's
workers are not handed chunks: each takes its sessions' reports, mixes what is due in one batch, and sends it.
"""

import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial

import numpy as np

from netaudio.errors import NetAudioError, ProtocolError
from netaudio.realtime import hurry
from netaudio.sampler import kernel
from netaudio.sampler.bank import Bank
from netaudio.sampler.snapshot import ScoreState
from netaudio.sampler.voices import Event, Score
from netaudio.server.lateness import Lateness, Stages
from netaudio.server.prefetcher import Prefetcher
from netaudio.server.sending import Address, Outlet, send, sender
from netaudio.session.session import Chunk, ServerSession
from netaudio.wire import control
from netaudio.wire.packing import packer
from netaudio.wire.rtcp import Report

COMPILED = kernel.free, packer, sender
"""What a worker calls that has to be compiled, or found."""
MAX_DATAGRAM = 1500
# So that no session's work holds up another's: what waits for a worker, and what it does of it.
MOST_INBOX = 4096  # messages
MOST_HEARD = 256  # of them in a tick
MOST_EFFORT = 300_000  # of a session's events in a second: a tenth of its time
MAX_DATAGRAMS = 64  # that a tick reads from one socket
MOST_REPORTS = 500  # a second, of a client: the newest, in which all is that earlier ones had
STALL_SECONDS = 0.1  # a worker that wakes so late sets its deadlines anew

log = logging.getLogger("netaudio")


class Seat:
    """One client's place: its session, its UDP socket, and what the control connection has for the session.

    The worker owns `session` and `outlet`, which sends to where reports last came from; others only append to `inbox`
    and add to the session's instruments.
    `tell` is called with a message for the client; an Error ends it.
    """

    def __init__(
        self,
        session: ServerSession,
        udp: socket.socket,
        host: str,
        secret: bytes,
        tell: Callable[[control.Message], None],
    ) -> None:
        self.session, self.outlet, self.host, self.secret, self.tell = session, Outlet(udp), host, secret, tell
        self.kind = session.chunk, session.payload.type  # those alike are rendered in one batch
        self.inbox: deque[Event | Score] = deque()
        self.resumed = False
        self.last_report = time.monotonic()
        self.punctual = False  # a chunk of it was due in the last tick
        self.voices = 0  # that the last chunk summed
        self.strange = self.unsent = 0  # datagrams
        self.withheld, self.withheld_at = 0, -1  # chunks that had to wait for the disk; the last one's position
        self.released: Future[None] = Future()  # when the socket is closed: its port is free

    def receive(self, item: Event | ScoreState) -> None:
        """Keep what the control connection brought for the worker; raises ProtocolError if it is too much."""
        if len(self.inbox) >= MOST_INBOX:
            raise ProtocolError(f"more than {MOST_INBOX} messages wait here")
        if isinstance(item, ScoreState):
            if self.resumed:
                raise ProtocolError("a second state to resume from: a session takes one")
            self.resumed = True
            self.inbox.append(self.session.restored(item))
        else:
            self.inbox.append(item)

    def troubles(self) -> str:
        """What went wrong with it, for the log; nothing mostly."""
        counts = (
            (self.session.skipped, "chunks skipped"),
            (self.withheld, "chunks withheld"),
            (self.unsent, "datagrams not sent"),
            (self.strange, "strange datagrams"),
        )
        return "".join(f", {count} {what}" for count, what in counts if count)


Due = tuple[Seat, Chunk]
Datagram = tuple[bytes, Address]
"""What came, and from which address."""


class RenderWorker:
    """Call `run` on a thread of its own; the other methods may be called from anywhere."""

    def __init__(self, bank: Bank, prefetcher: Prefetcher | None = None) -> None:
        """`prefetcher`: of a bank that has to be fetched from the disk."""
        self.lateness, self.stages = Lateness(), Stages()
        self.load = 0  # seats
        self._bank, self._prefetcher = bank, prefetcher
        self._seats: list[Seat] = []
        self._commands: deque[tuple[Callable[[Seat], None], Seat]] = deque()
        self._wake = threading.Event()
        self._stopped = False
        self._selector = selectors.DefaultSelector()

    def add(self, seat: Seat) -> None:
        self.load += 1
        self._commands.append((self._add, seat))
        self._wake.set()

    def remove(self, seat: Seat) -> None:
        self.load -= 1
        self._commands.append((self._remove, seat))
        self._wake.set()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()

    def run(self) -> None:
        hurry()
        deadline = time.monotonic()
        while not self._stopped:
            self._obey()
            if not self._seats:
                self._wake.wait()
                self._wake.clear()
                continue
            tick = min(seat.session.chunk / seat.session.rate for seat in self._seats)
            deadline += tick
            delay = deadline - time.monotonic()
            if delay > 0:
                time.sleep(delay)
            elif delay < -STALL_SECONDS:
                deadline = time.monotonic()
            self.stages.begin()
            self._read(1 + int(MOST_REPORTS * tick))
            self.stages.end("read")
            for seat in [seat for seat in self._seats if seat.inbox or seat.session.late or seat.session.waiting]:
                self._guard(seat, partial(self._hear, MOST_EFFORT * tick))
            self.stages.end("hear")
            # What falls due before the next tick goes now: a tick early rather than late. By the deadline
            # and not by the clock, which runs on meanwhile: sessions would alternate between two chunks and none.
            horizon = max(deadline + tick, time.monotonic())
            self._render(horizon, tick / 2)
            self.stages.count_faults()
        for seat in self._seats:
            seat.outlet.close()
        self._selector.close()

    def _obey(self) -> None:
        while self._commands:
            command, seat = self._commands.popleft()
            command(seat)

    def _add(self, seat: Seat) -> None:
        if self._prefetcher:
            self._prefetcher.watch(seat.session)
        self._seats.append(seat)
        self._selector.register(seat.outlet.socket, selectors.EVENT_READ, seat)

    def _remove(self, seat: Seat) -> None:
        if seat in self._seats:
            self._seats.remove(seat)
            if self._prefetcher:
                self._prefetcher.leave(seat.session)
            self._selector.unregister(seat.outlet.socket)
            seat.outlet.close()
            if not seat.released.cancelled():
                seat.released.set_result(None)

    def _guard(self, seat: Seat, action: Callable[[Seat], None]) -> None:
        try:
            action(seat)
        except Exception as error:
            self._fail(seat, error)

    def _fail(self, seat: Seat, error: Exception) -> None:
        """A client that breaks the protocol, or finds a bug, loses its own session and no other."""
        if isinstance(error, ProtocolError):
            self._dismiss(seat, error)
        else:
            log.error("a session failed", exc_info=error)
            self._dismiss(seat, NetAudioError("the server failed on this session; see its log"))

    def _dismiss(self, seat: Seat, error: NetAudioError) -> None:
        self._remove(seat)
        seat.tell(control.Error(str(error)))

    def _read(self, most: int) -> None:
        """A datagram of each socket that has one, until none has; so many of each client's are taken. To ask all at
        once takes two thirds of the time of the errors by which three sockets tell that they are empty."""
        newest: dict[Seat, deque[Datagram]] = {}
        for _ in range(MAX_DATAGRAMS):
            ready = self._selector.select(0) if self._seats else []  # Windows knows no empty one
            if not ready:
                break
            for key, _ in ready:
                datagram = self._read_socket(key.data)
                if datagram:
                    newest.setdefault(key.data, deque(maxlen=most)).append(datagram)
        for seat, datagrams in newest.items():
            self._guard(seat, partial(self._take_all, datagrams))

    def _read_socket(self, seat: Seat) -> Datagram | None:
        try:
            data, address = seat.outlet.socket.recvfrom(MAX_DATAGRAM)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:  # an ICMP error of an earlier send, or a datagram longer than ours
            seat.strange += 1
            return None
        if address[0] == seat.host:
            return data, address
        seat.strange += 1
        return None

    def _take_all(self, datagrams: Iterable[Datagram], seat: Seat) -> None:
        for data, address in datagrams:
            self._take(seat, data, address)

    def _take(self, seat: Seat, data: bytes, address: Address) -> None:
        """Only a report with the session's MAC, never seen before and from the address of the control
        connection, proves where the client is: the stream cannot be aimed at anyone else."""
        now = time.monotonic()
        try:
            report = Report.parse(data, seat.secret)
            seat.session.check(report)
        except ProtocolError:
            seat.strange += 1
            return
        reply = seat.session.take(report, now, time.monotonic())
        seat.outlet.aim(address)
        seat.last_report = now
        self._send(seat, reply.pack())

    def _hear(self, effort: float, seat: Seat) -> None:
        seat.session.go_on(effort)
        for _ in range(min(len(seat.inbox), MOST_HEARD)):
            item = seat.inbox.popleft()
            if isinstance(item, Score):
                seat.session.resume(item)
                if self._prefetcher:
                    self._prefetcher.watch(seat.session)
            else:
                seat.session.hear(item)
        while seat.session.late:
            seat.tell(control.Late(*seat.session.late.pop()))

    def _render(self, now: float, early: float) -> None:
        """Render one chunk of each session that is due at `now`, and another of those that still are. Those that had
        one in the last tick may be so many seconds early: at the edge between two ticks they would have none in one,
        where an event waits, and two in the next."""
        seats = self._seats.copy()
        for grace in (early, 0.0):
            batches: dict[tuple[int, int], list[Due]] = {}
            again: list[Seat] = []
            for seat in seats:
                try:
                    due = self._prepare(seat, now, grace)
                except Exception as error:
                    self._fail(seat, error)
                    continue
                if due:
                    batches.setdefault(seat.kind, []).append(due)
                    if due[1].overdue >= seat.session.chunk:
                        again.append(seat)
            self.stages.end("due")
            for batch in batches.values():
                self._send_all(batch, now)
            seats = again

    def _prepare(self, seat: Seat, now: float, early: float) -> Due | None:
        """What a seat adds to a batch, if a chunk of it is due."""
        session = seat.session
        chunk = session.due(now)
        is_due = chunk is not None and chunk.overdue >= (-early * session.rate if seat.punctual else 0.0)
        seat.punctual = is_due or (seat.punctual and not early)
        if chunk is None or not is_due or not seat.outlet.address:
            return None
        if self._prefetcher is None or self._prefetcher.fetched(session):
            return seat, chunk
        if session.cursor != seat.withheld_at:
            seat.withheld, seat.withheld_at = seat.withheld + 1, session.cursor
        return None

    def _send_all(self, batch: Sequence[Due], now: float) -> None:
        """Mix, encode and send a chunk of each, all of one size and payload."""
        first = batch[0][0].session
        chunk, rate, payload, score = first.chunk, first.rate, first.payload, first.score
        jobs = [seat.session.job(due) for seat, due in batch]
        sound, facts = kernel.tails(self._bank.frames, jobs, chunk, score.ramp, score.release)
        self.stages.end("mix")
        faded, voices, too_many = facts.T.tolist()
        heads = [seat.session.head(due, fade) for (seat, due), fade in zip(batch, faded, strict=True)]
        packets = payload.packets(sound, heads)
        self.stages.end("encode")
        sent, unsent = send(packets, [seat.outlet for seat, _ in batch], np.logical_not(too_many))
        self.lateness.add(sent, [now - due.overdue / rate for _, due in batch], chunk / rate)
        for number, (seat, due) in enumerate(batch):
            seat.voices, seat.unsent = voices[number], seat.unsent + unsent[number]
            try:
                if too_many[number]:
                    seat.withheld += 1
                    seat.session.pass_over(due)
                else:
                    for parity in seat.session.sent(due, packets, number):
                        self._send(seat, parity)
            except Exception as error:
                self._fail(seat, error)
        self.stages.end("send")

    def _send(self, seat: Seat, data: bytes) -> None:
        seat.unsent += not seat.outlet.send(data)  # the stream's losses tell
