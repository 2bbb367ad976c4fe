"""Writes what goes out to a float32 wav, from the merged ring, without touching the callback."""

import shutil
import threading
from pathlib import Path

import soundfile

from netaudio.errors import SettingError
from netaudio.player.player import ClientPlayer

PERIOD_SECONDS = 0.1


class Recorder:
    """Records from `start` to `stop`; `error` tells in a line if it could not write to the end."""

    def __init__(self, path: Path, player: ClientPlayer) -> None:
        self.path, self.player = path, player
        if path.suffix.lower() not in ("", ".wav"):
            raise SettingError(f"cannot write the recording {path}: only wav is written; name it {path.stem}.wav")
        try:
            path.open("wb").close()  # says why not, which libsndfile does not
            self._file = soundfile.SoundFile(path, "w", player.rate, 2, "FLOAT", format="WAV")
        except OSError as error:
            raise SettingError(f"cannot write the recording {path}: {error.strerror}") from None
        except soundfile.SoundFileError as error:
            raise SettingError(f"cannot write the recording {path}: {error}") from None
        self.error = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self.position = 0

    def start(self, first: int) -> None:
        self.position = first
        self._thread.start()

    def stop(self, end: int) -> None:
        """Write up to a position that has been played, and close the file."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
            self._write(end)
        self._file.close()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_SECONDS):
            self._write(self.player.song_end or self.player.position)

    def _write(self, end: int) -> None:
        if end <= self.position or self.error:
            return
        try:
            self._file.write(self.player.rings.merged.read(self.position, end - self.position))
        except (OSError, soundfile.SoundFileError, AssertionError) as error:  # the last: written only in part
            full = not shutil.disk_usage(self.path.parent).free
            self.error = f"the recording {self.path} ends early: {'the disk is full' if full else error}"
        self.position = end
