"""A sound that begins at full level, as an instrument's folder and as a SoundFont."""

import struct
from pathlib import Path

import numpy as np
import soundfile

from tests.support.programs import RATE

KEYS = (60, 61, 62, 63)
CLICK, TAIL = RATE // 500, RATE // 2  # frames: 2 ms at full level, and what a server may stream, inaudible
THRESHOLD = 1e-4  # between the two, wherever they are played
_NAMES = ("C4", "C#4", "D4", "D#4")


def write_instrument(folder: Path) -> None:
    """An instrument with a file for each of KEYS, so that none is transposed."""
    folder.mkdir(parents=True)
    for name in _NAMES:
        soundfile.write(folder / f"{name}.wav", _sound(), RATE, subtype="PCM_16")


def write_soundfont(path: Path) -> None:
    """A SoundFont of one preset that plays the sound on every key, untransposed (SoundFont 2.01, 7)."""
    frames = np.concatenate((_sound(), np.zeros(46, np.int16)))  # silence that the format asks for
    generators = struct.pack("<4H", 56, 0, 53, 0)  # scaleTuning 0 cents a key; sampleID 0, which comes last
    preset = struct.pack("<4H", 41, 0, 0, 0)  # instrument 0; the terminal record
    parts = {
        b"phdr": _named("<3H3I", ("click", 0, 0, 0, 0, 0, 0), ("EOP", 0, 0, 1, 0, 0, 0)),
        b"pbag": struct.pack("<4H", 0, 0, 1, 0),
        b"pmod": bytes(10),
        b"pgen": preset,
        b"inst": _named("<H", ("click", 0), ("EOI", 1)),
        b"ibag": struct.pack("<4H", 0, 0, 2, 0),
        b"imod": bytes(10),
        b"igen": generators + bytes(4),
        b"shdr": _named(
            "<5IBbHH", ("click", 0, len(_sound()), 0, 0, RATE, KEYS[0], 0, 0, 1), ("EOS", *(0,) * 9)
        ),
    }  # fmt: skip
    info = _chunk(b"ifil", struct.pack("<2H", 2, 1)) + _chunk(b"isng", b"EMU8000\0") + _chunk(b"INAM", b"click\0")
    lists = _list(b"INFO", info) + _list(b"sdta", _chunk(b"smpl", frames.astype("<i2").tobytes()))
    lists += _list(b"pdta", b"".join(_chunk(name, data) for name, data in parts.items()))
    path.write_bytes(_chunk(b"RIFF", b"sfbk" + lists))


def _sound() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    sound = np.ones(CLICK + TAIL, np.int16)
    sound[:CLICK] = np.iinfo(np.int16).max
    return sound


def _named(layout: str, *records: tuple[str | int, ...]) -> bytes:
    return b"".join(struct.pack("<20s" + layout[1:], str(name).encode(), *rest) for name, *rest in records)


def _list(kind: bytes, data: bytes) -> bytes:
    return _chunk(b"LIST", kind + data)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
