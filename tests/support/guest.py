"""A client that has a place at a server, and plays nothing."""

import threading
from contextlib import ExitStack, suppress
from typing import Any

from netaudio.wire import control
from tests.support.relay import connected, hello

PING_SECONDS = 0.5


class Guest:
    """Says hello, and then shows that it is there until `stack` ends."""

    def __init__(self, stack: ExitStack, server: str, **fields: Any) -> None:
        self.socket = stack.enter_context(connected(server))
        self.socket.sendall(hello(**fields))
        self._lines = stack.enter_context(self.socket.makefile("rb"))
        self.answer = control.decode_from_server(self._lines.readline())
        self._gone = threading.Event()
        thread = threading.Thread(target=self._ping, daemon=True)
        stack.callback(thread.join)
        stack.callback(self._gone.set)
        thread.start()

    def _ping(self) -> None:
        while not self._gone.wait(PING_SECONDS):
            with suppress(OSError):  # it has been ended
                self.socket.sendall(control.encode(control.Ping(0.0)))

    @property
    def welcome(self) -> control.Welcome:
        assert isinstance(self.answer, control.Welcome), self.answer
        return self.answer

    def return_fields(self) -> dict[str, str]:
        return {"session": self.welcome.session, "secret": self.welcome.secret}

    def await_end(self) -> None:
        """Until the server ends this connection."""
        with suppress(ConnectionResetError):
            for _ in self._lines:
                pass
