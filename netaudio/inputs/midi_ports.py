"""MIDI keyboards through mido and python-rtmidi: found when plugged in, let go when unplugged."""

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from netaudio.audio import libjack
from netaudio.errors import DeviceError
from netaudio.inputs.key_layout import CoarsePush, Note
from netaudio.midi import note_off, playable
from netaudio.timing.clock import StampClock

Hear = Callable[[bytes, float], None]  # a message, and when it came (time.monotonic)

LOOK_EVERY = 1.0
_RTMIDI = "mido.backends.rtmidi"
_LOOP = "midi through"
_SUSTAIN = 64


def choose(names: list[str], wanted: str | None) -> str | None:
    """The first port whose name contains `wanted`, in any case; without a wish the first that is no loop."""
    if wanted:
        return next((name for name in names if wanted.casefold() in name.casefold()), None)
    return next((name for name in names if _LOOP not in name.casefold()), None)


def list_midi() -> list[str]:
    """The names of all MIDI inputs; raises DeviceError where there is no MIDI."""
    ports = _Ports()
    try:
        return ports.names()
    finally:
        ports.close()


class Held:
    """The notes and pedals that a keyboard holds, so that they can be ended in its place."""

    def __init__(self) -> None:
        self._notes: set[tuple[int, int]] = set()
        self._pedals: set[int] = set()

    def hear(self, message: bytes) -> None:
        """Takes note of a playable message."""
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        if kind == 0x90:
            self._notes.add((channel, message[1]))
        elif kind == 0x80:
            self._notes.discard((channel, message[1]))
        elif kind == 0xB0 and message[1] == _SUSTAIN:
            (self._pedals.add if message[2] else self._pedals.discard)(channel)

    def let_go(self) -> list[bytes]:
        """What ends them all."""
        notes = [note_off(channel, note) for channel, note in sorted(self._notes)]
        pedals = [bytes((0xB0 | channel, _SUSTAIN, 0)) for channel in sorted(self._pedals)]
        self._notes.clear()
        self._pedals.clear()
        return notes + pedals


class MidiIn:
    """Pushes what one MIDI port plays; `wanted` is a part of its name, None takes the first that is found.

    The port may come, go and come again: it is looked for every second. Raises DeviceError without MIDI.
    """

    def __init__(self, wanted: str | None, push: CoarsePush, note: Note) -> None:
        self._wanted, self._push, self._note = wanted, push, note
        self._ports = _Ports()
        self._held = Held()
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

        Not while JACK plays here with -S: rtmidi holds Python's lock until JACK answers, which awaits the sound
        callback, which awaits the lock.
        """
        if not self._closed.is_set():
            self._closed.set()
            self._thread.join()
            self._drop()
            self._ports.close()

    def jack_is_away(self, away: bool) -> None:
        """The JACK server is gone, or back (called before anything else is its client); from any thread.

        A client of the old server seems alive but is deaf, and must be closed before there is one of the new.
        """
        if not self._ports.on_jack:
            return
        with self._looking:
            self._away = away
            if away and self._name is not None:
                self._say(f"MIDI keyboard {self._name} is gone: looking for it")
                self.let_go()
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
                self._say(f"MIDI keyboard {self._name} is gone: looking for it")
                self._drop()
            if self._name is None and (name := choose(names, self._wanted)) is not None:
                self._port = self._ports.open(name, self._hear)
                self._name = name
                self._say(f"MIDI keyboard {name} is heard")
        except DeviceError:  # there was MIDI to begin with: JACK is down
            return
        except (OSError, ValueError, RuntimeError) as error:  # in use elsewhere, or pulled out this very moment
            self._say(f"MIDI keyboard cannot be opened, trying again: {error}")
            return
        if self._name is None and not self._said:
            which = f"no MIDI keyboard named {self._wanted}" if self._wanted else "no MIDI keyboard"
            others = f" (there is {', '.join(names)})" if names else ""
            self._say(f"{which} is plugged in{others}: looking for it every second")

    def _hear(self, message: bytes, at: float) -> None:
        if (data := playable(message)) is not None:
            with self._lock:
                self._held.hear(data)
                self._push(at, data, self._ports.on_jack)

    def _drop(self) -> None:
        if self._port is not None:
            self._port.close()
        self._port = self._name = None
        self.let_go()

    def let_go(self) -> None:
        """Ends the held notes; from any thread."""
        with self._lock:
            for message in self._held.let_go():
                self._push(time.monotonic(), message, False)

    def _say(self, line: str) -> None:
        if line != self._said:
            self._said = line
            self._note(line)


class _Ports:
    """The inputs of mido's default backend; of rtmidi one client is kept to ask: mido makes two each time."""

    def __init__(self) -> None:
        try:
            import mido

            self._backend = mido.backend
            self._backend.load()
        except ImportError as error:
            raise DeviceError(f"no MIDI: it needs mido and python-rtmidi, see requirements.txt: {error}") from error
        self._probe: Any = None
        self._api = ""
        if self._backend.name == _RTMIDI:
            self._api = _rtmidi_api(self._backend.api)
            self._ask()

    @property
    def on_jack(self) -> bool:
        return self._api == "UNIX_JACK"

    def names(self) -> list[str]:
        """Raises DeviceError if the MIDI system is not there any more."""
        if not self._api:
            return list(self._backend.get_input_names())
        if self._probe is None:
            self._ask()
        return list(self._probe.get_ports())

    def _ask(self) -> None:
        if self.on_jack:
            libjack.silence()
        self._probe = _rtmidi_client(self._api)

    def open(self, name: str, hear: Hear) -> Any:
        """An open port, to be closed. rtmidi notes when a message came before it waits for the interpreter, which
        mido does not pass on."""
        if self._api:
            return _RtmidiPort(_rtmidi_client(self._api), name, hear)
        return self._backend.open_input(name, callback=lambda heard: hear(bytes(heard.bytes()), time.monotonic()))

    def close(self) -> None:
        if self._probe is not None:
            self._probe.delete()
            self._probe = None


class _RtmidiPort:
    """Raises ValueError if there is no such port."""

    def __init__(self, client: Any, name: str, hear: Hear) -> None:
        self._client, self._hear = client, hear
        self._clock, self._stamp = StampClock(1_000_000), 0.0  # microseconds
        client.ignore_types(False, False, False)  # the time since a message that was ignored would be lost
        client.set_callback(self._take)
        try:
            client.open_port(client.get_ports().index(name))
        except BaseException:
            self.close()
            raise

    def _take(self, event: tuple[list[int], float], _: object) -> None:
        """A message, and the seconds since the one before."""
        self._stamp += 1e6 * event[1]
        self._hear(bytes(event[0]), self._clock.time(self._stamp, time.monotonic()))

    def close(self) -> None:
        self._client.cancel_callback()
        self._client.close_port()
        self._client.delete()


def _rtmidi_apis() -> dict[str, int]:
    import rtmidi

    known = {name[4:]: getattr(rtmidi, name) for name in dir(rtmidi) if name.startswith("API_")}
    return {name: number for name, number in known.items() if number in rtmidi.get_compiled_api()}


def _rtmidi_api(api: str | None) -> str:
    """The system's MIDI by rtmidi's name; raises DeviceError.

    Left to choose, rtmidi settles on another system where the first has no ports yet; so it is not left to.
    JACK has to be named: without its server it writes pages to the terminal.
    """
    compiled = _rtmidi_apis()
    if api is None:
        api = next((name for name in compiled if name not in ("UNIX_JACK", "RTMIDI_DUMMY")), "")
    if api not in compiled:
        raise DeviceError(f"no MIDI: rtmidi has {', '.join(compiled)} here, not {api or 'what is wanted'}")
    if api == "LINUX_ALSA" and sys.platform == "linux" and not os.path.exists("/dev/snd/seq"):
        raise DeviceError("no MIDI: there is no ALSA sequencer (modprobe snd-seq brings it)")
    return api


def _rtmidi_client(api: str) -> Any:
    import rtmidi

    try:
        return rtmidi.MidiIn(rtapi=_rtmidi_apis()[api])
    except OSError as error:
        raise DeviceError(f"no MIDI: {error}") from error
