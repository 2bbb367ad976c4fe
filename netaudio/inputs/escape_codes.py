"""What a terminal's bytes say: keys, with key-up where it tells that, focus, and answers."""

import codecs
import re
import sys
from dataclasses import dataclass
from typing import Literal

_CSI = re.compile(rb"\x1b\[([0-?]{0,64})([ -/]{0,4})([@-~])")
_CSI_BEGUN = re.compile(rb"\x1b\[[0-?]{0,64}[ -/]{0,4}")
_TEXT_SEQUENCE = re.compile(rb"\x1b[\]P_^X][^\x07\x1b]{0,4096}(\x07|\x1b\\)")
_TEXT_SEQUENCE_BEGUN = re.compile(rb"\x1b[\]P_^X][^\x07\x1b]{0,4096}\x1b?")
_KITTY_KEY = re.compile(rb"(\d{1,7})(?::(\d{0,7}))?(?::(\d{0,7}))?(?:;(\d{0,5})(?::(\d))?(?:;[\d:]*)?)?")
_KEYPAD = {57399 + digit: str(digit) for digit in range(10)} | {57412: "-", 57413: "+", 57415: "="}
_SHIFT, _ALT, _CTRL, _SUPER = 1, 2, 4, 8


@dataclass(frozen=True)
class TerminalEvent:
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

    def feed(self, data: bytes) -> list[TerminalEvent]:
        self._rest += data
        events: list[TerminalEvent] = []
        while self._rest:
            text, escape, after = self._rest.partition(b"\x1b")
            if text:
                self._rest = escape + after
                typed = self._decoder.decode(text)
                events += [TerminalEvent("typed", key) for key in typed if key.isprintable() and key != "\ufffd"]
                continue
            size, event = _escape(self._rest)
            if size == 0:
                break
            self._rest = self._rest[size:]
            events += [event] if event else []
        return events

    def flush(self) -> list[TerminalEvent]:
        """Nothing more came: Escape was typed, or a sequence stays unfinished and is dropped."""
        rest, self._rest = self._rest, b""
        return [TerminalEvent("typed", "esc")] if rest == b"\x1b" else []


def _escape(data: bytes) -> tuple[int, TerminalEvent | None]:
    """The length of the sequence at the start (0: unfinished) and what it says."""
    second = data[1:2]
    if second == b"":
        return 0, None
    if second == b"\x1b":
        return 1, TerminalEvent("typed", "esc")
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


def _control(parameters: bytes, middle: bytes, final: bytes) -> TerminalEvent | None:
    match parameters, middle + final:
        case b"", b"I":
            return TerminalEvent("focus")
        case b"", b"O":
            return TerminalEvent("blur")
        case _, b"$y" if parameters in (b"?1004;1", b"?1004;2", b"?1004;3"):
            return TerminalEvent("tells focus")
        case _, b"c" if parameters.startswith(b"?"):
            return TerminalEvent("answered")
        case _, b"u" if parameters.startswith(b"?"):
            return TerminalEvent("kitty")
        case _, b"u" if key := _KITTY_KEY.fullmatch(parameters):
            return _kitty(*(int(number or 0) for number in key.groups()))
    return None


def _kitty(code: int, shifted: int, us_code: int, modifiers: int, kind: int) -> TerminalEvent | None:
    """A key by the kitty keyboard protocol; `us_code` is what this key types on a US keyboard."""
    modifiers = max(0, modifiers - 1)
    if modifiers & _CTRL and ord("c") in (code, us_code):
        return TerminalEvent("interrupt") if kind <= 1 else None
    if modifiers & _SHIFT and shifted:
        code = shifted
    if code > 127 and us_code:
        code = us_code
    key = "esc" if code == 27 else _KEYPAD.get(code) or (chr(code) if code <= sys.maxunicode else "")
    if not key.isprintable() or not key:
        return None
    if kind == 3:
        return TerminalEvent("up", key)
    if kind == 2 or modifiers & (_ALT | _CTRL | _SUPER):
        return None
    return TerminalEvent("down", key)
