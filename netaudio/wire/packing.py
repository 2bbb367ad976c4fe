"""Audio packets as they are sent: headers and sound of many sessions in one call, compiled."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from netaudio.jit import inlined, machine_code
from netaudio.units import Frames
from netaudio.wire.rtp import AUDIO_HEADER, EXTENSION, EXTENSION_WORDS, FIRST_BYTE

Head = tuple[int, int, int, int, int]
"""Of the first packet of a chunk: sequence number, position, ssrc, and what was heard before and by then."""
SEQUENCE, POSITION, SSRC, BEFORE, HEARD = range(5)
FULL_SCALE = 8.0
"""Integers carry the mix by 1/8, so that 32 voices of -12 dBFS never clip."""
L24_BYTES, L16_BYTES, F32_BYTES = 3, 2, 4  # of a sample


@inlined
def _put(out: Any, at: int, value: Any, width: int) -> None:
    """The low bytes of a number, big-endian."""
    for byte in range(width):
        out[at + byte] = np.uint8(value >> 8 * (width - 1 - byte) & 0xFF)


@inlined
def _put_header(out: Any, at: int, kind: int, head: Any, packet: int, frames: int) -> None:
    """Of a chunk's packet of this number; each is `frames` after the last. The fade to what was heard is the first
    one's alone."""
    out[at], out[at + 1] = FIRST_BYTE, kind
    _put(out, at + 2, head[SEQUENCE] + packet, 2)
    _put(out, at + 4, head[POSITION] + packet * frames, 4)
    _put(out, at + 8, head[SSRC], 4)
    _put(out, at + 12, EXTENSION, 2)
    _put(out, at + 14, EXTENSION_WORDS, 2)
    _put(out, at + 16, head[HEARD] if packet else head[BEFORE], 4)
    _put(out, at + 20, head[HEARD], 4)


@inlined
def _put_sound(out: Any, at: int, sound: Any, width: int) -> None:
    """Samples in the format that has this width: rounded to even and clipped."""
    top = np.float32(1 << 8 * width - 1)
    whole = np.float32(FULL_SCALE)
    for n in range(len(sound)):
        if width == F32_BYTES:
            value = np.float32(max(-whole, min(whole, sound[n]))).view(np.int32)
        else:
            value = np.int32(max(-top, min(top - np.float32(1), np.rint(sound[n] * (top / whole)))))
        _put(out, at + width * n, value, width)


def _pack(sound: Any, heads: Any, kind: int, width: int, fade: int, out: Any) -> None:
    chunks, samples = sound.shape
    at = 0
    for chunk in range(chunks):
        for packet, first in enumerate(range(0, samples, 2 * fade)):
            part = sound[chunk, first : min(first + 2 * fade, samples)]
            _put_header(out, at, kind, heads[chunk], packet, fade)
            if width == L24_BYTES:  # one loop for each, of a width that is known when it is compiled
                _put_sound(out, at + AUDIO_HEADER, part, L24_BYTES)
            elif width == L16_BYTES:
                _put_sound(out, at + AUDIO_HEADER, part, L16_BYTES)
            else:
                _put_sound(out, at + AUDIO_HEADER, part, F32_BYTES)
            at += AUDIO_HEADER + len(part) * width


_SIGNATURE = types.void(
    types.float32[:, ::1], types.int64[:, ::1], types.int64, types.int64, types.int64, types.uint8[::1]
)
_made: dict[str, Any] = {}


def packer(keep: bool = False) -> Any:
    """The function that `pack` calls, compiled, or found if it may be kept (machine_code)."""
    if not _made:
        _made["pack"] = machine_code(_pack, _SIGNATURE, keep, nogil=True, boundscheck=False, error_model="numpy")
    return _made["pack"]


class Packets(NamedTuple):
    """Of chunks, one after another: of each as many as there are `sizes`, of so many bytes."""

    data: NDArray[np.uint8]
    sizes: NDArray[np.int64]

    def of(self, chunk: int) -> list[memoryview]:
        """The datagrams of the chunk of this number."""
        ends = np.cumsum(self.sizes) + chunk * self.sizes.sum()
        return [
            self.data.data[end - size : end] for size, end in zip(self.sizes.tolist(), ends.tolist(), strict=True)
        ]


def pack(sound: Frames, heads: Sequence[Head], kind: int, width: int, fade: int) -> Packets:
    """Chunks of sound (chunks, frames, 2): a packet for each `fade` frames, and for what is left. `kind` is the
    payload's type, `width` its bytes a sample. Lets go of the interpreter's lock."""
    chunks, count, _ = sound.shape
    sizes = [AUDIO_HEADER + 2 * width * min(fade, count - first) for first in range(0, count, fade)]
    data = np.empty(chunks * sum(sizes), np.uint8)
    fields = np.fromiter(chain.from_iterable(heads), np.int64).reshape(chunks, -1)  # a third of np.array's time
    packer()(sound.reshape(chunks, 2 * count), fields, kind, width, fade, data)
    return Packets(data, np.array(sizes, np.int64))
