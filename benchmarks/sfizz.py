"""sfizz, where its Python binding is installed: stereo voices, a wav file of our own organ."""

import importlib
import tempfile
from pathlib import Path
from typing import Any

MOST = 256  # voices that it can play
LINEAR = 1  # sample_quality: linear interpolation
SETTLE = 400  # blocks until files are read and attacks over
SAMPLE = Path(__file__).resolve().parent.parent / "wav" / "organ" / "C4.wav"


class SfizzError(Exception):
    """Why there is no sfizz to compare with."""


def load(text: str, rate: int, chunk: int) -> Any:
    """A synth that plays an SFZ file of that text, whose samples have absolute paths."""
    try:
        synth: Any = importlib.import_module("pysfizz")._sfizz.Synth(rate, chunk)
    except ImportError:
        raise SfizzError("sfizz is missing: pip install pysfizz") from None
    with tempfile.NamedTemporaryFile("w", suffix=".sfz") as file:
        file.write(text)
        file.flush()
        synth.load_sfz_file(file.name)
    return synth


class Sfizz:
    """A synth whose voices all sound, looping."""

    def __init__(self, rate: int, voices: int, chunk: int) -> None:
        if voices > MOST:
            raise SfizzError(f"sfizz plays at most {MOST} voices: not compared at {voices}")
        region = f"<region> sample={SAMPLE} lokey=0 hikey=127 pitch_keytrack=0 loop_mode=loop_continuous\n"
        synth = load(region, rate, chunk)
        synth.set_num_voices(voices)
        synth.set_sample_quality(LINEAR)
        for voice in range(voices):
            synth.note_on(0, voice % 128, 100)
            synth.render_block()
        for _ in range(SETTLE):
            synth.render_block()
        if synth.get_num_active_voices() < voices:
            raise SfizzError(f"only {synth.get_num_active_voices()} of {voices} sfizz voices sound")
        self.render = synth.render_block
