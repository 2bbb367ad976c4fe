"""The demo: a server of its own on a free loopback port, a built-in piece, and a summary."""

import subprocess
import sys
from pathlib import Path
from types import TracebackType

from netaudio.client.demo_piece import piece
from netaudio.config.kinds import Address
from netaudio.errors import RefusedError
from netaudio.process import HOME
from netaudio.readers.midi_files import Song
from netaudio.readers.wav_folder import list_instruments

READY = "ready at "


def demo_song(wav: str) -> Song:
    events, seconds = piece(list_instruments(Path(wav)))
    return Song(tuple(events), seconds, ())


class DemoServer:
    """A server process for as long as a `with` block lasts, which gets its address."""

    def __init__(self, wav: str) -> None:
        self._command = [sys.executable, str(HOME / "server.py"), "--host", "127.0.0.1", "--port", "0"]
        self._command += ["--token", "", "--workers", "1", "--metrics", "", "--wav", wav]

    def __enter__(self) -> Address:
        """Raises RefusedError with what the server said, if it does not start."""
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for the client
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if READY not in line:
            _, said = self._process.communicate()
            raise RefusedError(f"the demo's server did not start: {said.strip() or line.strip()}")
        host, _, port = line.split(READY)[1].split(": ")[0].rpartition(":")
        return Address(host, int(port))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()
