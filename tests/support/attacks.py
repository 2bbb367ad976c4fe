"""Clients that want all of a server, each in its own way, from a process of their own.

    python -m tests.support.attacks NAME HOST:PORT

Each goes on until its stdin ends, and begins again where it is dismissed. Then it says as JSON how many messages it
sent, how often it was dismissed, and why at last.
"""

import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from netaudio.midi import EXPRESSION, SUSTAIN, VOLUME, control_change, note_on, pitch_bend, program_change
from netaudio.sampler.automation import LONG_AGO, Change
from netaudio.sampler.layout import ENDLESS, MOST_CHANGES
from netaudio.sampler.pitch import ONE
from netaudio.sampler.snapshot import NEVER, VOICES_A_NOTE, ScoreState, VoiceState
from netaudio.sampler.voices import Event, Score
from netaudio.wire import control
from netaudio.wire.rtcp import ALL_BITS, MAX_EVENTS, UNKNOWN_SLACK, Report
from tests.support.programs import HOME, PATIENCE
from tests.support.relay import endpoint

INSTRUMENT = "organ"  # it loops: its notes last
RAMP = 240  # frames of a change
RECENT = MOST_CHANGES * 4 // 5  # changes of a line: with room for those to come
SECONDS_AHEAD = 0.1
AGO = 10  # seconds


@dataclass
class Done:
    """What an attack has come to."""

    sent: int = 0
    dismissed: int = 0
    why: str = ""


class Attacker:
    """One session, begun; what it sends is counted. Raises OSError when it is over."""

    def __init__(self, server: str, done: Done, chunk: int = 0) -> None:
        self.done, self.over = done, ""  # why the server has ended it
        self.control = socket.create_connection(endpoint(server), timeout=5.0)
        self.control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.control.sendall(control.encode(control.Hello(control.VERSION, chunk)))
        self._lines = self.control.makefile("rb")
        answer = control.decode_from_server(self._lines.readline())
        if isinstance(answer, control.Error):
            raise ConnectionError(answer.text)
        assert isinstance(answer, control.Welcome)
        self.welcome, self.rate = answer, answer.rate
        self.say(control.Select(0, INSTRUMENT))
        self._lines.readline()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.connect((endpoint(server)[0], answer.udp_port))
        self._began, self._counter = time.monotonic() - AGO, 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        why = "closed"
        with suppress(OSError, ValueError):
            for line in self._lines:
                message = json.loads(line)
                why = message["text"] if message["type"] == "error" else why
        self.over = why

    @property
    def position(self) -> int:
        """Of a playhead that goes on as others do."""
        return round((time.monotonic() - self._began) * self.rate)

    def send(self, data: bytes) -> None:
        if self.over:
            raise ConnectionError(self.over)
        self.control.sendall(data)
        self.done.sent += 1

    def say(self, message: control.Message) -> None:
        self.send(control.encode(message))

    def report(self, position: int, events: tuple[Event, ...] = ()) -> None:
        if self.over:
            raise ConnectionError(self.over)
        self._counter += 1
        sent = round(time.monotonic() * 1e6) & 0xFFFF_FFFF
        report = Report(
            self.welcome.ssrc, self._counter, position, 0, UNKNOWN_SLACK, 4800, 0, sent, events=events, block=128
        )
        self.udp.send(report.pack(bytes.fromhex(self.welcome.secret)))
        self.done.sent += 1

    def close(self) -> None:
        self.control.close()
        self.udp.close()


Stop = threading.Event
Attack = Callable[[Attacker, Stop], None]


def heaviest(polyphony: int, position: int) -> ScoreState:
    """All voices that a state may have, bent, on one channel whose lines move until then, all after OFFSET."""
    seq = 1 << 20
    start, first = position - 2 * MOST_CHANGES * RAMP, position - RAMP * RECENT
    marks = NEVER, NEVER, NEVER, NEVER
    voices = [
        VoiceState(0, 0, n % 128, 127, 1 + n, start, 4800, 0, 0, 0, *marks, start, n << 32, False)
        for n in range(VOICES_A_NOTE * polyphony)
    ]

    def line(low: float, high: float) -> list[Change]:
        moves = [Change(seq + n, first + RAMP * n, high if n % 2 else low) for n in range(1, RECENT)]
        return [Change(0, LONG_AGO, high), *moves]

    empty = Score(48000, polyphony, lambda _: None).state()
    channel = empty.channels[0]._replace(lines=[line(0.2, 0.3), line(0.5, 0.6), line(ONE + 12345, ONE + 99999)])
    return ScoreState(seq + RECENT, position, voices, [channel, *empty.channels[1:]])


def weigh(one: Attacker, stop: Stop) -> None:
    """The heaviest state, and in it all that moves moves as fast as it may."""
    state = heaviest(one.welcome.polyphony, one.position)
    one.say(control.Resume(state))
    seq, turn, at = state.seq, 0, state.position
    while not stop.wait(0.002):
        if one.position >= at + RAMP:
            at, turn = one.position, turn + 1
            for message in (
                control_change(0, VOLUME, 60 + turn % 2),
                control_change(0, EXPRESSION, 60 + turn % 2),
                pitch_bend(0, 9000 + turn % 2),
            ):
                seq += 1
                one.say(control.Event(seq, at, message))
            one.report(at)


def resume(one: Attacker, stop: Stop) -> None:
    """One state after the other."""
    line = control.encode(control.Resume(heaviest(one.welcome.polyphony, one.position)))
    while not stop.is_set():
        one.send(line)


def _begin(one: Attacker, notes: int = 0) -> int:
    """Play notes; the seq of the last event."""
    one.say(control.Resume(Score(one.rate, one.welcome.polyphony, lambda _: None).state()))
    for seq in range(1, notes + 1):
        one.say(control.Event(seq, 0, note_on(seq % 16, seq % 128, 100), 4800, 0, 4800))
    return notes


def events(one: Attacker, stop: Stop) -> None:
    """Pedals that let go of many notes, as fast as TCP takes them."""
    seq = _begin(one, 200)
    while not stop.is_set():
        one.report(one.position)
        at, lines = one.position, []
        for _ in range(500):
            seq += 1
            lines.append(
                control.encode(control.Event(seq, at, control_change(seq % 16, SUSTAIN, 127 * (seq // 16 % 2))))
            )
        one.send(b"".join(lines))


def notes(one: Attacker, stop: Stop) -> None:
    """A thousand keys a second."""
    seq = _begin(one)
    while not stop.wait(0.005):
        one.report(one.position)
        for _ in range(5):
            seq += 1
            one.say(control.Event(seq, one.position, note_on(seq % 16, seq * 7 % 128, 100), 4800, 0, 4800))


def reports(one: Attacker, stop: Stop) -> None:
    """Each full of events."""
    seq = _begin(one, 100)
    while not stop.is_set():
        at = one.position
        one.report(at, tuple(Event(seq + n, at, program_change(n % 16, 0)) for n in range(1, MAX_EVENTS + 1)))
        seq += MAX_EVENTS


def far(one: Attacker, stop: Stop) -> None:
    """Positions, clocks and controllers at the end of the world, and from one to the other."""
    rng, seq, position = random.Random(0), 0, 0
    _begin(one)
    ends = (0, 1, (1 << 31) - 1, 1 << 31, 1 << 40, NEVER - 1)
    spans = (0, 1, 4800, ALL_BITS - 1, ENDLESS)
    while not stop.wait(0.001):
        seq += 1
        message = (
            note_on(seq % 16, rng.randrange(128), 100), control_change(seq % 16, VOLUME, rng.randrange(128)),
            pitch_bend(seq % 16, rng.choice((0, 16383))), control_change(seq % 16, EXPRESSION, 0),
        )[seq % 4]  # fmt: skip
        position += RAMP if seq % 100 else rng.choice((0, 1 << 31, 1 << 57))
        one.say(control.Event(seq, position, message, *(rng.choice(spans) for _ in range(3))))
        one.report(rng.choice((*ends, position, position + (1 << 31) - rng.randrange(3))))


def lines(one: Attacker, stop: Stop) -> None:
    """As long as may be, each."""
    start = b'{"type":"ping","time":1.0,"more":['
    while not stop.is_set():
        one.send(start + b"0," * ((control.MAX_STATE - len(start)) // 2 - 8) + b"0]}\n")


ATTACKS: dict[str, tuple[Attack, int]] = {
    "the heaviest state": (weigh, 0), "the heaviest state, in long chunks": (weigh, 1024),
    "the heaviest state, in short chunks": (weigh, 32), "states without end": (resume, 0),
    "events without end": (events, 0), "a thousand notes a second": (notes, 0), "reports without end": (reports, 0),
    "the ends of all ranges": (far, 0), "long lines": (lines, 0),
}  # fmt: skip
"""By name: what it does, and in chunks of how many frames (0: the server's)."""


def attack(name: str, server: str) -> Done:
    """Go on until stdin ends."""
    work, chunk = ATTACKS[name]
    done, stop = Done(), threading.Event()

    def watch() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
    while not stop.is_set():
        try:
            one = Attacker(server, done, chunk)
        except OSError as error:  # it has no place just now
            done.why = str(error)
            stop.wait(0.05)
            continue
        try:
            work(one, stop)
        except OSError as error:
            stop.wait(0.05)  # why may be on its way
            done.dismissed, done.why = done.dismissed + 1, one.over or str(error)
        finally:
            one.close()
    return done


class Running:
    """An attack that goes on; `done` is told when it has ended."""

    def __init__(self, name: str, server: str) -> None:
        self.done = Done()
        command = [sys.executable, "-m", "tests.support.attacks", name, server]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HOME)

    def end(self) -> None:
        said, _ = self._process.communicate(timeout=PATIENCE)
        self.done = Done(**json.loads(said))


@contextmanager
def attacked(name: str, server: str) -> Iterator[Running]:
    running = Running(name, server)
    try:
        yield running
    finally:
        running.end()


if __name__ == "__main__":
    print(json.dumps(vars(attack(sys.argv[1], sys.argv[2]))))
