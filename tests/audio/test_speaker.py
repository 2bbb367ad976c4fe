"""The software clock that stands in for a sound card, and render times."""

import statistics
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from netaudio.audio.speaker import Durations, NullSpeaker, Render, Speaker, open_speaker
from tests.support.child import PATIENCE
from tests.support.jack import BLOCK, RATE


class Recorder:
    """A render that keeps what it was asked for, and says when it has had enough blocks."""

    def __init__(self, blocks: int) -> None:
        self.asked: list[tuple[tuple[int, ...], np.dtype[np.float32], float]] = []
        self.blocks = blocks
        self.enough = threading.Event()

    def __call__(self, out: NDArray[np.float32], now: float, _: bool) -> None:
        self.asked.append((out.shape, out.dtype, now))
        out.fill(0.5)
        if len(self.asked) >= self.blocks:
            self.enough.set()


def played(render: Render, until: threading.Event, skew: float = 0.0) -> Speaker:
    """A null speaker, started and stopped again when `until` is set."""
    speaker = open_speaker("null", RATE, BLOCK, render, skew)
    speaker.start()
    assert until.wait(PATIENCE)
    speaker.stop()
    return speaker


def join(thread_name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == thread_name:
            thread.join(PATIENCE)
            assert not thread.is_alive()


# The software clock


def test_null_asks_for_one_block_after_another() -> None:
    recorder = Recorder(50)
    speaker = open_speaker("null", RATE, BLOCK, recorder)
    assert (speaker.name, speaker.rate, speaker.block, speaker.alive) == ("null", RATE, BLOCK, False)
    speaker.start()
    assert speaker.alive and recorder.enough.wait(PATIENCE)
    speaker.stop()
    join("null speaker")
    assert not speaker.alive and speaker.error is None
    assert {(shape, dtype) for shape, dtype, _ in recorder.asked} == {((BLOCK, 2), np.dtype(np.float32))}
    asked = len(recorder.asked)
    speaker.stop()
    assert len(recorder.asked) == asked


@pytest.mark.parametrize("skew", [0.0, 20000.0, -20000.0])
def test_nulls_clock_is_as_fast_as_told(skew: float) -> None:
    recorder = Recorder(20)
    played(recorder, recorder.enough, skew)
    steps = np.diff([now for _, _, now in recorder.asked])
    assert statistics.median(steps) == pytest.approx(BLOCK / RATE / (1 + skew * 1e-6), rel=1e-4)


def test_null_is_never_early() -> None:
    early = []
    done = threading.Event()

    def render(out: NDArray[np.float32], now: float, _: bool) -> None:
        early.append(now > time.monotonic())
        if len(early) == 20:
            done.set()

    played(render, done)
    assert not any(early)


def test_null_catches_up_after_a_short_stall_and_gives_up_after_a_long_one() -> None:
    now: list[float] = []
    begun: list[float] = []
    dry: list[bool] = []
    stalls = {3: 0.1, 6: 0.7}
    done = threading.Event()

    def render(out: NDArray[np.float32], start: float, xrun: bool) -> None:
        begun.append(time.monotonic())
        now.append(start)
        dry.append(xrun)
        end = time.monotonic() + stalls.get(len(now), 0)
        while time.monotonic() < end:
            pass
        if len(now) == 10:
            done.set()

    speaker = played(render, done)
    assert speaker.xruns == sum(dry) and speaker.times.late >= 2
    assert dry[6] and dry[1:] == [step > 0.5 for step in np.diff(now)]
    late = np.array(begun[1:]) - now[:-1] - BLOCK / RATE
    assert all(late[dry[1:]] > 0.5), "a machine that stops for so long adds some"


def test_an_error_in_render_is_kept_and_ends_it() -> None:
    calls = []

    def render(out: NDArray[np.float32], now: float, _: bool) -> None:
        calls.append(now)
        raise KeyError("no such voice")

    speaker = open_speaker("null", RATE, BLOCK, render)
    speaker.start()
    join("null speaker")
    assert not speaker.alive and isinstance(speaker.error, KeyError) and len(calls) == 1
    speaker.stop()


def test_stop_does_not_wait_for_a_render_that_hangs() -> None:
    entered, leave = threading.Event(), threading.Event()

    def render(out: NDArray[np.float32], now: float, _: bool) -> None:
        entered.set()
        leave.wait(PATIENCE)

    speaker = NullSpeaker(RATE, BLOCK, render)
    speaker.start()
    assert entered.wait(PATIENCE)
    begun = time.monotonic()
    speaker.stop()
    assert time.monotonic() - begun < 20
    leave.set()
    join("null speaker")


# Render times


def test_durations_of_nothing() -> None:
    assert Durations(0.01).summary() == {"p50": 0, "p99": 0, "p99.9": 0, "max": 0}


def test_durations_name_the_bins_of_their_percentiles() -> None:
    times = Durations(block_seconds=0.009)
    for tenth in range(1, 1001):
        times.add(tenth * 1e-5 - 5e-6)
    assert times.summary() == {"p50": 5.0, "p99": 9.9, "p99.9": 9.99, "max": 9.995}
    assert times.late == 100


def test_durations_beyond_the_last_bin() -> None:
    times = Durations(0.01)
    times.add(1.5)
    assert times.summary() == {"p50": 1500, "p99": 1500, "p99.9": 1500, "max": 1500}


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=50))
def test_percentiles_bound_their_share(seconds: list[float]) -> None:
    times = Durations(0.01)
    for one in seconds:
        times.add(one)
    summary = times.summary()
    assert summary["p50"] <= summary["p99"] <= summary["p99.9"] <= summary["max"]
    assert sum(1000 * one <= summary["p50"] + 0.001 for one in seconds) * 2 >= len(seconds)
