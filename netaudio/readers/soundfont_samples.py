"""The samples of a SoundFont: their headers put right, their frames read by need (SoundFont 2.04, 6.1, 7.10)."""

import io
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import soundfile
from numpy.typing import NDArray

from netaudio.errors import InstrumentError
from netaudio.readers.soundfont_file import BankFile, Extent, Remarks, clean_name, stamp

Frames = NDArray[np.float32]

LOWEST_RATE, HIGHEST_RATE = 100, 384_000

_ROM, _VORBIS = 0x8000, 0x10
_OGG_TAIL = 1 << 16  # no page is longer
_MOST_FRAMES_A_BYTE = 4096  # of Vorbis: the longest block in one byte


class Side(Enum):
    MONO = 1
    RIGHT = 2
    LEFT = 4
    OTHER = 8


@dataclass(frozen=True, slots=True)
class Sample:
    index: int
    name: str
    rate: int
    """Hz."""
    frames: int
    loop: tuple[int, int]
    """First frame and the one after the last, as the file says: it may lie anywhere."""
    key: int
    """That it sounds at; 60 where the file does not know."""
    correction: int
    """Cents that are added to its pitch."""
    link: int | None
    """Index of the other side of a stereo recording."""
    side: Side
    is_vorbis: bool
    extent: Extent
    """Its bytes, of Vorbis or of 16 bits, counted from the first of the sound."""


_OTHER = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}


def _side(kind: int) -> Side:
    kind &= ~_VORBIS
    return Side(kind) if kind in (2, 4, 8) else Side.MONO


def _stem(name: bytes) -> str:
    """Without what names the side: "Piano C4(L)", "Piano C4 R", "piano_l"."""
    return clean_name(name).rstrip(") ").rstrip("LRlr").rstrip("([-_ ")


@dataclass
class SampleReader:
    """Reads samples by need; keeps no file open."""

    bank: BankFile
    remarks: Remarks
    _samples: dict[int, Sample | None] = field(default_factory=dict)

    def sample(self, index: int) -> Sample | None:
        """The sample of that number in the file's table; None, and a remark, if it cannot be played."""
        if index >= len(self.bank.samples):
            self.remarks.add("zones are left out: their sample is not there")
            return None
        if index not in self._samples:
            self._samples[index] = self._inspected(index)
        return self._samples[index]

    def read(self, sample: Sample) -> Frames:
        """As `SoundFont.read`."""
        return self._vorbis(sample) if sample.is_vorbis else self._pcm(sample)

    def _inspected(self, index: int) -> Sample | None:
        name, start, end, loop_start, loop_end, rate, key, correction, link, kind = self.bank.samples[index].item()
        name = clean_name(name) or f"sample {index}"
        if kind & _ROM:
            self.remarks.add("samples in the ROM of a sound card are left out", name)
            return None
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            self.remarks.add(f"samples are left out: rates not of {LOWEST_RATE} to {HIGHEST_RATE} Hz", name)
            return None
        is_vorbis = bool(kind & _VORBIS)
        width = 1 if is_vorbis else 2
        room = self.bank.sound.size // width
        if end > room:
            self.remarks.add("samples reach beyond the sound that is there: cut off there", name)
        extent = Extent(start * width, max(min(end, room) - start, 0) * width)
        frames = self._vorbis_frames(extent) if is_vorbis else extent.size // 2
        if not frames:
            self.remarks.add("samples without frames are left out", name)
            return None
        base = 0 if is_vorbis else start  # in an SF3 loops are counted from the sample's start
        side = _side(kind)
        return Sample(
            index,
            name,
            rate,
            frames,
            (loop_start - base, loop_end - base),
            key if key < 128 else 60,
            correction,
            self._other(index, side, link),
            side,
            is_vorbis,
            extent,
        )

    def _other(self, index: int, side: Side, link: int) -> int | None:
        """The other side: what the file links, else a neighbour of the same name, as many banks link nothing."""
        if side not in _OTHER:
            return None
        if self._is(link, _OTHER[side]) and self.bank.samples["link"][link] == index:
            return link
        stem = _stem(self.bank.samples["name"][index])
        for near in (index + 1, index - 1):
            if self._is(near, _OTHER[side]) and _stem(self.bank.samples["name"][near]) == stem:
                return near
        return None

    def _is(self, index: int, side: Side) -> bool:
        return 0 <= index < len(self.bank.samples) and _side(int(self.bank.samples["type"][index])) is side

    def _vorbis_frames(self, extent: Extent) -> int:
        """What the last page of a stream says of its length (RFC 3533, 6); 0 if it is no stream."""
        tail = min(extent.size, _OGG_TAIL)
        content = self._bytes(self.bank.sound, Extent(extent.first + extent.size - tail, tail)) if tail else b""
        page = content.rfind(b"OggS")
        if page < 0 or page + 14 > len(content):
            return 0
        position = int.from_bytes(content[page + 6 : page + 14], "little", signed=True)
        return min(max(position, 0), extent.size * _MOST_FRAMES_A_BYTE)

    def _pcm(self, sample: Sample) -> Frames:
        extent, low_bytes = sample.extent, self.bank.low_bytes
        high = np.frombuffer(self._bytes(self.bank.sound, extent), "<i2")
        if low_bytes is None:
            return (high.astype(np.float32) / np.float32(1 << 15))[:, None]
        low = np.frombuffer(self._bytes(low_bytes, Extent(extent.first // 2, extent.size // 2)), np.uint8)
        return ((high.astype(np.int32) << 8 | low).astype(np.float32) / np.float32(1 << 23))[:, None]

    def _vorbis(self, sample: Sample) -> Frames:
        stream = io.BytesIO(self._bytes(self.bank.sound, sample.extent))
        blocks = []
        try:
            with soundfile.SoundFile(stream) as file:
                left = sample.frames
                # In blocks, since a broken stream may promise more frames than there is memory for.
                while left and len(block := file.read(min(left, 1 << 16), dtype="float32", always_2d=True)):
                    blocks.append(block)
                    left -= len(block)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            why = f"sample {sample.name!r} cannot be decoded ({error})"
            raise InstrumentError(f"{self.bank.path.name}: {why}; expected Ogg Vorbis") from None
        frames = np.concatenate(blocks) if blocks else np.zeros((0, 1), np.float32)
        return np.nan_to_num(frames, copy=False, nan=0, posinf=0, neginf=0)

    def _bytes(self, whole: Extent, part: Extent) -> bytes:
        path = self.bank.path
        try:
            if stamp(path) != self.bank.stamp:
                raise InstrumentError(f"{path.name}: it has changed since it was opened; open it anew")
            with path.open("rb") as file:
                file.seek(whole.first + part.first)
                content = file.read(part.size)
        except OSError as error:
            raise InstrumentError(f"{path.name}: it cannot be read ({error.strerror})") from None
        if len(content) < part.size:
            raise InstrumentError(f"{path.name}: it has become shorter since it was opened; open it anew")
        return content
