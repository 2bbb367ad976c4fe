"""Audio packets: RTP (RFC 3550) whose header extension says what the server has heard."""

import struct
from typing import NamedTuple

from netaudio.errors import ProtocolError

EXTENSION = 0x4E41  # "NA": the profile's word of the header extension (RFC 3550, 5.3.1)
FIRST_BYTE = 0x90  # version 2, with an extension, without padding and contributing sources
EXTENSION_WORDS = 2

_HEADER = struct.Struct("!BBHIIHHII")
AUDIO_HEADER = _HEADER.size


class Audio(NamedTuple):
    """An audio packet. All fields but the payload are as on the wire; `before` <= `heard`."""

    type: int
    sequence: int  # low 16 bits
    timestamp: int  # the low 32 bits of its position
    ssrc: int
    before: int
    heard: int
    payload: bytes | memoryview

    @classmethod
    def parse(cls, data: bytes) -> "Audio":
        """Raises ProtocolError."""
        if len(data) < AUDIO_HEADER or data[0] != FIRST_BYTE:
            raise ProtocolError("a datagram that is no RTP packet of a NetAudio stream")
        _, kind, sequence, timestamp, ssrc, profile, words, before, heard = _HEADER.unpack_from(data)
        if (profile, words) != (EXTENSION, EXTENSION_WORDS) or before > heard:
            raise ProtocolError("an RTP packet that does not say what it has heard")
        return cls(kind & 0x7F, sequence, timestamp, ssrc, before, heard, memoryview(data)[AUDIO_HEADER:])
