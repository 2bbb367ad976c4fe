"""The MIDI inputs of this machine, through mido and python-rtmidi: which there are, and one of them open."""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from netaudio.audio import libjack
from netaudio.errors import DeviceError
from netaudio.timing.clock import StampClock

OnMessage = Callable[[bytes, float], None]
"""Takes a message, and when it came (time.monotonic())."""

_RTMIDI = "mido.backends.rtmidi"


def list_midi() -> list[str]:
    """The names of all MIDI inputs; raises DeviceError where there is no MIDI."""
    ports = MidiPorts()
    try:
        return ports.names()
    finally:
        ports.close()


class MidiPorts:
    """The inputs of mido's default backend. One client of rtmidi is kept for asking: mido makes two each time."""

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

    def open(self, name: str, on_message: OnMessage) -> Any:
        """An open port, to be closed. rtmidi's own, where it can be: rtmidi stamps a message before it waits for the
        interpreter, and mido drops that stamp."""
        if self._api:
            return _RtmidiPort(_rtmidi_client(self._api), name, on_message)
        return self._backend.open_input(name, callback=lambda m: on_message(bytes(m.bytes()), time.monotonic()))

    def close(self) -> None:
        if self._probe is not None:
            self._probe.delete()
            self._probe = None


class _RtmidiPort:
    """Raises ValueError if there is no such port."""

    def __init__(self, client: Any, name: str, on_message: OnMessage) -> None:
        self._client, self._on_message = client, on_message
        self._clock, self._stamp = StampClock(1_000_000), 0.0  # microseconds
        client.ignore_types(False, False, False)  # the time since a message that was ignored would be lost
        client.set_callback(self._receive)
        try:
            client.open_port(client.get_ports().index(name))
        except BaseException:
            self.close()
            raise

    def _receive(self, event: tuple[list[int], float], _: object) -> None:
        """A message, and the seconds since the one before."""
        self._stamp += 1e6 * event[1]
        self._on_message(bytes(event[0]), self._clock.time(self._stamp, time.monotonic()))

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

    rtmidi does not choose: it would take another system where the first has no ports yet. JACK is taken only by
    its name: without a server it writes pages to the terminal.
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
