"""Reads the hellos of new connections, on one thread and with none of its own."""

import logging
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from netaudio.config.settings import ServerSettings
from netaudio.errors import ProtocolError, RefusedError
from netaudio.server.listener import CROWDED, HELLO_SECONDS, NO_HELLO, STRANGERS, check_hello
from netaudio.wire import control

MAX_HELLO = 1 << 14  # bytes of the line; its five texts of 200 characters are fewer
FAREWELL_SECONDS = 1.0  # for a client to read why it was turned away

log = logging.getLogger("netaudio")

Admit = Callable[[socket.socket, bytes, control.Hello], None]


@dataclass
class Stranger:
    """A connection that has not said its hello, or was told why it may not come in."""

    until: float
    said: bytes = b""
    refused: bool = False


class Reception:
    """What connects to `listeners` is handed to `admit` with all that it said and its hello, which is a good one.

    `admit` passes the socket on, which is closed here then, or raises RefusedError. The selector's owner calls
    each event's `data` with its `fileobj`, and `expire` after `patience` seconds at the latest.
    """

    def __init__(
        self,
        listeners: list[socket.socket],
        selector: selectors.BaseSelector,
        settings: ServerSettings,
        admit: Admit,
    ) -> None:
        self._listeners, self._selector, self._settings, self._admit = listeners, selector, settings, admit
        self._strangers: dict[socket.socket, Stranger] = {}

    def open(self) -> None:
        for one in self._listeners:
            one.setblocking(False)
            self._selector.register(one, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        """Close all sockets; the selector's other users go on."""
        for one in self._listeners:
            one.close()
        for client in self._strangers:
            client.close()

    def patience(self) -> float | None:
        """Seconds until somebody's time is up; None while nobody waits."""
        times = [stranger.until for stranger in self._strangers.values()]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def expire(self) -> None:
        now = time.monotonic()
        for client in [client for client, stranger in self._strangers.items() if stranger.until <= now]:
            if self._strangers[client].refused:
                self._drop(client)
            else:
                self._refuse(client, NO_HELLO)

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except OSError:  # gone already, or out of descriptors
            return
        client.setblocking(False)
        waiting = sum(not stranger.refused for stranger in self._strangers.values())
        if len(self._strangers) >= 2 * STRANGERS:
            client.close()
            return
        self._strangers[client] = Stranger(time.monotonic() + HELLO_SECONDS)
        self._selector.register(client, selectors.EVENT_READ, self._read)
        if waiting >= STRANGERS:
            self._refuse(client, CROWDED)

    def _read(self, client: socket.socket) -> None:
        stranger = self._strangers[client]
        try:
            data = client.recv(MAX_HELLO)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
        elif not stranger.refused:  # what still comes after that is read, or the answer would be lost
            stranger.said += data
            self._judge(client, stranger.said)

    def _judge(self, client: socket.socket, said: bytes) -> None:
        line, ended, _ = said.partition(b"\n")
        try:
            if len(line) > MAX_HELLO:
                raise ProtocolError(f"a hello longer than {MAX_HELLO} bytes")
            if ended:
                hello = check_hello(control.decode_from_client(line), self._settings)
                self._admit(client, said, hello)
                self._drop(client)
        except (ProtocolError, RefusedError) as error:
            self._refuse(client, str(error))

    def _refuse(self, client: socket.socket, why: str) -> None:
        stranger = self._strangers[client]
        stranger.refused, stranger.until = True, time.monotonic() + FAREWELL_SECONDS
        try:
            log.info("turned away %s: %s", client.getpeername()[0], why)
            client.send(control.encode(control.Error(why)))
            client.shutdown(socket.SHUT_WR)
        except OSError:  # it has gone
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        del self._strangers[client]
        self._selector.unregister(client)  # first, or epoll goes on with a socket that others have, too
        client.close()
