"""Several server processes behind one TCP port, so that the interpreter's lock is not the ceiling.

The parent loads the instruments, listens, and forks the workers, which share its memory. It reads each
connection's hello, counts the places, and hands the socket to the least loaded worker, or to the one that has the
session which the hello replaces. It has no threads: a worker that died is replaced by another fork.
"""

import asyncio
import dataclasses
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

from netaudio.config.kinds import Address
from netaudio.errors import NetAudioError, RefusedError, SettingError
from netaudio.process import run
from netaudio.server.app import Server
from netaudio.server.handshake import Reception
from netaudio.server.listener import bound, check_room, listen, same
from netaudio.server.worker_channel import MAX_PACKET, Ended, Given, Handed, Joined, Left, Ready, give, news
from netaudio.wire import control

PAUSE_SECONDS = 1.0  # from a worker's start to that of its replacement, at least
END_SECONDS = 1.5  # for workers to end by themselves
STOPS = (signal.SIGINT, signal.SIGTERM)

log = logging.getLogger("netaudio")


@dataclass
class Worker:
    """A worker process, as the parent sees it."""

    number: int
    pid: int
    channel: socket.socket
    started: float
    ready: bool = False
    sessions: dict[str, str] = field(default_factory=dict)  # with their secrets
    entering: set[int] = field(default_factory=set)  # tickets of those who were handed over and have not joined

    @property
    def places(self) -> int:
        """That are taken, or kept for those who are about to take them."""
        return len(self.sessions) + len(self.entering)


class Parent:
    """Call `run` once, on the only thread of a process. `ready` is told the address.

    Raises SettingError where there can be no workers, NetAudioError if the port cannot be had.
    """

    def __init__(self, server: Server, ready: Callable[[Address], None]) -> None:
        self._server, self._settings, self._ready = server, server.settings, ready
        check_workers(self._settings.workers, self._settings.metrics)
        self._selector = selectors.DefaultSelector()
        self._listeners = listen(self._settings.host, self._settings.port)
        self._reception = Reception(self._listeners, self._selector, self._settings, self._admit)
        self._wake, self._waking = socket.socketpair()
        self._workers: dict[int, Worker] = {}
        self._due: dict[int, float] = {}  # when workers that died may start again
        self._tickets = 0
        self._stopping = self._asked = False

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM. Raises NetAudioError if a worker cannot start."""
        self._heed_signals()
        try:
            for number in range(1, self._settings.workers + 1):
                self._start(number)
            while not self._stopping and not all(worker.ready for worker in self._workers.values()):
                self._wait()
                if self._due:
                    raise NetAudioError("a worker could not start, for the reason above")
            if not self._stopping:
                self._reception.open()
                self._ready(bound(self._listeners))
            while not self._stopping:
                self._wait()
                for number in [number for number, due in self._due.items() if due <= time.monotonic()]:
                    del self._due[number]
                    self._start(number)
        finally:
            self._end()

    def _heed_signals(self) -> None:
        def stop(*_: object) -> None:
            self._stopping = True

        def ask(*_: object) -> None:
            self._asked = True

        for one in (self._wake, self._waking):
            one.setblocking(False)
        self._selector.register(self._wake, selectors.EVENT_READ, lambda wake: wake.recv(100))
        signal.set_wakeup_fd(self._waking.fileno(), warn_on_full_buffer=False)
        for number in STOPS:
            signal.signal(number, stop)
        signal.signal(signal.SIGUSR1, ask)

    def _wait(self) -> None:
        """Do what comes next."""
        patience = self._reception.patience()
        if self._due:
            pause = max(0.0, min(self._due.values()) - time.monotonic())
            patience = pause if patience is None else min(pause, patience)
        for key, _ in self._selector.select(patience):
            key.data(key.fileobj)
        self._reception.expire()
        if self._asked:
            self._asked = False
            for worker in self._workers.values():
                os.kill(worker.pid, signal.SIGUSR1)

    def _start(self, number: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sys.stdout.flush()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {*STOPS, signal.SIGUSR1})  # these handlers are the parent's
        try:
            pid = os.fork()
            if not pid:
                ours.close()
                self._become(number, theirs, before)
        except OSError as error:  # out of memory or processes, perhaps for a moment
            log.error("worker %s cannot start: %s", number, error.strerror)
            self._due[number] = time.monotonic() + PAUSE_SECONDS
            ours.close()
            return
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        ours.setblocking(False)
        worker = self._workers[number] = Worker(number, pid, ours, time.monotonic())
        self._selector.register(ours, selectors.EVENT_READ, lambda _: self._hear(worker))

    def _become(self, number: int, channel: socket.socket, mask: set[signal.Signals | int]) -> NoReturn:
        """In the child: be a worker to the end."""
        status = 1
        try:
            for stop in STOPS:
                signal.signal(stop, signal.SIG_DFL)
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            signal.set_wakeup_fd(-1)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self._abandon()
            status = run(lambda: self._serve(number, channel))
        except BaseException:
            log.exception("a worker failed")
        finally:
            os._exit(status)

    def _abandon(self) -> None:
        """In a child: close what is its parent's. Were its ends of the channels open, no worker would notice
        that the parent is gone."""
        self._selector.close()
        self._reception.close()
        for one in (self._wake, self._waking, *(worker.channel for worker in self._workers.values())):
            one.close()

    def _serve(self, number: int, channel: socket.socket) -> int:
        """What a worker does."""
        for handler in logging.getLogger().handlers:
            handler.setFormatter(logging.Formatter(f"%(asctime)s worker {number}: %(message)s", "%H:%M:%S"))
        metrics = self._settings.metrics
        if metrics:
            address = metrics._replace(port=metrics.port + number - 1)
            self._server.settings = dataclasses.replace(self._settings, metrics=address)
        asyncio.run(self._server.run(Handed(channel)))
        return 0

    def _hear(self, worker: Worker) -> None:
        try:
            packet = worker.channel.recv(MAX_PACKET)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            packet = b""
        if not packet:
            self._bury(worker)
            return
        match news(packet):
            case Ready():
                worker.ready = True
            case Joined(ticket, session, secret):
                worker.entering.discard(ticket)
                worker.sessions[session] = secret
            case Left(session):
                worker.sessions.pop(session, None)
            case Ended(ticket):
                worker.entering.discard(ticket)

    def _bury(self, worker: Worker) -> None:
        """It has closed its channel: it is dead, or dies. Its players come back by themselves."""
        self._selector.unregister(worker.channel)
        worker.channel.close()
        del self._workers[worker.number]
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
        _, status = os.waitpid(worker.pid, 0)
        self._due[worker.number] = worker.started + PAUSE_SECONDS
        if worker.ready:
            code = os.waitstatus_to_exitcode(status)
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            log.error("worker %s ended by %s with %s players; another starts", worker.number, how, worker.places)

    def _admit(self, client: socket.socket, said: bytes, hello: control.Hello) -> None:
        """Hand a connection to a worker; raises RefusedError."""
        ready = [worker for worker in self._workers.values() if worker.ready]
        if not ready:
            raise RefusedError("the server is starting again; try again in a moment")
        having = [worker for worker in ready if hello.session in worker.sessions]
        returning = bool(having) and same(having[0].sessions[hello.session], hello.secret)
        if returning:
            chosen = having[0]  # which ends the old session when it begins the new one
        else:
            check_room(sum(worker.places for worker in self._workers.values()), self._settings)
            chosen = min(ready, key=lambda worker: (worker.places, worker.number))
        self._tickets += 1
        try:
            give(chosen.channel, client, Given(self._tickets, said))
        except OSError:
            raise RefusedError("the server is too busy; try again in a moment") from None
        if returning:
            del chosen.sessions[hello.session]
        chosen.entering.add(self._tickets)

    def _end(self) -> None:
        """Have all workers end, and wait for them."""
        signal.set_wakeup_fd(-1)
        self._reception.close()
        until = time.monotonic() + END_SECONDS
        for worker in self._workers.values():
            worker.channel.close()  # which ends it, as the death of this process would
        for worker in self._workers.values():
            while not os.waitpid(worker.pid, os.WNOHANG)[0]:
                if time.monotonic() > until:
                    os.kill(worker.pid, signal.SIGKILL)
                time.sleep(0.01)


def check_workers(count: int, metrics: Address | None) -> None:
    """Raises SettingError if there cannot be so many."""
    if sys.platform != "linux":
        raise SettingError("WORKERS above 1 needs Linux: set it to 1 here")
    if metrics and metrics.port + count - 1 > 65535:
        raise SettingError(f"METRICS is port {metrics.port}, and {count} workers need as many: choose a lower one")
