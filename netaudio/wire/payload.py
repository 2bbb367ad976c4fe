"""Payload formats of audio packets: big-endian interleaved stereo (RFC 3551, 3190)."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from netaudio.errors import ProtocolError
from netaudio.units import Frames
from netaudio.wire.rtp import AUDIO_HEADER

MAX_PAYLOAD = 1200  # bytes: with all headers under an MTU of 1280
FULL_SCALE = 8.0  # integers carry the mix by 1/8, so that 32 voices of -12 dBFS never clip

Samples = NDArray[np.float32] | NDArray[np.int16] | NDArray[np.int32]


class Payload(ABC):
    """A format: how chunks become the payloads of packets, and frames again."""

    name: ClassVar[str]
    type: ClassVar[int]  # the RTP payload type, of the dynamic range
    width: ClassVar[int]  # bytes per sample

    def packet_frames(self, chunk: int) -> int:
        """Frames in each packet of a chunk but the last: as even as may be, at most MAX_PAYLOAD bytes."""
        packets = -(-chunk * 2 * self.width // MAX_PAYLOAD)
        return -(-chunk // packets)

    def datagrams(self, chunks: Frames) -> list[list[memoryview]]:
        """Each session's datagrams, of all their mixes (chunks, frames, 2). Their headers are yet to be written.

        All at once into one buffer: for five a fourth of the time of one by one."""
        count, width = chunks.shape[1], self.width
        fade = self.packet_frames(count)
        firsts = range(0, count, fade)
        step = AUDIO_HEADER + 2 * width * fade  # bytes from one datagram to the next
        whole = step * len(firsts)
        samples = self._samples(chunks).reshape(len(chunks), 2 * count)
        # L24 stores 4 bytes for each 3; the next sample, or header, overwrites the last: half the time of copying 3.
        buffer = np.empty(len(chunks) * whole + 1, np.uint8)
        for k, first in enumerate(firsts):
            some, at = samples[:, 2 * first : 2 * (first + fade)], k * step + AUDIO_HEADER
            np.ndarray(some.shape, samples.dtype.newbyteorder(">"), buffer, at, (whole, width))[:] = some
        view = buffer.data
        places = [
            (k * step, k * step + AUDIO_HEADER + 2 * width * min(fade, count - n)) for k, n in enumerate(firsts)
        ]
        return [[view[at + first : at + end] for first, end in places] for at in range(0, len(chunks) * whole, whole)]

    def decode(self, data: bytes | memoryview) -> Frames:
        """(frames, 2) within FULL_SCALE; raises ProtocolError for what is not whole frames, or not within."""
        if not len(data) or len(data) % (2 * self.width):
            raise ProtocolError(f"an audio payload of {len(data)} bytes is not whole {self.name} frames")
        return self._floats(data).reshape(-1, 2)

    @abstractmethod
    def _samples(self, frames: Frames) -> Samples:
        """Of the same shape, each as it is to be stored with its bytes swapped."""

    @abstractmethod
    def _floats(self, data: bytes | memoryview) -> Frames:
        """Flat, of whole frames; raises ProtocolError."""


class L24(Payload):
    name, type, width = "L24", 96, 3

    def _samples(self, frames: Frames) -> NDArray[np.int32]:
        """In the upper three bytes."""
        wide = _scaled(frames, 1 << 23).astype(np.int32)
        wide <<= 8
        return wide

    def _floats(self, data: bytes | memoryview) -> Frames:
        # Each item takes the byte before its own three along, which the shift drops: half the time of copying
        # 3 out of 4, and so few items that numpy keeps the interpreter, which the audio callback may be awaiting.
        wide = np.ndarray((len(data) // 3,), ">i4", b"\0" + data, strides=(3,)).astype(np.int32)
        wide <<= 8
        return wide.astype(np.float32) * np.float32(FULL_SCALE / (1 << 31))


class L16(Payload):
    name, type, width = "L16", 97, 2

    def _samples(self, frames: Frames) -> NDArray[np.int16]:
        return _scaled(frames, 1 << 15).astype(np.int16)

    def _floats(self, data: bytes | memoryview) -> Frames:
        return np.frombuffer(data, ">i2").astype(np.float32) * np.float32(FULL_SCALE / (1 << 15))


class F32(Payload):
    name, type, width = "F32", 98, 4

    def _samples(self, frames: Frames) -> NDArray[np.float32]:
        return _within(frames, -FULL_SCALE, FULL_SCALE)

    def _floats(self, data: bytes | memoryview) -> Frames:
        out = np.frombuffer(data, ">f4").astype(np.float32)
        if not np.abs(out).max() <= FULL_SCALE:  # nor if one is not a number
            raise ProtocolError(f"an audio payload with values beyond {FULL_SCALE:g}, or not finite")
        return out


PAYLOADS: dict[str, Payload] = {payload.name: payload for payload in (L24(), L16(), F32())}


def _scaled(frames: Frames, top: int) -> Frames:
    """Whole numbers from -top to top - 1."""
    scaled = frames * np.float32(top / FULL_SCALE)
    np.rint(scaled, out=scaled)
    return _within(scaled, -top, top - 1, out=scaled)


def _within(frames: Frames, low: float, high: float, out: Frames | None = None) -> Frames:
    """A third of the time of numpy's clip."""
    limited: Frames = np.maximum(frames, np.float32(low), out=out)
    return np.minimum(limited, np.float32(high), out=limited)
