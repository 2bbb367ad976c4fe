"""All that a musician plays on."""

from collections.abc import Callable

from netaudio.errors import DeviceError
from netaudio.inputs.key_layout import CoarsePush, Command, Note
from netaudio.inputs.keyboard import Keys, open_keys
from netaudio.inputs.midi_ports import MidiIn


def open_inputs(push: CoarsePush, command: Command, note: Note, midi_in: str, keys: bool) -> list[Keys | MidiIn]:
    """The computer's keyboard, if wanted, and a MIDI port; what is missing is said, and done without."""
    openers: list[Callable[[], Keys | MidiIn]] = [lambda: MidiIn(midi_in or None, push, note)]
    if keys:
        openers.insert(0, lambda: open_keys(lambda time, message: push(time, message, False), command, note))
    opened = []
    for opener in openers:
        try:
            opened.append(opener())
        except DeviceError as error:
            note(str(error))
    return opened


def jack_is_away(inputs: list[Keys | MidiIn], away: bool) -> None:
    """See MidiIn."""
    for opened in inputs:
        if isinstance(opened, MidiIn):
            opened.jack_is_away(away)
