"""A sound that begins at full level, as an instrument's folder and as a SoundFont."""

from pathlib import Path

import numpy as np
import soundfile

from benchmarks.soundfont import write_soundfont
from tests.support.programs import RATE

KEYS = (60, 61, 62, 63)
CLICK, TAIL = RATE // 500, RATE // 2  # frames: 2 ms at full level, and what a server may stream, inaudible
THRESHOLD = 1e-4  # between the two, wherever they are played
_FULL, _FAINT = 1 - 2**-15, 2**-15
_NAMES = ("C4", "C#4", "D4", "D#4")


def write_instrument(folder: Path) -> None:
    """An instrument with a file for each of KEYS, so that none is transposed."""
    folder.mkdir(parents=True)
    for name in _NAMES:
        soundfile.write(folder / f"{name}.wav", _sound(), RATE, subtype="PCM_16")


def write_clicks(path: Path) -> None:
    """A SoundFont that plays the sound on every key, untransposed."""
    write_soundfont(path, _sound(), RATE, cents=0)


def _sound() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.repeat((_FULL, _FAINT), (CLICK, TAIL))
