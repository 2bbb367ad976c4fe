"""Opens all that a musician plays on."""

import os
import sys
from typing import Protocol

from netaudio.errors import DeviceError
from netaudio.inputs.key_layout import CoarsePush, Command, Push, Say
from netaudio.inputs.midi_keyboard import MidiKeyboard
from netaudio.inputs.pynput_keys import PynputKeys
from netaudio.inputs.terminal_keys import TerminalKeys
from netaudio.inputs.windows_console import ConsoleKeys


class Keys(Protocol):
    """The computer's keyboard, open. `close` ends held keys and restores the terminal; once more does nothing."""

    @property
    def name(self) -> str: ...

    @property
    def octave(self) -> int: ...

    def close(self) -> None: ...


class Inputs:
    """The computer's keyboard and a MIDI keyboard, as far as they are open: none before `open`."""

    def __init__(self) -> None:
        self._keys: Keys | None = None
        self._midi: MidiKeyboard | None = None

    def open(self, push: CoarsePush, command: Command, say: Say, midi_in: str, keys: bool) -> None:
        """The computer's keyboard, if wanted, and a MIDI keyboard; what is missing is said, and done without."""
        try:
            if keys:
                self._keys = open_keys(lambda time, message: push(time, message, False), command, say)
        except DeviceError as error:
            say(str(error))
        try:
            self._midi = MidiKeyboard(midi_in or None, push, say)
        except DeviceError as error:
            say(str(error))

    @property
    def octave(self) -> int | None:
        """That the computer's keyboard plays, if it is open."""
        return self._keys.octave if self._keys else None

    def jack_is_away(self, away: bool) -> None:
        """See MidiKeyboard."""
        if self._midi:
            self._midi.jack_is_away(away)

    def release_all(self) -> None:
        """Ends all held notes, and closes what can be closed while sound is played."""
        if self._keys:
            self._keys.close()
        if self._midi:
            self._midi.release_all()

    def close(self) -> None:
        """Once more does nothing."""
        if self._keys:
            self._keys.close()
        if self._midi:
            self._midi.close()


def open_keys(push: Push, command: Command, say: Say) -> Keys:
    """The computer's keyboard in the best way there is here; raises DeviceError if there is none.

    Under Wayland and over ssh pynput would hear other keys than the musician's, or none.
    """
    where = os.environ.get
    x11 = sys.platform not in ("win32", "darwin")
    if where("SSH_CONNECTION") or where("WAYLAND_DISPLAY") or (x11 and not where("DISPLAY")):
        return _open_terminal(push, command, say)
    try:
        return PynputKeys(push, command, say)
    except DeviceError as error:
        try:
            keys = _open_terminal(push, command, say)
        except DeviceError as too:
            raise DeviceError(f"{error}; {too}") from too
        say(f"{error}; keys are read from the terminal")
        return keys


def _open_terminal(push: Push, command: Command, say: Say) -> Keys:
    if sys.platform == "win32":
        return ConsoleKeys(push, command, say)
    return TerminalKeys(0, push, command, say)
