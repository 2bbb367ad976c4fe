"""The sound output: what it asks of `render`, on the software clock and on PortAudio through JACK."""

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from netaudio.shell.speaker import Durations, NullSpeaker, Render, Speaker, open_speaker
from tests.jack import BLOCK, RATE, environment, jackd
from tests.programs import HOME


class Recorder:
    """A render that keeps what it was asked for, and says when it has had enough blocks."""

    def __init__(self, blocks: int) -> None:
        self.asked: list[tuple[tuple[int, ...], np.dtype[np.float32], float]] = []
        self.blocks = blocks
        self.enough = threading.Event()

    def __call__(self, out: NDArray[np.float32], now: float) -> None:
        self.asked.append((out.shape, out.dtype, now))
        out.fill(0.5)
        if len(self.asked) >= self.blocks:
            self.enough.set()


def played(render: Render, until: threading.Event, skew: float = 0.0) -> Speaker:
    """A null speaker, started and stopped again when `until` is set."""
    speaker = open_speaker("null", RATE, BLOCK, render, skew)
    speaker.start()
    assert until.wait(5)
    speaker.stop()
    return speaker


def join(thread_name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == thread_name:
            thread.join(5)
            assert not thread.is_alive()


# The software clock


def test_null_asks_for_one_block_after_another() -> None:
    recorder = Recorder(50)
    speaker = open_speaker("null", RATE, BLOCK, recorder)
    assert (speaker.name, speaker.rate, speaker.block, speaker.alive) == ("null", RATE, BLOCK, False)
    speaker.start()
    assert speaker.alive and recorder.enough.wait(5)
    speaker.stop()
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

    def render(out: NDArray[np.float32], now: float) -> None:
        early.append(now > time.monotonic())
        if len(early) == 20:
            done.set()

    played(render, done)
    assert not any(early)


def test_null_catches_up_after_a_short_stall_and_gives_up_after_a_long_one() -> None:
    now: list[float] = []
    stalls = {3: 0.1, 6: 0.7}
    done = threading.Event()

    def render(out: NDArray[np.float32], start: float) -> None:
        now.append(start)
        end = time.monotonic() + stalls.get(len(now), 0)
        while time.monotonic() < end:
            pass
        if len(now) == 10:
            done.set()

    speaker = played(render, done)
    assert speaker.xruns >= 1 and speaker.times.late >= 2
    assert now[3] - now[2] < 0.01 and now[6] - now[5] > 0.6


def test_an_error_in_render_is_kept_and_ends_it() -> None:
    calls = []

    def render(out: NDArray[np.float32], now: float) -> None:
        calls.append(now)
        raise KeyError("no such voice")

    speaker = open_speaker("null", RATE, BLOCK, render)
    speaker.start()
    join("null speaker")
    assert not speaker.alive and isinstance(speaker.error, KeyError) and len(calls) == 1
    speaker.stop()


def test_stop_does_not_wait_for_a_render_that_hangs() -> None:
    entered, leave = threading.Event(), threading.Event()

    def render(out: NDArray[np.float32], now: float) -> None:
        entered.set()
        leave.wait(5)

    speaker = NullSpeaker(RATE, BLOCK, render)
    speaker.start()
    assert entered.wait(5)
    begun = time.monotonic()
    speaker.stop()
    assert time.monotonic() - begun < 2
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


# PortAudio, on JACK's dummy driver

CHILD = """
import json, sys, threading, time
from netaudio.errors import DeviceError
from netaudio.shell.devices import list_devices
from netaudio.shell.speaker import open_speaker
asked, enough, faults = [], threading.Event(), []
def render(out, now):
    asked.append((out.shape, out.dtype.name, now))
    out.fill(0.25)
    if len(asked) == 200:
        enough.set()
def refused(device, rate=48000):
    try:
        open_speaker(device, rate, 128, render)
    except DeviceError as error:
        return str(error)
def wait(condition):
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
def say(**facts):
    print(json.dumps(facts), flush=True)
"""


@pytest.fixture(scope="module")
def jack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with jackd(tmp_path_factory.mktemp("jack")) as (_, env):
        yield env


def child(script: str, env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CHILD + script],
        env=env,
        cwd=HOME,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def facts(script: str, env: dict[str, str], between: Callable[[], object] | None = None) -> dict[str, object]:
    """What a script says last; `between` is called at its first line if it says two."""
    with child(script, env) as process:
        assert process.stdout and process.stdin
        try:
            if between:
                process.stdout.readline()
                between()
            output, errors = process.communicate("\n", timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0 and errors == "", errors
    said: dict[str, object] = json.loads(output.splitlines()[-1])
    return said


def test_a_card_asks_for_one_block_after_another(jack: dict[str, str]) -> None:
    said = facts(
        """
speaker = open_speaker("", 48000, 128, render)
before = speaker.alive
speaker.start()
assert enough.wait(5)
during = speaker.alive
speaker.stop()
after, count = speaker.alive, len(asked)
speaker.stop()
starts = [now for _, _, now in asked]
say(alive=[before, during, after], asked=[list(one) for one in {(shape, kind) for shape, kind, _ in asked}],
    sorted=starts == sorted(starts), name=speaker.name, error=speaker.error, more=len(asked) - count,
    timed=sum(speaker.times.histogram.counts) == count, lines=list_devices())
""",
        jack,
    )
    assert said == {
        "alive": [False, True, False],
        "asked": [[[BLOCK, 2], "float32"]],
        "sorted": True,
        "name": "system",
        "error": None,
        "more": 0,
        "timed": True,
        "lines": ["* 0: system (JACK Audio Connection Kit, 48000 Hz)", "  null: no sound, a clock of its own"],
    }


def test_a_card_refuses_in_one_line(jack: dict[str, str]) -> None:
    said = facts(
        """
say(name=refused("systen"), index=refused("17"), rate=refused("SYST", 44100), number=refused("0"))
""",
        jack,
    )
    known = "there are 0: system (JACK Audio Connection Kit, 48000 Hz)"
    assert said == {
        "name": f"no sound output is called 'systen'; {known}",
        "index": f"no sound output is called '17'; {known}",
        "rate": "sound output 'system' plays at 48000 Hz, not 44100: start the server with --rate 48000, "
        "choose another (--list-devices) or play without sound (--device null)",
        "number": None,
    }


def test_an_error_in_render_turns_a_card_silent(jack: dict[str, str]) -> None:
    said = facts(
        """
blocks = []
def render(out, now):
    blocks.append(out)
    out.fill(1)
    raise KeyError("no such voice")
speaker = open_speaker("system", 48000, 128, render)
speaker.start()
wait(lambda: speaker.error)
say(alive=speaker.alive, error=repr(speaker.error), calls=len(blocks))
speaker.stop()
""",
        jack,
    )
    assert said == {"alive": False, "error": "KeyError('no such voice')", "calls": 1}


def test_a_card_that_ran_dry_counts_it_and_plays_on(jack: dict[str, str]) -> None:
    said = facts(
        """
blocks = []
def render(out, now):
    blocks.append(now)
    if len(blocks) == 50:
        time.sleep(0.05)  # the fault itself: a block that takes longer than it lasts
speaker = open_speaker("", 48000, 128, render)
speaker.start()
wait(lambda: len(blocks) >= 200 and speaker.xruns)
say(alive=speaker.alive, error=speaker.error)
speaker.stop()
""",
        jack,
    )
    assert said == {"alive": True, "error": None}


def test_a_device_that_dies_is_noticed_and_holds_nobody_up(tmp_path: Path) -> None:
    with jackd(tmp_path) as (process, env):

        def die() -> None:
            process.terminate()
            process.wait(5)

        said = facts(
            """
speaker = open_speaker("", 48000, 128, render)
speaker.start()
assert enough.wait(5)
say(alive=speaker.alive)
sys.stdin.readline()
wait(lambda: not speaker.alive)
begun = time.monotonic()
speaker.stop()
say(seconds=time.monotonic() - begun)
""",
            env,
            die,
        )
    assert isinstance(said["seconds"], float) and said["seconds"] < 2


def test_without_a_card_there_is_still_null(tmp_path: Path) -> None:
    said = facts("say(lines=list_devices(), default=refused(''))", environment(tmp_path))
    assert said == {
        "lines": ["  null: no sound, a clock of its own"],
        "default": "no sound output found: plug one in, or play without sound (--device null)",
    }


def test_without_portaudio_it_says_how_to_install_it(tmp_path: Path) -> None:
    said = facts(
        """
import ctypes.util
ctypes.util.find_library = lambda name: None
say(said=refused(""))
open_speaker("null", 48000, 128, render)
""",
        environment(tmp_path),
    )
    assert "apt install libportaudio2" in str(said["said"]) and "--device null" in str(said["said"])
