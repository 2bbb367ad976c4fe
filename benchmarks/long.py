"""A long play with the programs themselves, on a sound card whose clock is wrong: nothing drifts, nothing grows.

    python -m benchmarks.long [--minutes 10] [--skew 200]

Memory of both programs (RSS, MB) every minute; then what the report says, and the largest difference of any of
the song's phrases from what should have been heard, in units of the bound (2^-20 times max(1, peak)). Ends with
1 if anything was late or missing, was not the same, or if a program grew by more than GROWTH after a minute.
"""

import argparse
import math
import sys
import tempfile
from pathlib import Path

import soundfile

from benchmarks.processes import memory, stolen_seconds
from netaudio.midi import ALL_NOTES_OFF, EXPRESSION, SUSTAIN, VOLUME, control_change
from tests.support.programs import (
    RATE,
    Playing,
    Program,
    Result,
    Timed,
    difference,
    playing,
    recorded,
    serving,
    write_midi,
)
from tests.support.reference import Sound
from tests.support.songs import EPIANO, GUITAR, ORGAN, PIANO, piece, reference

GROWTH = 4.0  # MB
REST = RATE // 2  # frames of silence after a phrase: all is as it was at its beginning


def phrase() -> tuple[Timed, int]:
    """Music of eight measures that leaves nothing behind, and its length in frames."""
    music = piece(2, 8, (PIANO, EPIANO, GUITAR, ORGAN))
    end = music[-1][0] + 1
    for channel in range(4):
        music += [(end, control_change(channel, number, 0)) for number in (SUSTAIN, ALL_NOTES_OFF)]
        music += [(end + REST // 2, control_change(channel, number, 127)) for number in (VOLUME, EXPRESSION)]
    return music, end + REST


def watch(server: Program, client: Playing, minutes: float) -> float:
    """Print both memories every minute; by how much the one that grew more has grown since the first."""
    first: tuple[float, ...] = ()
    grown = 0.0
    for minute in range(1, int(minutes) + 1):
        recorded(client, minute * 60 * RATE - RATE)
        now = memory(server.process.pid), memory(client.program.process.pid)
        first = first or now
        grown = max(then - before for before, then in zip(first, now, strict=True))
        print(f"minute {minute:>3}   server {now[0]:8.2f} MB   client {now[1]:8.2f} MB", flush=True)
    return grown


def worst_phrase(wav: Path, exact: Sound, spans: list[list[int]], length: int) -> float:
    """The largest difference of any phrase."""
    worst = 0.0
    with soundfile.SoundFile(wav) as recording:
        for first in range(0, recording.frames - length + 1, length):
            heard = recording.read(length, dtype="float32", always_2d=True)
            inside = [(max(a, first) - first, min(b, first + length) - first) for a, b in spans if b > first]
            worst = max(worst, difference(heard, exact, [(a, b) for a, b in inside if a < b]))
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--skew", type=float, default=200, help="ppm by which the client's card is fast")
    flags = parser.parse_args()
    music, length = phrase()
    times = math.ceil(flags.minutes * 60 * RATE / length) + 1
    exact = reference(music).mix(length).astype("float32")
    before = stolen_seconds()
    with tempfile.TemporaryDirectory() as name, serving() as (server, address):
        song = [(at + turn * length, message) for turn in range(times) for at, message in music]
        path = write_midi(Path(name) / "song.mid", song)
        with playing(Path(name), path, address, "hybrid", "--skew", flags.skew) as client:
            grown = watch(server, client, flags.minutes)
            result: Result = client.result(flags.minutes * 60 + 120)
        apart = worst_phrase(client.wav, exact, result.spans, length)
    report = result.report
    harm = report["late_notes"], report["packets"]["late"], report["packets"]["lost"], report["frames"]["missing"]
    print(f"{times} phrases of {length / RATE:.1f} s, {report['notes']} notes, skew {flags.skew} ppm")
    print(f"late notes {harm[0]}, packets late {harm[1]}, lost {harm[2]}, missing frames {harm[3]}")
    print(f"uncovered {report['frames']['uncovered']}, spans {len(result.spans)}, slack {report['slack_frames']}")
    print(f"knit margin {report['knit_margin_frames']}, grown by {grown:.2f} MB, difference {apart:.2f} of the bound")
    print(f"{stolen_seconds() - before:.2f} s of CPU were taken away meanwhile")
    return 1 if any(harm) or grown > GROWTH or apart > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
