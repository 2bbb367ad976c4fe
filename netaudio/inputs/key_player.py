"""Plays what the keys of a KeyLayout do."""

import threading
import time
from collections.abc import Iterable

from netaudio.inputs.escape_codes import TerminalEvent
from netaudio.inputs.key_layout import Action, Command, KeyLayout, Play, Push


class KeyPlayer:
    """Plays a KeyLayout into `push` and `command`, from any thread; paused, it holds nothing and takes no key."""

    def __init__(self, push: Push, command: Command) -> None:
        self._push, self._command = push, command
        self._layout = KeyLayout()
        self._paused = False
        self._lock = threading.RLock()

    @property
    def octave(self) -> int:
        return self._layout.octave

    def press(self, key: str, at: float | None = None) -> None:
        """`at` is the time (time.monotonic(), seconds) if it was before now."""
        with self._lock:
            if not self._paused:
                self._act(self._layout.press(key), at)

    def release(self, key: str, at: float | None = None) -> None:
        with self._lock:
            self._act(self._layout.release(key), at)

    def release_all(self) -> None:
        """Ends all held keys."""
        with self._lock:
            self._act(self._layout.release_all())

    def pause(self) -> None:
        """Ends all held keys, and takes no other until `resume`."""
        with self._lock:
            self._paused = True
            self.release_all()

    def resume(self) -> None:
        with self._lock:
            self._paused = False

    def play(self, events: Iterable[TerminalEvent]) -> None:
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
