"""The rendered instruments, measured as a listener would hear them."""

import functools
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

WAV = Path(__file__).parent.parent.parent / "wav"
RATE = 48000
KEYS = {"C4": 60, "D4": 62, "E4": 64, "F4": 65, "G4": 67, "A4": 69, "B4": 71, "C5": 72}
DECAYING = ["epiano", "guitar", "piano"]
SUSTAINED = ["organ"]

Real = npt.NDArray[np.float64]

every_file = pytest.mark.parametrize("note", KEYS)
every_instrument = pytest.mark.parametrize("name", DECAYING + SUSTAINED)


@functools.cache
def frames(name: str, note: str) -> Real:
    """Frames of shape (frames, 2), full scale 1."""
    data, rate = soundfile.read(WAV / name / f"{note}.wav")
    assert rate == RATE and data.ndim == 2 and data.shape[1] == 2
    return np.asarray(data)


def decibels(ratio: float) -> float:
    return float(20 * np.log10(max(ratio, 1e-9)))


def rms(x: Real) -> float:
    return float(np.sqrt(np.mean(x**2)))


def spectrum(x: Real, size: int) -> tuple[Real, Real]:
    """Frequencies in Hz and magnitudes under a Hann window."""
    magnitude: Real = np.abs(np.fft.rfft(x * np.hanning(len(x)), size))
    return np.linspace(0, RATE / 2, size // 2 + 1), magnitude


def loudness(x: Real) -> float:
    """The A-weighted level of the first second, dB."""
    power = (np.abs(np.fft.rfft(x[:RATE], axis=0)) ** 2).sum(axis=1)
    f = np.fft.rfftfreq(RATE, 1 / RATE) ** 2
    weight = 12194**2 * f**2 / ((f + 20.6**2) * np.sqrt((f + 107.7**2) * (f + 737.9**2)) * (f + 12194**2))
    return float(10 * np.log10((power * (1.2589 * weight) ** 2).sum() / RATE**2))


def chunks(path: Path) -> dict[bytes, bytes]:
    data = path.read_bytes()
    riff, size, wave = struct.unpack_from("<4sI4s", data)
    assert (riff, size, wave) == (b"RIFF", len(data) - 8, b"WAVE")
    found, at = {}, 12
    while at < len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        found[name] = data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return found


def loop_of(name: str, note: str) -> tuple[int, int]:
    """The first and the last frame of the only loop."""
    fields = struct.unpack("<15I", chunks(WAV / name / f"{note}.wav")[b"smpl"])
    assert fields[2:4] == (round(1e9 / RATE), KEYS[note])
    assert fields[7:9] == (1, 0) and fields[10] == 0 and fields[14] == 0  # one loop, forward, for ever
    return fields[11], fields[12]


def test_the_folder_holds_an_octave_of_each_instrument_and_stays_small() -> None:
    files = {WAV / name / f"{note}.wav" for name in DECAYING + SUSTAINED for note in KEYS}
    assert files == set(WAV.glob("*/*.wav"))
    assert sum(path.stat().st_size for path in files) < 26e6


@every_instrument
@every_file
def test_it_is_in_tune_within_two_cents(name: str, note: str) -> None:
    pitch = 440 * 2 ** ((KEYS[note] - 69) / 12)
    freq, size = spectrum(frames(name, note)[RATE // 10 : 5 * RATE // 2].mean(axis=1), 1 << 19)
    near = np.flatnonzero(np.abs(freq / pitch - 1) < 0.03)
    peak = near[np.argmax(size[near])]
    a, b, c = np.log(size[peak - 1 : peak + 2])
    found = (peak + (a - c) / (a - 2 * b + c) / 2) * freq[1]
    assert abs(1200 * np.log2(found / pitch)) < 2


@every_instrument
@every_file
def test_it_speaks_at_once_and_starts_without_a_click(name: str, note: str) -> None:
    size = np.abs(frames(name, note)).max(axis=1)
    assert size[0] < 1e-4
    assert size[: RATE // 1000].max() > 0.01 * size.max()
    assert size[: RATE // 200].max() > 0.15 * size.max()
    assert size[: RATE // 10000].max() < 0.2 * size.max()


@every_instrument
@every_file
def test_it_has_no_dc(name: str, note: str) -> None:
    assert np.abs(frames(name, note).mean(axis=0)).max() < 2e-4


@every_instrument
@every_file
def test_nothing_clicks(name: str, note: str) -> None:
    """A click bends the wave far more than the 5 ms around it do."""
    bend = np.abs(np.diff(frames(name, note)[RATE // 10 :], 2, axis=0)).max(axis=1)
    windows = bend[: len(bend) // 240 * 240].reshape(-1, 240).max(axis=1)
    around = np.lib.stride_tricks.sliding_window_view(windows, 9)
    assert (windows[4:-4] < 2 * np.median(around, axis=1) + 8 / 32768).all()


@every_instrument
@every_file
def test_it_is_wide_and_whole_in_mono(name: str, note: str) -> None:
    left, right = frames(name, note).T
    assert 0 < np.corrcoef(left, right)[0, 1] < 0.98
    assert abs(decibels(rms(left) / rms(right))) < 1.5
    assert decibels(rms((left + right) / 2) / rms(frames(name, note))) > -1.5


@every_instrument
def test_its_notes_are_even_and_fill_the_scale(name: str) -> None:
    levels = [loudness(frames(name, note)) for note in KEYS]
    peaks = [decibels(np.abs(frames(name, note)).max()) for note in KEYS]
    assert max(levels) - min(levels) < 3
    assert -6 < max(peaks) < -0.5


def test_the_instruments_are_as_loud_as_each_other() -> None:
    levels = [np.mean([loudness(frames(name, note)) for note in KEYS]) for name in DECAYING + SUSTAINED]
    assert max(levels) - min(levels) < 3


@pytest.mark.parametrize("name", DECAYING)
@every_file
def test_a_decaying_note_rings_four_seconds_and_ends_in_silence(name: str, note: str) -> None:
    x = frames(name, note)
    assert len(x) >= 4 * RATE
    level = [decibels(rms(x[s * RATE // 10 :][: RATE // 10])) for s in (1, 10, 20, 30)]
    assert sorted(level, reverse=True) == level
    assert -14 < level[1] - level[0] < -4 and level[3] > -45
    assert not x[-1].any()
    assert np.abs(x[-RATE // 100 :]).max() < 3e-4
    assert b"smpl" not in chunks(WAV / name / f"{note}.wav")


@pytest.mark.parametrize("name", DECAYING)
@every_file
def test_its_brightness_goes_first(name: str, note: str) -> None:
    def above(x: Real) -> float:
        freq, size = spectrum(x.mean(axis=1), 1 << 15)
        high = freq > 4.5 * 440 * 2 ** ((KEYS[note] - 69) / 12)
        return decibels(rms(size[high]) / rms(size))

    x = frames(name, note)
    assert above(x[: RATE // 10]) > above(x[RATE : RATE + RATE // 10]) + 3


@pytest.mark.parametrize("name", SUSTAINED)
@every_file
def test_the_loop_has_no_seam(name: str, note: str) -> None:
    """The sound before the loop is the sound before its end, to within the dither of two frames."""
    x = frames(name, note)
    first, last = loop_of(name, note)
    assert last == len(x) - 1 and last - first > 2 * RATE
    before = 480
    assert np.abs(x[first - before : first] - x[last + 1 - before :]).max() <= 3.01 / 32768
    seam = np.concatenate([x[-before:], x[first : first + before]])
    for order in (1, 2):
        steps = np.abs(np.diff(seam, order, axis=0))
        across = slice(before - order, before)
        assert (steps[across] <= np.delete(steps, across, axis=0).max(axis=0)).all()


@pytest.mark.parametrize("name", SUSTAINED)
@every_file
def test_a_loop_moves_but_does_not_pump(name: str, note: str) -> None:
    x = frames(name, note)[loop_of(name, note)[0] :]
    levels = [decibels(rms(x[at : at + RATE // 10])) for at in range(0, len(x) - RATE // 10, RATE // 10)]
    assert 0.5 < max(levels) - min(levels) < 8
