"""A bank's file out of the page cache, as it is when memory was wanted for something else."""

import os


def drop(fd: int) -> None:
    """Have the kernel hold none of a file's pages that no process has mapped."""
    os.fsync(fd)  # what is not on the disk yet stays
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
