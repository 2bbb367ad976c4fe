"""JACK servers of the tests' own on the dummy driver, and what came out of them."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.support.programs import HOME, PATIENCE
from tests.support.reference import Sound

BLOCK, RATE = 128, 48000
JACK_MIDI = "mido.backends.rtmidi/UNIX_JACK"

KEYBOARD = """
import sys, mido
with mido.open_output(sys.argv[1], virtual=True) as port:
    print("plugged in", flush=True)
    for line in sys.stdin:
        port.send(mido.Message.from_hex(line))
"""


def environment(folder: Path) -> dict[str, str]:
    """Lets a program see JACK alone: ALSA's own `jack` device would become the default at some periods."""
    alsa = folder / "alsa.conf"
    alsa.write_text("<confdir:pcm/default.conf>\n")
    return os.environ | {
        "PYTHONPATH": str(HOME),
        "ALSA_CONFIG_PATH": str(alsa),
        "MIDO_BACKEND": JACK_MIDI,
        "JACK_NO_START_SERVER": "1",
        "JACK_NO_AUDIO_RESERVATION": "1",
        "JACK_DEFAULT_SERVER": f"netaudio-{os.getpid()}-{folder.name[-8:]}",
    }


Jack = tuple[subprocess.Popen[bytes], dict[str, str]]


def started(command: list[str], env: dict[str, str], log: Path) -> subprocess.Popen[bytes] | None:
    """jackd, once a client can connect to it; None if it gave up."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output)
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        probe = ["jack_lsp", "-s", env["JACK_DEFAULT_SERVER"]]
        if subprocess.run(probe, env=env, capture_output=True, check=False).returncode == 0:
            return process
    process.kill()
    process.wait()
    return None


@contextmanager
def jackd(folder: Path, wait: float = 0.1, period: int = BLOCK) -> Iterator[Jack]:
    """A JACK server of our own on the dummy driver, and the environment in which a program finds it. It may
    `wait` so many seconds for late clients, so that no frame is lost; a sound card does not."""
    if not (shutil.which("jackd") and shutil.which("jack_lsp")):
        pytest.fail("jackd is missing: this test plays on JACK's dummy driver (apt install jackd2)")
    env = environment(folder)
    options = [*(["-S"] if wait else []), "-t", str(round(1000 * (wait or 0.1))), "-n", env["JACK_DEFAULT_SERVER"]]
    driver = ["-d", "dummy", "-r", str(RATE), "-p", str(period), "-C", "2", "-P", "2"]
    log = folder / "jackd.log"
    process = started(["jackd", "-R", "-P70", *options, *driver], env, log) or started(
        ["jackd", "-r", *options, *driver], env, log
    )
    if process is None:
        pytest.fail(f"jackd does not start: {log.read_text()[-500:]}")
    try:
        yield process, env
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Capture:
    """A JACK client that takes down what every PortAudio client plays, until it or its server ends."""

    def __init__(self, path: Path, env: dict[str, str]) -> None:
        self._path = path
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CAPTURE, str(path)],
            env=env,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout
        begun = self._process.stdout.readline()
        if begun != "listening\n":
            self.end()
            pytest.fail("the JACK client of the test does not start: is JACK-Client installed?")

    def end(self) -> None:
        """Lets it end by itself; once more does nothing."""
        if self._process.returncode is None:
            try:
                self._process.communicate("\n", timeout=PATIENCE)
            finally:
                self._process.kill()

    def sound(self) -> Sound:
        """All frames from its beginning to its end (frames, 2)."""
        self.end()
        assert self._process.returncode == 0
        sound: Sound = np.load(self._path)
        return sound


_CAPTURE = """
import queue, re, sys, threading
import jack, numpy
client = jack.Client("capture", no_start_server=True)
ears = [client.inports.register(f"in_{side}") for side in range(2)]
blocks, ports = [], queue.SimpleQueue()

@client.set_process_callback
def process(frames):
    blocks.append([ear.get_array().copy() for ear in ears])

@client.set_port_registration_callback
def registered(port, begins):
    if begins:
        ports.put(port.name)

@client.set_shutdown_callback
def down(status, reason):
    pass

def connect(name):
    try:
        if re.fullmatch(r"PortAudio.*:out_[01]", name):
            client.connect(name, ears[int(name[-1])])
    except jack.JackError:
        assert name in [port.name for port in ears[0].connections + ears[1].connections] or name not in [
            port.name for port in client.get_ports()
        ]

def go_on():
    while True:
        connect(ports.get())

with client:
    for port in client.get_ports(is_audio=True, is_output=True):
        connect(port.name)
    threading.Thread(target=go_on, daemon=True).start()
    print("listening", flush=True)
    sys.stdin.readline()
numpy.save(sys.argv[1], numpy.concatenate(blocks, axis=1).T if blocks else numpy.zeros((0, 2), "f"))
"""
