"""A SoundFont of one recording (SoundFont 2.04, 7)."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = 60  # the key that plays it as it is
_PADDING = 46  # silent frames that the format asks for, one more where that makes them even, as 24 bits want
_SCALE = 1 << 23


def write_soundfont(path: Path, sound: NDArray[np.floating[Any]], rate: int, cents: int = 100) -> None:
    """One preset that plays the sound (mono, within +-1) at 24 bits, so many cents higher on each key after ROOT."""
    frames = np.pad(np.rint(sound * _SCALE).clip(-_SCALE, _SCALE - 1), (0, _PADDING + len(sound) % 2)).astype("<i4")
    parts = {
        b"phdr": _named("<3H3I", ("sound", 0, 0, 0, 0, 0, 0), ("EOP", 0, 0, 1, 0, 0, 0)),
        b"pbag": struct.pack("<4H", 0, 0, 1, 0),
        b"pmod": bytes(10),
        b"pgen": struct.pack("<4H", 41, 0, 0, 0),  # instrument 0; the terminal record
        b"inst": _named("<H", ("sound", 0), ("EOI", 1)),
        b"ibag": struct.pack("<4H", 0, 0, 2, 0),
        b"imod": bytes(10),
        b"igen": struct.pack("<6H", 56, cents, 53, 0, 0, 0),  # scaleTuning; sampleID 0, which comes last
        b"shdr": _named("<5IBbHH", ("sound", 0, len(sound), 0, 0, rate, ROOT, 0, 0, 1), ("EOS", *(0,) * 9)),
    }
    info = _chunk(b"ifil", struct.pack("<2H", 2, 4)) + _chunk(b"isng", b"EMU8000\0") + _chunk(b"INAM", b"sound\0")
    high, low = (frames >> 8).astype("<i2"), (frames & 255).astype(np.uint8)
    data = _chunk(b"smpl", high.tobytes()) + _chunk(b"sm24", low.tobytes())
    lists = _list(b"INFO", info) + _list(b"sdta", data)
    lists += _list(b"pdta", b"".join(_chunk(name, part) for name, part in parts.items()))
    path.write_bytes(_chunk(b"RIFF", b"sfbk" + lists))


def _named(layout: str, *records: tuple[str | int, ...]) -> bytes:
    return b"".join(struct.pack("<20s" + layout[1:], str(name).encode(), *rest) for name, *rest in records)


def _list(kind: bytes, data: bytes) -> bytes:
    return _chunk(b"LIST", kind + data)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
