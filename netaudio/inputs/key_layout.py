"""The computer's keys as a MIDI keyboard: what each key plays or does."""

from collections.abc import Callable
from dataclasses import dataclass

from netaudio.midi import SUSTAIN, control_change, note_off, note_on

Push = Callable[[float, bytes], None]
"""Takes a channel message with its time.monotonic(), from any thread."""
CoarsePush = Callable[[float, bytes, bool], None]
"""As Push, and whether the time is coarse: that of the block in which the sound device handed the message over."""
Command = Callable[[str, int], None]
"""Takes a command of `Do`, from any thread."""
Say = Callable[[str], None]
"""Takes one line for the musician, from any thread."""

VELOCITY = 100
NOTE_KEYS = "awsedftgyhujk"
PEDAL = "space"
REPEATING = "[]-="  # keys that step on while they are held
_PEDAL_DOWN, _PEDAL_UP = control_change(0, SUSTAIN, 127), control_change(0, SUSTAIN, 0)
_ALIASES = {" ": PEDAL, "\x1b": "esc", "escape": "esc", "_": "-", "+": "=", "{": "[", "}": "]"}


@dataclass(frozen=True)
class Play:
    """A channel message to play."""

    message: bytes


@dataclass(frozen=True)
class Do:
    """A command: "quit", "mode", "payload" (0), "offset", "volume" (-1 or +1: steps), "instrument" (from 0)."""

    command: str
    value: int = 0


Action = Play | Do

_COMMANDS = {
    "esc": Do("quit"),
    "m": Do("mode"),
    "p": Do("payload"),
    "[": Do("offset", -1),
    "]": Do("offset", 1),
    "-": Do("volume", -1),
    "=": Do("volume", 1),
} | {str(number): Do("instrument", number - 1) for number in range(1, 10)}


def fold(key: str) -> str:
    """One name for a key, with Shift or without: "a", "[", "space", "esc"."""
    key = key.casefold()
    return _ALIASES.get(key, key)


class KeyLayout:
    """Knows which keys are down, so that repeats do nothing and every note ends as it began.

    Keys are named by the character typed, or "space" and "esc"; other names do nothing.
    """

    def __init__(self) -> None:
        self.octave = 4
        self._notes: dict[str, int] = {}
        self._others: set[str] = set()

    def press(self, key: str) -> list[Action]:
        """What a key does that goes down; nothing if it is down already."""
        key = fold(key)
        if key in self._notes or (key in self._others and key not in REPEATING):
            return []
        if len(key) == 1 and key in NOTE_KEYS:
            return self._start(key)
        self._others.add(key)
        if key == PEDAL:
            return [Play(_PEDAL_DOWN)]
        if key in ("z", "x"):
            self.octave = max(-1, self.octave - 1) if key == "z" else min(9, self.octave + 1)
            return []
        return [_COMMANDS[key]] if key in _COMMANDS else []

    def release(self, key: str) -> list[Action]:
        """What ends with a key that goes up."""
        key = fold(key)
        if key in self._notes:
            note = self._notes.pop(key)
            # an octave apart, two keys may hold one note: it ends with the last of them
            return [] if note in self._notes.values() else [Play(note_off(0, note))]
        if key not in self._others:
            # Shift may have renamed a key since it went down: better take one repeat for a press than lose a press
            self._others &= {PEDAL}
            return []
        self._others.discard(key)
        return [Play(_PEDAL_UP)] if key == PEDAL else []

    def release_all(self) -> list[Action]:
        """What ends every held note and the pedal."""
        actions: list[Action] = [Play(note_off(0, note)) for note in dict.fromkeys(self._notes.values())]
        if PEDAL in self._others:
            actions.append(Play(_PEDAL_UP))
        self._notes.clear()
        self._others.clear()
        return actions

    def _start(self, key: str) -> list[Action]:
        note = 12 * (self.octave + 1) + NOTE_KEYS.index(key)
        if note > 127:
            return []
        self._notes[key] = note
        return [Play(note_on(0, note, VELOCITY))]
