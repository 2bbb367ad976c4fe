"""Asks whether a sound device can be opened, in a process of its own.

There PortAudio begins anew each time, sees what is plugged in now, and leaves nothing behind if it fails.
"""

import os
import subprocess
import sys

import numpy as np
from numpy.typing import NDArray

from netaudio.audio.devices import AbsentError
from netaudio.audio.portaudio import PortAudioOutput
from netaudio.errors import DeviceError
from netaudio.process import HOME

_ABSENT, _REFUSED = 3, 4  # exit codes


class Tryout:
    """The question whether an output opens; `kill` from any thread."""

    def __init__(self, device: str, rate: int, block: int) -> None:
        path = os.pathsep.join(filter(None, (str(HOME), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "netaudio.audio.tryout", device, str(rate), str(block)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # where PortAudio's systems write freely
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )

    def answer(self, seconds: float) -> None:
        """Waits for it; raises DeviceError, AbsentError if there is no such device now."""
        try:
            said, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AbsentError("the sound system does not answer") from None
        if self._process.returncode == _REFUSED:
            raise DeviceError(said.strip())
        if self._process.returncode:
            raise AbsentError(said.strip())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def _silence(out: NDArray[np.float32], _now: float, _xrun: bool) -> None:
    out.fill(0)


def _main(device: str, rate: str, block: str) -> int:
    try:
        PortAudioOutput(device, int(rate), int(block), _silence).stop()
    except DeviceError as error:
        print(error)
        return _ABSENT if isinstance(error, AbsentError) else _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
