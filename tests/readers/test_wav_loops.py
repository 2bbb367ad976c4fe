"""Sound files that loop: where, and that nobody hears it."""

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from netaudio.readers.wav_loops import Loop, Loops, read_loops
from netaudio.sampler.instrument import differences
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.region import BEYOND
from tests.readers.test_wav_folder import RATE, heard, load_one, noise, smpl, with_chunk, write


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("before_data", [False, True])
@pytest.mark.parametrize("padding", [b"\0", b"x", b""])
def test_all_loops_are_found_and_their_ends_made_exclusive(
    tmp_path: Path, form: str, before_data: bool, padding: bytes
) -> None:
    path = write(tmp_path / "C4.wav", noise(1001)[:, 0], form=form, subtype="PCM_U8" if form == "WAV" else "PCM_16")
    assert read_loops(path) == Loops()
    with_chunk(path, struct.pack("<4sI", b"odd ", 3) + b"abc" + padding, before_data=True)
    with_chunk(path, smpl((1, 5, 50), (0, 100, 899), (0, 1, 2)), before_data)
    assert read_loops(path) == Loops((Loop(5, 51, "alternating"), Loop(100, 900), Loop(1, 3)))


@pytest.mark.parametrize("cut", [1, 8, 9, 24, 25, 60, 68])
def test_a_loop_is_read_as_long_as_its_ends_are_there(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "C4.wav", noise(1000))
    path.write_bytes((path.read_bytes() + smpl((0, 100, 899)))[:-cut])
    assert read_loops(path).loops == ((Loop(100, 900),) if cut <= 8 else ())
    assert bool(read_loops(path).remark) == (cut < 68)


def test_what_is_no_sound_file_has_no_loop(tmp_path: Path) -> None:
    for number, data in enumerate((b"", b"RIFF", b"RIFF\0\0\0\0AVI ", b"fLaC" * 20, b"FORM\0\0\0\0AIFFMARK")):
        (tmp_path / str(number)).write_bytes(data)
        assert read_loops(tmp_path / str(number)) == Loops()


def test_an_aiff_loops_between_its_markers(tmp_path: Path) -> None:
    path = write(tmp_path / "piano" / "C4.aiff", noise(1000), form="AIFF", subtype="PCM_24")
    marks = struct.pack(">HHIB3sHIB", 2, 7, 100, 3, b"abc", 9, 900, 0) + b"\0"
    chunks = struct.pack(">4sI", b"MARK", len(marks)) + marks
    chunks += struct.pack(">4sI6Bh6H", b"INST", 20, 60, 0, 0, 127, 1, 127, 0, 1, 7, 9, 0, 0, 0)
    path.write_bytes(path.read_bytes() + chunks)
    assert read_loops(path) == Loops((Loop(100, 900),))
    assert load_one(tmp_path)[0].instrument.region(60).loop == (100, 900)


def test_a_flac_keeps_the_loop_of_the_wav_that_it_was(tmp_path: Path) -> None:
    path = write(tmp_path / "piano" / "C4.flac", noise(1000), form="FLAC", subtype="PCM_24")
    block = b"riff" + smpl((0, 100, 899))
    data = path.read_bytes()
    path.write_bytes(data[:42] + bytes((2, 0, 0, len(block))) + block + data[42:])
    assert read_loops(path) == Loops((Loop(100, 900),))
    assert load_one(tmp_path)[0].instrument.region(60).loop == (100, 900)


@pytest.mark.parametrize(
    ("loop", "flaw"),
    [
        ((500, 400), "ends before it begins"),
        ((500, 1001), "beyond its 1000 frames"),
        ((0, 0), "too short"),
        ((500, 502), "too short"),
        ((0, 0xFFFF_FFFF), "beyond"),
    ],
)
def test_a_loop_that_makes_no_sense_is_told_and_left_out(tmp_path: Path, loop: tuple[int, int], flaw: str) -> None:
    path = with_chunk(write(tmp_path / "piano" / "C4.wav", noise(1000)), smpl((0, *loop)))
    loaded, _ = load_one(tmp_path)
    (problem,) = loaded.problems
    assert problem.startswith("piano/C4.wav: plays without its loop")
    assert flaw in problem
    assert loaded.instrument.region(60).length == 1000
    with_chunk(write(path, noise(1000)), smpl((0, *loop), (0, 100, 899)))
    loaded, _ = load_one(tmp_path)
    assert loaded.instrument.region(60).loop == (100, 900) and len(loaded.problems) == 1


def made(folder: Path, loop: tuple[int, int, int], count: int, more: tuple[int, int] = (0, 0)) -> NDArray[np.float64]:
    """The frame of the file that sounds at each frame; the loop, with `more` (fraction, plays), of a file of 1000."""
    ramp = (np.arange(1000) / 1024)[:, np.newaxis].repeat(2, 1)
    chunk = smpl(loop)[:-8] + struct.pack("<2I", *more)
    with_chunk(write(folder / "piano" / "C4.wav", ramp), chunk)
    loaded, bank = load_one(folder)
    return heard(bank, loaded.instrument.region(60), count)[:, 0].astype(np.float64) * 1024


def test_an_alternating_loop_goes_back_and_forth(tmp_path: Path) -> None:
    """As Apple's AIFF and the RIFF standard say; the ends sound once each, so that nothing stands still."""
    heard = made(tmp_path, (1, 400, 499), 1000)
    assert np.allclose(heard[:500], np.arange(500), atol=0.01)
    distance = (np.arange(500, 1000) - 400) % 198
    assert np.allclose(heard[500:], 400 + np.minimum(distance, 198 - distance), atol=0.01)


def test_a_backward_loop_turns_round_at_its_end(tmp_path: Path) -> None:
    heard = made(tmp_path, (2, 400, 499), 1000)
    assert np.allclose(heard[:500], np.arange(500), atol=0.01)
    assert np.allclose(heard[500:], 499 - np.arange(1, 501) % 100, atol=0.01)


def test_a_loop_of_an_unknown_type_is_forward_and_told(tmp_path: Path) -> None:
    heard = made(tmp_path, (33, 400, 499), 1000)
    assert np.allclose(heard[500:], 400 + np.arange(500) % 100, atol=0.01)
    assert load_one(tmp_path)[0].problems == ("piano/C4.wav: its loop is of type 33, played as forward",)


def test_an_end_that_is_the_length_is_meant_exclusively(tmp_path: Path) -> None:
    heard = made(tmp_path, (0, 400, 1000), 2000)
    assert np.allclose(heard[1000:], 400 + np.arange(1000) % 600, atol=0.01)
    assert load_one(tmp_path)[0].problems == ()


@pytest.mark.parametrize("span", [4, 5, 15])
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_a_loop_of_few_frames_is_as_good_as_others(tmp_path: Path, span: int, kind: int) -> None:
    heard = made(tmp_path, (kind, 400, 399 + span), 1000)
    turn = {0: span, 1: 2 * span - 2, 2: span}[kind]
    assert np.allclose(heard[500:-turn], heard[500 + turn :], atol=0.01)
    assert set(np.rint(heard[400:])) == set(range(400, 400 + span))


@pytest.mark.parametrize("plays", [1, 2, 5])
def test_a_counted_loop_goes_on_to_the_end(tmp_path: Path, plays: int) -> None:
    times = 100 * (plays - 1)
    heard = made(tmp_path, (0, 400, 499), 700 + times, (0, plays))
    assert np.allclose(heard[400 : 500 + times], 400 + np.arange(100 + times) % 100, atol=0.01)
    assert np.allclose(heard[500 + times :], np.arange(500, 700), atol=0.01)
    loaded = load_one(tmp_path)[0]
    assert loaded.instrument.region(60).length == 1000 + times and loaded.problems == ()


def test_a_loop_that_counts_for_minutes_never_ends_and_that_is_told(tmp_path: Path) -> None:
    made(tmp_path, (0, 400, 499), 500, (0, 1_000_000))
    loaded = load_one(tmp_path)[0]
    assert loaded.instrument.region(60).length == ENDLESS
    (problem,) = loaded.problems
    assert "1000000 turns goes on without end" in problem


@pytest.mark.parametrize("period", [36.25, 100.5, 365.9])
def test_fractions_of_a_frame_keep_a_short_loop_in_tune(tmp_path: Path, period: float) -> None:
    span = int(period)
    sine = 0.5 * np.sin(2 * np.pi * np.arange(2000) / period)[:, np.newaxis].repeat(2, 1)
    chunk = smpl((0, 900, 900 + span - 1))[:-8] + struct.pack("<2I", int((period - span) * 2**32), 0)
    with_chunk(write(tmp_path / "piano" / "C4.wav", sine[: 900 + span]), chunk)
    loaded, bank = load_one(tmp_path)
    played = heard(bank, loaded.instrument.region(60), 48_000).astype(np.float64)[:, 0]
    exact = 0.5 * np.sin(2 * np.pi * np.arange(48_000) / period)
    drift = 2 * np.pi * 48_000 / period * 1e-5  # of what may be out of tune
    assert np.abs(played - exact).max() < 0.5 * drift + 1e-4


@pytest.mark.parametrize("held", [100, 450, 550, 5000])
@pytest.mark.parametrize(
    ("kind", "fraction", "plays"), [(1, 0, 0), (2, 0, 0), (0, 1 << 31, 0), (0, 0, 300), (2, 0, 3)]
)
def test_a_part_of_a_loop_that_is_made_begins_as_the_whole(
    tmp_path: Path, kind: int, fraction: int, plays: int, held: int
) -> None:
    chunk = smpl((kind, 400, 499))[:-8] + struct.pack("<2I", fraction, plays)
    with_chunk(write(tmp_path / "piano" / "C4.wav", noise(1000)), chunk)
    (whole, whole_bank), (part, part_bank) = load_one(tmp_path), load_one(tmp_path, held)
    assert differences(part.instrument.sources, whole.instrument.sources) == []
    one, other = whole.instrument.region(60), part.instrument.region(60)
    count = min(other.held, one.held) - RATE // 200
    there = whole_bank.frames[one.address : one.address + max(0, count)]
    assert np.array_equal(part_bank.frames[other.address :][: len(there)], there)


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
