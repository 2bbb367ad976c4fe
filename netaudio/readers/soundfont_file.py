"""SoundFont files: where a bank's sound lies, and its tables, as far as they can be read (SoundFont 2.04, 4 to 7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from netaudio.errors import InstrumentError

Table = NDArray[np.void]

_BAG = np.dtype([("generator", "<u2"), ("modulator", "<u2")])
_GENERATOR = np.dtype([("operator", "<u2"), ("amount", "<i2")])
_MODULATOR = np.dtype([
    ("source", "<u2"), ("destination", "<u2"), ("amount", "<i2"), ("amount_source", "<u2"), ("transform", "<u2"),
])  # fmt: skip
_TABLES = {
    b"phdr": np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("unused", "V12")]),
    b"pbag": _BAG,
    b"pmod": _MODULATOR,
    b"pgen": _GENERATOR,
    b"inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    b"ibag": _BAG,
    b"imod": _MODULATOR,
    b"igen": _GENERATOR,
    b"shdr": np.dtype([
        ("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"), ("loop_end", "<u4"),
        ("rate", "<u4"), ("key", "u1"), ("correction", "i1"), ("link", "<u2"), ("type", "<u2"),
    ]),
}  # fmt: skip
_NEEDED = frozenset(_TABLES) - {b"pmod", b"imod"}
_MOST_RECORDS = 1 << 16  # what indices of 16 bits reach
_MOST_CHUNKS = 256  # a real bank has 20
_RIFF_HEADER = _LIST_HEADER = 12
_MOST_INFO = 256  # bytes, by the format


class Remarks:
    """What there is to say of a bank that is not as it should be: one line of each kind, with its first case."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def add(self, kind: str, case: str = "") -> None:
        self._first.setdefault(kind, case)

    def lines(self) -> tuple[str, ...]:
        return tuple(f"{kind} (first: {case})" if case else kind for kind, case in self._first.items())


@dataclass(frozen=True)
class Extent:
    """Bytes of a file."""

    first: int
    size: int


@dataclass(frozen=True)
class Level:
    """Presets or instruments: lists of zones, each with its generators and modulators.

    Bounds rise, each from one list's first record to the next one's, so that no record is in two lists.
    """

    headers: Table
    """The last one only ends the list."""
    zone_bounds: list[int]
    generator_bounds: list[int]
    modulator_bounds: list[int]
    generators: Table
    modulators: Table


@dataclass(frozen=True)
class BankFile:
    """A bank without its sound."""

    path: Path
    stamp: tuple[int, int]
    """Size and time of change: who reads later sees whether it is still the same file."""
    name: str
    sound: Extent
    """Frames of 16 bits; streams of Ogg Vorbis in an SF3."""
    low_bytes: Extent | None
    """The low byte of each frame of 24 bits."""
    presets: Level
    instruments: Level
    samples: Table


def read_bank(path: Path, remarks: Remarks) -> BankFile:
    """Reads all but the sound; raises InstrumentError if it is no SoundFont, or none with presets and samples."""
    try:
        with path.open("rb") as file:
            return _read(file, path, remarks)
    except OSError as error:
        raise InstrumentError(f"{path.name}: it cannot be read ({error.strerror})") from None


def stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def clean_name(raw: bytes) -> str:
    """UTF-8 or Latin-1 up to the first NUL, in one line: what cannot be shown is a blank; may be empty."""
    raw = raw.split(b"\0", 1)[0]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_inside = error.reason == "unexpected end of data" and error.start > 0
        text = raw[: error.start].decode("utf-8") if cut_inside else raw.decode("latin-1")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _read(file: BinaryIO, path: Path, remarks: Remarks) -> BankFile:
    mark = stamp(path)
    header = file.read(_RIFF_HEADER)
    if header[:4] != b"RIFF" or header[8:] != b"sfbk":
        raise InstrumentError(f"{path.name}: it is no SoundFont; expected a file of the kind .sf2 or .sf3")
    parts = dict(reversed([*_chunks(file, mark[0], remarks)]))  # of two alike the first counts
    version = _bytes(file, parts.get(b"ifil"), 2)
    if version and int.from_bytes(version, "little") < 2:
        raise InstrumentError(f"{path.name}: it is a SoundFont of version 1; convert it to version 2 (.sf2)")
    if missing := sorted(kind.decode() for kind in _NEEDED - set(parts)):
        raise InstrumentError(f"{path.name}: it is cut short or damaged, without {', '.join(missing)}; get it anew")
    if b"smpl" not in parts:
        raise InstrumentError(f"{path.name}: it has no sound of its own; expected a SoundFont with samples")
    read = {kind: _table(file, kind, parts.get(kind), remarks) for kind in _TABLES}
    if len(read[b"phdr"]) < 2:
        raise InstrumentError(f"{path.name}: it has no presets; expected at least one")
    frames = parts[b"smpl"]
    low_bytes = parts.get(b"sm24")
    if low_bytes and low_bytes.size < frames.size // 2:
        remarks.add("plays with 16 bits: the part with the other 8 is cut short")
        low_bytes = None
    return BankFile(
        path,
        mark,
        clean_name(_bytes(file, parts.get(b"INAM"), _MOST_INFO)),
        frames,
        low_bytes,
        _level(read[b"phdr"], read[b"pbag"], read[b"pgen"], read[b"pmod"], remarks),
        _level(read[b"inst"], read[b"ibag"], read[b"igen"], read[b"imod"], remarks),
        _without_end(read[b"shdr"]),
    )


def _level(headers: Table, bags: Table, generators: Table, modulators: Table, remarks: Remarks) -> Level:
    return Level(
        headers,
        _bounds(headers["bag"], max(len(bags) - 1, 0), remarks),
        _bounds(bags["generator"], len(generators), remarks),
        _bounds(bags["modulator"], len(modulators), remarks),
        generators,
        modulators,
    )


def _bounds(indices: NDArray[np.uint16], most: int, remarks: Remarks) -> list[int]:
    """Rising: one that is out of range or too low is as the one before it."""
    bounds = np.maximum.accumulate(np.where(indices > most, 0, indices))
    if (bounds != indices).any():
        remarks.add("lists of zones are damaged: plays what can be read")
    return [int(bound) for bound in bounds]


def _without_end(samples: Table) -> Table:
    """Without the record that only ends the table, which a file that is cut short lacks."""
    return samples[:-1] if len(samples) and not samples["rate"][-1] else samples


def _chunks(file: BinaryIO, end: int, remarks: Remarks) -> Iterator[tuple[bytes, Extent]]:
    """All chunks, as far as the file goes. Lists are passed through: their names say nothing that chunks' do not."""
    first = _RIFF_HEADER
    for _ in range(_MOST_CHUNKS):
        header = _bytes(file, Extent(first, end - first), 8)
        if len(header) < 8:
            return
        if header[:4] == b"LIST":
            first += _LIST_HEADER
            continue
        size, room = int.from_bytes(header[4:], "little"), end - first - 8
        if size > room:
            remarks.add("a part is shorter than it says: plays what is there", clean_name(header[:4]))
        yield header[:4], Extent(first + 8, min(size, room))
        first += 8 + size + size % 2


def _table(file: BinaryIO, kind: bytes, extent: Extent | None, remarks: Remarks) -> Table:
    record = _TABLES[kind]
    if extent and (extent.size % record.itemsize or extent.size > _MOST_RECORDS * record.itemsize):
        remarks.add("a table is of a wrong size: plays what fits", kind.decode())
    content = _bytes(file, extent, _MOST_RECORDS * record.itemsize)
    return np.frombuffer(content, record, len(content) // record.itemsize)


def _bytes(file: BinaryIO, extent: Extent | None, most: int) -> bytes:
    if extent is None or extent.size <= 0:
        return b""
    file.seek(extent.first)
    return file.read(min(extent.size, most))
