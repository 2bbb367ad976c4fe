"""Where a server's connections come from, and who may come in."""

import asyncio
import errno
import hmac
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Protocol

from netaudio.config.kinds import Address
from netaudio.config.settings import ServerSettings
from netaudio.errors import NetAudioError, ProtocolError, RefusedError
from netaudio.wire import control
from netaudio.wire.payload import PAYLOADS

HELLO_SECONDS = 5.0  # to say it in
STRANGERS = 64  # connections that have not
NO_HELLO = f"no hello within {HELLO_SECONDS:.0f} s"
CROWDED = "too many connections are waiting here; try again in a moment"
BACKLOG = 100
ELSEWHERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # such as ::1 of localhost, without IPv6

Welcome = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Entrance(Protocol):
    """Gives a server its connections, and is told who plays."""

    async def open(self, welcome: Welcome, stop: Callable[[], None]) -> None:
        """Begin: call `welcome` for each connection, and `stop` should no more come."""

    def close(self) -> None:
        """No more of them."""

    def joined(self, writer: asyncio.StreamWriter, session: str, secret: str) -> None:
        """Who came by this connection plays."""

    def left(self, session: str) -> None:
        """A place and a UDP port are free."""

    def count(self, here: int) -> str:
        """How many play, for the log."""


class Listener:
    """A TCP port of the server's own. `ready` is told its address."""

    def __init__(self, settings: ServerSettings, ready: Callable[[Address], None]) -> None:
        self._sockets = listen(settings.host, settings.port)
        self._limit, self._ready = settings.max_clients, ready
        self._servers: list[asyncio.Server] = []

    async def open(self, welcome: Welcome, stop: Callable[[], None]) -> None:
        for one in self._sockets:
            self._servers.append(
                await asyncio.start_server(welcome, sock=one, limit=control.MAX_STATE, backlog=BACKLOG)
            )
        self._ready(bound(self._sockets))

    def close(self) -> None:
        for server in self._servers:
            server.close()

    def joined(self, writer: asyncio.StreamWriter, session: str, secret: str) -> None:
        pass

    def left(self, session: str) -> None:
        pass

    def count(self, here: int) -> str:
        return f"{here} of {self._limit}"


def listen(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of this name; raises NetAudioError."""
    sockets: list[socket.socket] = []
    with ExitStack() as opened:
        try:
            known = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, address in dict.fromkeys((family, address) for family, _, _, _, address in known):
                try:
                    one = socket.create_server(address, family=family, backlog=BACKLOG)
                except OSError as error:
                    if error.errno in ELSEWHERE and len(known) > 1:
                        continue
                    raise
                sockets.append(opened.enter_context(one))
            if not sockets:
                raise OSError(errno.EADDRNOTAVAIL, "")
        except (OSError, UnicodeError) as error:
            code = getattr(error, "errno", None) or 0
            why = os.strerror(code) if code > 0 else "this name is not known"
            remedy = {
                errno.EADDRINUSE: "stop what uses it, or choose another --port",
                errno.EACCES: "choose a --port above 1023",
            }.get(code, "choose another --host")
            raise NetAudioError(f"cannot listen at {Address(host, port)}: {why}; {remedy}") from None
        opened.pop_all()
    return sockets


def bind_udp(host: str, ports: range | None) -> socket.socket:
    """A UDP socket at the address that the client connected to; raises RefusedError when all ports are taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.setblocking(False)
    for port in ports or (0,):
        try:
            udp.bind((host, port))
            return udp
        except OSError:  # taken: the next one
            continue
    udp.close()
    raise RefusedError("the server has no free UDP port: its owner should widen UDP_PORTS")


def bound(sockets: list[socket.socket]) -> Address:
    return Address(*sockets[0].getsockname()[:2])


def check_hello(message: control.FromClient, settings: ServerSettings) -> control.Hello:
    """A hello that may come in if there is room; raises RefusedError or ProtocolError."""
    if not isinstance(message, control.Hello):
        raise ProtocolError("the first message must be a hello")
    if message.version != control.VERSION:
        raise RefusedError(
            f"this server speaks version {control.VERSION}, the client {message.version}: update the older one"
        )
    if settings.token and not same(message.token, settings.token):
        raise RefusedError("the token is wrong or missing: give --token as the server's owner told you")
    if not 32 <= (message.block or settings.chunk_size) <= 1024 or message.payload not in PAYLOADS:
        raise RefusedError("CHUNK_SIZE must be 32 to 1024 frames and PAYLOAD one of " + ", ".join(PAYLOADS))
    return message


def check_room(taken: int, settings: ServerSettings) -> None:
    """Raises RefusedError where all places are taken."""
    if taken >= settings.max_clients:
        raise RefusedError(
            f"the server is full ({taken} of {settings.max_clients} players): try again later, "
            "or ask its owner to raise MAX_CLIENTS"
        )


def same(one: str, other: str) -> bool:
    """Whether two words are, in a time that does not tell how far they are."""
    return hmac.compare_digest(one.encode(), other.encode())
