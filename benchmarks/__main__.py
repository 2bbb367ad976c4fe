"""NetAudio's speed on this machine and what its shifting adds, beside others, in tables, JSON and a picture.

    python -m benchmarks [--quick] [--json FILE] [--plot FILE]

It wants the machine to itself, two cores, gcc, libfluidsynth3 and fluid-soundfont-gm.
Lateness is the server's own: how long after it was due a chunk went out. Spells are late chunks in a row, and what is
not by stalls of the machine, in which its CPUs were taken away, is ours.
"""

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import callback, cost, limit, load, mixing, shifting, startup
from benchmarks.measure import pin, unpin

RATE = mixing.RATE
GOALS = ((50, 128, 1), (20, 64, 1), (80, 128, 2))  # clients, chunk, workers
VOICE_STEPS, CHUNK_STEPS = (0, 8, 16, 24, 32), (32, 64, 128, 256, 384, 512)
PROMPT = 5  # clients among whom events are heard within a chunk and a millisecond
COLUMNS = (
    "clients", "voices", "chunk", "workers", "seconds", "chunks", "late chunks", "spells", "not by stalls",
    "worst ms", "lost", "late at clients", "hearing ms", "cpu %", "cpu % per client", "MB per client",
    "kbit/s per client",
)  # fmt: skip


def show_mixing(found: dict[str, Any]) -> None:
    """A table for each chunk size and count of clients, and the ratios that matter."""
    for chunk, counts in found["ns"].items():
        for clients, ns in counts.items():
            print(f"\nmixing {clients} x {found['voices']} voices, {chunk} frames, stereo unless it says mono")
            print(f"{'':50}{'ns/voice/frame':>15}{'voices a core':>15}{'times ours':>12}")
            held = ns["NetAudio, held"]
            for name, span in ns.items():
                print(f"{name:50}{span:15.2f}{1e9 / RATE / span:15.0f}{span / held:12.2f}")
            loop, ramps = ns["C loop, gcc -O3"], ns["C loop, gcc -O3, every voice ramps"]
            parts = [f"of the C loops' speed: {loop / held:.2f} held"]
            parts += [f"{ramps / ns[f'NetAudio, {kind}']:.2f} {kind}" for kind in ("releasing", "heard late")]
            fluid, fourth = ns.get("FluidSynth, no interpolation (mono)"), ns.get("FluidSynth, 4th order (mono)")
            if fluid and fourth:
                parts += [f"FluidSynth's voices {fluid / held:.1f} times", f"its stereo notes {2 * fluid / held:.1f}"]
                parts += [f"bent ones beside its 4th order {2 * fourth / ns['NetAudio, bent']:.1f}"]
            print(", ".join(parts))
    for note in found["notes"]:
        print(note)


def show_load(title: str, runs: Sequence[dict[str, Any]]) -> None:
    columns = [name for name in COLUMNS if name in runs[0]]
    print(f"\n{title}")
    widths = [max(len(name), 8) + 2 for name in columns]
    print("".join(f"{name:>{width}}" for name, width in zip(columns, widths, strict=True)))
    for run in runs:
        cells = [run[name]["p99"] if name == "hearing ms" else run[name] for name in columns]
        print("".join(f"{cell!s:>{width}}" for cell, width in zip(cells, widths, strict=True)), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw them (PNG, SVG)")
    flags = parser.parse_args()
    long, short, rounds = (5, 3, 20) if flags.quick else (60, 10, 100)
    found: dict[str, Any] = {"machine": platform.processor() or platform.machine(), "python": sys.version.split()[0]}

    others = pin()
    found["mixing"] = mixing.measure(rounds)
    unpin(others)
    show_mixing(found["mixing"])
    found["shifting"] = shifting.measure()
    shifting.show(found["shifting"])

    found["goals"] = [
        load.hold(clients, mixing.VOICES, chunk, long, workers=workers) for clients, chunk, workers in GOALS
    ]
    show_load("the server, one worker on one core, two on both; hearing: p99 of an event's way to the first packet "
              "that has heard it", found["goals"])  # fmt: skip
    found["limit"] = [
        limit.hold(clients, mixing.VOICES, chunk, long) for clients, chunk, workers in GOALS if workers == 1
    ]
    show_load(
        "the machine's limit: a program in C on one core that does nothing but mix, encode and send", found["limit"]
    )
    print("\nwhat a client costs, by turns; times: of limit.c, or of those at rest")
    found["cost"] = cost.measure(2 if flags.quick else 5, 3 if flags.quick else 10)
    cost.show(found["cost"])
    found["prompt"] = [load.hold(PROMPT, mixing.VOICES, 128, short)]
    show_load(f"{PROMPT} clients", found["prompt"])
    found["voices"] = [load.hold(20, voices, 128, short) for voices in VOICE_STEPS]
    show_load("more and more voices", found["voices"])
    found["chunks"] = [load.hold(20, mixing.VOICES, chunk, short) for chunk in CHUNK_STEPS]
    show_load("other chunk sizes", found["chunks"])

    found["callback"] = callback.measure(2 * short)
    print(f"\nthe client's callback, {callback.VOICES} voices in their heads, streaming, screen on, busy loop:")
    callback.show(found["callback"])
    found["startup"] = startup.measure(2 if flags.quick else 5)
    print(f"\nseconds to start: {found['startup']}")

    if flags.json:
        flags.json.write_text(json.dumps(found, indent=1))
    if flags.plot:
        from benchmarks.plot import draw

        draw(found, flags.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
