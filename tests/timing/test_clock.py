from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.timing.clock import CardClock, Clock, Highest, PlayheadClock, StampClock

RATE = 1000
REPORT = 0.05


def follow(clock: Clock, truth: Sequence[tuple[float, float]], delays: Sequence[float]) -> list[float]:
    """How far the clock is ahead of the truth, in frames, after each report."""
    errors = []
    for (time, position), delay in zip(truth, delays, strict=True):
        clock.report(time + delay, position)
        errors.append(clock.position(time + delay) - position - RATE * delay)
    return errors


def drifting(seconds: float, ppm: float, start: float = 0.0) -> list[tuple[float, float]]:
    times = np.arange(start, start + seconds, REPORT)
    return [(float(t), float(t * RATE * (1 + ppm / 1e6))) for t in times]


@given(st.lists(st.integers(0, 9), min_size=1), st.integers(1, 5))
def test_the_highest_is_of_the_last_values(values: list[int], window: int) -> None:
    highest = Highest(window)
    assert [highest.add(value) for value in values] == [
        max(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)
    ]


@given(st.floats(0, 1e6), st.integers(0, 1 << 40))
def test_one_report_sets_it(time: float, position: int) -> None:
    clock = Clock(RATE)
    assert not clock.started
    clock.report(time, position)
    assert clock.started
    assert clock.position(time + 2) == pytest.approx(position + 2 * RATE, rel=1e-12, abs=1e-3)


@given(st.integers(0, 99), st.sampled_from((-200, -50, 0, 50, 200)), st.sampled_from((0.0, 0.01, 0.03)))
def test_it_follows_drift_under_one_sided_jitter(seed: int, ppm: int, jitter: float) -> None:
    """A window of 3.2 s holds the truth but for what it drifted meanwhile: 1 frame; the rest is the best delay."""
    truth = drifting(60, ppm)
    delays = np.random.default_rng(seed).exponential(jitter / 3, len(truth)).clip(0, jitter)
    errors = np.array(follow(Clock(RATE), truth, delays.tolist()))[100:]
    assert errors.max() <= 1.0
    assert errors.min() >= -1.0 - RATE * jitter / 4


def test_late_reports_do_not_move_it() -> None:
    clock = Clock(RATE)
    follow(clock, drifting(2, 0), [0.0] * 40)
    for time, position in drifting(0.2, 0, start=2.0):
        clock.report(time + 0.1, position)
    assert clock.position(5.0) == pytest.approx(5000, abs=1e-6)


def test_it_never_steps_once_it_has_settled() -> None:
    clock, rng = Clock(RATE), np.random.default_rng(1)
    before = None
    for k, (time, position) in enumerate(drifting(20, 200)):
        clock.report(time + rng.uniform(0, 0.05), position)
        if before is not None and k > 20:
            assert abs(clock.position(time) - before - RATE * REPORT) <= 0.05 * RATE * 0.1 + 1e-6
        before = clock.position(time)


@pytest.mark.parametrize("pause", [0.3, 2.0, 3600.0])
def test_when_all_reports_are_far_behind_it_jumps(pause: float) -> None:
    """The count stood still, or the way takes so much longer from now on."""
    clock = Clock(RATE)
    follow(clock, drifting(5, 0), [0.0] * 100)
    for k in range(10):
        clock.report(5 + pause + k * REPORT, 5000 + k * RATE * REPORT)
    assert clock.position(5 + pause + 1) == pytest.approx(6000, abs=1e-6)


def test_reports_that_come_in_one_heap_do_not_move_it() -> None:
    """Whoever takes them was stopped meanwhile, not the card."""
    clock = Clock(RATE)
    follow(clock, drifting(5, 0), [0.0] * 100)
    for _, position in drifting(1, 0, start=5.0):
        clock.report(6.0, position)
    assert clock.position(6.0) == pytest.approx(6000, abs=1e-6)


def test_a_jump_ahead_is_followed_as_well() -> None:
    clock = Clock(RATE)
    follow(clock, drifting(5, 0), [0.0] * 100)
    for k in range(10):
        clock.report(5 + k * REPORT, 9000 + k * RATE * REPORT)
    assert clock.position(6.0) == pytest.approx(10_000, abs=1e-6)


def test_reports_out_of_order_do_no_harm() -> None:
    clock = Clock(RATE)
    for time, position in reversed(drifting(3, 0)):
        clock.report(time, position)
    assert clock.position(10.0) == pytest.approx(10_000, abs=1e-6)


def report(clock: PlayheadClock, time: float, position: float, delay: float = 0.0) -> None:
    """Sent at `time`, 3 ms after a block ended before `position`."""
    sent = round(time * 1e6) + 4_294_000_000  # 32 bits of microseconds are over soon
    clock.report(time + delay, sent & 0xFFFF_FFFF, 3000, round(position - 0.003 * RATE))


def test_a_card_that_runs_dry_again_and_again_is_followed() -> None:
    """By 50 ms a second; ten times what a longer way would be believed."""
    clock = PlayheadClock(RATE)
    for k in range(400):
        time = k * REPORT
        report(clock, time, 950 * time, delay=0.01)
        if k > 20:
            assert clock.position(time + 0.01) - 950 * time == pytest.approx(0, abs=9 * 950 * REPORT * 0.05 + 10)


@given(st.integers(0, 99))
def test_what_is_late_on_its_way_moves_no_playhead(seed: int) -> None:
    clock, rng = PlayheadClock(RATE), np.random.default_rng(seed)
    for k in range(200):
        report(clock, k * REPORT, k * REPORT * RATE, delay=0.0 if k < 40 or k % 20 == 0 else rng.uniform(0, 0.1))
    assert clock.position(10.0) == pytest.approx(10_000, abs=1.5)


@pytest.mark.parametrize("lost", [0.3, 5.0])
def test_a_card_that_was_stopped_is_followed_at_once(lost: float) -> None:
    clock = PlayheadClock(RATE)
    for k in range(40):
        report(clock, k * REPORT, k * REPORT * RATE)
    report(clock, 2 + lost, 2000)
    assert clock.position(2 + lost) == pytest.approx(2000, abs=1.5)


@given(st.integers(0, 0xFFFF_FFFF), st.integers(0, 1000))
def test_the_first_report_sets_the_playhead(sent: int, position: int) -> None:
    clock = PlayheadClock(RATE)
    clock.report(5.0, sent, 0, position)
    assert clock.position(5.0) == pytest.approx(position, abs=1e-3)


def test_a_playhead_that_catches_up_hurries_nobody() -> None:
    clock, before = PlayheadClock(RATE), 0.0
    for k in range(80):
        time = k * REPORT
        report(clock, time, RATE * time + (100 if k >= 40 else 0))
        assert k == 0 or clock.position(time) - before <= 1.06 * RATE * REPORT
        before = clock.position(time)
    assert clock.position(4.0) == pytest.approx(4100, abs=2)


def test_the_card_is_where_its_most_punctual_block_tells() -> None:
    clock = CardClock(1000)
    for block, late in enumerate((0.004, 0.0, 0.007, 0.002)):
        clock.report(5 + 0.01 * block + late, 10 * block)
    assert clock.position(5.1) == pytest.approx(100)


def test_a_card_that_ran_dry_is_followed_within_a_few_blocks() -> None:
    clock = CardClock(1000)
    for block in range(100):
        clock.report(5 + 0.01 * block + (0.05 if block >= 80 else 0), 10 * block)
    assert clock.position(6.05) == pytest.approx(1000)


def test_a_card_that_tells_that_it_ran_dry_is_followed_at_once() -> None:
    clock = CardClock(1000)
    for block in range(100):
        clock.report(5 + 0.01 * block + (0.05 if block >= 80 else 0), 10 * block, xrun=block == 80)
        assert block < 80 or clock.position(6.05) == pytest.approx(1000)


@given(st.integers(0, 99), st.integers(0, 0xFFFF_FFFF))
def test_stamps_tell_when_whatever_came_late(seed: int, begin: int) -> None:
    clock, rng = StampClock(1000), np.random.default_rng(seed)
    for k in range(200):
        at, late = 5 + 0.03 * k, float(rng.exponential(0.002))
        told = clock.time(begin + 30 * k, at + late)
        assert told <= at + late
        assert k < 50 or told == pytest.approx(at + 0.0002, abs=0.0003)


def test_a_stamp_that_makes_no_sense_means_now() -> None:
    clock = StampClock(1000)
    for k in range(20):
        clock.time(1000 * k, 5.0 + k)
    assert clock.time(3, 25.0) == 25.0
    assert clock.time(90_000, 26.0) == 26.0
