"""MIDI messages: which are played."""

import pytest

from netaudio.midi import playable


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
