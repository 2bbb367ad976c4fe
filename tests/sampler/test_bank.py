import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from netaudio.sampler.bank import Bank, finished, unrolled
from netaudio.sampler.instrument import Plan
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.region import BEYOND, GUARD, LEVEL

RATE = 1000  # a fade has five frames
STEP = 2.0**-23

PARTS = st.lists(st.integers(0, 50), max_size=5)


def counting(frames: int) -> NDArray[np.float32]:
    """Frame n is (n + 1, -n - 1) / 1024."""
    left = np.arange(1, frames + 1, dtype=np.float32) / 1024
    return np.stack((left, -left), axis=1)


# The bank


def test_an_empty_bank_is_a_silent_guard() -> None:
    assert Bank().frames.shape == (GUARD, 2)
    assert not Bank().frames.any()


@given(PARTS, PARTS)
def test_each_part_lies_between_silent_guards(first: list[int], second: list[int]) -> None:
    bank = Bank()
    parts = [counting(size) for size in first + second]
    addresses = bank.extend(parts[: len(first)]) + bank.extend(parts[len(first) :])
    for part, address in zip(parts, addresses, strict=True):
        end = address + len(part)
        assert np.array_equal(bank.frames[address:end], part)
        for guard in (bank.frames[address - GUARD : address], bank.frames[end : end + GUARD]):
            assert guard.shape == (GUARD, 2)
            assert not guard.any()


def test_a_reader_keeps_what_it_took_while_the_bank_grows() -> None:
    bank = Bank()
    bank.extend([counting(10)])
    taken = bank.frames
    before = taken.copy()
    bank.extend([counting(20)])
    assert bank.frames is not taken
    assert np.array_equal(taken, before)


def test_what_is_there_is_copied_seldom() -> None:
    bank = Bank()
    shown = []
    for _ in range(100):
        bank.extend([counting(100)])
        shown.append(bank.frames)
    assert len({id(frames.base) for frames in shown}) < 10


def test_published_frames_cannot_be_written_to() -> None:
    bank = Bank()
    bank.extend([counting(10)])
    with pytest.raises(ValueError, match="read-only"):
        bank.frames[0] = 1


def test_extending_by_nothing_changes_nothing() -> None:
    bank = Bank()
    taken = bank.frames
    assert bank.extend([]) == []
    assert bank.frames is taken


# What goes into it


def test_a_loop_is_unrolled_and_what_comes_after_it_is_left_out() -> None:
    assert (1024 * unrolled(counting(9), (2, 5), 12)[:, 0]).tolist() == [1, 2, 3, 4, 5, 3, 4, 5, 3, 4, 5, 3]


def test_a_recording_without_loop_goes_on_in_silence() -> None:
    assert (1024 * unrolled(counting(3), None, 5)[:, 0]).tolist() == [1, 2, 3, 0, 0]


def test_a_recording_falls_in_its_last_5_ms() -> None:
    sound, gain = finished(np.full((20, 2), 0.5, np.float32), Plan(RATE, 1.0, 20, None), 20)
    assert sound[:, 0] == pytest.approx(15 * [0.5] + [0.5, 0.4, 0.3, 0.2, 0.1], abs=STEP)
    assert gain == LEVEL


def test_before_its_fade_it_is_the_recording_to_the_bit() -> None:
    sound, _ = finished(counting(100), Plan(RATE, 1.0, 100, None), 100)
    assert np.array_equal(sound[:95], counting(100)[:95])


@given(st.integers(0, 20))
def test_a_part_is_the_beginning_of_the_whole(kept: int) -> None:
    plan = Plan(RATE, 1.0, 20, None)
    whole, part = (finished(np.full((20, 2), 0.5, np.float32), plan, count)[0] for count in (20, kept))
    assert np.array_equal(part, whole[:kept])


def test_a_recording_shorter_than_its_fade_still_ends_in_silence() -> None:
    sound, _ = finished(np.full((3, 2), 0.5, np.float32), Plan(RATE, 1.0, 3, None), 3)
    assert sound[:, 0] == pytest.approx([0.3, 0.2, 0.1], abs=STEP)


@given(st.floats(0, 8, width=32), st.integers(0, 2**32))
def test_frames_are_24_bits_and_their_gain_makes_them_what_they_were(peak: float, seed: int) -> None:
    sound = (peak * np.random.default_rng(seed).uniform(-1, 1, (50, 2))).astype(np.float32)
    made, gain = finished(sound, Plan(RATE, 1.0, ENDLESS, (10, 50)), 50)
    steps = made * 2.0**23
    assert np.array_equal(steps, np.rint(steps)) and np.abs(steps).max() < 2**23
    scale = gain / LEVEL
    assert np.abs(made[:50] * scale - sound).max() <= scale * STEP / 2
    assert scale == 1 or np.abs(sound).max() >= scale / 2 - scale * STEP


def test_with_a_whole_loop_comes_what_follows_its_seam() -> None:
    plan = Plan(RATE, 1.0, ENDLESS, (10, 30))
    whole, part = (finished(counting(40), plan, kept)[0] for kept in (30, 29))
    assert np.array_equal(whole, unrolled(counting(40), (10, 30), 30 + BEYOND))
    assert np.array_equal(part, counting(29))


def test_nothing_of_a_recording_is_no_frames() -> None:
    assert finished(counting(9), Plan(RATE, 1.0, ENDLESS, (2, 5)), 0)[0].shape == (0, 2)
