"""MIDI messages: their bytes by MIDI 1.0, and which are played."""

import pytest

from netaudio import midi
from netaudio.midi import playable


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (midi.note_on(3, 60, 100), b"\x93\x3c\x64"),
        (midi.note_off(3, 60), b"\x83\x3c\x40"),
        (midi.note_off(3, 60, 0), b"\x83\x3c\x00"),
        (midi.control_change(15, midi.SUSTAIN, 127), b"\xbf\x40\x7f"),
        (midi.control_change(0, midi.ALL_SOUND_OFF, 0), b"\xb0\x78\x00"),
        (midi.control_change(0, midi.ALL_NOTES_OFF, 0), b"\xb0\x7b\x00"),
        (midi.program_change(1, 5), b"\xc1\x05"),
        (midi.pitch_bend(0, midi.BEND_CENTRE), b"\xe0\x00\x40"),
        (midi.pitch_bend(2, 1), b"\xe2\x01\x00"),
        (midi.on_channel(9, midi.note_on(3, 60, 100)), b"\x99\x3c\x64"),
    ],
)
def test_messages_by_name_are_these_bytes(message: bytes, data: bytes) -> None:
    assert message == data


@pytest.mark.parametrize("value", [0, 1, midi.BEND_CENTRE, 16383])
def test_a_bend_reads_back(value: int) -> None:
    assert midi.bend_value(midi.pitch_bend(5, value)) == value


@pytest.mark.parametrize(
    ("message", "passed"),
    [
        (b"", None),
        (b"\xf8", None),
        (b"\xfe", None),
        (b"\xf0\x01\xf7", None),
        (b"\x93\x3c\x00", b"\x83\x3c\x40"),
        (b"\x93\x3c\x01", b"\x93\x3c\x01"),
        (b"\x83\x3c\x00", b"\x83\x3c\x00"),
        (b"\xc0\x00", b"\xc0\x00"),
        (b"\xb0\x40\x00", b"\xb0\x40\x00"),
        (b"\x90\x3c", None),
        (b"\xc0", None),
        (b"\xd0\x40\x00", None),
        (b"\x90\x3c\x80", None),
    ],
)
def test_messages_that_are_played(message: bytes, passed: bytes | None) -> None:
    assert playable(message) == passed
