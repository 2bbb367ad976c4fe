import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from netaudio.errors import InstrumentError
from netaudio.readers.wav_folder import Loaded, list_instruments, load, whole_size, without_notes
from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import IDENTITY_BLOCK, differences
from netaudio.sampler.interpolator import TAPS
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.pitch import CENT, ratio
from netaudio.sampler.region import GUARD, LEVEL, Region

RATE = 48_000
EDGE = 240
STEP = 2.0**-23


def noise(frames: int, seed: int = 1) -> NDArray[np.float64]:
    """Stereo within +-0.5."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, 2))


def write(
    path: Path,
    sound: NDArray[np.float64] | NDArray[np.int16],
    rate: int = RATE,
    form: str | None = None,
    subtype: str = "FLOAT",
) -> Path:
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, sound, rate, format=form, subtype=subtype)
    return path


def smpl(*loops: tuple[int, int, int]) -> bytes:
    """A chunk with loops (kind, first frame, last frame)."""
    body = struct.pack("<9I", 0, 0, 20_833, 60, 0, 0, 0, len(loops), 0)
    body += b"".join(struct.pack("<6I", 0, kind, first, last, 0, 0) for kind, first, last in loops)
    return struct.pack("<4sI", b"smpl", len(body)) + body


def with_chunk(path: Path, chunk: bytes, before_data: bool = False) -> Path:
    """Puts a chunk into a wav file, behind its last or before its sound."""
    data = path.read_bytes()
    at = data.index(b"data") if before_data else len(data)
    data = data[:at] + chunk + data[at:]
    if data.startswith(b"RIFF"):
        data = data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    path.write_bytes(data)
    return path


def load_one(folder: Path, held: int | None = None, rate: int = RATE) -> tuple[Loaded, Bank]:
    bank = Bank()
    return load(folder, ["piano"], rate, held, bank)["piano"], bank


def frames_of(bank: Bank, region: Region, count: int) -> NDArray[np.float32]:
    return bank.frames[region.address : region.address + count]


def heard(bank: Bank, region: Region, count: int) -> NDArray[np.float32]:
    """What a voice reads at the recording's own pitch: a loop is turned when its first taps have passed the seam."""
    at = np.arange(count)
    if region.loop:
        start, end = region.loop
        late = TAPS // 2
        at = np.where(at < end + late, at, start + late + (at - end - late) % (end - start))
    return bank.frames[region.address + at]


# Finding instruments


def test_instruments_are_folders_with_a_sound_file_named_by_a_note(tmp_path: Path) -> None:
    for name in ("piano/C4.wav", "organ/60.FLAC", "bells/hello.wav", "text/C4.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "C4.wav").touch()
    assert list_instruments(tmp_path) == ["organ", "piano"]


def test_a_missing_folder_has_no_instruments(tmp_path: Path) -> None:
    assert list_instruments(tmp_path / "nowhere") == []


def test_a_file_is_no_folder_of_instruments(tmp_path: Path) -> None:
    (tmp_path / "wav").write_text("")
    with pytest.raises(InstrumentError, match="cannot be read"):
        list_instruments(tmp_path / "wav")


def test_folders_without_a_note_are_told(tmp_path: Path) -> None:
    for name in ("odd", "empty", "__pycache__", ".git"):
        (tmp_path / name).mkdir()
    (tmp_path / "odd" / "hello.wav").write_text("")
    assert [line.partition(":")[0] for line in without_notes(tmp_path)] == ["empty", "odd"]


@pytest.mark.parametrize("name", ["harp", "..", "", "piano/../piano"])
def test_an_unknown_instrument_is_refused_with_the_choice(tmp_path: Path, name: str) -> None:
    write(tmp_path / "piano" / "C4.wav", noise(1000))
    with pytest.raises(InstrumentError, match="choose from piano"):
        load(tmp_path, [name], RATE, None, Bank())


# Decoding


@pytest.mark.parametrize("suffix", ["wav", "WAV", "flac", "aif", "AIFF"])
def test_every_format_gives_the_same_frames_and_the_same_identity(tmp_path: Path, suffix: str) -> None:
    sound = (noise(40_000) * 65_534).astype(np.int16)
    write(tmp_path / "piano" / "C4.wav", sound, subtype="PCM_16")
    expected, expected_bank = load_one(tmp_path)
    (tmp_path / "piano" / "C4.wav").unlink()
    form = {"aif": "AIFF"}.get(suffix)
    write(tmp_path / "piano" / f"C4.{suffix}", sound, form=form, subtype="PCM_16")
    found, bank = load_one(tmp_path)
    assert found == expected
    assert np.array_equal(bank.frames, expected_bank.frames)


def test_a_mono_file_sounds_on_both_sides(tmp_path: Path) -> None:
    sound = noise(1000)[:, 0]
    write(tmp_path / "piano" / "C4.wav", sound)
    loaded, bank = load_one(tmp_path)
    frames = frames_of(bank, loaded.instrument.region(60), 1000)
    assert np.array_equal(frames[:, 0], frames[:, 1])
    write(tmp_path / "piano" / "C4.wav", np.stack((sound, sound), axis=1))
    assert differences(load_one(tmp_path)[0].instrument.sources, loaded.instrument.sources) == []


def test_at_the_banks_rate_a_recording_is_kept_to_the_bit_and_played_a_quarter_as_loud(tmp_path: Path) -> None:
    sound = (noise(5000) * 65_534).astype(np.int16)
    write(tmp_path / "piano" / "C4.wav", sound, subtype="PCM_16")
    loaded, bank = load_one(tmp_path)
    region = loaded.instrument.region(60)
    assert (region.length, region.held, region.covered, region.loop) == (5000, 5000, 5000, None)
    assert region.left == region.right == LEVEL and region.attack == RATE // 1000
    frames = frames_of(bank, region, 5000)
    assert np.array_equal(frames[:-EDGE], sound[:-EDGE] / np.float32(32_768))
    assert np.abs(frames[-1]).max() <= 0.5 / EDGE


@pytest.mark.parametrize("source_rate", [22_050, 44_100, 48_000, 96_000])
def test_at_any_rate_of_the_file_a_recording_has_its_pitch_and_24_bits(tmp_path: Path, source_rate: int) -> None:
    time = np.arange(source_rate) / source_rate
    sine = 0.5 * np.sin(2 * np.pi * 440 * time)[:, np.newaxis].repeat(2, 1)
    write(tmp_path / "piano" / "A4.wav", sine, source_rate)
    loaded, bank = load_one(tmp_path)
    frames = frames_of(bank, loaded.instrument.region(69), 10_000)[2000:, 0]
    exact = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2000, 10_000) / RATE)
    assert np.abs(frames - exact).max() < STEP
    for key, region in enumerate(loaded.instrument.regions):
        assert region.ratio == ratio(100 * CENT * (key - 69))


def test_all_keys_of_a_recording_share_its_one_copy(tmp_path: Path) -> None:
    write(tmp_path / "piano" / "C4.wav", noise(1000))
    write(tmp_path / "piano" / "C5.wav", noise(2000))
    loaded, bank = load_one(tmp_path)
    assert len({region.address for region in loaded.instrument.regions}) == 2
    assert len(bank.frames) == 3000 + 3 * GUARD
    assert whole_size(tmp_path / "piano", RATE) == 3000


def test_a_folder_is_sized_by_its_good_files_and_their_loops(tmp_path: Path) -> None:
    with_chunk(write(tmp_path / "piano" / "C4.wav", noise(1000)), smpl((0, 100, 599)))
    write(tmp_path / "piano" / "C5.wav", noise(1000), rate=24_000)
    (tmp_path / "piano" / "D5.wav").touch()
    assert whole_size(tmp_path / "piano", RATE) == 600 + 2000


def test_several_instruments_share_one_bank(tmp_path: Path) -> None:
    write(tmp_path / "piano" / "C4.wav", noise(1000, seed=1))
    write(tmp_path / "piano" / "D4.wav", noise(1000, seed=1))
    write(tmp_path / "organ" / "C4.wav", noise(1000, seed=2))
    bank = Bank()
    told: list[tuple[str, float]] = []
    loaded = load(tmp_path, ["piano", "organ", "piano"], RATE, None, bank, lambda *fact: told.append(fact))
    assert list(loaded) == ["piano", "organ"]
    assert told == [("piano", 0.5), ("piano", 1.0), ("organ", 1.0)]
    for name, seed in (("piano", 1), ("organ", 2)):
        frames = frames_of(bank, loaded[name].instrument.region(60), 500)
        assert np.abs(frames - noise(1000, seed)[:500]).max() <= STEP


def test_each_instrument_is_in_the_bank_before_the_next_is_read(tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path / name / "C4.wav", noise(1000))
    bank = Bank()
    sizes: dict[str, int] = {}

    def told(name: str, _: float) -> None:
        sizes.setdefault(name, len(bank.frames))

    load(tmp_path, "abc", RATE, None, bank, told)
    each = len(bank.frames) // 3
    assert [size // each for size in sizes.values()] == [0, 1, 2]


# Parts


@pytest.mark.parametrize("loop", [None, (2000, 29_999)])
@pytest.mark.parametrize("source_rate", [44_100, 48_000])
@pytest.mark.parametrize("held", [0, 100, 5000, 20_000, 34_000])
def test_what_is_held_is_the_beginning_of_the_whole_to_the_bit(
    tmp_path: Path, loop: tuple[int, int] | None, source_rate: int, held: int
) -> None:
    for note in (60, 67):
        path = write(tmp_path / "piano" / f"{note}.wav", noise(40_000, seed=note), source_rate)
        if loop:
            with_chunk(path, smpl((0, *loop)))
    all_of_it, whole_bank = load_one(tmp_path)
    part_of_it, part_bank = load_one(tmp_path, held)
    assert differences(part_of_it.instrument.sources, all_of_it.instrument.sources) == []
    for whole, part in zip(all_of_it.instrument.regions, part_of_it.instrument.regions, strict=True):
        assert (part.length, part.loop, part.ratio, part.left) == (whole.length, whole.loop, whole.ratio, whole.left)
        assert part.held == min(held, whole.held)
        assert np.array_equal(frames_of(part_bank, part, part.held), frames_of(whole_bank, whole, part.held))


def test_more_is_held_of_a_recording_that_a_high_key_plays(tmp_path: Path) -> None:
    for note in (60, 72):
        write(tmp_path / "piano" / f"{note}.wav", noise(200_000, seed=note))
    bank = Bank()
    regions = load(tmp_path, ["piano"], RATE, 9000, bank, reach=5000)["piano"].instrument.regions
    assert regions[60].held == 9000 and regions[72].held > 100_000
    assert 5000 <= regions[127].reach() < 5020 and min(region.reach() for region in regions) >= 5000
    assert all(region.reach() < ENDLESS for region in regions)


def test_a_file_is_read_no_further_than_the_held_part_takes(tmp_path: Path) -> None:
    path = write(tmp_path / "piano" / "C4.wav", noise(4 * IDENTITY_BLOCK), subtype="PCM_16")
    # A header that promises three hours, and a file that is empty from where it should not be read.
    size = 4 * 3 * 3600 * RATE
    data = path.read_bytes()
    at = data.index(b"data") + 4
    with path.open("wb") as file:
        file.write(
            data[:4] + struct.pack("<I", at - 4 + size) + data[8:at] + struct.pack("<I", size) + data[at + 4 :]
        )
        file.truncate(at + 4 + size)
    loaded, _ = load_one(tmp_path, held=8000)
    assert loaded.problems == ()
    assert loaded.instrument.sources[0].frames == size // 4
    assert len(loaded.instrument.sources[0].digests) == 1


def test_trouble_past_the_held_part_is_not_met(tmp_path: Path) -> None:
    sound = noise(4 * IDENTITY_BLOCK)
    sound[3 * IDENTITY_BLOCK] = np.nan
    write(tmp_path / "piano" / "C4.wav", sound)
    assert load_one(tmp_path, held=8000)[0].problems == ()
    with pytest.raises(InstrumentError, match="not numbers"):
        load_one(tmp_path)
