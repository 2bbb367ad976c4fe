"""Keys from the Windows console."""

import os
import sys
import threading
import time

from netaudio.errors import DeviceError
from netaudio.inputs.key_layout import Command, Push, Say
from netaudio.inputs.key_player import KeyPlayer
from netaudio.inputs.timed_keys import NO_KEY_UP, TimedKeys


class ConsoleKeys:
    """Keys as the Windows console types them: their ends are timed."""

    name = "console"

    def __init__(self, push: Push, command: Command, say: Say) -> None:
        if not os.isatty(0):
            raise DeviceError("no computer keys: standard input is not a console")
        self._keys, self._timed = KeyPlayer(push, command), TimedKeys()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read, name="console", daemon=True)
        self._thread.start()
        say(NO_KEY_UP)

    @property
    def octave(self) -> int:
        return self._keys.octave

    def close(self) -> None:
        self._closed.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._keys.pause()

    def _read(self) -> None:
        while not self._closed.wait(0.01):
            now = time.monotonic()
            self._keys.play(self._timed.due(now))
            for key in typed_keys():
                self._keys.play(self._timed.type(key, now))


def typed_keys() -> list[str]:
    """The keys typed into the Windows console since the last call; none elsewhere."""
    keys: list[str] = []
    if sys.platform == "win32":
        import _thread
        import msvcrt

        while msvcrt.kbhit():
            key = msvcrt.getwch()
            if key in ("\0", "\xe0"):  # an arrow or function key: its code follows
                msvcrt.getwch()
            elif key == "\x03":
                _thread.interrupt_main()
            elif key.isprintable() or key == "\x1b":
                keys.append(key)
    return keys
