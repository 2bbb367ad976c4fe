"""The UDP wire: audio as RTP, reports and their replies as RTCP (RFC 3550), on one port (RFC 5761)."""

import hashlib
import hmac
import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netaudio.errors import ProtocolError
from netaudio.sampler.mixer import Frames
from netaudio.sampler.voices import Event
from netaudio.units import wrap32

MAX_PAYLOAD = 1200  # bytes: with all headers under an MTU of 1280
FULL_SCALE = 8.0  # integers carry the mix by 1/8, so that 32 voices of -12 dBFS never clip
MAC_BYTES = 16
MAX_EVENTS = 40  # in one report, which so stays under 1,200 bytes
EXTENSION = 0x4E41  # "NA": the profile's word of the header extension (RFC 3550, 5.3.1)
UNKNOWN_SLACK = -(1 << 31)

_RTP = struct.Struct("!BBHIIHHII")
AUDIO_HEADER = _RTP.size
_RTCP = struct.Struct("!BBH")
# A receiver report with one block (RFC 3550, 6.4.2): sender, source, losses, ...; and an APP block (6.7).
_REPORT = struct.Struct("!BBHIIIIIIIBBHI4sIQIiIIIHHHH")
_BLOCK_WORDS = 7  # as their headers count them (6.4.1)
_STATUS_WORDS = (_REPORT.size - 4 * (_BLOCK_WORDS + 1)) // 4 - 1
_EVENT = struct.Struct("!IQQB3s")
_SENDER = struct.Struct("!IQIII")
_ECHO = struct.Struct("!I4sIII")
_RR, _SR, _APP = 201, 200, 204
_NAME = b"NAUD"


class Payload(NamedTuple):
    """A payload format: big-endian interleaved stereo."""

    name: str
    type: int  # the RTP payload type, of the dynamic range
    width: int  # bytes per sample

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

    def _samples(self, frames: Frames) -> NDArray[np.float32] | NDArray[np.int16] | NDArray[np.int32]:
        if self.name == "F32":
            return frames
        top = 1 << (8 * self.width - 1)
        scaled = frames * np.float32(top / FULL_SCALE)
        np.rint(scaled, out=scaled)
        np.minimum(np.maximum(scaled, -top, out=scaled), top - 1, out=scaled)  # a third of the time of numpy's clip
        if self.name == "L16":
            return scaled.astype(np.int16)
        wide = scaled.astype(np.int32)
        wide <<= 8
        return wide

    def decode(self, data: bytes | memoryview) -> Frames:
        """(frames, 2); raises ProtocolError if it is not whole frames or not finite."""
        if not len(data) or len(data) % (2 * self.width):
            raise ProtocolError(f"an audio payload of {len(data)} bytes is not whole {self.name} frames")
        if self.name == "F32":
            out = np.frombuffer(data, ">f4").astype(np.float32)
            if not np.isfinite(out).all():
                raise ProtocolError("an audio payload with values that are not finite")
        elif self.name == "L16":
            out = np.frombuffer(data, ">i2").astype(np.float32) * np.float32(FULL_SCALE / (1 << 15))
        else:
            # Each item takes the byte before its own three along, which the shift drops: half the time of copying
            # 3 out of 4, and so few items that numpy keeps the interpreter, which the audio callback may be awaiting.
            wide = np.ndarray((len(data) // 3,), ">i4", b"\0" + data, strides=(3,)).astype(np.int32)
            wide <<= 8
            out = wide.astype(np.float32) * np.float32(FULL_SCALE / (1 << 31))
        return out.reshape(-1, 2)


PAYLOADS = {p.name: p for p in (Payload("L24", 96, 3), Payload("L16", 97, 2), Payload("F32", 98, 4))}


class Audio(NamedTuple):
    """An audio packet's fields; `timestamp` is the low 32 bits of its position."""

    type: int
    sequence: int
    timestamp: int
    ssrc: int
    before: int
    heard: int
    payload: bytes | memoryview


def write_header(
    datagram: memoryview | bytearray, kind: int, sequence: int, position: int, ssrc: int, before: int, heard: int
) -> None:
    """The header of an audio packet, before a payload that is there already; `kind` is the payload's type."""
    low = 0xFFFF_FFFF
    _RTP.pack_into(
        datagram, 0, 0x90, kind, sequence & 0xFFFF, position & low, ssrc, EXTENSION, 2, before & low, heard & low
    )


def is_audio(data: bytes) -> bool:
    """Whether a datagram is RTP that says what it has heard; RTCP differs in the second byte (RFC 5761, 4)."""
    return len(data) > 1 and data[0] == 0x90 and not 192 <= data[1] <= 223


def parse_audio(data: bytes) -> Audio:
    if len(data) < _RTP.size or data[0] != 0x90:
        raise ProtocolError("a datagram that is no RTP packet of a NetAudio stream")
    _, kind, sequence, timestamp, ssrc, profile, words, before, heard = _RTP.unpack_from(data)
    if (profile, words) != (EXTENSION, 2) or before > heard:
        raise ProtocolError("an RTP packet that does not say what it has heard")
    return Audio(kind & 0x7F, sequence, timestamp, ssrc, before, heard, memoryview(data)[_RTP.size :])


class Report(NamedTuple):
    """What a client says of itself and of the stream: a receiver report and an APP block (RFC 3550, 6.4.2, 6.7).

    `counter` counts up with each of a session's reports: a replayed one is recognised by it.
    """

    ssrc: int
    counter: int
    position: int  # where the callback's last block began, `age` microseconds ago
    age: int
    slack: int  # frames, p1 of the last second; UNKNOWN_SLACK before any audio
    buffer_size: int  # frames: the slack that the client aims at
    round_trip: int  # microseconds; 0 while unknown
    sent: int  # the client's clock in microseconds, low 32 bits: comes back in the reply
    fraction_lost: int = 0  # of 256
    lost: int = 0
    highest_sequence: int = 0
    jitter: int = 0  # RFC 3550, A.8; in frames
    events: tuple[Event, ...] = ()
    block: int = 0  # frames that the callback asked for, from `position` on
    parity: int = 0  # packets asked for to 16 audio packets
    window: int = 0  # audio packets that each of them is to be over

    def pack(self, secret: bytes) -> bytes:
        lost, sender = min(max(self.lost, 0), 0x7F_FFFF), self.ssrc ^ 1
        events = b"".join(_EVENT.pack(e.seq, e.position, e.cut, len(e.message), e.message) for e in self.events)
        body = _REPORT.pack(
            0x81, _RR, _BLOCK_WORDS, sender, self.ssrc, self.fraction_lost << 24 | lost,
            wrap32(self.highest_sequence), self.jitter, 0, 0,
            0x80, _APP, _STATUS_WORDS + len(events) // 4, sender, _NAME, self.counter, self.position, self.age,
            self.slack, self.buffer_size, self.round_trip, self.sent, len(self.events), min(self.block, 0xFFFF),
            self.parity, self.window,
        ) + events  # fmt: skip
        return body + mac(body, secret)


def is_report(data: bytes) -> bool:
    """Whether a datagram may be a report: cheap, before its MAC is computed."""
    return len(data) > MAC_BYTES and data[0] == 0x81 and data[1] == _RR


def parse_report(data: bytes, secret: bytes) -> Report:
    """Raises ProtocolError unless the datagram is whole and bears the secret's MAC."""
    body, tag = data[:-MAC_BYTES], data[-MAC_BYTES:]
    if not hmac.compare_digest(mac(body, secret), tag):
        raise ProtocolError("a datagram without the session's MAC")
    if len(body) < _REPORT.size:
        raise ProtocolError("a report of the wrong length")
    (
        first, kind, block, _, ssrc, lost, highest, jitter, _, _,
        second, other, words, _, name, counter, position, age, slack, buffer_size, trip, sent, count, *asked,
    ) = _REPORT.unpack_from(body)  # fmt: skip
    if (first, kind, block) != (0x81, _RR, _BLOCK_WORDS) or (second, other, name) != (0x80, _APP, _NAME):
        raise ProtocolError("a report that is not RR and APP")
    if len(body) != _REPORT.size + count * _EVENT.size or words != _STATUS_WORDS + count * _EVENT.size // 4:
        raise ProtocolError("a report whose events do not fit it")
    packed = _EVENT.iter_unpack(body[_REPORT.size :])
    events = tuple([Event(seq, at, message[:length], cut) for seq, at, cut, length, message in packed])
    return Report(
        ssrc, counter, position, age, slack, buffer_size, trip, sent, lost >> 24, lost & 0xFF_FFFF, highest, jitter,
        events, *asked,
    )  # fmt: skip


class Reply(NamedTuple):
    """The server's answer to a report: a sender report (RFC 3550, 6.4.1) and an APP block."""

    ssrc: int
    ntp: int  # 64 bits
    timestamp: int
    packets: int
    octets: int
    sent: int  # of the report that is answered
    hold: int  # microseconds between the report's arrival and this reply
    heard: int  # the last seq of the contiguous prefix that the server has

    def pack(self) -> bytes:
        sender = _SENDER.pack(self.ssrc, self.ntp, wrap32(self.timestamp), wrap32(self.packets), wrap32(self.octets))
        echo = _ECHO.pack(self.ssrc, _NAME, self.sent, self.hold, wrap32(self.heard))
        return _rtcp(0x80, _SR, sender) + _rtcp(0x80, _APP, echo)


def parse_reply(data: bytes) -> Reply:
    blocks = _blocks(data)
    if [(kind, len(body)) for kind, body in blocks] != [(_SR, _SENDER.size), (_APP, _ECHO.size)]:
        raise ProtocolError("a datagram that is no reply to a report")
    (_, sender), (_, echo) = blocks
    ssrc, ntp, timestamp, packets, octets = _SENDER.unpack(sender)
    _, name, sent, hold, heard = _ECHO.unpack(echo)
    if name != _NAME:
        raise ProtocolError("an APP block of another program")
    return Reply(ssrc, ntp, timestamp, packets, octets, sent, hold, heard)


def mac(body: bytes, secret: bytes) -> bytes:
    """Keyed BLAKE2b (RFC 7693), 16 bytes."""
    return hashlib.blake2b(body, digest_size=MAC_BYTES, key=secret).digest()


def _rtcp(first: int, kind: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    return _RTCP.pack(first, kind, len(padded) // 4) + padded


def _blocks(data: bytes) -> Sequence[tuple[int, bytes]]:
    """The compound's packets as (type, body): each header counts its words less one (RFC 3550, 6.4)."""
    blocks, at = [], 0
    while at < len(data):
        if len(data) - at < _RTCP.size:
            raise ProtocolError("a datagram that ends inside an RTCP header")
        first, kind, words = _RTCP.unpack_from(data, at)
        end = at + _RTCP.size + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise ProtocolError("a datagram that is no RTCP compound")
        blocks.append((kind, data[at + _RTCP.size : end]))
        at = end
    return blocks
