"""What a client costs the server beside the least that C takes for it, and what it adds to move all its voices.

    python -m benchmarks.cost [--rounds 5] [--seconds 5]

Contenders take turns, and the medians are told: others use the machine, too.
"""

import argparse
import statistics
import sys
from typing import Any

from benchmarks import limit, load
from benchmarks.rows import Rows

CLIENTS, VOICES, CHUNK = 50, 32, 128
MOVERS = 20
"""Who moves a hundred times a second: more of them than one process can play."""


def measure(rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """Of each contender the CPU in % of a core a client, and the share of late chunks in %."""
    contenders: dict[str, Any] = {
        "limit.c": lambda: limit.hold(CLIENTS, VOICES, CHUNK, seconds),
        "NetAudio": lambda: load.hold(CLIENTS, VOICES, CHUNK, seconds, shifted=False),
        "three of four voices shifted": lambda: load.hold(CLIENTS, VOICES, CHUNK, seconds),
        **{
            f"{shifting}, {move or 'at rest'}": lambda move=move, shifted=shifted: load.hold(
                MOVERS, VOICES, CHUNK, seconds, shifted=shifted, move=move
            )
            for shifting, shifted in ((f"{MOVERS} clients", False), (f"{MOVERS} clients, shifted", True))
            for move in ("", *load.MOVES)
        },
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, hold in contenders.items():
            run = hold()
            found[name].append((run["cpu % per client"], 100 * run["late chunks"] / run["chunks"]))
    return {
        name: dict(zip(("cpu % per client", "late %"), map(statistics.median, zip(*runs, strict=True)), strict=True))
        for name, runs in found.items()
    }


def show(found: dict[str, dict[str, float]]) -> None:
    """Each beside the one that it is compared with."""
    rows = Rows({"a client of 32 voices, 128 frames": 42, "cpu % of a core": 17, "times": 8, "late %": 9})
    base = found["limit.c"]["cpu % per client"]
    for name, run in found.items():
        cost = run["cpu % per client"]
        base = cost if name.endswith("at rest") else base
        rows.line(name, f"{cost:.2f}", f"{cost / base:.2f}", f"{run['late %']:.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    flags = parser.parse_args()
    show(measure(flags.rounds, flags.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
