"""OFFSET, BUFFER_SIZE and HELD left to the program."""

import re
from pathlib import Path

import numpy as np

from netaudio.timing.latency_budget import HYBRID_CHUNK
from tests.support.programs import RATE, difference, play, write_midi
from tests.support.songs import EPIANO, PIANO, piece, reference

SONG = piece(11, 2, (PIANO, EPIANO))


def test_auto_plays_as_exactly_with_what_it_measured(address: str, tmp_path: Path) -> None:
    path = write_midi(tmp_path / "song.mid", SONG)
    flags = ("--offset", "auto", "--buffer-size", "auto", "--held", "auto")
    result = play(tmp_path, path, address, "hybrid", *flags)
    form = r"auto: OFFSET (\d+) ms, BUFFER_SIZE (\d+) ms for a round trip of ([\d.]+) ms"
    said = re.search(form, result.text)
    assert said, result.text
    offset, buffer_size, trip = (float(number) * RATE / 1000 for number in said.groups())
    report = result.report
    assert 0.01 * RATE <= buffer_size < offset
    assert offset >= trip + buffer_size + 2 * HYBRID_CHUNK
    changes = [[0, offset, buffer_size], *report["changes"]]  # such as a machine that stops for a while asks for
    assert abs(report["offset_frames"] - changes[-1][1]) < RATE / 1000
    assert abs(report["buffer_size_frames"] - changes[-1][2]) < RATE / 1000
    assert report["held_frames"] is None, "all of it"
    exact = reference(SONG).mix(len(result.sound)).astype(np.float32)
    assert difference(result.sound, exact, result.spans) <= 1, result.figures()
    assert report["frames"]["streamed"] > 0, result.figures()
