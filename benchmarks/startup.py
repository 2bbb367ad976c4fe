"""How long it takes until there is something to hear."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.load import HOME, Served
from netaudio.midi import note_off, note_on
from netaudio.readers.wav_folder import list_instruments, load
from netaudio.sampler.bank import Bank
from tests.support.programs import write_midi

RATE = 48000
PATIENCE = 30.0  # seconds
SOUND = 8 * RATE // 100  # bytes of a recording, after its header, that are 10 ms of sound


def measure(times: int = 5) -> dict[str, Any]:
    """Seconds, medians: server to ready, client to first sound, and loading: a bank has a sample for each key."""
    ready, heard, loading = [], [], []
    folder = HOME / "wav"
    files = sum(path.stat().st_size for path in folder.glob("*/*.wav")) / 1e6
    for _ in range(times):
        begun = time.monotonic()
        server = Served(1, 128, set())
        ready.append(time.monotonic() - begun)
        heard.append(_first_sound(server.port))
        server.close()
        begun, bank = time.monotonic(), Bank()
        load(folder, list_instruments(folder), RATE, None, bank, lambda *_: None)
        loading.append(time.monotonic() - begun)
    return {
        "server ready": round(statistics.median(ready), 2),
        "client to first sound": round(statistics.median(heard), 2),
        "load 100 MB of bank": round(1e8 * statistics.median(loading) / bank.frames.nbytes, 2),
        "load 100 MB of files": round(100 * statistics.median(loading) / files, 2),
        "files MB": round(files, 1), "bank MB": round(bank.frames.nbytes / 1e6, 1), "times": times,
    }  # fmt: skip


def _first_sound(port: int) -> float:
    """From the client's start until it records a song's first 10 ms, hybrid."""
    with tempfile.TemporaryDirectory() as name:
        song, out = Path(name) / "song.mid", Path(name) / "out.wav"
        write_midi(song, [(0, note_on(0, 60, 100)), (RATE // 4, note_off(0, 60))])
        begun = time.monotonic()
        client = subprocess.Popen(
            [sys.executable, str(HOME / "client.py"), "--server", f"127.0.0.1:{port}", "--device", "null",
             "--mode", "hybrid", "--play", str(song), "--record", str(out)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            while not out.exists() or out.stat().st_size < SOUND:
                if client.poll() not in (None, 0) or time.monotonic() - begun > PATIENCE:
                    raise RuntimeError("the client played nothing")
                time.sleep(0.005)
            return time.monotonic() - begun
        finally:
            client.communicate(timeout=PATIENCE)
