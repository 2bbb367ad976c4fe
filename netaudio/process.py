"""What both programs share: their settings' file, progress while loading, and how errors end them."""

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from netaudio.errors import NetAudioError, SettingError
from netaudio.screen.plain import printed

HOME = Path(__file__).resolve().parents[1]


def read_config(flags: argparse.Namespace) -> str:
    """The text of --config, or of the config.ini beside the programs (none is fine); raises SettingError."""
    path = Path(flags.config) if flags.config else HOME / "config.ini"
    if not flags.config and not path.exists():
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingError(f"{path} is no text in UTF-8: save it as such, or delete it for the defaults") from None


class Progress:
    """One line that grows while something takes its time; nothing where nobody watches."""

    def __init__(self, doing: str = "loading") -> None:
        self._doing = doing
        self._live = sys.stderr.isatty()

    def __call__(self, name: str, fraction: float) -> None:
        if self._live:
            width = min(24, shutil.get_terminal_size().columns - 30)
            done = round(width * fraction)
            bar = "█" * done + "·" * (width - done)
            print(f"\r  {self._doing} {name[:16]:<16} {bar}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def run(program: Callable[[], int]) -> int:
    """The program's exit code; an expected error is one line on stderr and 1, Ctrl-C is 130, and 141 means that
    nobody reads what it prints."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = program()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would be flushed at the end
        return 141
    except NetAudioError as error:
        sys.stderr.write(printed([f"netaudio: {error}"], sys.stderr.isatty()))
        return 2 if isinstance(error, SettingError) else 1
    except KeyboardInterrupt:
        return 130
