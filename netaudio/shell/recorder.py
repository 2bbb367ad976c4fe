"""Writes what goes out to a float32 wav, from the merged ring, without touching the callback."""

import threading
from pathlib import Path

import soundfile

from netaudio.errors import SettingError
from netaudio.player import ClientPlayer

PERIOD_SECONDS = 0.1


class Recorder:
    """Records from `first` on until `stop`; call `open` before there is anything to lose."""

    def __init__(self, path: Path, player: ClientPlayer) -> None:
        self.path, self.player = path, player
        try:
            self._handle = path.open("w+b")
        except OSError as error:
            raise SettingError(f"cannot write the recording {path}: {error.strerror}") from None
        self._file = soundfile.SoundFile(self._handle, "w", player.rate, 2, "FLOAT", format="WAV")
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
        self._handle.close()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_SECONDS):
            self._write(self.player.song_end or self.player.position)

    def _write(self, end: int) -> None:
        if end > self.position:
            self._file.write(self.player.rings.merged.read(self.position, end - self.position))
            self.position = end
