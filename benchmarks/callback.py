"""The client's callback under load: 32 voices in their heads, the stream arriving, the screen on, a busy loop.

Nothing moves, or CC11 does 200 times a second, or the wheel as often, too, so that every voice is bent. A callback
takes CPU time of its thread, and wall time, in which others may have had the CPU or the interpreter. Canaries
tell how long the machine stood still meanwhile.
"""

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
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from benchmarks.canary import Stall, canaries, stalled
from benchmarks.load import HOME, INSTRUMENT, LOWEST_KEY, Served
from benchmarks.processes import drain, memory
from netaudio.client.app import Client
from netaudio.compiler import prepare
from netaudio.config.load import client_parser, client_settings
from netaudio.midi import EXPRESSION, control_change, note_off, note_on, pitch_bend
from netaudio.player.player import ClientPlayer
from netaudio.readers.midi_files import Song
from netaudio.sampler import kernel
from netaudio.screen.live import open_screen
from netaudio.statistics import quantile
from netaudio.units import Frames

VOICES, AGAIN_SECONDS = 32, 0.05  # a key is struck again every so often
MOVE_SECONDS = 0.005  # between two values of a controller
BUSY_SECONDS, REST_SECONDS = 0.003, 0.005  # of pure Python in the client's asyncio loop, on top of its own work
SCREEN = (30, 100)  # lines, columns
QUANTILES = 0.5, 0.99
HEADS = ("--offset", "9s", "--held", "10s", "--buffer-size", "40ms", "--mode", "hybrid")
MOVED = {"nothing moves": "", "CC11": "expression", "CC11 and bends": "expression, wheel"}
"""The rows, and what moves in each."""
Render = Callable[[ClientPlayer, Frames, float, bool], None]
Call = tuple[float, float, float]
"""Of the player's render: when it began (time.monotonic), its seconds of wall time, and of its thread's CPU time."""


def measure(seconds: float = 20, chunk: int = 128) -> dict[str, dict[str, Any]]:
    """What `run` finds for each row of MOVED."""
    return {name: run(seconds, chunk, moved) for name, moved in MOVED.items()}


def run(seconds: float, chunk: int, moved: str) -> dict[str, Any]:
    """Callback times in ms, how many took longer than their block, and what the client's memory did."""
    cores = sorted(os.sched_getaffinity(0))
    server = Served(1, chunk, {cores[-1]})
    with tempfile.TemporaryDirectory() as folder, canaries() as stalls:
        out = Path(folder) / "out.json"
        command = [sys.executable, "-m", "benchmarks.callback", str(server.port), str(seconds), moved, str(out)]
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
    calls: list[Call] = found.pop("calls")
    return found | summary(calls, stalls)


def summary(calls: list[Call], stalls: list[Stall]) -> dict[str, Any]:
    """Quantiles in ms; those of wall time also without the calls that a stall of the machine touched."""
    begun, wall, cpu = zip(*calls, strict=True)
    undisturbed = [span for at, span, _ in calls if not stalled(stalls, at, at + span)]
    spans = {"CPU": cpu, "wall": wall, "wall, no stall": undisturbed}
    return {
        "calls": len(calls), "stalled ms": round(1000 * stalled(stalls, begun[0], begun[-1])),
        "ms": {name: {f"p{100 * q:g}": round(1000 * quantile(some, q), 3) for q in QUANTILES}
               for name, some in spans.items()},
    }  # fmt: skip


def show(found: dict[str, dict[str, Any]]) -> None:
    """A table, a row for each of MOVED."""
    heads = [f"{name} p{100 * q:g}" for name in ("CPU", "wall", "wall, no stall") for q in QUANTILES]
    print(f"{'ms':16}{''.join(f'{head:>20}' for head in heads)}{'late':>6}{'calls':>8}{'stalled ms':>12}")
    for name, row in found.items():
        cells = [span for spans in row["ms"].values() for span in spans.values()]
        print(f"{name:16}{''.join(f'{cell:20.3f}' for cell in cells)}{row['late']:6}{row['calls']:8}"
              f"{row['stalled ms']:12}")  # fmt: skip


def song(seconds: float, moved: str) -> Song:
    """So many keys down all the time, one after the other struck again, while what is `moved` moves."""
    times = [0.0] * VOICES + [AGAIN_SECONDS * n for n in range(1, round(seconds / AGAIN_SECONDS))]
    events = [(at, note_on(0, LOWEST_KEY + n % VOICES, 100)) for n, at in enumerate(times)]
    for n in range(round(seconds / MOVE_SECONDS)):
        up_and_down = abs(n % 126 - 63)
        if "expression" in moved:
            events.append((MOVE_SECONDS * n, control_change(0, EXPRESSION, 64 + up_and_down)))
        if "wheel" in moved:
            events.append((MOVE_SECONDS * n, pitch_bend(0, 8192 + 64 * (1 + up_and_down))))
    events += [(seconds, note_off(0, LOWEST_KEY + n)) for n in range(VOICES)]
    return Song(tuple(sorted(events)), seconds, ())


def timed(render: Render, calls: list[Call]) -> Render:
    """The player's render, and each call of it noted."""

    def call(player: ClientPlayer, out: Frames, now: float, xrun: bool = False) -> None:
        begun, cpu = time.monotonic(), time.thread_time()
        render(player, out, now, xrun)
        cpu = time.thread_time() - cpu
        calls.append((begun, time.monotonic() - begun, cpu))

    return call


def inside(port: str, seconds: str, moved: str, out: str) -> None:
    """The client's own process."""
    flags = client_parser().parse_args([
        "--server", f"127.0.0.1:{port}", "--device", "null", "--instrument", INSTRUMENT, "--wav", str(HOME / "wav"),
        *HEADS,
    ])  # fmt: skip
    prepare(kernel.held)
    screen = open_screen(False)
    grown: list[float] = []
    calls: list[Call] = []

    async def busy(client: Client) -> None:
        while client.player.song_start is None:
            await asyncio.sleep(REST_SECONDS)
        await asyncio.sleep(float(seconds) / 5)
        calls.clear()
        while True:
            grown.append(memory(os.getpid()))
            end = time.monotonic() + BUSY_SECONDS
            while time.monotonic() < end:
                pass
            await asyncio.sleep(REST_SECONDS)

    async def play() -> Client:
        client = await Client.prepare(client_settings("", flags), flags, screen, song(float(seconds), moved))
        work = asyncio.create_task(busy(client))
        await client.run()
        work.cancel()
        return client

    try:
        with mock.patch.object(ClientPlayer, "render", timed(ClientPlayer.render, calls)):
            client = asyncio.run(play())
    finally:
        screen.close()
    figures = client.figures()
    Path(out).write_text(json.dumps({
        "chunk": client.output.block, "voices": VOICES, "seconds": float(seconds), "screen": type(screen).__name__,
        "calls": calls, "late": client.output.times.late, "xruns": client.output.xruns,
        "packets": msgspec.to_builtins(figures.packets), "frames": msgspec.to_builtins(figures.frames),
        "memory MB": {"after a fifth": round(grown[0], 1), "at the end": round(grown[-1], 1)},
    }))  # fmt: skip


if __name__ == "__main__":
    inside(*sys.argv[1:])
