"""A keyboard and ears on a JACK server, both to the frame."""

import threading
import time
from typing import Any

import jack
import numpy as np
from numpy.typing import NDArray

from tests.support.programs import PATIENCE, RATE, Timed, until

PORT = "keyboard:notes"
QUIET = RATE // 100  # frames below the threshold that make the next sound a new one
_SOON = 0.2  # seconds from `start` to its frame 0

Signal = NDArray[np.float32]


class Bench:
    """Plays MIDI events and records what programs make of them.

    Two clients of the JACK server, so that no connection runs in a circle, where one would be a period late.
    """

    def __init__(self, server: str) -> None:
        self._keyboard = jack.Client("keyboard", servername=server, no_start_server=True)
        self._ears = jack.Client("ears", servername=server, no_start_server=True)
        self._notes = self._keyboard.midi_outports.register("notes")
        self._names: list[str] = []
        self._known: set[str] = set()
        self._events: Timed = []
        self._sounds = np.zeros((0, 0), np.float32)
        self._begin: int | None = None
        self._cycles: list[tuple[int, float]] = []  # frame, and seconds of the device's clock
        self._over = threading.Event()
        self.xruns: list[int] = []  # the frames of the sounds about which the server was late
        self._keyboard.set_process_callback(self._play)
        self._ears.set_process_callback(self._listen)
        self._ears.set_xrun_callback(self._count)
        for client in (self._keyboard, self._ears):
            client.activate()
        self.begin()

    def close(self) -> None:
        for client in (self._keyboard, self._ears):
            client.deactivate()
            client.close()

    def begin(self) -> None:
        """Take all outputs that are there now for others than those to be heard."""
        self._names.clear()
        self._ears.inports.clear()
        self._known = {port.name for port in self._ears.get_ports(is_audio=True, is_output=True)}

    def hear(self, name: str, midi: str = "") -> None:
        """Await the audio output of the program that was started since the last call, or `begin`; its first
        channel is recorded as `name`. The keyboard is connected to MIDI inputs that match `midi`, if given."""
        until(lambda: len(self._new()) == 2, f"a stereo JACK output of {name}")
        ports = self._new()
        self._known |= set(ports)
        self._names.append(name)
        self._ears.connect(ports[0], self._ears.inports.register(name))
        for target in self._keyboard.get_ports(midi, is_midi=True, is_input=True) if midi else ():
            self._keyboard.connect(self._notes, target)

    def _new(self) -> list[str]:
        ports = self._ears.get_ports(is_audio=True, is_output=True)
        return [port.name for port in ports if port.name not in self._known]

    def start(self, events: Timed, frames: int) -> None:
        """Begin with a cycle, soon, to play `events` and to record so many frames."""
        self._events, self._sounds = sorted(events, reverse=True), np.zeros((len(self._names), frames), np.float32)
        self._over.clear()
        self._cycles.clear()
        self.xruns.clear()
        period = self._ears.blocksize
        self._begin = int(self._ears.last_frame_time) + round(_SOON * RATE / period) * period

    def sounds(self) -> dict[str, Signal]:
        """Await the end; what each program played."""
        assert self._over.wait(self._sounds.shape[1] / RATE + PATIENCE), "the JACK server stands still"
        self._begin = None
        return dict(zip(self._names, self._sounds, strict=True))

    def seconds(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """When those frames of the sounds were due: the device's time, in which an xrun is a gap, and from one to
        the next the most punctual cycle tells."""
        frames, seconds = np.array(self._cycles).T
        spans = np.searchsorted(sorted(self.xruns), frames)
        began = np.full(len(self.xruns) + 1, np.inf)
        np.minimum.at(began, spans, seconds - frames / RATE)
        when: NDArray[np.float64] = began[np.searchsorted(sorted(self.xruns), at)] + at / RATE
        return when

    def _play(self, frames: int) -> None:
        self._notes.clear_buffer()
        if self._begin is not None:
            first = int(self._keyboard.last_frame_time) - self._begin
            while self._events and self._events[-1][0] < first + frames:
                at, message = self._events.pop()
                self._notes.write_midi_event(max(0, at - first), message)

    def _listen(self, frames: int) -> None:
        if self._begin is not None:
            first, end = int(self._ears.last_frame_time) - self._begin, self._sounds.shape[1]
            if 0 <= first <= end - frames:
                since = int(self._ears.frames_since_cycle_start)
                self._cycles.append((first, time.monotonic() - since / RATE))
                for port, sound in zip(self._ears.inports, self._sounds, strict=False):
                    sound[first : first + frames] = port.get_array()
            elif first >= 0:
                self._over.set()

    def _count(self, _microseconds: Any) -> None:
        if self._begin is not None:
            self.xruns.append(int(self._ears.last_frame_time) - self._begin)


def onsets(sound: Signal, threshold: float) -> NDArray[np.int64]:
    """The first frames above the threshold, each after QUIET ones below it."""
    loud = np.flatnonzero(np.abs(sound) > threshold)
    return loud[np.diff(loud, prepend=-QUIET - 1) > QUIET]
