"""The program that makes the bundled instruments."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.readers.test_bundled import WAV, chunks
from tests.support.programs import PATIENCE


def test_rendering_again_gives_the_same_file(tmp_path: Path) -> None:
    command = [sys.executable, str(WAV / "render.py"), "--out", str(tmp_path)]
    told = subprocess.run([*command, "organ/C4"], check=True, capture_output=True, text=True, timeout=PATIENCE).stdout
    again = tmp_path / "organ" / "C4.wav"
    assert str(again) in told and list(tmp_path.rglob("*.wav")) == [again]
    fresh, kept = chunks(again), chunks(WAV / "organ" / "C4.wav")
    assert fresh[b"fmt "] == kept[b"fmt "] and fresh[b"smpl"] == kept[b"smpl"]
    difference = np.frombuffer(fresh[b"data"], "<i2").astype(int) - np.frombuffer(kept[b"data"], "<i2")
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("wanted", ["kazoo", "organ/H9"])
def test_an_unknown_name_is_refused_with_the_known_ones(wanted: str, tmp_path: Path) -> None:
    command = [sys.executable, str(WAV / "render.py"), "--out", str(tmp_path), wanted]
    failed = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert failed.returncode != 0 and wanted in failed.stderr and "piano" in failed.stderr
    assert not list(tmp_path.iterdir())
