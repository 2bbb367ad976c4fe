"""Runs the programs themselves: real processes, sockets, MIDI files, recordings and reports."""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mido
import numpy as np
import soundfile

from tests.support.reference import Sound

HOME = Path(__file__).resolve().parents[2]
RATE, CHUNK, OFFSET, BUFFER = 48000, 128, 4800, 1920
BOUND = 2.0**-20
HEADER = 88  # bytes, of the recordings
READY = re.compile(r"NetAudio server ready at (\S+): (.*)")
TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
PATIENCE = 120.0  # seconds for what takes far less: the machine may be busy

Timed = list[tuple[int, bytes]]  # (frame, channel message)


class Program:
    """A running server.py or client.py, whose lines can be waited for; begun by another command, if `inside`."""

    def __init__(
        self,
        script: str,
        *flags: object,
        env: dict[str, str] | None = None,
        terminal: int | None = None,
        inside: Sequence[str] = (),
    ) -> None:
        """`terminal`: of which it has the foreground; else it has none."""
        command = [*inside, sys.executable, str(HOME / script), *map(str, flags)]
        self.process = subprocess.Popen(
            command if terminal is None else [sys.executable, "-c", TAKE_TERMINAL, *command],
            stdin=subprocess.DEVNULL if terminal is None else terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
            start_new_session=terminal is not None,
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._open = 2
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        stream.close()
        with self._news:
            self._open -= 1
            self._news.notify_all()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line(self, pattern: str, count: int = 1, seconds: float = PATIENCE) -> str:
        """Await the `count`-th line in which the pattern is found."""

        def found() -> list[str]:
            return [line for line in self.lines if re.search(pattern, line)]

        with self._news:
            self._news.wait_for(lambda: len(found()) >= count or not self._open, seconds)
        assert len(found()) >= count, f"awaited {pattern!r}, got:\n{self.text}"
        return found()[count - 1]

    def end(self, seconds: float = PATIENCE) -> int:
        """Await the process's end and its last line; its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds:.0f} s:\n{self.text}") from None
        for reader in self._readers:
            reader.join(seconds)
        return code

    def kill(self) -> None:
        """SIGKILL, by its own process."""
        self.process.kill()
        self.end()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.end()


@contextmanager
def running(
    script: str,
    *flags: object,
    env: dict[str, str] | None = None,
    terminal: int | None = None,
    inside: Sequence[str] = (),
) -> Iterator[Program]:
    program = Program(script, *flags, env=env, terminal=terminal, inside=inside)
    try:
        yield program
    finally:
        program.close()


@contextmanager
def serving(*flags: object, inside: Sequence[str] = ()) -> Iterator[tuple[Program, str]]:
    """A server that is ready, and its HOST:PORT; any free port unless told."""
    with running("server.py", *(() if "--port" in flags else ("--port", 0)), *flags, inside=inside) as server:
        match = READY.search(server.line(READY.pattern))
        assert match
        yield server, match[1]
        assert "Traceback" not in server.text, server.text


@dataclass
class Playing:
    """A client that plays a song and will leave a recording and a report."""

    program: Program
    wav: Path
    json: Path

    @property
    def frames(self) -> int:
        """Of the song that are written, each of 8 bytes."""
        return max(0, self.wav.stat().st_size - HEADER) // 8 if self.wav.exists() else 0

    def last(self, count: int) -> Sound:
        """Of these the last ones (count, 2)."""
        sound: Sound = np.fromfile(self.wav, "<f4", 2 * count, offset=HEADER + 8 * (self.frames - count))
        return sound.reshape(-1, 2)

    def leave(self) -> "Result":
        """Have it end before its song does; what it had recorded until then."""
        frames = self.frames
        self.program.process.terminate()
        result = self.result()
        return Result(result.sound[:frames], result.report, result.text)

    def result(self, seconds: float = PATIENCE) -> "Result":
        code = self.program.end(seconds)
        text = self.program.text
        assert code == 0 and "Traceback" not in text, f"exit code {code}:\n{text}"
        sound, rate = soundfile.read(self.wav, dtype="float32", always_2d=True)
        assert rate == RATE
        return Result(sound, json.loads(self.json.read_text()), text)


@dataclass
class Result:
    sound: Sound
    report: dict[str, Any]
    text: str
    spans: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.spans = self.report["uncovered_spans"]

    def figures(self) -> str:
        """For a failure's message: all but the list of spans."""
        some = {name: value for name, value in self.report.items() if name != "uncovered_spans"}
        return f"{json.dumps(some)}, {len(self.spans)} spans\n{self.text}"


@contextmanager
def playing(
    folder: Path, song: Path, server: str | None, mode: str, *flags: object, inside: Sequence[str] = ()
) -> Iterator[Playing]:
    """A client on the null device at the settings that the promises are made for; `flags` come last."""
    folder.mkdir(parents=True, exist_ok=True)
    wav, report = folder / "out.wav", folder / "out.json"
    for old in (wav, report):
        old.unlink(missing_ok=True)
    common = ["--device", "null", "--play", song, "--record", wav, "--report", report, "--mode", mode]
    common += [
        "--offset",
        "100ms",
        "--buffer-size",
        "40ms",
        "--held",
        "1s",
        *(["--server", server] if server else []),
    ]
    with running("client.py", *common, *flags, inside=inside) as client:
        yield Playing(client, wav, report)


def play(
    folder: Path, song: Path, server: str | None, mode: str, *flags: object, inside: Sequence[str] = ()
) -> Result:
    with playing(folder, song, server, mode, *flags, inside=inside) as client:
        return client.result()


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Await what only looking can tell, such as a file's growth."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        pause.wait(0.01)


def recorded(client: Playing, frames: int) -> None:
    """Await that so much of the song has been written."""
    until(
        lambda: client.program.process.poll() is not None or client.frames > frames,
        f"{frames} frames in {client.wav}",
    )
    assert client.program.process.poll() is None, client.program.text


def write_midi(path: Path, events: Timed) -> Path:
    """A MIDI file whose tick is a frame."""
    song = mido.MidiFile(type=0, ticks_per_beat=RATE // 2)
    track = mido.MidiTrack()
    song.tracks.append(track)
    last = 0
    for at, message in sorted(events, key=lambda event: event[0]):
        track.append(mido.Message.from_bytes(message, time=at - last))
        last = at
    song.save(path)
    return path


def difference(one: Sound, other: Sound, spans: Sequence[Sequence[int]] = (), delay: int = 0) -> float:
    """The largest difference between `one` and `other` moved by `delay` frames, in units of the bound;
    outside the spans; where one has ended it counts as silent."""
    count = max(len(one), len(other) + delay)
    apart = np.zeros((count, 2))
    apart[: len(one)] = one
    apart[delay : delay + len(other)] -= other
    for first, end in spans:
        apart[max(0, first) : end] = 0
    peak = max(1.0, float(np.abs(other).max(initial=0)))
    return float(np.abs(apart).max(initial=0)) / (BOUND * peak)
