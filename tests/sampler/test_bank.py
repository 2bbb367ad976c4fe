import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from netaudio.sampler.bank import LEVEL, Bank, finished, unrolled
from netaudio.sampler.instrument import ENDLESS, GUARD, Plan

RATE = 1000  # the attack is one frame, a fade five

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


def test_a_whole_sample_rises_for_1_ms_and_falls_for_5() -> None:
    sound = finished(np.ones((20, 2), np.float32), Plan(RATE, 1.0, 20, None), 20)
    assert sound[:, 0] == pytest.approx(15 * [0.25] + [0.25, 0.2, 0.15, 0.1, 0.05])


def test_between_attack_and_fade_it_is_the_recording_at_level_to_the_bit() -> None:
    sound = finished(counting(100), Plan(RATE, 1.0, 100, None), 100)
    assert np.array_equal(sound[1:95], counting(100)[1:95] * LEVEL)


def test_a_held_part_falls_at_its_own_end_and_is_the_whole_one_before() -> None:
    plan = Plan(RATE, 1.0, 20, None)
    whole, part = (finished(np.ones((20, 2), np.float32), plan, kept) for kept in (20, 12))
    assert np.array_equal(part[:7], whole[:7])
    assert part[7:, 0] == pytest.approx([0.25, 0.2, 0.15, 0.1, 0.05])


def test_a_sample_shorter_than_its_fades_still_ends_in_silence() -> None:
    sound = finished(np.ones((3, 2), np.float32), Plan(RATE, 1.0, 3, None), 3)
    assert sound[:, 0] == pytest.approx([0.15, 0.1, 0.05])


def test_nothing_of_a_sample_is_no_frames() -> None:
    assert finished(counting(9), Plan(RATE, 1.0, ENDLESS, (2, 5)), 0).shape == (0, 2)


@given(st.integers(1, 30), st.integers(1, 2 * GUARD), st.integers(-GUARD, 10**6), st.integers(1, GUARD))
def test_a_looped_voice_reads_straight_on_from_any_age(start: int, span: int, age: int, block: int) -> None:
    end = start + span
    plan = Plan(RATE, 1.0, ENDLESS, (start, end))
    sound = finished(counting(end), plan, end)
    bank = Bank()
    sample = plan.sample(end, bank.extend([sound])[0])
    address = sample.read_at(age)
    ages = np.arange(age, age + block)
    turned = np.where(ages < end, ages, start + (ages - start) % span)
    expected = np.where(ages[:, np.newaxis] < 0, 0, sound[turned])
    assert np.array_equal(bank.frames[address : address + block], expected)


@given(st.integers(0, 100), st.integers(0, 120), st.integers(-2 * GUARD, 2 * GUARD), st.integers(1, GUARD))
def test_a_voice_without_loop_reads_straight_on_from_any_age(length: int, held: int, age: int, block: int) -> None:
    plan = Plan(RATE, 1.0, 1 + length, None)
    kept = plan.kept(held)
    sound = finished(counting(1 + length), plan, kept)
    bank = Bank()
    sample = plan.sample(kept, bank.extend([sound])[0])
    address = sample.read_at(age)
    around = np.concatenate((np.zeros((3 * GUARD, 2)), sound, np.zeros((4 * GUARD, 2))))
    first = 3 * GUARD + max(age, -GUARD)
    assert np.array_equal(bank.frames[address : address + block], around[first : first + block])
