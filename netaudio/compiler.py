"""Has all that is compiled ready before anything sounds: what was compiled once is kept for later starts."""

import contextlib
import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numba
from numba.core import event

from netaudio.process import Progress

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

HOUSE = Path(__file__).parent
SOURCES = HOUSE / "jit.py", *sorted((HOUSE / "sampler").glob("*.py")), *sorted((HOUSE / "wire").glob("*.py"))
COMPILATIONS = 17
"""Of functions, for one variant of the kernel: for the bar."""
POLL_SECONDS = 0.05


def prepare(*parts: Callable[[bool], object]) -> None:
    """Have these ready: functions that compile something, and find what was kept if they are told that they may keep
    it. A start at which one has to be compiled says so, and shows how far it is. Of programs that start together one
    compiles, and the others wait for it."""
    with _kept_in(HOUSE / "__pycache__") as folder, event.install_listener("numba:compile", _Listener()):
        for part in parts:
            with turn(folder, part.__name__):
                part(True)


@contextlib.contextmanager
def turn(folder: Path, name: str) -> Iterator[None]:
    """Be the only one who compiles something into a folder; at once where it is there, or where nothing can be
    written. A holder that dies gives way."""
    ready = folder / f"{name}.ready"
    if ready.exists():
        yield
        return
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context((folder / f"{name}.lock").open("ab"))
            if not _locked(file):
                print("netaudio: waiting for another program that compiles the sampler", file=sys.stderr, flush=True)
                while not _locked(file):
                    time.sleep(POLL_SECONDS)
        yield
        with contextlib.suppress(OSError):
            ready.touch()


def _locked(file: IO[bytes]) -> bool:
    """Whether this program has the file's lock, until it closes it or ends; raises OSError where there are none."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


class _Listener:
    """Tells of compilations; there are none where all is found."""

    def __init__(self) -> None:
        self._progress = Progress("compiling")
        self._begun = self._ended = 0

    def notify(self, happened: Any) -> None:
        """One has begun or ended."""
        if happened.is_start:
            if not self._begun:
                print("netaudio: compiling the sampler, this once", file=sys.stderr, flush=True)
            self._begun += 1
            return
        self._ended += 1
        self._progress("the sampler", min(1.0, self._ended / COMPILATIONS))
        if self._ended == self._begun:
            self._progress.end()


event.Listener.register(_Listener)


@contextlib.contextmanager
def _kept_in(parent: Path) -> Iterator[Path]:
    """Keep what is compiled in a folder named by all sources: numba looks for changes in one function's file only.
    Where that cannot be written numba takes the user's own cache, or nothing is kept."""
    sources = b"".join(path.read_bytes() for path in SOURCES)
    folder = parent / f"compiled-{hashlib.blake2b(sources, digest_size=8).hexdigest()}"
    for old in parent.glob("compiled-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder)
    try:
        yield folder
    finally:
        numba.config.CACHE_DIR = before
