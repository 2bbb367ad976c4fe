"""Many clients' protocols, from one process, against a real server: who plays how much, and what it costs.

Each client says hello, selects, resumes, holds its voices with loops, plays some of them anew all the time, sends
reports with their MACs and receives its stream; it makes no sound. A server of one worker has a core to itself and
this process another; several workers share all cores with this process.
"""

import math
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.canary import SPELL, canaries, unexplained
from benchmarks.processes import cpu_seconds, memory_together
from netaudio import midi
from netaudio.midi import control_change, note_on, pitch_bend
from netaudio.sampler.voices import Event, Score
from netaudio.statistics import quantile
from netaudio.units import unwrap32, wrap32
from netaudio.wire import control
from netaudio.wire.datagram import parse
from netaudio.wire.rtcp import MAX_EVENTS, UNKNOWN_SLACK, Report
from netaudio.wire.rtp import Audio

HOME = Path(__file__).resolve().parent.parent
INSTRUMENT, LOWEST_KEY = "organ", 48  # its samples loop, and three of four keys are shifted
NOISE, NOISE_SECONDS, RATE = "noise", 10, 48000  # an instrument with a recording for each key
MOVE_SECONDS, LEAST_SECONDS = 0.01, 0.006  # between changes of one who moves a line all the time, mostly and at least
CUT_SECONDS, BUFFER_SECONDS = 0.1, 0.04  # OFFSET and BUFFER_SIZE
REPORT_SECONDS = 0.05
SETTLE_SECONDS = 3.0  # until all have joined and hold their voices
USUAL = (str(HOME / "server.py"),)
READY = re.compile(r"ready at \S+:(\d+)")
CHUNKS = re.compile(r"(\d+) chunks rendered, (\d+) of them late; the latest by (\S+) ms")


Move = Callable[[int], bytes]
"""The message of a line's change of this number."""
MOVES: dict[str, Move] = {
    "CC11": lambda number: control_change(0, midi.EXPRESSION, 64 + number % 64),
    "bends": lambda number: pitch_bend(0, midi.BEND_CENTRE + 64 * (number % 64)),
}


@dataclass
class Count:
    packets: int = 0
    octets: int = 0
    lost: int = 0
    late: int = 0  # arrived after their playout
    hearing: list[float] = field(default_factory=list)  # seconds from an event to the first packet that has heard it


class Client:
    """One client's side of the wire. Do what `listen` says, and `work` when it is `due`."""

    def __init__(
        self, port: int, chunk: int, voices: int, gap: float, turn: float, instrument: str = INSTRUMENT,
        move: Move | None = None,
    ) -> None:  # fmt: skip
        """`gap` seconds lie between its notes; `turn`, 0 to 1, sets it apart from the others. It moves what `move`
        says, if anything, every MOVE_SECONDS."""
        self.voices, self.gap, self.count, self._move = voices, gap, Count(), move
        self._control = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._control.makefile("rb")
        self._say(control.Hello(control.VERSION, chunk, "remote"))  # in which chunks are as asked for
        welcome = self._answer()
        assert isinstance(welcome, control.Welcome), welcome
        self.rate, self.chunk, self._ssrc = welcome.rate, welcome.chunk, welcome.ssrc
        self._secret = bytes.fromhex(welcome.secret)
        self._say(control.Select(0, instrument))
        assert isinstance(self._answer(), control.Instrument), "an instrument"
        self._say(control.Resume(Score(self.rate, voices, lambda _: None).state()))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.udp.connect(("127.0.0.1", welcome.udp_port))
        self.udp.setblocking(False)
        self._control.setblocking(False)
        self._began = time.monotonic() - turn * chunk / self.rate
        self._next_report = self._began + turn * REPORT_SECONDS
        self._next_note = self._began + 1.0 + turn * gap
        self._next_move = self._began + 1.5 + turn * MOVE_SECONDS if move else math.inf
        self._counter = self._seq = self._key = self._moves = 0
        self._highest: int | None = None
        self._unheard: deque[tuple[Event, float]] = deque()
        self._slack = UNKNOWN_SLACK

    def _say(self, message: control.Message) -> None:
        self._control.sendall(control.encode(message))

    def _answer(self) -> control.FromServer:
        return control.decode_from_server(self._lines.readline())

    @property
    def due(self) -> float:
        """When there is something to `work`: packets must not set the time, or all events would just miss a tick."""
        return min(self._next_report, self._next_note if self.voices else math.inf, self._next_move)

    def work(self, now: float) -> None:
        """Play and report what is due."""
        report = now >= self._next_report
        if report:  # at its own times, or those of all clients would fall together by and by
            self._next_report += REPORT_SECONDS * (1 + (now - self._next_report) // REPORT_SECONDS)
        while self.voices and now >= self._next_note:
            first = self._seq < self.voices  # all keys go down at the beginning
            self._next_note += 0.0 if first and self._seq + 1 < self.voices else self.gap
            self._play(now, note_on(0, LOWEST_KEY + self._key % self.voices, 100))  # lets go of it where it is down
            self._key += 1
            report = True
        if self._move and now >= self._next_move:
            self._next_move = max(self._next_move + MOVE_SECONDS, now + LEAST_SECONDS)
            self._moves += 1
            self._play(now, self._move(self._moves))
            report = True
        if report:
            self._report(now)

    def listen(self, selector: selectors.BaseSelector) -> None:
        """Have a selector name, with its keys, what there is to do for each socket that has something."""
        selector.register(self.udp, selectors.EVENT_READ, self._receive)
        selector.register(self._control, selectors.EVENT_READ, self._overhear)

    def _overhear(self) -> None:
        if not self._control.recv(4096):
            raise RuntimeError("the server has ended a session")

    def _play(self, now: float, message: bytes) -> None:
        self._seq += 1
        position = round((now - self._began) * self.rate)
        event = Event(self._seq, position, message, round(CUT_SECONDS * self.rate))
        self._unheard.append((event, time.monotonic()))
        self._say(control.Event(*event))

    def _report(self, now: float) -> None:
        """At once with new events, so that they are heard even where TCP waits."""
        self._counter += 1
        position = int((now - self._began) * self.rate) // self.chunk * self.chunk
        age = now - self._began - position / self.rate
        events = tuple(event for event, _ in islice(self._unheard, MAX_EVENTS))
        data = Report(
            self._ssrc, self._counter, position, round(age * 1e6), self._slack, round(BUFFER_SECONDS * self.rate),
            0, wrap32(round(now * 1e6)), events=events, block=self.chunk,
        ).pack(self._secret)  # fmt: skip
        self._slack = UNKNOWN_SLACK
        with suppress(OSError):
            self.udp.send(data)

    def _receive(self) -> None:
        try:
            data, count = self.udp.recv(2048), self.count
        except ConnectionRefusedError:
            return
        now = time.monotonic()
        audio = parse(data)
        if not isinstance(audio, Audio):
            return
        count.packets += 1
        count.octets += len(data)
        if self._highest is not None:
            count.lost += (audio.sequence - self._highest - 1) & 0xFFFF
        self._highest = audio.sequence
        playhead = round((now - self._began) * self.rate)
        slack = unwrap32(audio.timestamp, playhead) - playhead
        count.late += slack < 0
        self._slack = slack if self._slack == UNKNOWN_SLACK else min(slack, self._slack)
        while self._unheard and self._unheard[0][0].seq <= audio.heard:
            count.hearing.append(now - self._unheard.popleft()[1])

    def close(self) -> None:
        with suppress(OSError):
            self._say(control.Bye())
        self._lines.close()
        self._control.close()
        self.udp.close()


class Served:
    """A server of its own, on some cores (none: on any), and what it costs."""

    def __init__(
        self,
        clients: int,
        chunk: int,
        cores: set[int],
        flags: tuple[str, ...] = (),
        program: tuple[str, ...] = USUAL,
    ) -> None:
        command = [sys.executable, *program, "--port", "0", "--max-clients", str(max(clients, 1))]
        self._process = subprocess.Popen(
            [*command, "--chunk-size", str(chunk), *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, cwd=HOME,
            preexec_fn=lambda: os.sched_setaffinity(0, cores or os.sched_getaffinity(0)),
        )  # fmt: skip
        assert self._process.stdout
        match = READY.search(self._process.stdout.readline())
        if match is None:
            raise RuntimeError(f"the server did not start: {self._process.communicate()[1]}")
        self.port, self.pid = int(match[1]), self._process.pid
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        self.pids = [self.pid, *map(int, children)]  # with its workers'
        self.said = ""

    def close(self) -> None:
        """End it, and keep what it said."""
        self._process.send_signal(signal.SIGTERM)
        self.said = "\n".join(self._process.communicate(timeout=20))


@contextmanager
def serving(
    clients: int, chunk: int, workers: int = 1, flags: tuple[str, ...] = (), program: tuple[str, ...] = USUAL
) -> Iterator[tuple[Served, list[Client]]]:
    """A server, and room for clients, which end with it. One worker has a core to itself."""
    cores = os.sched_getaffinity(0)
    alone = workers == 1
    server = Served(clients, chunk, {max(cores)} if alone else cores, ("--workers", str(workers), *flags), program)
    os.sched_setaffinity(0, {min(cores)} if alone else cores)
    played: list[Client] = []
    try:
        yield server, played
    finally:
        for client in played:
            client.close()
        server.close()
        os.sched_setaffinity(0, cores)


@contextmanager
def library(keys: int) -> Iterator[Path]:
    """A folder with the instrument NOISE: a recording of its own for each key that is played."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / NOISE
        folder.mkdir()
        sound = np.random.default_rng(1).uniform(-0.3, 0.3, (NOISE_SECONDS * RATE, 2))
        soundfile.write(folder / "sound", sound, RATE, "FLOAT", format="WAV")
        for key in range(LOWEST_KEY, LOWEST_KEY + max(keys, 1)):
            (folder / f"{key}.wav").symlink_to(folder / "sound")
        yield folder.parent


def hold(
    clients: int, voices: int, chunk: int, seconds: float, gap: float = 0.25, workers: int = 1, shifted: bool = True,
    move: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Have so many clients of so many voices play that long, each striking a key every `gap` seconds, and moving one
    of MOVES. Voices are `shifted` as real instruments' are, three of four, or none is, as in limit.c. Canaries tell
    which spells of late chunks were stalls of the machine."""
    with ExitStack() as stack:
        stalls = stack.enter_context(canaries())
        flags = () if shifted else ("--wav", str(stack.enter_context(library(voices))), "--instrument", NOISE)
        server, played = stack.enter_context(serving(clients, chunk, workers, flags))
        empty = memory_together(server.pids)
        instrument, moves = INSTRUMENT if shifted else NOISE, MOVES.get(move)
        played += (
            Client(server.port, chunk, voices, gap, number / clients, instrument, moves) for number in range(clients)
        )
        drive(played, SETTLE_SECONDS)
        for client in played:
            client.count = Count()
        before, began = sum(map(cpu_seconds, server.pids)), time.monotonic()
        drive(played, seconds)
        cpu, span = sum(map(cpu_seconds, server.pids)) - before, time.monotonic() - began
        full = memory_together(server.pids)
    counts = [client.count for client in played]
    told = CHUNKS.findall(server.said)
    assert len(told) == workers, server.said
    hearing = [1000 * span for count in counts for span in count.hearing]
    return {
        "clients": clients, "voices": voices, "shifted": shifted, "moved": move, "chunk": chunk, "workers": workers,
        "seconds": round(span, 1),
        "chunks": sum(int(chunks) for chunks, _, _ in told), "late chunks": sum(int(late) for _, late, _ in told),
        "spells": len(SPELL.findall(server.said)),
        "not by stalls": len(unexplained(server.said, stalls, chunk / played[0].rate)),
        "worst ms": max(float(worst) for _, _, worst in told),
        "packets": sum(c.packets for c in counts), "lost": sum(c.lost for c in counts),
        "late at clients": sum(c.late for c in counts),
        "hearing ms": {f"p{100 * q:g}": round(quantile(hearing, q), 2) for q in (0.5, 0.99, 0.999, 1.0)},
        "cpu %": round(100 * cpu / span, 1), "cpu % per client": round(100 * cpu / span / clients, 2),
        "MB": round(empty, 1), "MB per client": round((full - empty) / clients, 2),
        "kbit/s per client": round(8 * sum(c.octets for c in counts) / span / clients / 1000),
    }  # fmt: skip


def drive(clients: list[Client], seconds: float) -> None:
    """Have them work and receive for so long."""
    end, due = time.monotonic() + seconds, 0.0
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.listen(selector)
        while (now := time.monotonic()) < end:
            if now >= due:
                for client in clients:
                    if client.due <= now:
                        client.work(time.monotonic())
                due = min(client.due for client in clients)
            for key, _ in selector.select(max(0.0, min(due, end) - time.monotonic())):
                key.data()
