"""The loops that wav files tell of."""

import struct
from pathlib import Path
from typing import Any, BinaryIO


def read_loop(path: Path) -> tuple[int, int] | None:
    """The first forward loop in a wav file's `smpl` chunk, end exclusive, unchecked; None if it has none."""
    with path.open("rb") as file:
        form, kind = _unpacked("4s4x4s", file) or (b"", b"")
        if form not in (b"RIFF", b"RF64", b"RIFX") or kind != b"WAVE":
            return None
        order = ">" if form == b"RIFX" else "<"
        long_data = 0
        while header := _unpacked(order + "4sI", file):
            name, size = header
            begin = file.tell()
            if name == b"smpl":
                return _first_loop(file.read(min(size, 1 << 16)), order)
            # In RF64 the data's true size stands in the ds64 chunk, which comes first (EBU Tech 3306).
            if name == b"ds64":
                long_data = (_unpacked("<8xQ", file) or (0,))[0]
            if name == b"data" and size == 0xFFFF_FFFF:
                size = long_data
            file.seek(begin + size + size % 2)
    return None


def _unpacked(layout: str, file: BinaryIO) -> tuple[Any, ...] | None:
    size = struct.calcsize(layout)
    data = file.read(size)
    return struct.unpack(layout, data) if len(data) == size else None


def _first_loop(chunk: bytes, order: str) -> tuple[int, int] | None:
    """Nine numbers, the eighth the count of loops; then of each (id, type, start, last, fraction, plays)."""
    if len(chunk) < 36:
        return None
    count = min(struct.unpack_from(order + "I", chunk, 28)[0], (len(chunk) - 36) // 24)
    for index in range(count):
        kind, start, last = struct.unpack_from(order + "III", chunk, 36 + 24 * index + 4)
        if kind == 0:
            return start, last + 1
    return None
