import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from netaudio.sampler.mixer import Frames, Mixer, Rows

SILENT = 16  # frames at the bank's beginning
BANK = np.repeat(np.arange(200)[:, None] / 1024, 2, axis=1).astype(np.float32)
BANK[:, 1] *= -1
BANK[:SILENT] = 0

STRAIGHT = st.tuples(st.integers(SILENT, 180), st.floats(-1, 1, width=32), st.floats(-0.125, 0.125, width=32))
CURVED = st.tuples(st.integers(SILENT, 180), st.integers(0, 99))
JOBS = st.lists(st.tuples(st.lists(STRAIGHT, max_size=6), st.lists(CURVED, max_size=3)), max_size=4)


def naive(bank: Frames, rows: Rows, count: int) -> Frames:
    out = np.zeros((count, 2))
    for address, gain, slope in zip(rows.addresses, rows.gains, rows.slopes, strict=True):
        for t in range(count):
            out[t] += bank[address + t] * (gain + slope * t)
    for address, curve in rows.curved:
        for t in range(count):
            out[t] += bank[address + t] * curve[t]
    return out.astype(np.float32)


def bound(bank: Frames, rows: Rows, count: int) -> NDArray[np.float64]:
    """How far from `naive` a mix may be: (count, 2)."""
    loud = np.zeros((count, 2))
    n = np.arange(count)
    for address, gain, slope in zip(rows.addresses, rows.gains, rows.slopes, strict=True):
        loud += np.abs(bank[address : address + count] * (gain + slope * n)[:, None])
    for address, curve in rows.curved:
        loud += np.abs(bank[address : address + count] * curve[:, None])
    return np.maximum(1.0, loud) * 2.0**-20


LOUD = np.random.default_rng(0).normal(0.0, 1.0, (4000, 2)).astype(np.float32)
LOUD[:SILENT] = 0
GAINS = st.floats(0, 1)


@given(
    st.lists(st.lists(st.tuples(st.integers(SILENT, 3000), GAINS, GAINS), max_size=40), min_size=1, max_size=5),
    st.sampled_from([16, 64, 128]), st.integers(0, 3), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_what_is_read_on_is_as_exact_as_what_is_new(
    voices: list[list[tuple[int, float, float]]], count: int, chunks: int, seed: int
) -> None:
    rng, mixer, jobs = np.random.default_rng(seed), Mixer(), []
    length = (chunks + 1) * count
    for lines in voices:
        jobs.append(Rows())
        for address, first, last in lines:
            jobs[-1].add(address, first, (last - first) / length)
    for chunk in range(chunks + 1):
        mixed = mixer.mix(LOUD, jobs, count)
        for rows, out in zip(jobs, mixed, strict=True):
            exact = Rows()
            for address, gain, slope in zip(rows.addresses, rows.gains, rows.slopes, strict=True):
                exact.add(address + chunk * count, gain + slope * chunk * count, slope)
            exact.curved = rows.curved
            assert (np.abs(out - naive(LOUD, exact, count)) <= bound(LOUD, exact, count)).all()
            rows.advance(count)
            rows.curved = [(int(rng.integers(SILENT, 3000)), rng.random(count))]  # as rows that are new would have


@given(JOBS, st.integers(1, 20))
def test_all_jobs_at_once_are_the_sums_of_their_voices(
    jobs: list[tuple[list[tuple[int, float, float]], list[tuple[int, int]]]], count: int
) -> None:
    made = []
    for straight, curved in jobs:
        made.append(Rows())
        for address, gain, slope in straight:
            made[-1].add(address, gain, slope)
        for address, seed in curved:
            made[-1].curved.append((address, np.random.default_rng(seed).random(count)))
    mixed = Mixer().mix(BANK, made, count)
    assert mixed.shape == (len(jobs), count, 2)
    assert mixed.dtype == np.float32
    for rows, out in zip(made, mixed, strict=True):
        assert np.allclose(out, naive(BANK, rows, count), rtol=0, atol=1e-5)


def test_a_voice_reads_on_from_its_address() -> None:
    rows = Rows()
    rows.add(100, 1.0, 0.0)
    assert Mixer().mix(BANK, [rows], 3)[0, :, 0].tolist() == [100 / 1024, 101 / 1024, 102 / 1024]


def test_a_slope_is_per_frame() -> None:
    rows = Rows()
    rows.add(100, 0.5, 0.25)
    expected = [0.5 * 100 / 1024, 0.75 * 101 / 1024, 1.0 * 102 / 1024]
    assert Mixer().mix(BANK, [rows], 3)[0, :, 0] == pytest.approx(expected)


def test_silent_voices_take_no_part() -> None:
    rows = Rows()
    rows.add(100, 0.0, 0.0)
    assert rows.addresses == []


@pytest.mark.parametrize("jobs", [0, 1, 3])
def test_jobs_without_voices_are_silent(jobs: int) -> None:
    mixed = Mixer().mix(BANK, [Rows() for _ in range(jobs)], 5)
    assert mixed.shape == (jobs, 5, 2)
    assert not mixed.any()


def test_a_mixer_follows_a_bank_that_grew() -> None:
    mixer, rows = Mixer(), Rows()
    rows.add(150, 1.0, 0.0)
    grown = np.concatenate((BANK, BANK))
    grown[150] = 9
    assert mixer.mix(BANK, [rows], 2)[0, 0, 0] == 150 / 1024
    assert mixer.mix(grown, [rows], 2)[0, 0, 0] == 9


def test_the_whole_bank_can_be_read() -> None:
    rows = Rows()
    rows.add(0, 1.0, 0.0)
    assert np.array_equal(Mixer().mix(BANK, [rows], len(BANK))[0], BANK)
