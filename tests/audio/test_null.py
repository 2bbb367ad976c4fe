"""The software clock that stands in for a sound card."""

import statistics
import threading
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from netaudio.audio.null import NullOutput
from netaudio.audio.output import Render
from tests.support.programs import PATIENCE

BLOCK, RATE = 128, 48000


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


def played(render: Render, until: threading.Event, skew: float = 0.0) -> NullOutput:
    """A null output, started and stopped again when `until` is set."""
    output = NullOutput(RATE, BLOCK, render, skew)
    output.start()
    assert until.wait(PATIENCE)
    output.stop()
    return output


def join(thread_name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == thread_name:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_null_asks_for_one_block_after_another() -> None:
    recorder = Recorder(50)
    output = NullOutput(RATE, BLOCK, recorder)
    assert (output.name, output.rate, output.block, output.alive) == ("null", RATE, BLOCK, False)
    output.start()
    assert output.alive and recorder.enough.wait(PATIENCE)
    output.stop()
    join("null output")
    assert not output.alive and output.error is None
    assert {(shape, dtype) for shape, dtype, _ in recorder.asked} == {((BLOCK, 2), np.dtype(np.float32))}
    asked = len(recorder.asked)
    output.stop()
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

    output = played(render, done)
    assert output.xruns == sum(dry) and output.times.late >= 2
    assert dry[6] and dry[1:] == [step > 0.5 for step in np.diff(now)]
    late = np.array(begun[1:]) - now[:-1] - BLOCK / RATE
    assert all(late[dry[1:]] > 0.5), "a machine that stops for so long adds some"


def test_an_error_in_render_is_kept_and_ends_it() -> None:
    calls = []

    def render(out: NDArray[np.float32], now: float, _: bool) -> None:
        calls.append(now)
        raise KeyError("no such voice")

    output = NullOutput(RATE, BLOCK, render)
    output.start()
    join("null output")
    assert not output.alive and isinstance(output.error, KeyError) and len(calls) == 1
    output.stop()


def test_stop_does_not_wait_for_a_render_that_hangs() -> None:
    entered, leave, left = threading.Event(), threading.Event(), threading.Event()

    def render(out: NDArray[np.float32], now: float, _: bool) -> None:
        entered.set()
        leave.wait(PATIENCE)
        left.set()

    output = NullOutput(RATE, BLOCK, render)
    output.start()
    assert entered.wait(PATIENCE)
    output.stop()
    assert not left.is_set()
    leave.set()
    join("null output")
