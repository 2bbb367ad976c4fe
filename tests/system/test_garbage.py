"""Nonsense, forgeries and replays on every socket, while two play: neither hears any of it."""

import json
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from netaudio.sampler.voices import Event, Score
from netaudio.wire import control
from netaudio.wire.rtcp import MAC_BYTES, UNKNOWN_SLACK, Reply, Report
from tests.support.packets import is_audio
from tests.support.programs import (
    PATIENCE,
    RATE,
    Playing,
    Program,
    Result,
    Timed,
    difference,
    playing,
    recorded,
    until,
    write_midi,
)
from tests.support.relay import LOOPBACK, UdpRelay, answer, connected, hello, tcp_relay
from tests.support.songs import EPIANO, GUITAR, ORGAN, PIANO, opening, piece, reference

NOISE = random.Random(5)
NONSENSE: dict[str, bytes] = {
    "random bytes": NOISE.randbytes(3000) + b"\n",
    "no end": b"x" * (control.MAX_STATE + 10),
    "huge line": b'{"type":"hello","token":"' + b"a" * (4 * control.MAX_LINE) + b'"}\n',
    "truncated JSON": hello()[:20] + b"\n",
    "a long hello": hello()[:-2] + b',"more":"' + b"a" * control.MAX_LINE + b'"}\n',
    "nested": b"[" * 60000 + b"\n",
    "empty": b"\n",
    "a list": b"[1,2,3]\n",
    "no type": b"{}\n",
    "unknown type": b'{"type":"destroy"}\n',
    "wrong types": b'{"type":"hello","version":"one"}\n',
    "huge numbers": b'{"type":"hello","version":1,"block":1e400}\n',
    "from a server": control.encode(control.Pong(1.0)),
}
AFTER_HELLO: dict[str, bytes] = {
    "a second hello": hello(),
    "no such instrument": control.encode(control.Select(0, "nosuch")),
    "program out of range": b'{"type":"select","program":200,"name":"piano"}\n',
    "negative seq": b'{"type":"event","seq":-1,"position":0,"message":"kEBA"}\n',
    "no message": b'{"type":"event","seq":1,"position":0,"message":""}\n',
    "half a state": b'{"type":"resume","state":[1,2,[],[]]}\n',
    "a state of nonsense": b'{"type":"resume","state":[1,2,[[99,0,0,0,0,0,0,0,0,0,0,0,true]],[]]}\n',
    "truncated JSON": b'{"type":"ping","ti\n',
    "two states": 2 * control.encode(control.Resume(Score(RATE, 1, lambda _: None).state())),
    "two long lines": 2 * (b'{"type":"ping","time":1.0,"more":"' + b"a" * control.MAX_LINE + b'"}\n'),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_for_a_hello_gets_one_clear_line(address: str, what: str) -> None:
    said = answer(address, NONSENSE[what])
    assert said.get("type") == "error" and 0 < len(said["text"]) < 300, said


@pytest.mark.parametrize("what", AFTER_HELLO)
def test_nonsense_after_it_too(address: str, what: str) -> None:
    with connected(address) as one, one.makefile("rb") as lines:
        one.sendall(hello())
        assert control.decode_from_server(lines.readline())
        one.sendall(AFTER_HELLO[what])
        said = [control.decode_from_server(line) for line in lines]
    errors = [message for message in said if isinstance(message, control.Error)]
    assert len(errors) == 1 and errors[0] is said[-1] and errors[0].text, said


def report(welcome: dict[str, object], counter: int, secret: bytes, events: tuple[Event, ...] = ()) -> bytes:
    ssrc = welcome["ssrc"]
    assert isinstance(ssrc, int)
    return Report(ssrc, counter, 1 << 30, 0, UNKNOWN_SLACK, 1920, 0, counter, events=events).pack(secret)


class Flood:
    """Sends datagrams of all bad kinds to some ports in turn, `rate` a second, until closed."""

    def __init__(self, welcome: dict[str, object], ports: list[int], rate: int) -> None:
        self.sent = 0
        self._welcome, self._ports, self._rate = welcome, ports, rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _kinds(self) -> list[bytes]:
        events = (Event((1 << 32) - 1, 1 << 50, b"\x90\x40\x40"), Event(3, 0, b"\xb0\x78\x00"))
        forged = [report(self._welcome, 1 << 31, NOISE.randbytes(16), events[:n]) for n in range(3)]
        random_ones = [NOISE.randbytes(NOISE.randint(0, 1400)) for _ in range(20)]
        rtp_like = [b"\x90\x60" + NOISE.randbytes(n) for n in (0, 5, 22, 800)]
        rtcp_like = [b"\x81\xc9" + NOISE.randbytes(n) for n in (0, 1, 15, 30, 130)]
        rtcp_like.append(b"\x80\xc8\x00\x06" + bytes(40))
        truncated = [forged[0][:n] for n in (1, 4, MAC_BYTES, len(forged[0]) - 1)]
        return [*forged, *random_ones, *rtp_like, *rtcp_like, *truncated, b"", NOISE.randbytes(20000)]

    def _run(self) -> None:
        kinds, begun = self._kinds(), time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            while not self._stop.wait(0.002):
                for _ in range(round((time.monotonic() - begun) * self._rate) - self.sent):
                    port = self._ports[self.sent % len(self._ports)]
                    with suppress(OSError):  # a port that is closed by now
                        one.sendto(kinds[self.sent % len(kinds)], (LOOPBACK, port))
                    self.sent += 1

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


class Pest:
    """Connects again and again, and says nonsense each time, until closed."""

    def __init__(self, server: str) -> None:
        self.said = 0
        self._server, self._stop = server, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        kinds = list(NONSENSE.values())
        while not self._stop.wait(0.01):
            with suppress(OSError), connected(self._server) as one:  # until the server has had enough
                one.sendall(kinds[self.said % len(kinds)])
            self.said += 1

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


def replaying(keep: Callable[[bytes], bool]) -> Callable[[bytes], list[bytes]]:
    """With each datagram a second one: it or an old one once more, a part of it, or nonsense as long."""
    old: deque[bytes] = deque(maxlen=200)

    def meddle(data: bytes) -> list[bytes]:
        if keep(data):
            old.append(data)
        again = NOISE.choice(old) if old else data
        return [data, NOISE.choice([data, again, again, data[:-1], NOISE.randbytes(len(data))])]

    return meddle


def client_port(server_port: int) -> int:
    """The port of the client that talks to one of the server's (Linux's /proc/net/udp); 0 elsewhere."""
    table = Path("/proc/net/udp")
    rows = [line.split() for line in table.read_text().splitlines()[1:]] if table.exists() else []
    found = [row[1] for row in rows if int(row[2].rpartition(":")[2], 16) == server_port]
    return int(found[0].rpartition(":")[2], 16) if found else 0


class Harassed(NamedTuple):
    """Two clients amid garbage, and who makes it."""

    clients: list[Playing]  # one behind a relay that replays all it passes on, one whose ports are flooded
    flood: Flood
    pest: Pest


@contextmanager
def harassed(server: Program, address: str, folder: Path, song: Timed, rate: int) -> Iterator[Harassed]:
    """`rate` datagrams a second, and connections without end."""
    path = write_midi(folder / "song.mid", song)
    joined = server.text.count("player joined")
    with ExitStack() as stack:
        way = UdpRelay(replaying(lambda _: True), replaying(is_audio))
        stack.callback(way.close)
        relayed = stack.enter_context(tcp_relay(address, way.lead_to))
        seen = stack.enter_context(tcp_relay(address))
        flags = ("--held", "10s")
        first = stack.enter_context(playing(folder / "first", path, relayed.address, "hybrid", *flags))
        second = stack.enter_context(playing(folder / "second", path, seen.address, "hybrid", *flags))
        server.line("player joined", joined + 2)
        for client in (first, second):
            recorded(client, 0)
        port = int(seen.welcome["udp_port"])
        flood, pest = Flood(seen.welcome, [port, port, client_port(port) or port], rate), Pest(address)
        stack.callback(flood.close)
        stack.callback(pest.close)
        yield Harassed([first, second], flood, pest)


def song(measures: int) -> Timed:
    return piece(7, measures, (PIANO, GUITAR, ORGAN, EPIANO))


def check(result: Result, song: Timed) -> None:
    count = len(result.sound)
    exact = reference(opening(song, count)).mix(count).astype(np.float32)
    assert result.spans == [] and difference(result.sound, exact) <= 1, result.figures()
    losses = [line for line in result.text.splitlines() if "lost the server" in line and "nothing heard" not in line]
    assert losses == [], result.text


def test_nobody_hears_garbage(house: tuple[Program, str], tmp_path: Path) -> None:
    program, address = house
    music = song(40)
    with harassed(program, address, tmp_path, music, 2000) as (clients, flood, pest):
        until(lambda: flood.sent > 4000 and pest.said > 2 * len(NONSENSE), "garbage has been sent")
        for client in clients:
            recorded(client, 4 * RATE)
        results = [client.leave() for client in clients]
    for result in results:
        check(result, music)
    assert results[0].report["packets"]["duplicate"] > 0, results[0].figures()
    assert program.process.poll() is None and "Traceback" not in program.text, program.text


def test_an_old_session_is_replaced_by_its_secret_alone(address: str) -> None:
    """Who knows the name of a session, and not its secret, cannot end it."""
    with connected(address) as one, one.makefile("rb") as lines:
        one.sendall(hello())
        welcome = control.decode_from_server(lines.readline())
        assert isinstance(welcome, control.Welcome)
        assert answer(address, hello(session=welcome.session, secret="00" * 16))["type"] == "welcome"
        one.sendall(control.encode(control.Ping(2.0)))
        assert control.decode_from_server(lines.readline()) == control.Pong(2.0)
        assert answer(address, hello(session=welcome.session, secret=welcome.secret))["type"] == "welcome"
        assert lines.read() == b""


def test_forged_and_replayed_reports_get_no_answer(address: str) -> None:
    """So the server cannot be made to send to anyone who has not the secret."""
    with connected(address) as one, one.makefile("rb") as lines:
        one.sendall(hello())
        welcome = json.loads(lines.readline())
        secret = bytes.fromhex(welcome["secret"])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(PATIENCE)
            udp.connect((LOOPBACK, welcome["udp_port"]))

            def answered() -> int:
                return Reply.parse(udp.recv(2000)).sent

            first = report(welcome, 1, secret)
            udp.send(first)
            assert answered() == 1
            bad = [first, report(welcome, 2, NOISE.randbytes(16)), report(welcome | {"ssrc": 4}, 2, secret)]
            for data in (*bad, first[:-1], NOISE.randbytes(100)):
                udp.send(data)
            udp.send(report(welcome, 3, secret))
            assert answered() == 3
            udp.send(report(welcome, 2, secret))
            udp.send(report(welcome, 4, secret))
            assert answered() == 4
