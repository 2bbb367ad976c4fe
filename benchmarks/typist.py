"""Types on a display, and is told by it when each key went down."""

import time

import numpy as np
from numpy.typing import NDArray
from Xlib import XK, X
from Xlib.display import Display
from Xlib.ext import xtest

KEYS = "awsedf"  # of the computer keyboard, as README shows it
PRESSED = 0.03  # seconds


class Typist:
    """A client of the X server `name` with a window that has the focus, so that it sees what it types."""

    def __init__(self, name: str) -> None:
        self._display = Display(name)
        screen = self._display.screen()
        self._window = screen.root.create_window(0, 0, 10, 10, 0, screen.root_depth, event_mask=X.KeyPressMask)
        self._window.map()
        self._window.set_input_focus(X.RevertToParent, X.CurrentTime)
        self._display.sync()

    def type(self, at: NDArray[np.float64]) -> NDArray[np.int64]:
        """Press a key at each of these seconds from now, PRESSED apart or more; the stamps, in milliseconds."""
        codes = [self._display.keysym_to_keycode(XK.string_to_keysym(key)) for key in KEYS]
        stamps, begin = [], time.monotonic()
        for number, seconds in enumerate(at):
            time.sleep(max(0.0, begin + seconds - time.monotonic()))
            self._strike(X.KeyPress, codes[number % len(codes)])
            while (event := self._display.next_event()).type != X.KeyPress:
                pass
            stamps.append(event.time)
            time.sleep(PRESSED)
            self._strike(X.KeyRelease, codes[number % len(codes)])
        return np.array(stamps, np.int64)

    def close(self) -> None:
        self._display.close()

    def _strike(self, kind: int, code: int) -> None:
        xtest.fake_input(self._display, kind, code)
        self._display.sync()
