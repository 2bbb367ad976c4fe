"""Sound files with which something is wrong."""

from pathlib import Path

import numpy as np
import pytest

from netaudio.errors import InstrumentError
from netaudio.readers.wav_folder import load
from netaudio.sampler.bank import Bank
from netaudio.sampler.region import GUARD, LEVEL
from tests.readers.test_wav_folder import RATE, frames_of, load_one, noise, write


def bad_files(folder: Path) -> None:
    """One of each, next to one that is good."""
    write(folder / "C4.wav", noise(1000))
    write(folder / "D4.wav", np.zeros((0, 2)))
    write(folder / "E4.wav", np.zeros((1000, 3)))
    write(folder / "F4.wav", noise(1000), rate=4000)
    (folder / "G4.wav").write_bytes(b"this is no sound")
    (folder / "G#4.flac").touch()
    write(folder / "A4.wav", np.full((1000, 2), np.inf))
    broken = write(folder / "B4.flac", noise(50_000), subtype="PCM_16")
    broken.write_bytes(broken.read_bytes()[:60_000])
    write(folder / "hello.wav", noise(1000))
    write(folder / "60.flac", noise(1000), subtype="PCM_16")


def test_each_bad_file_is_named_with_its_reason_and_the_good_one_plays(tmp_path: Path) -> None:
    bad_files(tmp_path / "piano")
    (tmp_path / "piano" / "60.flac").rename(tmp_path / "piano" / "c4.flac")
    loaded, _ = load_one(tmp_path)
    assert [source.note for source in loaded.instrument.sources] == [60]
    reasons = {
        "D4.wav": "empty",
        "E4.wav": "3 channels",
        "F4.wav": "4000 Hz",
        "G4.wav": "not a sound file",
        "G#4.flac": "not a sound file",
        "A4.wav": "not numbers",
        "B4.flac": "",
        "hello.wav": "no note",
        "c4.flac": "C4.wav is the same note",
    }
    assert len(loaded.problems) == len(reasons)
    for file, reason in reasons.items():
        (line,) = (line for line in loaded.problems if line.startswith(f"piano/{file}: left out, "))
        assert reason in line
        assert "\n" not in line


def test_of_two_files_of_a_note_the_first_by_name_that_is_good_plays(tmp_path: Path) -> None:
    (tmp_path / "piano").mkdir()
    (tmp_path / "piano" / "60.wav").touch()
    write(tmp_path / "piano" / "C4.wav", noise(1000))
    write(tmp_path / "piano" / "c4.wav", noise(2000))
    loaded, _ = load_one(tmp_path)
    assert loaded.instrument.sources[0].frames == 1000
    assert [line.split(":")[0] for line in loaded.problems] == ["piano/60.wav", "piano/c4.wav"]


def test_a_file_louder_than_full_scale_is_clipped_and_told(tmp_path: Path) -> None:
    write(tmp_path / "piano" / "C4.wav", 4 * noise(1000))
    loaded, bank = load_one(tmp_path)
    assert loaded.problems == ("piano/C4.wav: clipped, it is 6.0 dB louder than full scale",)
    region = loaded.instrument.region(60)
    assert np.abs(frames_of(bank, region, 1000)).max() * region.left == LEVEL


def test_an_instrument_without_a_good_file_does_not_keep_others_from_loading(tmp_path: Path) -> None:
    write(tmp_path / "piano" / "C4.wav", noise(1000))
    (tmp_path / "organ").mkdir()
    (tmp_path / "organ" / "C4.wav").touch()
    loaded = load(tmp_path, ["organ", "piano"], RATE, None, Bank())
    assert list(loaded) == ["piano"]
    (problem,) = loaded["piano"].problems
    assert "organ/C4.wav: left out" in problem


def test_when_nothing_at_all_can_be_loaded_it_says_why(tmp_path: Path) -> None:
    (tmp_path / "organ").mkdir()
    (tmp_path / "organ" / "C4.wav").touch()
    bank = Bank()
    with pytest.raises(InstrumentError, match=r"organ/C4\.wav: left out"):
        load(tmp_path, ["organ"], RATE, None, bank)
    assert len(bank.frames) == GUARD


@pytest.mark.parametrize("frames", [1, 2, 50, 300])
def test_the_shortest_recordings_play_on_every_key(tmp_path: Path, frames: int) -> None:
    write(tmp_path / "piano" / "C4.wav", noise(frames))
    loaded, bank = load_one(tmp_path)
    for region in loaded.instrument.regions:
        assert region.length >= 1 and region.duration >= 1
        assert np.isfinite(frames_of(bank, region, region.length)).all()


def test_hidden_files_are_not_mentioned(tmp_path: Path) -> None:
    write(tmp_path / "piano" / "C4.wav", noise(1000))
    (tmp_path / "piano" / "._C4.wav").write_bytes(b"no sound")
    assert load_one(tmp_path)[0].problems == ()
