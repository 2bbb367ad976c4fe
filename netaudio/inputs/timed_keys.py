"""Keys whose key-up is never told. Time is an argument."""

import math

from netaudio.inputs.escape_codes import TerminalEvent
from netaudio.inputs.key_layout import NOTE_KEYS, PEDAL, fold

HOLD = 0.7
"""Seconds that a key counts as held after it was typed: keyboards begin to repeat after 250 to 660 ms."""
REPEAT_WITHIN = 0.1  # seconds in which a key that is held down is typed again
NO_KEY_UP = (
    f"this terminal does not tell when a key goes up: a note ends {HOLD:g} s after its key, "
    "and space switches the pedal"
)
STEPS = frozenset("zx[]-=")  # keys that step once more each time they are typed


class TimedKeys:
    """Ends keys whose key-up is never told. Times in seconds.

    A key that plays a note or steps ends HOLD seconds after it was last typed; another as soon as it does not repeat
    itself, so that M can be pressed again.
    """

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._last = ""
        self._typed = -math.inf

    def type(self, key: str, now: float) -> list[TerminalEvent]:
        """A key was typed, or repeats itself: only the key that was typed last can do that.

        Steps are taken each time; the pedal, which nobody could hold while playing, is switched on and off.
        """
        key = fold(key)
        held, repeats = key in self._ends, key == self._last
        quick = now - self._typed < REPEAT_WITHIN
        self._last, self._typed = key, now
        if key == PEDAL and not (repeats and quick):
            if held:
                del self._ends[key]
                return [TerminalEvent("up", key)]
            self._ends[key] = math.inf
            return [TerminalEvent("down", key)]
        if key == PEDAL:
            return []
        self._ends[key] = now + (HOLD if key in NOTE_KEYS or key in STEPS else REPEAT_WITHIN)
        if held and repeats and key not in STEPS:
            return []
        return [TerminalEvent("up", key), TerminalEvent("down", key)] if held else [TerminalEvent("down", key)]

    def due(self, now: float) -> list[TerminalEvent]:
        """The keys that end by now."""
        ended = [key for key, end in self._ends.items() if end <= now]
        for key in ended:
            del self._ends[key]
        return [TerminalEvent("up", key) for key in ended]

    def clear(self) -> None:
        self._ends.clear()

    @property
    def next_end(self) -> float | None:
        return min((end for end in self._ends.values() if end < math.inf), default=None)
