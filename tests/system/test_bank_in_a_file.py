"""A server whose bank is in a file: the same sound, nothing left behind, and what it says where that cannot be."""

import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from tests.support.programs import OFFSET, RATE, difference, playing, running, serving, write_midi
from tests.support.relay import tcp_relay
from tests.support.songs import reference

SONG = [(at, bytes((0x90, key, 90))) for at, key in ((0, 60), (RATE // 4, 64), (RATE, 67), (RATE, 100))]
SONG += [(2 * RATE, bytes((0x80, key, 0))) for key in (60, 64, 67, 100)]


def test_workers_and_threads_share_a_mapped_bank_and_sound_as_ever(tmp_path: Path) -> None:
    song, folder = write_midi(tmp_path / "song.mid", SONG), tmp_path / "bank"
    folder.mkdir()
    with serving("--bank", folder, "--workers", 2, "--render-threads", 2) as (server, address), ExitStack() as stack:
        server.line(r"the bank has \d+ MB, mapped")
        assert not list(folder.iterdir())
        modes = "hybrid", "remote", "remote"
        relays = [stack.enter_context(tcp_relay(address)) for _ in modes]
        players = [
            stack.enter_context(playing(tmp_path / relay.address, song, relay.address, mode))
            for mode, relay in zip(modes, relays, strict=True)
        ]
        for mode, relay, player in zip(modes, relays, players, strict=True):
            result, delay = player.result(), OFFSET if mode == "remote" else 0
            exact = reference(SONG, delays=relay.delays).mix(4 * RATE).astype(np.float32)
            assert difference(result.sound, exact, result.spans, delay) <= 1, result.figures()
            assert result.report["packets"]["received"] > 0, result.figures()
        server.process.terminate()
        assert server.end() == 0
    assert not list(folder.iterdir())


FAILING = """
import errno, os, runpy, sys, threading
advise = os.posix_fadvise

def failing(fd, at, length, advice):
    if advice == os.POSIX_FADV_WILLNEED and threading.current_thread() is not threading.main_thread():
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    advise(fd, at, length, advice)

os.posix_fadvise = failing
sys.argv = sys.argv[2:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_disk_that_fails_ends_the_server_and_is_said(tmp_path: Path) -> None:
    with running("server.py", "--port", 0, "--bank", tmp_path, inside=(sys.executable, "-c", FAILING)) as server:
        assert server.end() == 1 and "Traceback" not in server.text, server.text
        server.line(r"^netaudio: BANK: the file in .* cannot be read \(Input/output error\)$")


def test_where_there_can_be_no_bank(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    small = "prlimit", "--fsize=1000000"
    for folder, inside, code, said in (
        (tmp_path / "nowhere", (), 2, "No such file or directory"),
        (file, (), 2, "Not a directory"),
        (tmp_path, small, 1, "and more do not fit in"),
    ):
        with running("server.py", "--port", 0, "--bank", folder, inside=inside) as server:
            assert server.end() == code and said in server.text and len(server.lines) == 1, server.text
