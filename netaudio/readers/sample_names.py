"""What the names of sample files tell: the note, the velocity layer, and the turn.

A name is read in words, parted by `_`, `-`, `.`, blanks and brackets. Where it is ambiguous:

* A note is a letter, maybe a sign (`#`, `b`, `s` as `As4`, `sharp`, `flat`) and an octave from -1 to 9; C4 is 60. Of
  several the last counts: `E-Bass_C2` is C2, `A4 Grand C2`, too.
* A number from 0 to 127 is a note where no word names one, if it has two or three digits or is the whole name, and
  does not count something (`v3`, `rr2`). Of several the first counts: `60_127` is note 60 at velocity 127.
* Beside a note in letters a number of its pitch class, in any octave, is that note and wins: it tells how the pack
  counts octaves (`060-C3` is 60).
* `C-1` is the octave -1, note 0. `C-2` and up, for which there is no note, is a tracker's way of writing C2.
* A layer is `v3`, `vel3`, `vl3`, `layer3`, `dyn3`, or a dynamic, `ppp` to `fff`; so is a velocity, `v127`. `mp` and
  `mf` are dynamics; a lone `f` or `p` is one beside a note only. Layers compare among those of one kind.
* A turn is `rr3`, `take3`, `alt3`, `var3`. No other number is one.
"""

import re
from dataclasses import dataclass

DYNAMICS = ("pppp", "ppp", "pp", "p", "mp", "mf", "f", "ff", "fff", "ffff")
"""From the softest to the loudest."""

_SEPARATORS = re.compile(r"[\s_.()\[\],+]+")
_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SIGNS = {"": 0, "#": 1, "♯": 1, "s": 1, "is": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}
_NOTE = re.compile(
    r"(?<![a-z0-9#])(?P<letter>[a-g])(?P<sign>sharp|flat|is|[#♯sb♭]?)(?P<octave>-?[0-9])"
    r"(?=v\d|rr\d|[-\s]|$|pp|p$|mp|mf|ff|f$)"
)
_LAYER = re.compile(r"(?:^|(?<=[^a-z]))(?:v|vel|vl|velocity|layer|dyn)(?P<number>[0-9]{1,3})(?![0-9a-qs-z])")
_DYNAMIC = re.compile(r"(?:^|(?<=[^a-z]))(?P<name>p{1,4}|f{1,4}|mp|mf)(?![a-z0-9#])")
_TURN = re.compile(r"(?:^|(?<=[^a-z]))(?:rr|take|alt|var|roundrobin)[- ]?(?P<number>[0-9]{1,3})(?![0-9])")
_NUMBER = re.compile(r"(?<![a-z0-9#])(?P<number>[0-9]{1,3})(?![a-z0-9#])")


@dataclass(frozen=True, slots=True)
class SampleName:
    note: int
    """0 to 127."""
    layer: int | None = None
    """The higher, the louder: the number in the name, or a dynamic's place in DYNAMICS."""
    turn: int | None = None
    """Of the recordings that a repeated note plays in turn, as numbered in the name."""


def parse_name(stem: str) -> SampleName | None:
    """What a file's name without its suffix tells; None if it names no note."""
    text = _SEPARATORS.sub(" ", stem.casefold()).strip()
    layer, turn = _LAYER.search(text), _TURN.search(text)
    counted = _TURN.sub(" ", _LAYER.sub(" ", text))
    note = _note(text, counted)
    if note is None:
        return None
    level = int(layer["number"]) if layer else None
    if layer is None and (dynamic := list(_DYNAMIC.finditer(text.replace("-", " ")))):
        level = DYNAMICS.index(dynamic[-1]["name"])
    elif layer is None and (joined := re.search(r"[0-9](p{1,3}|f{1,3}|mp|mf)(?![a-z0-9])", text)):
        level = DYNAMICS.index(joined[1])
    return SampleName(note, level, int(turn["number"]) if turn else None)


def _note(text: str, counted: str) -> int | None:
    """Of a name, in letters from all of it or in numbers from what counts nothing."""
    numbers = [
        int(found["number"])
        for found in _NUMBER.finditer(counted)
        if len(found["number"]) > 1 or counted.strip() == found["number"]
    ]
    numbers = [number for number in numbers if number < 128]
    lettered = [note for found in _NOTE.finditer(text) if (note := _named(found)) is not None]
    if not lettered:
        return numbers[0] if numbers else None
    same = [number for number in numbers if number % 12 == lettered[-1] % 12]
    return same[0] if same else lettered[-1]


def _named(found: re.Match[str]) -> int | None:
    octave = int(found["octave"])
    if octave < -1:
        octave = -octave
    note = _LETTERS[found["letter"]] + _SIGNS[found["sign"]] + 12 * (octave + 1)
    return note if 0 <= note < 128 else None
