"""The sound card: PortAudio, on JACK's dummy driver."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.jack import BLOCK, environment, jackd
from tests.support.programs import HOME, PATIENCE

CHILD = """
import json, sys, threading, time
from netaudio.errors import DeviceError
from netaudio.audio.backends import open_output
from netaudio.audio.devices import list_devices
asked, enough, faults = [], threading.Event(), []
def render(out, now, xrun):
    asked.append((out.shape, out.dtype.name, now))
    out.fill(0.25)
    if len(asked) == 200:
        enough.set()
def refused(device, rate=48000):
    try:
        open_output(device, rate, 128, render)
    except DeviceError as error:
        return str(error)
def wait(condition):
    end = time.monotonic() + 60
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
            output, errors = process.communicate("\n", timeout=PATIENCE)
        finally:
            process.kill()
    assert process.returncode == 0 and errors == "", errors
    said: dict[str, object] = json.loads(output.splitlines()[-1])
    return said


def test_a_card_asks_for_one_block_after_another(jack: dict[str, str]) -> None:
    said = facts(
        """
output = open_output("", 48000, 128, render)
before = output.alive
output.start()
assert enough.wait(60)
during = output.alive
output.stop()
after, count = output.alive, len(asked)
output.stop()
starts = [now for _, _, now in asked]
say(alive=[before, during, after], asked=[list(one) for one in {(shape, kind) for shape, kind, _ in asked}],
    sorted=starts == sorted(starts), name=output.name, error=output.error, more=len(asked) - count,
    timed=output.times.histogram.counts.total() == count, lines=list_devices())
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
def render(out, now, xrun):
    blocks.append(out)
    out.fill(1)
    raise KeyError("no such voice")
output = open_output("system", 48000, 128, render)
output.start()
wait(lambda: output.error)
say(alive=output.alive, error=repr(output.error), calls=len(blocks))
output.stop()
""",
        jack,
    )
    assert said == {"alive": False, "error": "KeyError('no such voice')", "calls": 1}


def test_a_card_that_ran_dry_counts_it_and_plays_on(jack: dict[str, str]) -> None:
    said = facts(
        """
blocks = []
def render(out, now, xrun):
    blocks.append(now)
    if len(blocks) == 50:
        time.sleep(0.05)  # the fault itself: a block that takes longer than it lasts
output = open_output("", 48000, 128, render)
output.start()
wait(lambda: len(blocks) >= 200 and output.xruns)
say(alive=output.alive, error=output.error)
output.stop()
""",
        jack,
    )
    assert said == {"alive": True, "error": None}


def test_a_device_that_dies_is_noticed_and_holds_nobody_up(tmp_path: Path) -> None:
    with jackd(tmp_path) as (process, env):

        def die() -> None:
            process.terminate()
            process.wait(PATIENCE)

        said = facts(
            """
output = open_output("", 48000, 128, render)
output.start()
assert enough.wait(60)
say(alive=output.alive)
sys.stdin.readline()
wait(lambda: not output.alive)
begun = time.monotonic()
output.stop()
say(seconds=time.monotonic() - begun)
""",
            env,
            die,
        )
    assert isinstance(said["seconds"], float) and said["seconds"] < 20


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
open_output("null", 48000, 128, render)
""",
        environment(tmp_path),
    )
    assert "apt install libportaudio2" in str(said["said"]) and "--device null" in str(said["said"])
