"""MIDI channel messages by name (MIDI 1.0, and the General MIDI controllers)."""

NOTE_OFF, NOTE_ON, CONTROL_CHANGE = 0x80, 0x90, 0xB0
PROGRAM_CHANGE, CHANNEL_PRESSURE, PITCH_BEND, SYSTEM = 0xC0, 0xD0, 0xE0, 0xF0

DATA_ENTRY, VOLUME, EXPRESSION, DATA_ENTRY_FINE, SUSTAIN = 6, 7, 11, 38, 64
NRPN_FINE, NRPN_COARSE, RPN_FINE, RPN_COARSE = 98, 99, 100, 101
ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123

CHANNELS, DRUMS = 16, 9
"""How many there are, from 0; General MIDI plays drums on DRUMS."""
PEDAL_DOWN = 64
"""The lowest value of a pedal that is down."""
DEFAULT_RELEASE = 64
"""The velocity of a note-off that tells none."""
BEND_CENTRE = 8192
"""The 14 bits of a pitch bend that bends nothing."""


def kind(message: bytes) -> int:
    """NOTE_ON and its like; 0 of nothing."""
    return message[0] & 0xF0 if message else 0


def channel(message: bytes) -> int:
    """0 to 15."""
    return message[0] & 0x0F


def note_on(channel: int, key: int, velocity: int) -> bytes:
    return bytes((NOTE_ON | channel, key, velocity))


def note_off(channel: int, key: int, velocity: int = DEFAULT_RELEASE) -> bytes:
    return bytes((NOTE_OFF | channel, key, velocity))


def control_change(channel: int, controller: int, value: int) -> bytes:
    return bytes((CONTROL_CHANGE | channel, controller, value))


def program_change(channel: int, program: int) -> bytes:
    return bytes((PROGRAM_CHANGE | channel, program))


def pitch_bend(channel: int, value: int) -> bytes:
    """`value`: 0 to 16383, BEND_CENTRE in between."""
    return bytes((PITCH_BEND | channel, value & 0x7F, value >> 7))


def bend_value(message: bytes) -> int:
    """The 14 bits of a pitch bend."""
    return message[1] | message[2] << 7


def on_channel(channel: int, message: bytes) -> bytes:
    """The same message for another channel."""
    return bytes((kind(message) | channel, *message[1:]))


def begins_note(message: bytes) -> bool:
    """Whether it is a note-on that starts a note: one of velocity 0 ends it."""
    return kind(message) == NOTE_ON and len(message) == 3 and message[2] > 0


def playable(message: bytes) -> bytes | None:
    """The message if it is a whole one for a channel, a note-on of velocity 0 as the note-off it means; else None."""
    if not message or not NOTE_OFF <= message[0] < SYSTEM or max(message[1:], default=0) > 127:
        return None
    if len(message) != (2 if kind(message) in (PROGRAM_CHANGE, CHANNEL_PRESSURE) else 3):
        return None
    if kind(message) == NOTE_ON and message[2] == 0:
        return note_off(channel(message), message[1])
    return message
