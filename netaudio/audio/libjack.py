"""The JACK libraries in this process."""

import ctypes
from pathlib import Path


def silence() -> None:
    """Have them keep their complaints off the terminal, where they can be found.

    They complain from threads of their own that others wait for with Python's lock held: a function in Python
    would wait for that lock for ever. One of C that takes a text and does nothing will do.
    """
    nothing = ctypes.CDLL(None).strlen if (paths := _loaded()) else None
    for path in paths:
        library = ctypes.CDLL(path)
        library.jack_set_error_function(nothing)
        library.jack_set_info_function(nothing)


def _loaded() -> set[str]:
    """Their paths: wheels of rtmidi bring a library of their own."""
    maps = Path("/proc/self/maps")
    paths = {line.rpartition(" ")[2] for line in maps.read_text().splitlines()} if maps.exists() else set[str]()
    return {path for path in paths if Path(path).name.startswith("libjack")}
