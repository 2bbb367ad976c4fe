"""jacktrip over a link, between two JACK servers on the dummy driver: how long its sound takes, and what is missing.

The near side plays into jacktrip, the far side's jacktrip is connected back to itself, and the near side records.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.support.jack import BLOCK, jackd
from tests.support.namespaces import Bridge
from tests.support.programs import RATE
from tests.support.reference import Sound

NAME = "JackTrip"
DEFAULT_QUEUE, LEAST_QUEUE = 4, 2  # packets of a JACK period
PITCH = 2 * np.pi * 440 / RATE  # of the tone in which holes are looked for
NOISE = 0.5  # seconds of noise, whose place tells the delay, between as much silence
LEAST_STEP = 1e-3  # 16 bit steps are 30 times less
APART = RATE // 100  # frames between two holes
WAIT_SECONDS = 15.0
TRIES = 5


@dataclass(frozen=True)
class Heard:
    """What came back. `silent`: frames of the tone that did not."""

    queue: int
    delay: float
    holes: int
    silent: int
    frames: int

    def __str__(self) -> str:
        return (
            f"jacktrip -q {self.queue} ({1000 * self.queue * BLOCK / RATE:.0f} ms each way): there and back "
            f"{1000 * self.delay:.1f} ms; {self.holes} holes and {self.silent} silent frames "
            f"in {self.frames / RATE:.0f} s"
        )


class Unheard(Exception):
    """Why jacktrip could not be tried; one line."""


def packets(seconds: float) -> int:
    """The queue that is about so long."""
    return max(LEAST_QUEUE, round(seconds * RATE / BLOCK))


def listen(folder: Path, link: Bridge, queue: int, seconds: float) -> Heard:
    """Play through jacktrip over a link; raises Unheard. JACK refuses a client that comes just as another leaves,
    so that jacktrip may need more than one try."""
    tries = TRIES
    while True:
        tries -= 1
        try:
            return _listen(folder, link, queue, seconds)
        except (Unheard, subprocess.SubprocessError, pytest.fail.Exception) as error:
            if not tries:
                raise Unheard(str(error).partition("\n")[0]) from None


def _listen(folder: Path, link: Bridge, queue: int, seconds: float) -> Heard:
    if missing := [tool for tool in ("jacktrip", "jackd", "jack_connect") if not shutil.which(tool)]:
        raise Unheard(f"{' and '.join(missing)} not installed (Debian: jacktrip, jackd2)")
    for side in ("near", "far"):
        (folder / side).mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        (_, near), (_, far) = (stack.enter_context(jackd(folder / side)) for side in ("near", "far"))
        program = ["jacktrip", "-q", str(queue), "-z", "-D", "-J", NAME]
        there = stack.enter_context(_Jacktrip([*link.server.enter, *program, "-s"], far, folder / "far.log"))
        here = stack.enter_context(
            _Jacktrip([*link.client.enter, *program, "-c", link.server.address], near, folder / "near.log")
        )
        there.await_ports()
        here.await_ports()
        for channel in (1, 2):
            command = ["jack_connect", f"{NAME}:receive_{channel}", f"{NAME}:send_{channel}"]
            subprocess.run(command, env=dict(far), check=True, capture_output=True)
        soundfile.write(folder / "sent.wav", _signal(seconds), RATE, "FLOAT")
        played = subprocess.run(
            [sys.executable, "-m", __name__, str(folder / "sent.wav"), str(folder / "back.wav")],
            env=dict(near), capture_output=True, text=True, timeout=seconds + 60, check=False,
        )  # fmt: skip
        if played.returncode:
            raise Unheard(f"playing into it failed: {(played.stderr.splitlines() or ['?'])[-1]}")
    return _judge(queue, soundfile.read(folder / "back.wav", dtype="float64")[0][:, 0], seconds)


class _Jacktrip:
    """jacktrip, while this is entered."""

    def __init__(self, command: list[str], env: Mapping[str, str], log: Path) -> None:
        self._command, self._env, self._log = command, dict(env), log

    def __enter__(self) -> Self:
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(self._command, env=self._env, stdout=output, stderr=output)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def await_ports(self) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while f"{NAME}:receive_2" not in self._ports():
            if self._process.poll() is not None or time.monotonic() > end:
                last = self._log.read_text(errors="replace").split()[-20:]
                raise Unheard(f"it does not start: {' '.join(last) or 'nothing said'}")
            time.sleep(0.1)

    def _ports(self) -> str:
        return subprocess.run(["jack_lsp"], env=self._env, capture_output=True, text=True, check=False).stdout


def _signal(seconds: float) -> Sound:
    rest, noise = np.zeros(round(NOISE * RATE)), np.random.default_rng(1).uniform(-0.5, 0.5, round(NOISE * RATE))
    tone = 0.5 * np.sin(PITCH * np.arange(round((seconds + 1) * RATE)))
    sound = np.concatenate((rest, rest, noise, rest, rest, tone)).astype(np.float32)
    return np.stack((sound, sound), axis=1)


def _judge(queue: int, back: NDArray[np.float64], seconds: float) -> Heard:
    sent, size = _signal(seconds)[:, 0], 1 << (len(back) - 1).bit_length() + 1
    begin = round(5 * NOISE * RATE)  # of the tone
    product = np.fft.rfft(back, size) * np.conj(np.fft.rfft(sent[:begin], size))
    delay = int(np.argmax(np.fft.irfft(product, size)[: size // 2]))
    tone = back[begin + delay + BLOCK :][: round(seconds * RATE)]
    # A tone is told by its two frames before; where this fails, something was left out or put in.
    step = np.abs(tone[2:] - 2 * np.cos(PITCH) * tone[1:-1] + tone[:-2])
    wrong = np.flatnonzero(step > LEAST_STEP)
    holes = int(len(wrong) > 0) + int(np.count_nonzero(np.diff(wrong) > APART))
    silent = int(np.count_nonzero((tone[1:] == 0) & (tone[:-1] == 0)))
    return Heard(queue, delay / RATE, holes, silent, len(tone))


def play_and_record(sent: str, back: str) -> None:
    """Through jacktrip's ports, which PortAudio takes for a sound card."""
    import sounddevice

    sound = soundfile.read(sent, dtype="float32")[0]
    heard = sounddevice.playrec(sound, RATE, channels=2, device=(NAME, NAME), blocksize=BLOCK, blocking=True)
    soundfile.write(back, heard, RATE, "FLOAT")


if __name__ == "__main__":
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    play_and_record(*sys.argv[1:3])
