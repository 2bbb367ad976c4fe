"""A bank in a file, for libraries bigger than memory: the kernel keeps of it what is played."""

import ctypes
import errno
import mmap
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netaudio.errors import NetAudioError, SettingError
from netaudio.sampler.bank import Bank, places
from netaudio.server.ahead import BLOCK, Extent

FRAME = 8  # bytes
PIECE = 2 * BLOCK  # frames, 128 KB: of a longer stretch a kernel may have no more under way by one call
MADV_POPULATE_READ = 22  # madvise(2), Linux 5.14


class MappedBank(Bank):
    """A bank whose frames are a file without a name, mapped read-only; processes forked later share both.

    Raises SettingError where there can be no such file; `extend` raises NetAudioError where the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        if sys.platform != "linux":
            raise SettingError("BANK needs Linux: leave it empty here")
        try:
            self.fd, name = tempfile.mkstemp(".bank", "netaudio-", folder)
            os.unlink(name)  # so it is gone with the last process that has it open, however that ends
        except OSError as error:
            hint = "make that folder, or name another" if not folder.exists() else "name another folder"
            raise SettingError(f"BANK: no file can be made in {folder} ({error.strerror}): {hint}") from None
        self._folder = folder
        os.posix_fadvise(self.fd, 0, 0, os.POSIX_FADV_RANDOM)  # to read what is asked for, and no more
        self._address: int | None = None  # of the mapping
        self._madvise = ctypes.CDLL(None, use_errno=True).madvise  # unlike mmap's, lets go of the interpreter's lock
        self._madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
        self._populates = True
        self._buffer = memoryview(bytearray(FRAME * PIECE))

    def extend(self, parts: Sequence[NDArray[np.float32]]) -> list[int]:
        if not parts:
            return []
        addresses, end = places(len(self.frames), parts)
        try:
            for part, address in zip(parts, addresses, strict=True):
                self._write(part, FRAME * address)
            os.truncate(self.fd, FRAME * end)
        except OSError as error:
            raise NetAudioError(
                f"BANK: {FRAME * end / 1e6:.0f} MB and more do not fit in {self._folder} ({error.strerror}): "
                "make room there, or name another folder"
            ) from None
        mapping = mmap.mmap(self.fd, FRAME * end, access=mmap.ACCESS_READ)
        mapping.madvise(mmap.MADV_RANDOM)  # who reads what nobody fetched waits for a page, not for all around it
        self.frames = np.frombuffer(mapping, np.float32).reshape(-1, 2)
        self._address = self.frames.ctypes.data
        return addresses

    def _write(self, part: NDArray[np.float32], at: int) -> None:
        data = np.ascontiguousarray(part, np.float32).reshape(-1).view(np.uint8)
        while len(data):
            written = os.pwrite(self.fd, data.data, at)
            data, at = data[written:], at + written

    def fetch(self, extents: Sequence[Extent], between: Callable[[], None] = lambda: None) -> None:
        """Have the kernel hold these whole blocks, and count them as used; `between` is called after each piece.
        On one thread of a process at a time."""
        pieces = [(at, min(at + PIECE, end)) for first, end in extents for at in range(first, end, PIECE)]
        try:
            for first, end in pieces:  # all are under way before one is waited for: in half the time
                os.posix_fadvise(self.fd, FRAME * first, FRAME * (end - first), os.POSIX_FADV_WILLNEED)
            for first, end in pieces:
                self._read(first, min(end, len(self.frames)))
                between()
        except OSError as error:
            raise NetAudioError(f"BANK: the file in {self._folder} cannot be read ({error.strerror})") from None

    def _read(self, first: int, end: int) -> None:
        """Map a piece, so that who reads it takes no fault at all; both ways let go of the interpreter's lock while
        the disk works, which a fault does not."""
        if self._populates and self._address is not None:
            if not self._madvise(self._address + FRAME * first, FRAME * (end - first), MADV_POPULATE_READ):
                return
            self._populates = ctypes.get_errno() != errno.EINVAL  # a kernel that does not know it
        os.preadv(self.fd, [self._buffer[: FRAME * (end - first)]], FRAME * first)  # tells what is wrong, too
