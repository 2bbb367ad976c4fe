"""What the live view costs: CPU of a client that plays 32 voices with it, and with --plain, in a terminal.

    python -m benchmarks.screen [--turns 3] [--seconds 6]

The turns alternate, and medians are shown: `CPU` in percent of a core, `screen` what is more than with --plain,
`callback` the p99.9 of the audio callback in ms. Ends with 1 if the screen takes 3 % of a core or more.
"""

import argparse
import contextlib
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
from statistics import median

from benchmarks.processes import drain
from netaudio.midi import note_off, note_on, program_change
from tests.support.programs import HOME, RATE, Timed, write_midi

LIMIT = 3.0  # percent of a core
SCREENS = {"plain": (80, 24), "80x24": (80, 24), "200x50": (200, 50)}
VOICES = 32
STEP, END_SECONDS = 0.1, 1.0  # between readings; left out at the end


def song(seconds: float) -> Timed:
    """Organ notes that sound from the first second to the last."""
    events: Timed = [(0, program_change(0, 16))]
    for key in range(40, 40 + VOICES):
        events += [(RATE // 10, note_on(0, key, 60)), (round(seconds * RATE), note_off(0, key))]
    return events


def turn(folder: Path, midi: Path, screen: str, seconds: float) -> tuple[float, float]:
    """A client's CPU in percent of a core, over `seconds` of playing, and its callback's p99.9 in ms."""
    columns, lines = SCREENS[screen]
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (lines, columns))
    report = folder / "report.json"
    flags = ["--mode", "local", "--device", "null", "--play", str(midi), "--report", str(report)]
    process = subprocess.Popen(
        [sys.executable, str(HOME / "client.py"), *flags, *(["--plain"] if screen == "plain" else [])],
        stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(slave)
    threading.Thread(target=drain, args=(master,), daemon=True).start()
    readings: list[tuple[float, float]] = []
    while process.poll() is None:
        readings.append((time.monotonic(), cpu_seconds(process.pid)))
        time.sleep(STEP)
    if process.returncode:
        raise SystemExit(f"the client ended with {process.returncode}")
    first, last = readings[-round((seconds + END_SECONDS) / STEP)], readings[-round(END_SECONDS / STEP)]
    percent = 100 * (last[1] - first[1]) / (last[0] - first[0])
    return percent, json.loads(report.read_text())["callback_ms"]["p99.9"]


def cpu_seconds(pid: int) -> float:
    """All that a process's threads have used (Linux: /proc/PID/task/TID/schedstat); one that ended counts no more."""
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(task.read_text().split()[0])
    return total / 1e9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0)
    flags = parser.parse_args()
    cost: dict[str, list[tuple[float, float]]] = {screen: [] for screen in SCREENS}
    with tempfile.TemporaryDirectory() as name:
        midi = write_midi(Path(name) / "song.mid", song(flags.seconds + END_SECONDS))
        for _ in range(flags.turns):
            for screen in SCREENS:
                cost[screen].append(turn(Path(name), midi, screen, flags.seconds))
    print(f"{'':8}{'CPU':>8}{'screen':>9}{'callback':>11}")
    plain = median(cpu for cpu, _ in cost["plain"])
    worst = 0.0
    for screen, turns in cost.items():
        more = median(cpu for cpu, _ in turns) - plain
        worst = max(worst, more)
        callback = median(one for _, one in turns)
        print(f"{screen:8}{more + plain:>6.1f} %{more:>+7.1f} %{callback:>8.2f} ms")
    return 1 if worst >= LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
