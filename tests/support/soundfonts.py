"""Small SoundFonts, written as the format has them (SoundFont 2.04, 4 to 7); SF3s with Ogg Vorbis inside."""

import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import soundfile
from numpy.typing import NDArray

from netaudio.readers.soundfont_generators import Generator

Amount = int | tuple[int, int]

MONO, RIGHT, LEFT, ROM, VORBIS = 1, 2, 4, 0x8001, 0x10
_GAP = 46  # frames of silence after each sample


@dataclass(frozen=True)
class WrittenSample:
    frames: NDArray[np.int32]
    """Of 16 bits, or of 24 in a bank of 24."""
    name: str = "sample"
    rate: int = 44100
    loop: tuple[int, int] = (0, 0)
    key: int = 60
    correction: int = 0
    link: int = 0
    kind: int = MONO


@dataclass(frozen=True)
class WrittenZone:
    target: int | None = None
    """Sample or instrument; None makes it a global zone."""
    generators: Mapping[int, Amount] = field(default_factory=dict)
    modulators: Sequence[tuple[int, int, int, int, int]] = ()
    """Source, destination, amount, source of the amount, transform."""


@dataclass(frozen=True)
class WrittenPreset:
    zones: Sequence[WrittenZone]
    bank: int = 0
    program: int = 0
    name: bytes = b"preset"


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def soundfont(
    presets: Sequence[WrittenPreset],
    instruments: Sequence[Sequence[WrittenZone]],
    samples: Sequence[WrittenSample],
    *,
    bits: int = 16,
    vorbis: bool = False,
    version: int = 2,
) -> bytes:
    """The bytes of a bank."""
    sound, headers = _vorbis(samples) if vorbis else _pcm(samples, bits)
    starts, preset_tables = _level(b"p", [preset.zones for preset in presets], Generator.INSTRUMENT)
    ends = [*presets, WrittenPreset((), name=b"EOP")]
    phdr = b"".join(
        struct.pack("<20sHHHIII", preset.name, preset.program, preset.bank, start, 0, 0, 0)
        for preset, start in zip(ends, starts, strict=True)
    )
    starts, instrument_tables = _level(b"i", instruments, Generator.SAMPLE)
    inst = b"".join(struct.pack("<20sH", b"instrument", start) for start in starts)
    info = chunk(b"ifil", struct.pack("<HH", version, 4)) + chunk(b"INAM", b"test bank\0")
    tables = chunk(b"phdr", phdr) + preset_tables + chunk(b"inst", inst) + instrument_tables
    tables += chunk(b"shdr", headers + struct.pack("<20sIIIIIBbHH", b"EOS", *[0] * 9))
    lists = (chunk(b"LIST", b"INFO" + info), chunk(b"LIST", b"sdta" + sound), chunk(b"LIST", b"pdta" + tables))
    return chunk(b"RIFF", b"sfbk" + b"".join(lists))


def one_zone(zone: WrittenZone, *samples: WrittenSample, bits: int = 16) -> bytes:
    """A bank with one preset of one instrument with one zone."""
    return soundfont([WrittenPreset([WrittenZone(0)])], [[zone]], samples, bits=bits)


def tone(count: int, period: int = 100) -> NDArray[np.int32]:
    """A sine of 16 bits."""
    return np.round(20000 * np.sin(2 * np.pi * np.arange(count) / period)).astype(np.int32)


def _level(prefix: bytes, lists: Iterable[Sequence[WrittenZone]], target: Generator) -> tuple[list[int], bytes]:
    """At which bag each list of zones begins, and one more; the chunks of the zones."""
    starts, bags, generators, modulators = [0], b"", b"", b""
    for zones in lists:
        for zone in zones:
            bags += struct.pack("<HH", len(generators) // 4, len(modulators) // 10)
            for operator, amount in zone.generators.items():
                generators += struct.pack("<H", operator) + _amount(amount)
            if zone.target is not None:
                generators += struct.pack("<HH", target, zone.target)
            modulators += b"".join(struct.pack("<HHhHH", *modulator) for modulator in zone.modulators)
        starts.append(len(bags) // 4)
    bags += struct.pack("<HH", len(generators) // 4, len(modulators) // 10)
    ends = chunk(prefix + b"mod", modulators + bytes(10)) + chunk(prefix + b"gen", generators + bytes(4))
    return starts, chunk(prefix + b"bag", bags) + ends


def _amount(amount: Amount) -> bytes:
    return bytes(amount) if isinstance(amount, tuple) else struct.pack("<h", amount)


def _header(sample: WrittenSample, start: int, end: int, base: int, kind: int) -> bytes:
    loop = [base + bound for bound in sample.loop]
    rest = (sample.rate, sample.key, sample.correction, sample.link, kind)
    return struct.pack("<20sIIIIIBbHH", sample.name.encode(), start, end, *loop, *rest)


def _pcm(samples: Sequence[WrittenSample], bits: int) -> tuple[bytes, bytes]:
    """The chunks of the sound, and the headers without the last."""
    parts, headers, start = [np.zeros(0, np.int32)], b"", 0
    for sample in samples:
        headers += _header(sample, start, start + len(sample.frames), start, sample.kind)
        parts += [sample.frames, np.zeros(_GAP, np.int32)]
        start += len(sample.frames) + _GAP
    frames = np.concatenate(parts)
    if bits == 16:
        return chunk(b"smpl", frames.astype("<i2").tobytes()), headers
    high, low = (frames >> 8).astype("<i2").tobytes(), (frames & 255).astype("u1").tobytes()
    return chunk(b"smpl", high) + chunk(b"sm24", low), headers


def _vorbis(samples: Sequence[WrittenSample]) -> tuple[bytes, bytes]:
    sound, headers = b"", b""
    for sample in samples:
        stream = io.BytesIO()
        soundfile.write(stream, sample.frames / 32768, sample.rate, format="OGG", subtype="VORBIS")
        start, sound = len(sound), sound + stream.getvalue()
        headers += _header(sample, start, len(sound), 0, sample.kind | VORBIS)
    return chunk(b"smpl", sound), headers
