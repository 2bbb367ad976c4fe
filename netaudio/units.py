"""Frames, seconds and 32-bit positions, and the texts in which people write them."""

import re
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]
"""Stereo sound, (count, 2)."""

_SPAN = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(?P<unit>ms|s|)", re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """A length of time as people write it: frames (1920), a time (40ms, 0.5s) or auto (neither is set).

    Its text reads back as an equal Span.
    """

    frame_count: int | None = None
    seconds: Decimal | None = None

    @classmethod
    def parse(cls, text: str) -> "Span":
        """The span that a text names; raises ValueError."""
        text = text.strip()
        if text.lower() == "auto":
            return cls()
        match = _SPAN.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no length of time: give frames (1920) or a time (40ms, 0.5s)")
        number, unit = Decimal(match["number"]), match["unit"].lower()
        if unit:
            return cls(seconds=number / 1000 if unit == "ms" else number)
        if number % 1:
            raise ValueError(f"{text!r} is no whole number of frames: for a time write {text}ms")
        return cls(frame_count=int(number))

    @property
    def auto(self) -> bool:
        return self.frame_count is None and self.seconds is None

    def frames(self, rate: int) -> int:
        """Its length at a sample rate in Hz, to the nearest frame. Not for auto: others resolve that."""
        if self.frame_count is not None:
            return self.frame_count
        assert self.seconds is not None, "auto has no length of its own"
        return round(self.seconds * rate)

    def __str__(self) -> str:
        if self.frame_count is not None:
            return str(self.frame_count)
        if self.seconds is None:
            return "auto"
        if self.seconds < 1:
            return f"{_plain(self.seconds * 1000)}ms"
        return f"{_plain(self.seconds)}s"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def to_frames(seconds: float, rate: int) -> int:
    """The whole number of frames nearest to a time."""
    return round(seconds * rate)


def to_ms(frames: float, rate: int) -> float:
    return 1000 * frames / rate


def wrap32(position: int) -> int:
    """The low 32 bits of a position: what an RTP timestamp carries (RFC 3550, 5.1)."""
    return position & 0xFFFF_FFFF


def unwrap32(low: int, near: int) -> int:
    """The position with these low 32 bits that is nearest to `near`."""
    return near + ((low - near + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


def unwrap16(low: int, near: int) -> int:
    """The same for 16 bits: an RTP sequence number."""
    return near + ((low - near + 0x8000) & 0xFFFF) - 0x8000
