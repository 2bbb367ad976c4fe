"""The demo: a server of its own on a free loopback port, a built-in piece, and a summary."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def demo_server(wav: str) -> Iterator[Address]:
    """A server process, and its address; raises RefusedError with what the server said, if it does not start."""
    process = subprocess.Popen(
        [sys.executable, str(HOME / "server.py"), "--host", "127.0.0.1", "--port", "0", "--token", "",
         "--workers", "1", "--metrics", "", "--wav", wav],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is for the client
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    try:
        line = process.stdout.readline()
        if READY not in line:
            said = process.stderr.read()
            raise RefusedError(f"the demo's server did not start: {said.strip() or line.strip()}")
        host, _, port = line.split(READY)[1].split(": ")[0].rpartition(":")
        yield Address(host, int(port))
    finally:
        process.terminate()
        process.communicate()
