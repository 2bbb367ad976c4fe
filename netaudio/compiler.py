"""Has the kernel compiled before anything sounds, once: what was compiled is kept for later starts."""

import contextlib
import hashlib
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numba
from numba.core import event

from netaudio.process import Progress
from netaudio.sampler import kernel

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

SOURCES = Path(kernel.__file__).parent
COMPILATIONS = 17
"""Of functions, for one variant of the kernel: for the bar."""
POLL_SECONDS = 0.05


def prepare_kernel(*variants: str) -> None:
    """Have these variants of the kernel ready; a start at which one has to be compiled says so, and shows how far it
    is. Of programs that start together one compiles, and the others wait for it."""
    with _kept_in(SOURCES / "__pycache__") as folder, event.install_listener("numba:compile", _Listener()):
        for variant in variants:
            with turn(folder, variant):
                kernel.variant(variant, keep=True)


@contextlib.contextmanager
def turn(folder: Path, variant: str) -> Iterator[None]:
    """Be the only one who compiles a variant into a folder; at once where it is there, or where nothing can be
    written. A holder that dies gives way."""
    if any(folder.glob(f"*/*render_{variant}-*.nbi")):  # what numba writes last
        yield
        return
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context((folder / f"{variant}.lock").open("ab"))
            if not _locked(file):
                print("netaudio: waiting for another program that compiles the sampler", file=sys.stderr, flush=True)
                while not _locked(file):
                    time.sleep(POLL_SECONDS)
        yield


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
    sources = b"".join(path.read_bytes() for path in sorted(SOURCES.glob("*.py")))
    folder = parent / f"kernel-{hashlib.blake2b(sources, digest_size=8).hexdigest()}"
    for old in parent.glob("kernel-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder)
    try:
        yield folder
    finally:
        numba.config.CACHE_DIR = before
