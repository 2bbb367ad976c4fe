"""Parity over a sliding window of audio packets: what was lost comes back bit for bit.

Each parity packet is the sum over GF(256) of the last `window` audio packets, each times a coefficient of its own,
as in RFC 8681. Whichever packets are missing, as many parity packets over them bring them back. At 2 % loss a copy
of each packet leaves 1 in 2,500 missing and two copies, three times the bandwidth, 1 in 125,000; four parity
packets to each ten leave fewer than that, and hold against bursts because each looks back over the whole window.
"""

import struct
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from netaudio.errors import ProtocolError
from netaudio.units import unwrap16
from netaudio.wire.rtp import AUDIO_HEADER, Audio

MAX_WINDOW = 32  # packets
MAX_RATE = 2.0  # parity packets to an audio packet
PAYLOAD_TYPE = 99
KEPT = 128  # packets; no more, or two of them would share their coefficients
NEVER = -(1 << 62)  # no sequence number

_HEADER = struct.Struct("!BBHIIHH")  # RTP (RFC 3550, 5.1), then the last audio packet's sequence number, the window
_FIRST = 0x80  # version 2, without padding, extension and contributing sources
_UNIT = struct.Struct("!HIII")  # what is to be recovered before the payload: length, timestamp, what it has heard


class Parity(NamedTuple):
    """A parity packet; its window is 1 to MAX_WINDOW."""

    ssrc: int
    sequence: int  # its own
    last: int  # the low 16 bits of the sequence number of the last audio packet that it is over
    window: int  # audio packets
    total: bytes  # the sum over them

    @classmethod
    def parse(cls, data: bytes) -> "Parity":
        """Raises ProtocolError."""
        if len(data) < _HEADER.size + _UNIT.size or data[:2] != bytes((_FIRST, PAYLOAD_TYPE)):
            raise ProtocolError("a datagram that is no parity packet")
        _, _, sequence, _, ssrc, last, window = _HEADER.unpack_from(data)
        if not 1 <= window <= MAX_WINDOW:
            raise ProtocolError(f"a parity packet over {window} audio packets")
        return cls(ssrc, sequence, last, window, data[_HEADER.size :])


def _products() -> list[bytes]:
    """The products in GF(256) by x^8 + x^4 + x^3 + x^2 + 1: of a factor, a table for bytes.translate."""
    powers, value = [], 1
    for _ in range(255):
        powers.append(value)
        value = value << 1 ^ (0x11D if value & 0x80 else 0)
    logarithm = {value: k for k, value in enumerate(powers)}
    return [bytes(256)] + [
        bytes([0] + [powers[(logarithm[a] + logarithm[b]) % 255] for b in range(1, 256)]) for a in range(1, 256)
    ]


_TIMES = _products()
_INVERSE = [row.find(1) for row in _TIMES]


def parity_ssrc(ssrc: int) -> int:
    """The source that a session's parity packets come from."""
    return ssrc ^ 2


def _coefficient(parity: int, audio: int) -> int:
    """Of a Cauchy matrix, by sequence numbers: none of its square parts is singular."""
    return _INVERSE[(0x80 | parity & 0x7F) ^ (audio & 0x7F)]


def _unit(audio: Audio) -> bytes:
    """What is to be recovered of an audio packet; the rest is the session's."""
    length = AUDIO_HEADER + len(audio.payload)
    return _UNIT.pack(length, audio.timestamp, audio.before, audio.heard) + audio.payload


def _unit_of(datagram: bytes) -> bytes:
    """The same, of the packet as it is sent."""
    return len(datagram).to_bytes(2, "big") + datagram[4:8] + datagram[16:]


def _sum(parts: Sequence[bytes]) -> bytes:
    """The sum in GF(256); the shorter ones are padded."""
    total = 0
    for part in parts:
        total ^= int.from_bytes(part, "little")
    return total.to_bytes(max(map(len, parts)), "little")


class ParityEncoder:
    """The sender's side. A rate of 0, as at first, sends nothing."""

    def __init__(self, ssrc: int) -> None:
        """`ssrc` is the audio's."""
        self.ssrc = parity_ssrc(ssrc)
        self.rate = 0.0
        self._window = 1
        self._owed = 0.0
        self._sequence = 0
        self._kept: deque[bytes] = deque(maxlen=MAX_WINDOW)

    def ask(self, rate: float, window: int) -> None:
        """Send `rate` packets to an audio packet, each over the last `window` ones; both are bounded."""
        self.rate, self._window = min(max(rate, 0.0), MAX_RATE), min(max(window, 1), MAX_WINDOW)
        if not self.rate:
            self._kept.clear()
            self._owed = 0.0

    def follow(self, datagram: bytes) -> list[bytes]:
        """The parity packets to send after an audio packet. While the rate is not 0, all must come by."""
        self._kept.append(datagram)
        self._owed += self.rate
        out = []
        while self._owed >= 1.0:
            self._owed -= 1.0
            out.append(self._parity())
        return out

    def _parity(self) -> bytes:
        kept = list(self._kept)[-self._window :]
        last = int.from_bytes(kept[-1][2:4], "big")
        total = _sum(
            [
                _unit_of(datagram).translate(_TIMES[_coefficient(self._sequence, last - back)])
                for back, datagram in enumerate(reversed(kept))
            ]
        )
        timestamp = int.from_bytes(kept[-1][4:8], "big")
        head = _HEADER.pack(_FIRST, PAYLOAD_TYPE, self._sequence, timestamp, self.ssrc, last, len(kept))
        self._sequence = self._sequence + 1 & 0xFFFF
        return head + total


class ParityDecoder:
    """The receiver's side: audio and parity packets in, lost audio packets out.

    Each parity packet over missing packets is an equation, kept in reduced echelon form: no equation holds the
    first unknown (the pivot) of another, and a pivot is the oldest of its unknowns.
    """

    def __init__(self, ssrc: int, payload_type: int) -> None:
        """`ssrc` and `payload_type` are the audio's."""
        self._ssrc, self._type = ssrc, payload_type
        self._known: list[tuple[int, Audio | None]] = [(NEVER, None)] * KEPT
        self._equations: dict[int, tuple[dict[int, int], bytes]] = {}
        self._highest: int | None = None

    def receive_audio(self, sequence: int, audio: Audio) -> list[Audio]:
        """Keep a packet, of an extended sequence number; the ones that it completes."""
        if not self._advance(sequence) or self._kept(sequence):
            return []
        self._known[sequence % KEPT] = sequence, audio
        if not any(sequence in unknowns for unknowns, _ in self._equations.values()):
            return []
        return self._solve({sequence: 1}, _unit(audio))

    def receive_parity(self, parity: Parity) -> list[Audio]:
        """The audio packets that a parity packet brings back; raises ProtocolError if it is not this stream's."""
        if parity.ssrc != parity_ssrc(self._ssrc):
            raise ProtocolError("a parity packet of another session")
        if self._highest is None:
            return []
        last = unwrap16(parity.last, self._highest)
        if not self._advance(last):
            return []
        unknowns, parts = dict[int, int](), [parity.total]
        for sequence in range(last - parity.window + 1, last + 1):
            factor = _coefficient(parity.sequence, sequence)
            if audio := self._kept(sequence):
                parts.append(_unit(audio).translate(_TIMES[factor]))
            else:
                unknowns[sequence] = factor
        return self._solve(unknowns, _sum(parts)) if unknowns else []

    def _kept(self, sequence: int) -> Audio | None:
        at, audio = self._known[sequence % KEPT]
        return audio if at == sequence else None

    def _advance(self, sequence: int) -> bool:
        """Forget what is too old to be of use; False if that is the packet itself."""
        if self._highest is None or sequence > self._highest:
            self._highest = sequence
            for old in [pivot for pivot in self._equations if pivot <= sequence - KEPT + MAX_WINDOW]:
                del self._equations[old]
        return sequence > self._highest - KEPT + MAX_WINDOW

    def _solve(self, unknowns: dict[int, int], total: bytes) -> list[Audio]:
        """Add an equation; the packets that are known by it and were not before."""
        for pivot, (others, value) in self._equations.items():
            if pivot in unknowns:
                unknowns, total = _reduced(unknowns, total, pivot, others, value)
        if not unknowns:
            return []
        pivot = min(unknowns)
        scale = _TIMES[_INVERSE[unknowns[pivot]]]
        unknowns, total = {s: scale[f] for s, f in unknowns.items()}, total.translate(scale)
        for old, (others, value) in list(self._equations.items()):
            if pivot in others:
                self._equations[old] = _reduced(others, value, pivot, unknowns, total)
        self._equations[pivot] = unknowns, total
        solved = [(p, value) for p, (others, value) in self._equations.items() if len(others) == 1]
        out = []
        for sequence, value in sorted(solved, key=lambda item: item[0]):
            del self._equations[sequence]
            if not self._kept(sequence) and (audio := self._audio(sequence, value)):
                self._known[sequence % KEPT] = sequence, audio
                out.append(audio)
        return out

    def _audio(self, sequence: int, unit: bytes) -> Audio | None:
        """The audio packet as it was sent; None if the unit makes no sense."""
        length, timestamp, before, heard = _UNIT.unpack_from(unit)
        end = _UNIT.size + length - AUDIO_HEADER
        if length <= AUDIO_HEADER or end > len(unit) or before > heard:
            return None
        payload = unit[_UNIT.size : end]
        return Audio(self._type, sequence & 0xFFFF, timestamp, self._ssrc, before, heard, payload)


def _reduced(
    unknowns: dict[int, int], total: bytes, pivot: int, others: dict[int, int], value: bytes
) -> tuple[dict[int, int], bytes]:
    """An equation less a multiple of another, so that the other's pivot is gone."""
    factor = _TIMES[unknowns[pivot]]
    out = dict(unknowns)
    for sequence, coefficient in others.items():
        if not (left := out.get(sequence, 0) ^ factor[coefficient]):
            del out[sequence]
        else:
            out[sequence] = left
    return out, _sum((total, value.translate(factor)))
