"""Sound files that loop: where, and that nobody hears it."""

import struct
from pathlib import Path

import numpy as np
import pytest

from netaudio.readers.wav_loops import read_loop
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.region import BEYOND
from tests.readers.test_wav_folder import RATE, heard, load_one, noise, smpl, with_chunk, write


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("before_data", [False, True])
def test_the_first_forward_loop_is_found_and_its_end_made_exclusive(
    tmp_path: Path, form: str, before_data: bool
) -> None:
    path = write(tmp_path / "C4.wav", noise(1001)[:, 0], form=form, subtype="PCM_U8" if form == "WAV" else "PCM_16")
    assert read_loop(path) is None
    with_chunk(path, struct.pack("<4sI", b"odd ", 3) + b"abc\0", before_data=True)
    with_chunk(path, smpl((1, 5, 50), (0, 100, 899), (0, 1, 2)), before_data)
    assert read_loop(path) == (100, 900)


@pytest.mark.parametrize("cut", [1, 24, 25, 60, 68])
def test_a_loop_that_is_cut_off_is_none(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "C4.wav", noise(1000))
    path.write_bytes((path.read_bytes() + smpl((0, 100, 899)))[:-cut])
    assert read_loop(path) is None


def test_what_is_no_wav_file_has_no_loop(tmp_path: Path) -> None:
    for number, data in enumerate((b"", b"RIFF", b"RIFF\0\0\0\0AVI ", b"fLaC" * 20)):
        (tmp_path / str(number)).write_bytes(data)
        assert read_loop(tmp_path / str(number)) is None


@pytest.mark.parametrize(
    ("loop", "flaw"),
    [
        ((500, 400), "ends before it begins"),
        ((500, 1000), "beyond its 1000 frames"),
        ((500, 514), "too short"),
        ((0, 0xFFFF_FFFF), "beyond"),
    ],
)
def test_a_loop_that_makes_no_sense_is_told_and_left_out(tmp_path: Path, loop: tuple[int, int], flaw: str) -> None:
    with_chunk(write(tmp_path / "piano" / "C4.wav", noise(1000)), smpl((0, *loop)))
    loaded, _ = load_one(tmp_path)
    (problem,) = loaded.problems
    assert problem.startswith("piano/C4.wav: plays without its loop")
    assert flaw in problem
    assert loaded.instrument.region(60).length == 1000


@pytest.mark.parametrize("span", [240, 4800, 48_000])
@pytest.mark.parametrize("source_rate", [22_050, 44_100, 48_000, 96_000])
def test_a_looped_sine_goes_on_without_a_step(tmp_path: Path, span: int, source_rate: int) -> None:
    """What is before the loop, here noise, is not heard in it again; nor is what comes after it."""
    turns = span // 60  # a turn of 60 frames: 367 to 1600 Hz
    sine = 0.5 * np.sin(2 * np.pi * turns / span * np.arange(span + 2000))[:, np.newaxis].repeat(2, 1)
    sound = np.concatenate((noise(3000), sine))
    sound[3000 + span :] = noise(2000)
    with_chunk(write(tmp_path / "piano" / "C4.wav", sound, source_rate), smpl((0, 3000, 3000 + span - 1)))
    loaded, bank = load_one(tmp_path)
    assert loaded.problems == ()
    region = loaded.instrument.region(60)
    assert region.loop and region.whole
    assert region.length == region.covered == ENDLESS
    start, end = region.loop
    played = heard(bank, region, start + 3 * (end - start) + 500).astype(np.float64)[:, 0]
    per_frame = 2 * np.pi / 60 * source_rate / RATE
    # Of a sine, and of nothing that has a step, each frame is told by the two before it.
    before, now, after = played[start:-2], played[start + 1 : -1], played[start + 2 :]
    assert np.abs(before + after - 2 * np.cos(per_frame) * now).max() < 1e-6


def test_what_follows_a_seam_is_kept_for_the_taps_however_short_the_loop(tmp_path: Path) -> None:
    with_chunk(write(tmp_path / "piano" / "C4.wav", noise(3000)), smpl((0, 500, 515)))
    loaded, bank = load_one(tmp_path)
    region = loaded.instrument.region(60)
    assert region.loop == (500, 516)
    unrolled = bank.frames[region.address + 500 : region.address + 516 + BEYOND]
    assert np.array_equal(unrolled, np.tile(unrolled[:16], (3, 1)))
    assert not bank.frames[region.address + 516 + BEYOND :].any()


def test_a_loop_too_short_for_the_taps_at_the_banks_rate_is_unrolled(tmp_path: Path) -> None:
    with_chunk(write(tmp_path / "piano" / "C4.wav", noise(3000), 192_000), smpl((0, 500, 515)))
    loaded, _ = load_one(tmp_path)
    region = loaded.instrument.region(60)
    assert region.loop and region.loop[1] - region.loop[0] == 16
