"""Lines of styled text for terminals: a few marks, a few styles, none wider than it should be."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, groupby

Piece = tuple[str, str]  # text, and its style: the parameters of an SGR sequence (ECMA-48, 8.3.117)
Line = list[Piece]

# Of the colours only these three, which are told apart on dark and on light ground.
PLAIN, BOLD, DIM, BAD, GOOD, LIT = "", "1", "2", "31", "32", "36"


@dataclass(frozen=True)
class Marks:
    """The characters that draw. Each is one column wide."""

    full: str
    tail: str
    black: str
    edge: str
    tick: str
    parts: str  # of `full`, in equal steps; the first is nothing
    heights: str
    left: str
    right: str
    on: str
    off: str
    dot: str
    dash: str
    cut: str


UNICODE = Marks("█", "▒", "█", "│", "│", " ▏▎▍▌▋▊▉", "▁▂▃▄▅▆▇█", "◂", "▸", "●", "○", "·", "–", "…")
ASCII = Marks("*", ":", "#", "|", "|", " ", "_.-~=+*#", "<", ">", "*", "o", "|", "-", "~")


def runs(cells: Iterable[Piece]) -> Line:
    """The same with neighbours of one style put together."""
    return [("".join(text for text, _ in group), style) for style, group in groupby(cells, lambda cell: cell[1])]


@lru_cache(4096)
def columns(text: str) -> int:
    """How many a terminal gives to the text, as `clean` leaves it."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(c)[0] == "M" else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in clean(text)
    )


def fit(text: str, room: int, cut: str) -> str:
    """Exactly `room` columns; what is too long ends in `cut`."""
    if columns(text) > room >= len(cut) > 0:
        return fit(text, room - len(cut), "") + cut
    text = text[: sum(end <= room for end in accumulate(map(columns, text)))]
    return text + " " * (room - columns(text))


def limit(line: Line, room: int, cut: str) -> Line:
    """The same, in at most `room` columns."""
    if sum(columns(text) for text, _ in line) <= room:
        return line
    out: Line = []
    for text, style in line:
        if columns(text) > room:
            return [*out, (fit(text, max(room, 0), cut), style)]
        out.append((text, style))
        room -= columns(text)
    return out


def clean(text: str) -> str:
    """Without what would move a terminal's cursor or change its state."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def paint(line: Line, colour: bool) -> str:
    """The line as a terminal takes it."""
    out = []
    for text, style in line:
        if not colour:
            style = ";".join(part for part in style.split(";") if len(part) == 1)
        out.append(f"\x1b[{style}m{clean(text)}\x1b[m" if style else clean(text))
    return "".join(out)
