"""The loops that sound files tell of: `smpl` in wav and FLAC, `INST` and `MARK` in AIFF."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

Kind = Literal["forward", "alternating", "backward"]

_MOST = 1 << 16  # bytes of a chunk that are read
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9 _]{3}")
_USUAL = frozenset(
    {b"fmt ", b"data", b"smpl", b"LIST", b"fact", b"cue ", b"inst", b"bext", b"PEAK", b"id3 ", b"JUNK"}
)
_FLAC_APPLICATION = 2
_KINDS: dict[int, Kind] = {0: "forward", 1: "alternating", 2: "backward"}


@dataclass(frozen=True, slots=True)
class Loop:
    """Where a sound file loops, unchecked, in frames."""

    start: int
    end: int
    """Exclusive."""
    kind: Kind = "forward"
    fraction: float = 0.0
    """Of a frame by which a turn is longer, 0 to 1."""
    plays: int = 0
    """Turns until the sound goes on to its end; 0: it never does."""


@dataclass(frozen=True, slots=True)
class Loops:
    """What a file tells; of several loops the first is the one for a key that is held."""

    loops: tuple[Loop, ...] = ()
    remark: str = ""
    """What is odd about them, or nothing."""


def read_loops(path: Path) -> Loops:
    """The loops that a sound file tells of; raises OSError."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] in (b"RIFF", b"RF64", b"RIFX") and head[8:] == b"WAVE":
            order = ">" if head[:4] == b"RIFX" else "<"
            return next((_smpl(size, data, order) for _, size, data in _chunks(file, order, {b"smpl"})), Loops())
        if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
            return _aiff({name: data for name, _, data in _chunks(file, ">", {b"MARK", b"INST"})})
        if head[:4] == b"fLaC":
            file.seek(4)
            return next((_smpl(len(data), data, "<") for data in _flac_smpl(file)), Loops())
    return Loops()


def _chunks(file: BinaryIO, order: str, wanted: set[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
    """(name, size as told, content) of the wanted chunks."""
    long_data = 0
    while len(header := file.read(8)) == 8:
        name, size = struct.unpack(order + "4sI", header)
        begin = file.tell()
        # In RF64 the data's true size stands in the ds64 chunk, which comes first (EBU Tech 3306).
        if name == b"ds64" and len(sizes := file.read(16)) == 16:
            long_data = struct.unpack("<8xQ", sizes)[0]
        if name == b"data" and size == 0xFFFF_FFFF:
            size = long_data
        if name in wanted:
            yield name, size, file.read(min(size, _MOST))
        file.seek(begin + size)
        if size % 2:
            file.seek(begin + size + _padded(file.read(5)))


def _padded(after: bytes) -> bool:
    """Whether a chunk of odd size is padded as it should be, by the bytes after it: some programs forget that."""
    return after[1:] in _USUAL or not _NAME.match(after)


def _smpl(size: int, chunk: bytes, order: str) -> Loops:
    """Nine numbers, the eighth the count of loops; then of each (id, type, start, last, fraction, plays)."""
    count = struct.unpack_from(order + "I", chunk, 28)[0] if len(chunk) >= 32 else 0
    loops: list[Loop] = []
    remark = ""
    for at in range(36, min(36 + 24 * count, _MOST), 24):
        entry = chunk[at : at + 24]
        if len(entry) < 24:
            remark = "its smpl chunk is cut short"
        if len(entry) < 16:
            break
        _, number, start, last, fraction, plays = struct.unpack(order + "6I", entry.ljust(24, b"\0"))
        kind = _KINDS.get(number, "forward")
        if number not in _KINDS and not loops:
            remark = f"its loop is of type {number}, played as forward"
        loops.append(Loop(start, last + 1, kind, fraction / (1 << 32), plays))
    if len(chunk) < min(size, 36):
        remark = "its smpl chunk is cut short"
    return Loops(tuple(loops), remark)


def _aiff(chunks: dict[bytes, bytes]) -> Loops:
    """The sustain loop of INST: how it is played, and the markers between which (AIFF 1.3)."""
    instrument, marks = chunks.get(b"INST", b""), chunks.get(b"MARK", b"")
    if len(instrument) < 14 or len(marks) < 2:
        return Loops()
    number, first, last = struct.unpack_from(">3H", instrument, 8)
    places, at = {}, 2
    for _ in range(struct.unpack_from(">H", marks)[0]):
        if len(marks) < at + 7:
            break
        mark, place, name = struct.unpack_from(">HIB", marks, at)
        places[mark] = place
        at += 6 + (name + 2) // 2 * 2
    if number not in (1, 2):
        return Loops()
    if first not in places or last not in places:
        return Loops((), "its loop has no markers")
    return Loops((Loop(places[first], places[last], "forward" if number == 1 else "alternating"),))


def _flac_smpl(file: BinaryIO) -> Iterator[bytes]:
    """What follows the header of `smpl` chunks that `flac --keep-foreign-metadata` took over from a wav file."""
    last = 0
    while not last and len(header := file.read(4)) == 4:
        last, kind, size = header[0] >> 7, header[0] & 0x7F, int.from_bytes(header[1:], "big")
        begin = file.tell()
        if kind == _FLAC_APPLICATION and file.read(8) == b"riffsmpl":
            yield file.read(min(size, _MOST))[4:]
        file.seek(begin + size)
