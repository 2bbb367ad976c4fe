"""What stands between a client and a server here: a relay that can meddle, and peers that speak no sense."""

import json
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from netaudio.wire import control
from tests.support.programs import PATIENCE

LOOPBACK = "127.0.0.1"
Meddle = Callable[[bytes], list[bytes]]


def endpoint(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host, int(port)


class TcpRelay:
    """Passes a control connection on, and keeps the welcome, in whose place `udp_port` may put another, what the
    client says, and by how much the server moved notes that it heard late."""

    def __init__(self, server: str, udp_port: Callable[[int], int] = int) -> None:
        self.welcome: dict[str, Any] = {}
        self.said: list[bytes] = []  # lines of the client
        self.delays: dict[int, int] = {}  # frames, by the notes' seqs
        self.welcomed = threading.Event()
        self.open = threading.Event()  # while it is not set nothing is passed on: what was sent waits
        self.open.set()
        self._server, self._udp_port = endpoint(server), udp_port
        self._listener = socket.create_server((LOOPBACK, 0))
        self.address = f"{LOOPBACK}:{self._listener.getsockname()[1]}"
        self._sockets = [self._listener]
        self._start(self._accept)

    def _start(self, work: Callable[..., None], *args: object) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.open.wait()
            try:
                far = socket.create_connection(self._server)
            except OSError:  # nobody is there, for now
                near.close()
                continue
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets += [near, far]
            self._start(self._pass, near, far, False)
            self._start(self._pass, far, near, True)

    def _pass(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        try:
            with source.makefile("rb") as lines:
                for line in lines:
                    if not answers:
                        self.said.append(line)
                    self.open.wait()
                    target.sendall(self._changed(line) if answers else line)
        except OSError:
            pass
        finally:
            for one in (source, target):
                one.close()

    def _changed(self, line: bytes) -> bytes:
        message = json.loads(line)
        if message["type"] == "late":
            self.delays[message["seq"]] = message["delay"]
        if message["type"] != "welcome":
            return line
        self.welcome = dict(message)
        message["udp_port"] = self._udp_port(message["udp_port"])
        self.welcomed.set()
        return json.dumps(message).encode() + b"\n"

    def close(self) -> None:
        for one in self._sockets:
            one.close()


class UdpRelay:
    """Passes datagrams on between the first peer that speaks and a port of the server's; each direction's
    `meddle` says what is delivered in place of a datagram."""

    def __init__(self, up: Meddle, down: Meddle) -> None:
        self._up, self._down = up, down
        self._near, self._far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._near.bind((LOOPBACK, 0))
        self._client: tuple[str, int] | None = None
        self._server: tuple[str, int] | None = None
        self._left: list[socket.socket] = []
        self._sent = b""  # the last datagram from the client
        self._closed = False

    def lead_to(self, port: int) -> int:
        """Begin; the relay's own port."""
        self._server = LOOPBACK, port
        self._far.connect(self._server)
        threading.Thread(target=self._run, daemon=True).start()
        return int(self._near.getsockname()[1])

    def move(self) -> bytes:
        """Go on from another port, as a NAT may that forgets; the last datagram that came from the old one."""
        far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        assert self._server is not None
        far.connect(self._server)
        self._left.append(self._far)
        self._far = far
        return self._sent

    def replay(self, data: bytes) -> None:
        """Send a datagram from the port that was left."""
        self._left[-1].send(data)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            far = self._far
            for one in (self._near, far):
                selector.register(one, selectors.EVENT_READ)
            while not self._closed:
                if far is not self._far:  # nobody listens at the port that was left
                    selector.unregister(far)
                    far = self._far
                    selector.register(far, selectors.EVENT_READ)
                for key, _ in selector.select(0.1):
                    if key.fileobj not in (self._near, self._far):
                        continue
                    try:
                        self._pass(key.fileobj is self._near)
                    except OSError:  # the other end is closed
                        continue
        for one in (self._near, self._far, *self._left):
            one.close()

    def _pass(self, from_client: bool) -> None:
        if from_client:
            data, self._client = self._near.recvfrom(2000)
            for item in self._up(data):
                self._far.send(item)
                self._sent = item
        else:
            data = self._far.recv(2000)
            assert self._client, "the server spoke first"
            for item in self._down(data):
                self._near.sendto(item, self._client)

    def close(self) -> None:
        self._closed = True


class Way:
    """All the way between clients and a server: it can be severed, and each session's UDP has a relay."""

    def __init__(self, server: str) -> None:
        self.relays: list[UdpRelay] = []
        self._tcp = TcpRelay(server, self._lead)
        self.address = self._tcp.address

    def sever(self) -> None:
        self._tcp.open.clear()

    def mend(self) -> None:
        self._tcp.open.set()

    def _lead(self, port: int) -> int:
        self.relays.append(UdpRelay(self._carry, self._carry))
        return self.relays[-1].lead_to(port)

    def _carry(self, data: bytes) -> list[bytes]:
        return [data] if self._tcp.open.is_set() else []

    def close(self) -> None:
        self.mend()
        self._tcp.close()
        for relay in self.relays:
            relay.close()


@contextmanager
def way(server: str) -> Iterator[Way]:
    made = Way(server)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def tcp_relay(server: str, udp_port: Callable[[int], int] = int) -> Iterator[TcpRelay]:
    relay = TcpRelay(server, udp_port)
    try:
        yield relay
    finally:
        relay.close()


@contextmanager
def dead_port() -> Iterator[int]:
    """A UDP port that takes everything and answers nothing, as behind a firewall."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((LOOPBACK, 0))
        yield int(one.getsockname()[1])


@contextmanager
def connected(server: str) -> Iterator[socket.socket]:
    with socket.create_connection(endpoint(server), timeout=PATIENCE) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield one


def answer(server: str, data: bytes) -> dict[str, Any]:
    """What the server says to some bytes before it closes: one message, else {}."""
    with connected(server) as one:
        one.sendall(data)
        with one.makefile("rb") as lines:
            line = lines.readline()
        return dict(json.loads(line)) if line else {}


def hello(**fields: Any) -> bytes:
    return control.encode(control.Hello(**({"version": control.VERSION} | fields)))
