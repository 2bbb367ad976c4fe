"""What plays a key map."""

import threading
import time
from collections.abc import Iterable

from netaudio.inputs.escape_codes import Event
from netaudio.inputs.key_layout import Action, Command, KeyMap, Play, Push


class Hands:
    """Plays a KeyMap into `push` and `command`, from any thread; deaf hands hold nothing."""

    def __init__(self, push: Push, command: Command) -> None:
        self._push, self._command = push, command
        self._map = KeyMap()
        self._deaf = False
        self._lock = threading.RLock()

    @property
    def octave(self) -> int:
        return self._map.octave

    def press(self, key: str, at: float | None = None) -> None:
        """`at` is the time (time.monotonic(), seconds) if it was before now."""
        with self._lock:
            if not self._deaf:
                self._act(self._map.press(key), at)

    def release(self, key: str, at: float | None = None) -> None:
        with self._lock:
            self._act(self._map.release(key), at)

    def let_go(self, deaf: bool = False) -> None:
        """Ends all held keys; deaf, until `hear`, to all that follow."""
        with self._lock:
            self._deaf = self._deaf or deaf
            self._act(self._map.release_all())

    def hear(self) -> None:
        with self._lock:
            self._deaf = False

    def play(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.kind == "down":
                self.press(event.key)
            elif event.kind == "up":
                self.release(event.key)

    def _act(self, actions: list[Action], at: float | None = None) -> None:
        for action in actions:
            if isinstance(action, Play):
                self._push(time.monotonic() if at is None else at, action.message)
            else:
                self._command(action.command, action.value)
