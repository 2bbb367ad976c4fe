"""A MIDI keyboard: opened when it is plugged in, its notes ended when it is unplugged."""

import threading
import time
from typing import Any

from netaudio import midi
from netaudio.errors import DeviceError
from netaudio.inputs.key_layout import CoarsePush, Say
from netaudio.inputs.midi_ports import MidiPorts

LOOK_EVERY = 1.0  # seconds
_LOOP = "midi through"


def choose(names: list[str], wanted: str | None) -> str | None:
    """The first port whose name contains `wanted`, in any case; without a wish the first that is no loop."""
    if wanted:
        return next((name for name in names if wanted.casefold() in name.casefold()), None)
    return next((name for name in names if _LOOP not in name.casefold()), None)


class HeldKeys:
    """The notes and pedals that a keyboard holds, so that they can be ended in its place."""

    def __init__(self) -> None:
        self._notes: set[tuple[int, int]] = set()
        self._pedals: set[int] = set()

    def follow(self, message: bytes) -> None:
        """Takes note of a playable message."""
        kind, channel = midi.kind(message), midi.channel(message)
        if kind == midi.NOTE_ON:
            self._notes.add((channel, message[1]))
        elif kind == midi.NOTE_OFF:
            self._notes.discard((channel, message[1]))
        elif kind == midi.CONTROL_CHANGE and message[1] == midi.SUSTAIN:
            (self._pedals.add if message[2] else self._pedals.discard)(channel)

    def release_all(self) -> list[bytes]:
        """What ends them all."""
        notes = [midi.note_off(channel, note) for channel, note in sorted(self._notes)]
        pedals = [midi.control_change(channel, midi.SUSTAIN, 0) for channel in sorted(self._pedals)]
        self._notes.clear()
        self._pedals.clear()
        return notes + pedals


class MidiKeyboard:
    """Pushes what one MIDI port plays; `wanted` is a part of its name, None takes the first that is found.

    The port may come, go and come again: it is looked for every second. Raises DeviceError without MIDI.
    """

    def __init__(self, wanted: str | None, push: CoarsePush, say: Say) -> None:
        self._wanted, self._push, self._say = wanted, push, say
        self._ports = MidiPorts()
        self._held = HeldKeys()
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._away = False
        self._port: Any = None
        self._name: str | None = None
        self._said = ""
        self._closed = threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._watch, name="midi", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str | None:
        """The port that is heard; None while it is looked for."""
        return self._name

    def close(self) -> None:
        """Ends the held notes and the search; once more does nothing.

        Not while JACK plays here with -S: rtmidi holds Python's lock until JACK answers, JACK waits for the sound
        callback, and that waits for the lock.
        """
        if not self._closed.is_set():
            self._closed.set()
            self._thread.join()
            self._drop()
            self._ports.close()

    def jack_is_away(self, away: bool) -> None:
        """The JACK server is gone, or back (called before anything else is its client); from any thread.

        A client of the old server seems alive but gets nothing. It must be closed before the new server gets one.
        """
        if not self._ports.on_jack:
            return
        with self._looking:
            self._away = away
            if away and self._name is not None:
                self._say_once(f"MIDI keyboard {self._name} is gone: looking for it")
                self.release_all()
            elif not away:
                self._drop()
                self._ports.close()

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_EVERY):
            with self._looking:
                if not self._away:
                    self._look()

    def _look(self) -> None:
        try:
            names = self._ports.names()
            if self._name is not None and self._name not in names:
                self._say_once(f"MIDI keyboard {self._name} is gone: looking for it")
                self._drop()
            if self._name is None and (name := choose(names, self._wanted)) is not None:
                self._port = self._ports.open(name, self._receive)
                self._name = name
                self._say_once(f"MIDI keyboard {name} is heard")
        except DeviceError:  # there was MIDI to begin with: JACK is down
            return
        except (OSError, ValueError, RuntimeError) as error:  # in use elsewhere, or pulled out this very moment
            self._say_once(f"MIDI keyboard cannot be opened, trying again: {error}")
            return
        if self._name is None and not self._said:
            which = f"no MIDI keyboard named {self._wanted}" if self._wanted else "no MIDI keyboard"
            others = f" (there is {', '.join(names)})" if names else ""
            self._say_once(f"{which} is plugged in{others}: looking for it every second")

    def _receive(self, message: bytes, at: float) -> None:
        if (data := midi.playable(message)) is not None:
            with self._lock:
                self._held.follow(data)
                self._push(at, data, self._ports.on_jack)

    def _drop(self) -> None:
        if self._port is not None:
            self._port.close()
        self._port = self._name = None
        self.release_all()

    def release_all(self) -> None:
        """Ends the held notes; from any thread."""
        with self._lock:
            for message in self._held.release_all():
                self._push(time.monotonic(), message, False)

    def _say_once(self, line: str) -> None:
        if line != self._said:
            self._said = line
            self._say(line)
