"""A server whose library is on the disk, and voices of which little or nothing is in memory: what do they make late?

    python -m benchmarks.cold [--size 0.5] [--clients 4] [--seconds 8] [--folder DIR]

Each client plays an instrument of its own, all keys at once and then one after the other. A row each for a bank in
memory, one that is mapped from a file in DIR, and the same where nobody fetches what voices read next. DIR must be on
a disk, with room for the bank: SIZE, or 0.21 GB for each client where that is more. The file's pages are dropped
before voices start: all where nobody fetches any, else all but the samples' heads, which are held from the start.
"""

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.load import CHUNKS, SETTLE_SECONDS, USUAL, Client, drive, serving
from benchmarks.processes import memory
from benchmarks.rows import Rows
from netaudio.statistics import quantile
from tests.support.pages import drop

RATE, CHUNK = 48000, 128
SECONDS, KEYS = 20, 25  # of the recording, and how many samples an octave to each side makes of it
INSTRUMENT_GB = 0.209  # in the bank
GAP = 0.25  # seconds between a client's notes
FAULTS = re.compile(r"(\d+) major faults")
WITHHELD = re.compile(r"(\d+) chunks withheld")
BARE = """
import sys
import server
from netaudio.server.mapped_bank import MappedBank
from netaudio.server.prefetcher import Prefetcher
MappedBank.fetch = lambda *_: None
Prefetcher.fetched = lambda *_: True
sys.exit(server.run(server.main))
"""


def library(folder: Path, count: int) -> list[str]:
    """As many instruments that the bank keeps apart, though they are one recording; their names."""
    folder.mkdir()
    sound = np.random.default_rng(1).uniform(-0.3, 0.3, (SECONDS * RATE, 2))
    soundfile.write(folder / "C4.wav", sound, RATE, subtype="FLOAT")
    names = [f"noise{number}" for number in range(count)]
    for name in names:
        (folder / name).mkdir()
        (folder / name / "C4.wav").symlink_to(folder / "C4.wav")
    return names


def drop_bank(pid: int) -> None:
    """Of a server, but for what it has mapped: that stays."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if ".bank (deleted)" in os.readlink(link):
            fd = os.open(link, os.O_RDONLY)
            drop(fd)
            os.close(fd)


def play(
    names: list[str], clients: int, seconds: float, flags: tuple[str, ...], program: tuple[str, ...]
) -> tuple[object, ...]:
    """Cells of a row."""
    with serving(clients, CHUNK, flags=flags, program=program) as (server, played):
        drop_bank(server.pid)
        played += (Client(server.port, CHUNK, KEYS, GAP, n / clients, name) for n, name in enumerate(names[:clients]))
        drive(played, SETTLE_SECONDS + seconds)
        resident = memory(server.pid)
    chunks, faults, withheld = CHUNKS.search(server.said), FAULTS.search(server.said), WITHHELD.findall(server.said)
    assert chunks and faults, server.said
    hearing = [1000 * span for client in played for span in client.count.hearing]
    late = sum(client.count.late for client in played)
    worst = f"{quantile(hearing, 0.99):.1f}"
    return chunks[1], chunks[2], chunks[3], faults[1], sum(map(int, withheld)), late, worst, f"{resident:.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=float, default=0.5, help="GB of the bank, at least")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--folder", type=Path, help="on a disk (default: that of temporary files)")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=flags.folder) as name:
        names = library(Path(name) / "wav", max(flags.clients, round(flags.size / INSTRUMENT_GB)))
        common, bank = ("--wav", str(Path(name) / "wav")), ("--bank", name)
        rows = Rows({
            "bank": 20, "chunks": 8, "late": 6, "worst ms": 10, "major faults": 14, "withheld": 10,
            "late packets": 14, "hearing p99 ms": 16, "resident MB": 13,
        })  # fmt: skip
        for what, where, program in (
            ("in memory", (), USUAL), ("mapped", bank, USUAL), ("mapped, unfetched", bank, ("-c", BARE))
        ):  # fmt: skip
            rows.line(what, *play(names, flags.clients, flags.seconds, (*common, *where), program))
    return 0


if __name__ == "__main__":
    sys.exit(main())
