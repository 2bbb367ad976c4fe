"""What a terminal's bytes say: keys, focus and answers; with key-up where it tells that. Time is an argument."""

import codecs
import math
import re
import sys
from dataclasses import dataclass
from typing import Literal

from netaudio.inputs.key_layout import NOTE_KEYS, fold

HOLD = 0.7
"""Seconds that a key counts as held after it was typed: keyboards begin to repeat after 250 to 660 ms."""
REPEAT_WITHIN = 0.1  # seconds in which a key that is held down is typed again
NO_KEY_UP = (
    f"this terminal does not tell when a key goes up: a note ends {HOLD:g} s after its key, "
    "and space switches the pedal"
)
PEDAL, STEPS = "space", frozenset("zx[]-=")

_CSI = re.compile(rb"\x1b\[([0-?]{0,64})([ -/]{0,4})([@-~])")
_CSI_BEGUN = re.compile(rb"\x1b\[[0-?]{0,64}[ -/]{0,4}")
_TEXT_SEQUENCE = re.compile(rb"\x1b[\]P_^X][^\x07\x1b]{0,4096}(\x07|\x1b\\)")
_TEXT_SEQUENCE_BEGUN = re.compile(rb"\x1b[\]P_^X][^\x07\x1b]{0,4096}\x1b?")
_KITTY_KEY = re.compile(rb"(\d{1,7})(?::(\d{0,7}))?(?::(\d{0,7}))?(?:;(\d{0,5})(?::(\d))?(?:;[\d:]*)?)?")
_KEYPAD = {57399 + digit: str(digit) for digit in range(10)} | {57412: "-", 57413: "+", 57415: "="}
_SHIFT, _ALT, _CTRL, _SUPER = 1, 2, 4, 8


@dataclass(frozen=True)
class Event:
    """What the terminal said. "typed": a key whose key-up will not come; "answered": it answers no more."""

    kind: Literal["typed", "down", "up", "interrupt", "focus", "blur", "kitty", "tells focus", "answered"]
    key: str = ""


class Parser:
    """A terminal's bytes, cut anywhere, to events. Escape alone shows by the silence after it: `flush`."""

    def __init__(self) -> None:
        self._rest = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def pending(self) -> bool:
        """Whether an escape sequence has begun; call `flush` if nothing follows for ESCAPE_WAIT seconds."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[Event]:
        self._rest += data
        events: list[Event] = []
        while self._rest:
            text, escape, after = self._rest.partition(b"\x1b")
            if text:
                self._rest = escape + after
                typed = self._decoder.decode(text)
                events += [Event("typed", key) for key in typed if key.isprintable() and key != "\ufffd"]
                continue
            size, event = _escape(self._rest)
            if size == 0:
                break
            self._rest = self._rest[size:]
            events += [event] if event else []
        return events

    def flush(self) -> list[Event]:
        """Nothing more came: Escape was typed, or a sequence stays unfinished and is dropped."""
        rest, self._rest = self._rest, b""
        return [Event("typed", "esc")] if rest == b"\x1b" else []


def _escape(data: bytes) -> tuple[int, Event | None]:
    """The length of the sequence at the start (0: unfinished) and what it says."""
    second = data[1:2]
    if second == b"":
        return 0, None
    if second == b"\x1b":
        return 1, Event("typed", "esc")
    if second == b"[":
        if match := _CSI.match(data):
            return match.end(), _control(*match.groups())
        return (0, None) if _CSI_BEGUN.fullmatch(data) else (2, None)
    if second in (b"]", b"P", b"_", b"^", b"X"):
        if match := _TEXT_SEQUENCE.match(data):
            return match.end(), None
        return (0, None) if _TEXT_SEQUENCE_BEGUN.fullmatch(data) else (2, None)
    if second == b"O":
        return (3 if len(data) > 2 else 0), None
    return 2, None  # Alt with a key


def _control(parameters: bytes, middle: bytes, final: bytes) -> Event | None:
    match parameters, middle + final:
        case b"", b"I":
            return Event("focus")
        case b"", b"O":
            return Event("blur")
        case _, b"$y" if parameters in (b"?1004;1", b"?1004;2", b"?1004;3"):
            return Event("tells focus")
        case _, b"c" if parameters.startswith(b"?"):
            return Event("answered")
        case _, b"u" if parameters.startswith(b"?"):
            return Event("kitty")
        case _, b"u" if key := _KITTY_KEY.fullmatch(parameters):
            return _kitty(*(int(number or 0) for number in key.groups()))
    return None


def _kitty(code: int, shifted: int, us_code: int, modifiers: int, kind: int) -> Event | None:
    """A key by the kitty keyboard protocol; `us_code` is what this key types on a US keyboard."""
    modifiers = max(0, modifiers - 1)
    if modifiers & _CTRL and ord("c") in (code, us_code):
        return Event("interrupt") if kind <= 1 else None
    if modifiers & _SHIFT and shifted:
        code = shifted
    if code > 127 and us_code:
        code = us_code
    key = "esc" if code == 27 else _KEYPAD.get(code) or (chr(code) if code <= sys.maxunicode else "")
    if not key.isprintable() or not key:
        return None
    if kind == 3:
        return Event("up", key)
    if kind == 2 or modifiers & (_ALT | _CTRL | _SUPER):
        return None
    return Event("down", key)


class TimedKeys:
    """Ends keys whose key-up is never told, HOLD seconds after they were last typed, or, where they play no note, as
    soon as they do not repeat themselves: a player may press M again. Times in seconds."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._last = ""
        self._typed = -math.inf

    def type(self, key: str, now: float) -> list[Event]:
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
                return [Event("up", key)]
            self._ends[key] = math.inf
            return [Event("down", key)]
        if key == PEDAL:
            return []
        self._ends[key] = now + (HOLD if key in NOTE_KEYS or key in STEPS else REPEAT_WITHIN)
        if held and repeats and key not in STEPS:
            return []
        return [Event("up", key), Event("down", key)] if held else [Event("down", key)]

    def due(self, now: float) -> list[Event]:
        """The keys that end by now."""
        ended = [key for key, end in self._ends.items() if end <= now]
        for key in ended:
            del self._ends[key]
        return [Event("up", key) for key in ended]

    def clear(self) -> None:
        self._ends.clear()

    @property
    def next_end(self) -> float | None:
        return min((end for end in self._ends.values() if end < math.inf), default=None)
