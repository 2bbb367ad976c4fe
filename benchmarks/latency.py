"""From a key to its sound, to the frame, beside FluidSynth: all on one JACK server, with the same notes.

    python -m benchmarks.latency [--short] [--notes 500] [--blocks 64 128 256] [--json FILE]

A latency runs from the frame of the note-on at the MIDI port to the first frame of its sound at the device,
which plays a block one block after it was made. spread: max - min; 98 %: p99 - p1. In the MIDI file a note has
a place of its own instead of a note-on, and on the computer keyboard X11's stamp: latencies count from there, up to
a constant. Notes within 20 ms of an xrun of the JACK server are left out, for all that played them, and counted.
Ends with 1 if a goal was missed.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clicks import KEYS, THRESHOLD, write_clicks, write_instrument
from benchmarks.processes import awake
from netaudio.midi import note_off, note_on
from netaudio.statistics import quantile
from tests.support.desk import Display
from tests.support.jack import jackd
from tests.support.programs import RATE, Program, Timed, running, serving, write_midi

MISSING = "the latency benchmark needs jackd, fluidsynth and Xvfb: apt install jackd2 fluidsynth xvfb xdotool"
try:
    from benchmarks.bench import PORT, Bench, Signal, onsets
    from benchmarks.typist import Typist
except (ImportError, OSError) as error:
    sys.exit(f"{MISSING}; pip install -r tests/requirements.txt ({error})")

BLOCKS, NOTES, SHORT = (64, 128, 256), 500, 60
FINE = 2  # notes at the port for each in the MIDI file and each on the computer keyboard
GAP, HELD, LEAD = (0.06, 0.11), 0.12, 2.0  # seconds: from note to note, of each, and before the first
FINE_SPREAD = 0.5  # ms
DISTURBED = RATE // 50  # frames around an xrun
NONE = -1
HEAD = (
    "block", "what", "notes", "left out", "missed", "p50", "p99", "spread", "98 %", "p50 ms", "spread ms",
    "callback p99.9", "xruns",
)  # fmt: skip
WIDTHS = (5, 12, 7, 10, 8, 8, 8, 8, 8, 9, 11, 16, 7)
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass
class Row:
    block: int
    name: str
    frames: Places  # the latency of each note, NONE where it was not heard
    calm: Mask  # the notes that no xrun touched
    report: dict[str, Any]  # the client's, empty for FluidSynth

    def percentile(self, percent: float) -> float:
        heard = self.frames[self.calm & (self.frames != NONE)]
        return quantile(heard, percent / 100) if len(heard) else float("nan")

    @property
    def figures(self) -> dict[str, Any]:
        p1, p50, p99 = map(self.percentile, (1, 50, 99))
        spread = self.percentile(100) - self.percentile(0)
        callback, xruns = self.report.get("callback_ms", {}).get("p99.9"), self.report.get("xruns")
        counts = len(self.frames), int((~self.calm).sum()), int((self.frames[self.calm] == NONE).sum())
        places = p50, p99, spread, p99 - p1, in_ms(p50), in_ms(spread)
        return dict(zip(HEAD, (self.block, self.name, *counts, *places, callback, xruns), strict=True))

    def __str__(self) -> str:
        return line([self.figures[name] for name in HEAD])


def in_ms(frames: float) -> float:
    return round(1000 * frames / RATE, 2)


def line(cells: list[Any] | tuple[str, ...]) -> str:
    shown = ("-" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in cells)
    return "".join(f"{cell:>{width}}" for cell, width in zip(shown, WIDTHS, strict=True))


def places(count: int) -> Places:
    """Frames of notes at any place in a block, the first after LEAD."""
    low, high = (round(seconds * RATE) for seconds in GAP)
    gaps = np.random.default_rng(count).integers(low, high, count)
    at: Places = np.cumsum(gaps) - gaps[0] + round(LEAD * RATE)
    return at


def notes(at: Places) -> Timed:
    events: Timed = []
    for number, frame in enumerate(map(int, at)):
        key = KEYS[number % len(KEYS)]
        events.append((frame, note_on(0, key, 127)))
        events.append((frame + round(HELD * RATE), note_off(0, key)))
    return events


def length(at: Places) -> int:
    return int(at[-1]) + RATE


def calm(at: Places, xruns: list[int]) -> Mask:
    """Which notes no xrun touched."""
    near = np.abs(at[:, None] - np.array(xruns, np.int64)[None, :]) < DISTURBED
    quiet: Mask = ~near.any(axis=1)
    return quiet


def latencies(sound: Signal, at: Places, block: int) -> Places:
    """Of each note; the first sound from its own block on, before the next note's, is taken for its."""
    starts = np.append(onsets(sound, THRESHOLD), len(sound) + RATE)
    found = starts[np.searchsorted(starts, at - block)]
    frames: Places = np.where(found < np.append(at[1:], len(sound)) - block, found - at + block, NONE)
    return frames


class Room:
    """One JACK server with a keyboard, ears, and the files that are played."""

    def __init__(self, stack: ExitStack, folder: Path, block: int) -> None:
        self.folder, self.block = folder, block
        write_instrument(folder / "wav" / "click")
        write_clicks(folder / "click.sf2")
        _, self.env = stack.enter_context(jackd(folder, period=block))
        self.bench = stack.enter_context(closing(Bench(self.env["JACK_DEFAULT_SERVER"])))

    @contextmanager
    def client(self, name: str, *flags: object, **env: str) -> Iterator[Program]:
        common = ["--wav", self.folder / "wav", "--instrument", "click", "--device", "system"]
        common += ["--chunk-size", self.block, "--report", self.report(name)]
        with running("client.py", *common, *flags, env=self.env | env) as client:
            yield client
            client.process.terminate()
            assert client.end() == 0, client.text

    def report(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def row(self, name: str, frames: Places, quiet: Mask) -> Row:
        report = self.report(name)
        return Row(self.block, name, frames, quiet, json.loads(report.read_text()) if report.exists() else {})

    def at_the_port(self, count: int) -> list[Row]:
        """FluidSynth plays the same notes beside local, and again beside hybrid."""
        at, bench, other = places(count), self.bench, "FluidSynth"
        rows = []
        for mode in ("local", "hybrid"):
            with ExitStack() as stack:
                _, server = stack.enter_context(serving("--wav", self.folder / "wav", "--instrument", "click"))
                bench.begin()
                flags = ["--mode", mode, "--server", server, "--midi-in", PORT, "--no-keys"]
                stack.enter_context(self.client(mode, *flags)).line("is heard")
                bench.hear(mode)
                stack.enter_context(fluidsynth(self.folder / "click.sf2", self.env))
                bench.hear(other, "fluidsynth")
                bench.start(notes(at), length(at))
                sounds = bench.sounds()
                quiet = calm(at, bench.xruns)
            rows += [self.row(name, latencies(sounds[name], at, self.block), quiet) for name in (mode, other)]
        local, beside_local, hybrid, beside_hybrid = rows
        both = [np.concatenate(pair) for pair in zip(
            (beside_local.frames, beside_local.calm), (beside_hybrid.frames, beside_hybrid.calm), strict=True
        )]  # fmt: skip
        return [local, hybrid, self.row(other, *both)]

    def from_a_file(self, count: int) -> Row:
        at, name = places(count), "MIDI file"
        song = write_midi(self.folder / "song.mid", notes(at))
        with self.client(name, "--mode", "local", "--play", song):
            self.bench.hear(name)
            self.bench.start([], length(at))
            starts = onsets(self.bench.sounds()[name], THRESHOLD)
        return self.fine_row(name, starts, at, starts)

    def on_the_keys(self, count: int) -> Row:
        at, name = places(count), "X11 keys"
        with ExitStack() as stack:
            display = stack.enter_context(closing(Display())).env["DISPLAY"]
            typist = stack.enter_context(closing(Typist(display)))
            client = stack.enter_context(self.client(name, "--mode", "local", DISPLAY=display))
            client.line("keys are heard in every window")
            self.bench.hear(name)
            self.bench.start([], length(at))
            stamps = typist.type(at / RATE)
            starts = onsets(self.bench.sounds()[name], THRESHOLD)
            when = np.rint(self.bench.seconds(starts) * RATE).astype(np.int64)
        return self.fine_row(name, when, stamps * RATE // 1000, starts)

    def fine_row(self, name: str, when: Places, at: Places, starts: Places) -> Row:
        """Of notes whose own places are known but for a constant, heard from the frames `starts` on."""
        if len(when) != len(at):
            return self.row(name, np.full(len(at), NONE), np.ones(len(at), np.bool_))
        late, quiet = when - at, calm(starts, self.bench.xruns)
        return self.row(name, late - late[quiet].min(initial=late.max()), quiet)


@contextmanager
def fluidsynth(soundfont: Path, env: dict[str, str]) -> Iterator[None]:
    command = ["fluidsynth", "-q", "-a", "jack", "-m", "jack", "-R", "0", "-C", "0", "-g", "1", "-r", str(RATE)]
    silence = subprocess.DEVNULL
    with subprocess.Popen(
        [*command, str(soundfont)], env=env, stdin=subprocess.PIPE, stdout=silence, stderr=silence
    ) as process:
        try:
            yield
        finally:
            assert process.stdin
            process.stdin.close()  # it ends with its commands


def goals(rows: dict[str, Row]) -> dict[str, bool]:
    """What is promised for a block size, and whether it holds."""
    local, hybrid, other = rows["local"], rows["hybrid"], rows["FluidSynth"]
    block = local.block
    return {
        "every note was heard": all((row.frames[row.calm] != NONE).all() for row in rows.values()),
        "hybrid = local to the frame": bool((hybrid.frames == local.frames)[hybrid.calm & local.calm].all()),
        "the median at most FluidSynth's and a block": hybrid.percentile(50) <= other.percentile(50) + block,
        "the spread not above FluidSynth's": all(
            hybrid.figures[spread] <= other.figures[spread] for spread in ("spread", "98 %")
        ),
        f"under {FINE_SPREAD} ms from a MIDI file": in_ms(rows["MIDI file"].figures["spread"]) < FINE_SPREAD,
        f"under {FINE_SPREAD} ms on X11 keys (98 %)": in_ms(rows["X11 keys"].figures["98 %"]) < FINE_SPREAD,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help=f"{SHORT} notes instead of {NOTES}")
    parser.add_argument("--notes", type=int, help=f"at the port (default: {NOTES})")
    parser.add_argument("--blocks", type=int, nargs="+", default=BLOCKS, help="frames in a block of the device")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    flags = parser.parse_args()
    count = flags.notes or (SHORT if flags.short else NOTES)
    if not all(map(shutil.which, ("jackd", "jack_lsp", "fluidsynth", "Xvfb", "xdotool"))):
        sys.exit(MISSING)
    print(line(HEAD), flush=True)
    figures: list[dict[str, Any]] = []
    kept: dict[str, list[int]] = {}
    for block in flags.blocks:
        rows = {}
        with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
            stack.enter_context(awake())
            room = Room(stack, Path(name), block)
            for row in room.at_the_port(count):
                rows[row.name] = row
                print(row, flush=True)
            for measure in (room.from_a_file, room.on_the_keys):
                room.bench.begin()
                row = measure(max(count // FINE, 10))
                rows[row.name] = row
                print(row, flush=True)
        figures += [row.figures | {"frames": row.frames.tolist()} for row in rows.values()]
        for goal, holds in goals(rows).items():
            kept.setdefault(goal, []).extend([] if holds else [block])
    for goal, blocks in kept.items():
        print("NO " if blocks else "yes", goal, f"(not at {', '.join(map(str, blocks))})" if blocks else "")
    if flags.json:
        flags.json.write_text(json.dumps({"rows": figures, "missed": kept}, indent=1) + "\n")
    return int(any(kept.values()))


if __name__ == "__main__":
    sys.exit(main())
