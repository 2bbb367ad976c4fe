"""Payload formats of audio packets: big-endian interleaved stereo (RFC 3551, 3190)."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from netaudio.errors import ProtocolError
from netaudio.units import Frames
from netaudio.wire.packing import F32_BYTES, FULL_SCALE, L16_BYTES, L24_BYTES, Head, Packets, pack

MAX_PAYLOAD = 1200  # bytes: with all headers under an MTU of 1280


class Payload(ABC):
    """A format: how chunks become the payloads of packets, and frames again."""

    name: ClassVar[str]
    type: ClassVar[int]  # the RTP payload type, of the dynamic range
    width: ClassVar[int]  # bytes per sample

    def packet_frames(self, chunk: int) -> int:
        """Frames in each packet of a chunk but the last: as even as may be, at most MAX_PAYLOAD bytes."""
        packets = -(-chunk * 2 * self.width // MAX_PAYLOAD)
        return -(-chunk // packets)

    def packets(self, sound: Frames, heads: Sequence[Head]) -> Packets:
        """Of each chunk of sound (chunks, frames, 2), by the header of its first packet."""
        return pack(sound, heads, self.type, self.width, self.packet_frames(sound.shape[1]))

    def decode(self, data: bytes | memoryview) -> Frames:
        """(frames, 2) within FULL_SCALE; raises ProtocolError for what is not whole frames, or not within."""
        if not len(data) or len(data) % (2 * self.width):
            raise ProtocolError(f"an audio payload of {len(data)} bytes is not whole {self.name} frames")
        return self._floats(data).reshape(-1, 2)

    @abstractmethod
    def _floats(self, data: bytes | memoryview) -> Frames:
        """Flat, of whole frames; raises ProtocolError."""


class L24(Payload):
    name, type, width = "L24", 96, L24_BYTES

    def _floats(self, data: bytes | memoryview) -> Frames:
        # Each item takes the byte before its own three along, which the shift drops: half the time of copying
        # 3 out of 4, and so few items that numpy keeps the interpreter, which the audio callback may be awaiting.
        wide = np.ndarray((len(data) // 3,), ">i4", b"\0" + data, strides=(3,)).astype(np.int32)
        wide <<= 8
        return wide.astype(np.float32) * np.float32(FULL_SCALE / (1 << 31))


class L16(Payload):
    name, type, width = "L16", 97, L16_BYTES

    def _floats(self, data: bytes | memoryview) -> Frames:
        return np.frombuffer(data, ">i2").astype(np.float32) * np.float32(FULL_SCALE / (1 << 15))


class F32(Payload):
    name, type, width = "F32", 98, F32_BYTES

    def _floats(self, data: bytes | memoryview) -> Frames:
        out = np.frombuffer(data, ">f4").astype(np.float32)
        if not np.abs(out).max() <= FULL_SCALE:  # nor if one is not a number
            raise ProtocolError(f"an audio payload with values beyond {FULL_SCALE:g}, or not finite")
        return out


PAYLOADS: dict[str, Payload] = {payload.name: payload for payload in (L24(), L16(), F32())}
