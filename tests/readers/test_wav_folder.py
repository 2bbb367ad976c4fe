import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from netaudio.errors import InstrumentError
from netaudio.readers.wav_folder import Loaded, list_instruments, load, without_notes
from netaudio.sampler.bank import LEVEL, Bank
from netaudio.sampler.instrument import GUARD, IDENTITY_BLOCK, Sample, differences

RATE = 48_000
ATTACK, EDGE = 48, 240


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


def frames_of(bank: Bank, sample: Sample, count: int) -> NDArray[np.float32]:
    return bank.frames[sample.address : sample.address + count]


def heard(bank: Bank, sample: Sample, count: int, block: int) -> NDArray[np.float32]:
    """What a voice plays that reads block by block."""
    addresses = [sample.read_at(age) for age in range(0, count, block)]
    return np.concatenate([bank.frames[address : address + block] for address in addresses])[:count]


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
    frames = frames_of(bank, loaded.instrument.sample(60), 1000)
    assert np.array_equal(frames[:, 0], frames[:, 1])
    write(tmp_path / "piano" / "C4.wav", np.stack((sound, sound), axis=1))
    assert differences(load_one(tmp_path)[0].instrument.sources, loaded.instrument.sources) == []


def test_an_untransposed_key_is_the_recording_to_the_bit_a_quarter_as_loud(tmp_path: Path) -> None:
    sound = noise(5000).astype(np.float32)
    write(tmp_path / "piano" / "C4.wav", sound.astype(np.float64))
    loaded, bank = load_one(tmp_path)
    sample = loaded.instrument.sample(60)
    assert (sample.length, sample.held, sample.covered, sample.loop) == (5000, 5000, 5000, None)
    frames = frames_of(bank, sample, 5000)
    assert np.array_equal(frames[ATTACK:-EDGE], sound[ATTACK:-EDGE] * LEVEL)
    assert frames[0] == pytest.approx(sound[0] * LEVEL / ATTACK)
    assert np.abs(frames[-1]).max() < 1e-3


@pytest.mark.parametrize("source_rate", [44_100, 48_000, 96_000])
def test_each_key_has_its_pitch_at_any_rate_of_the_file(tmp_path: Path, source_rate: int) -> None:
    time = np.arange(source_rate) / source_rate
    write(
        tmp_path / "piano" / "A4.wav",
        0.5 * np.sin(2 * np.pi * 440 * time)[:, np.newaxis].repeat(2, 1),
        source_rate,
    )
    loaded, bank = load_one(tmp_path)
    for key in (57, 62, 68, 69, 70, 81):
        frames = frames_of(bank, loaded.instrument.sample(key), 10_000)[2000:, 0]
        time = np.arange(2000, 10_000) / RATE
        expected = 0.125 * np.sin(2 * np.pi * 440 * 2 ** ((key - 69) / 12) * time)
        assert np.abs(frames - expected).max() < 1e-5


def test_keys_that_fold_to_one_share_its_frames(tmp_path: Path) -> None:
    write(tmp_path / "piano" / "C4.wav", noise(1000))
    loaded, bank = load_one(tmp_path)
    assert len(set(loaded.instrument.samples)) == 25
    assert loaded.instrument.sample(0) is loaded.instrument.sample(48)
    made = sum(sample.length for sample in set(loaded.instrument.samples))
    assert len(bank.frames) == made + 26 * GUARD


def test_several_instruments_share_one_bank(tmp_path: Path) -> None:
    write(tmp_path / "piano" / "C4.wav", noise(1000, seed=1))
    write(tmp_path / "organ" / "C4.wav", noise(1000, seed=2))
    bank = Bank()
    told: list[tuple[str, float]] = []
    loaded = load(tmp_path, ["piano", "organ", "piano"], RATE, None, bank, lambda *fact: told.append(fact))
    assert list(loaded) == ["piano", "organ"]
    for name, seed in (("piano", 1), ("organ", 2)):
        frames = frames_of(bank, loaded[name].instrument.sample(60), 500)
        assert np.array_equal(frames[ATTACK:], noise(1000, seed).astype(np.float32)[ATTACK:500] * LEVEL)
        fractions = [fraction for which, fraction in told if which == name]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1


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
def test_what_is_held_is_the_beginning_of_the_whole(
    tmp_path: Path, loop: tuple[int, int] | None, source_rate: int, held: int
) -> None:
    for note in (60, 67):
        path = write(tmp_path / "piano" / f"{note}.wav", 2 * noise(40_000, seed=note), source_rate)
        if loop:
            with_chunk(path, smpl((0, *loop)))
    all_of_it, whole_bank = load_one(tmp_path)
    part_of_it, part_bank = load_one(tmp_path, held)
    assert differences(part_of_it.instrument.sources, all_of_it.instrument.sources) == []
    for whole, part in zip(all_of_it.instrument.samples, part_of_it.instrument.samples, strict=True):
        assert part.length == whole.length
        if part.held == whole.held:
            assert (part.covered, part.loop) == (whole.covered, whole.loop)
            count = part.loop[1] if part.loop else part.length
            assert count <= held
        else:
            assert (part.held, part.covered, part.loop) == (held, max(0, held - EDGE), None)
            count = held
        wanted = frames_of(whole_bank, whole, count).copy()
        if part.held != whole.held:
            wanted *= np.clip((held - np.arange(held)) / EDGE, 0, 1)[:, np.newaxis].astype(np.float32)
        assert np.abs(frames_of(part_bank, part, count) - wanted).max(initial=0) < 1e-6


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
    # 8000 frames an octave up are 16000 and what the filter hears: two blocks.
    assert len(loaded.instrument.sources[0].digests) == 2


def test_trouble_past_the_held_part_is_not_met(tmp_path: Path) -> None:
    sound = noise(4 * IDENTITY_BLOCK)
    sound[3 * IDENTITY_BLOCK] = np.nan
    write(tmp_path / "piano" / "C4.wav", sound)
    assert load_one(tmp_path, held=8000)[0].problems == ()
    with pytest.raises(InstrumentError, match="not numbers"):
        load_one(tmp_path)
