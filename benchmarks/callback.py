"""The client's callback under load: 32 voices in their heads, the stream arriving, the screen on, a busy loop."""

import asyncio
import json
import os
import pty
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.load import HOME, INSTRUMENT, LOWEST_KEY, Served
from benchmarks.processes import drain, memory
from netaudio.client.app import Client
from netaudio.compiler import prepare
from netaudio.config.load import client_parser, client_settings
from netaudio.midi import note_off, note_on
from netaudio.readers.midi_files import Song
from netaudio.sampler import kernel
from netaudio.screen.live import open_screen

VOICES, AGAIN_SECONDS = 32, 0.05  # a key is struck again every so often
BUSY_SECONDS, REST_SECONDS = 0.003, 0.005  # of pure Python in the client's asyncio loop, on top of its own work
SCREEN = (30, 100)  # lines, columns
HEADS = ("--offset", "9s", "--held", "10s", "--buffer-size", "40ms", "--mode", "hybrid")


def measure(seconds: float = 60, chunk: int = 128) -> dict[str, Any]:
    """Callback times in ms, how many took longer than their block, and what the client's memory did."""
    cores = sorted(os.sched_getaffinity(0))
    server = Served(1, chunk, {cores[-1]})
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, "-m", "benchmarks.callback", str(server.port), str(seconds), str(out)]
        master, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, SCREEN)
        reader = threading.Thread(target=drain, args=(master,), daemon=True)
        reader.start()
        client = subprocess.Popen(command, cwd=HOME, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE,
                                  env=os.environ | {"TERM": "xterm-256color"},
                                  preexec_fn=lambda: os.sched_setaffinity(0, {cores[0]}))  # fmt: skip
        os.close(terminal)
        said = client.communicate()[1]
        server.close()
        reader.join()
        if client.returncode:
            raise RuntimeError(f"the client failed: {said.decode()}")
        found: dict[str, Any] = json.loads(out.read_text())
        return found


def song(seconds: float) -> Song:
    """So many keys down all the time, one after the other struck again."""
    times = [0.0] * VOICES + [AGAIN_SECONDS * n for n in range(1, round(seconds / AGAIN_SECONDS))]
    events = [(at, note_on(0, LOWEST_KEY + n % VOICES, 100)) for n, at in enumerate(times)]
    events += [(seconds, note_off(0, LOWEST_KEY + n)) for n in range(VOICES)]
    return Song(tuple(events), seconds, ())


def inside(port: str, seconds: str, out: str) -> None:
    """The client's own process."""
    flags = client_parser().parse_args([
        "--server", f"127.0.0.1:{port}", "--device", "null", "--instrument", INSTRUMENT, "--wav", str(HOME / "wav"),
        *HEADS,
    ])  # fmt: skip
    prepare(kernel.held)
    screen = open_screen(False)
    grown: list[float] = []

    async def busy() -> None:
        await asyncio.sleep(float(seconds) / 5)
        while True:
            grown.append(memory(os.getpid()))
            end = time.monotonic() + BUSY_SECONDS
            while time.monotonic() < end:
                pass
            await asyncio.sleep(REST_SECONDS)

    async def play() -> Client:
        client = await Client.prepare(client_settings("", flags), flags, screen, song(float(seconds)))
        work = asyncio.create_task(busy())
        await client.run()
        work.cancel()
        return client

    try:
        client = asyncio.run(play())
    finally:
        screen.close()
    times, figures = client.output.times, client.figures()
    Path(out).write_text(json.dumps({
        "chunk": client.output.block, "voices": VOICES, "seconds": float(seconds), "screen": type(screen).__name__,
        "callback ms": times.summary(), "late": times.late, "xruns": client.output.xruns,
        "packets": msgspec.to_builtins(figures.packets), "frames": msgspec.to_builtins(figures.frames),
        "memory MB": {"after a fifth": round(grown[0], 1), "at the end": round(grown[-1], 1)},
    }))  # fmt: skip


if __name__ == "__main__":
    inside(*sys.argv[1:])
