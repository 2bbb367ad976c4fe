"""What stands between a client and a server here: a relay that can meddle, and peers that speak no sense."""

import json
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from netaudio import messages

LOOPBACK = "127.0.0.1"
Meddle = Callable[[bytes], list[bytes]]


def endpoint(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host, int(port)


class TcpRelay:
    """Passes a control connection on, and keeps the welcome, in whose place `udp_port` may put another, and what
    the client says."""

    def __init__(self, server: str, udp_port: Callable[[int], int] = int) -> None:
        self.welcome: dict[str, Any] = {}
        self.said: list[bytes] = []  # lines of the client
        self.welcomed = threading.Event()
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
            far = socket.create_connection(self._server)
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
                    target.sendall(self._changed(line) if answers else line)
        except OSError:
            pass
        finally:
            for one in (source, target):
                one.close()

    def _changed(self, line: bytes) -> bytes:
        message = json.loads(line)
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
        self._closed = False

    def lead_to(self, port: int) -> int:
        """Begin; the relay's own port."""
        self._far.connect((LOOPBACK, port))
        threading.Thread(target=self._run, daemon=True).start()
        return int(self._near.getsockname()[1])

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for one in (self._near, self._far):
                selector.register(one, selectors.EVENT_READ)
            while not self._closed:
                for key, _ in selector.select(0.1):
                    try:
                        self._pass(key.fileobj is self._near)
                    except OSError:  # the other end is closed
                        continue
        self._near.close()
        self._far.close()

    def _pass(self, from_client: bool) -> None:
        if from_client:
            data, self._client = self._near.recvfrom(2000)
            for item in self._up(data):
                self._far.send(item)
        else:
            data = self._far.recv(2000)
            assert self._client, "the server spoke first"
            for item in self._down(data):
                self._near.sendto(item, self._client)

    def close(self) -> None:
        self._closed = True


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
    with socket.create_connection(endpoint(server), timeout=20) as one:
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
    return messages.encode(messages.Hello(**({"version": messages.VERSION} | fields)))
