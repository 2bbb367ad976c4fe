"""Reports and the replies to them: RTCP (RFC 3550), on the port of the audio (RFC 5761)."""

import hashlib
import hmac
import struct
from typing import NamedTuple

from netaudio.errors import ProtocolError
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.voices import Event
from netaudio.units import wrap32

MAC_BYTES = 16
MAX_REPORT = 1200  # bytes
UNKNOWN_SLACK = -(1 << 31)
ALL_BITS = 0xFFFF_FFFF  # stands for ENDLESS in 32 bits

_RECEIVER_TYPE, _SENDER_TYPE, _APP_TYPE = 201, 200, 204
_NAME = b"NAUD"
_HEAD = struct.Struct("!BBH")
_RECEIVER = struct.Struct("!4sIIIIIII")  # a receiver report with one block (RFC 3550, 6.4.2)
_APP = struct.Struct("!BBHI4s")  # what each APP block begins with (6.7)
_STATUS = struct.Struct("!IQIiIIIHHHH")  # the data of a report's
_EVENT = struct.Struct("!IQIIIB3s")
_SENDER = struct.Struct("!4sIQIII")  # a sender report without blocks (6.4.1)
_ECHO = struct.Struct("!4sI4sIII")  # the APP block of a reply

_EVENTS_AT = _RECEIVER.size + _APP.size + _STATUS.size
MAX_EVENTS = (MAX_REPORT - _EVENTS_AT - MAC_BYTES) // _EVENT.size  # in one report


def _words(size: int) -> int:
    """How a header counts the bytes of its block (6.4.1)."""
    return size // 4 - 1


_RECEIVER_HEAD = _HEAD.pack(0x81, _RECEIVER_TYPE, _words(_RECEIVER.size))
_SENDER_HEAD = _HEAD.pack(0x80, _SENDER_TYPE, _words(_SENDER.size))
_ECHO_HEAD = _HEAD.pack(0x80, _APP_TYPE, _words(_ECHO.size))


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
    events: tuple[Event, ...] = ()  # at most MAX_EVENTS
    block: int = 0  # frames that the callback asked for, from `position` on
    parity: int = 0  # packets asked for to 16 audio packets
    window: int = 0  # audio packets that each of them is to be over

    def pack(self, secret: bytes) -> bytes:
        """With its MAC, at most MAX_REPORT bytes."""
        assert len(self.events) <= MAX_EVENTS
        sender, losses = self.ssrc ^ 1, self.fraction_lost << 24 | min(max(self.lost, 0), 0x7F_FFFF)
        highest = wrap32(self.highest_sequence)
        size = _EVENTS_AT - _RECEIVER.size + _EVENT.size * len(self.events)
        body = b"".join((
            _RECEIVER.pack(_RECEIVER_HEAD, sender, self.ssrc, losses, highest, self.jitter, 0, 0),
            _APP.pack(0x80, _APP_TYPE, _words(size), sender, _NAME),
            _STATUS.pack(
                self.counter, self.position, self.age, self.slack, self.buffer_size, self.round_trip, self.sent,
                len(self.events), min(self.block, 0xFFFF), self.parity, self.window,
            ),
            *map(_pack_event, self.events),
        ))  # fmt: skip
        return body + mac(body, secret)

    @classmethod
    def parse(cls, data: bytes, secret: bytes) -> "Report":
        """Raises ProtocolError unless the datagram is whole and bears the secret's MAC."""
        events, rest = divmod(len(data) - _EVENTS_AT - MAC_BYTES, _EVENT.size)
        if rest or events < 0 or data[: _HEAD.size] != _RECEIVER_HEAD:
            raise ProtocolError("a datagram that is no report")
        body, tag = data[:-MAC_BYTES], data[-MAC_BYTES:]
        if not hmac.compare_digest(mac(body, secret), tag):
            raise ProtocolError("a datagram without the session's MAC")
        _, _, ssrc, losses, highest, jitter, _, _ = _RECEIVER.unpack_from(body)
        first, kind, words, _, name = _APP.unpack_from(body, _RECEIVER.size)
        counter, position, age, slack, buffer_size, round_trip, sent, count, block, parity, window = (
            _STATUS.unpack_from(body, _RECEIVER.size + _APP.size)
        )
        if (first, kind, words, name) != (0x80, _APP_TYPE, _words(len(body) - _RECEIVER.size), _NAME):
            raise ProtocolError("a report without its APP block")
        if count != events:
            raise ProtocolError("a report whose events do not fit it")
        return cls(
            ssrc=ssrc, counter=counter, position=position, age=age, slack=slack, buffer_size=buffer_size,
            round_trip=round_trip, sent=sent, fraction_lost=losses >> 24, lost=losses & 0xFF_FFFF,
            highest_sequence=highest, jitter=jitter,
            events=tuple([_event(*packed) for packed in _EVENT.iter_unpack(body[_EVENTS_AT:])]),
            block=block, parity=parity, window=window,
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
        sender = _SENDER.pack(
            _SENDER_HEAD, self.ssrc, self.ntp, wrap32(self.timestamp), wrap32(self.packets), wrap32(self.octets)
        )
        return sender + _ECHO.pack(_ECHO_HEAD, self.ssrc, _NAME, self.sent, self.hold, wrap32(self.heard))

    @classmethod
    def parse(cls, data: bytes) -> "Reply":
        """Raises ProtocolError."""
        if len(data) != _SENDER.size + _ECHO.size:
            raise ProtocolError("a datagram that is no reply to a report")
        first, ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(data)
        second, _, name, sent, hold, heard = _ECHO.unpack_from(data, _SENDER.size)
        if (first, second, name) != (_SENDER_HEAD, _ECHO_HEAD, _NAME):
            raise ProtocolError("a reply that is not SR and APP")
        return cls(ssrc, ntp, timestamp, packets, octets, sent, hold, heard)


def mac(body: bytes, secret: bytes) -> bytes:
    """Keyed BLAKE2b (RFC 7693), 16 bytes."""
    return hashlib.blake2b(body, digest_size=MAC_BYTES, key=secret).digest()


def _pack_event(event: Event) -> bytes:
    cut, shift, reach = map(_pack_frames, (event.cut, event.shift, event.reach))
    return _EVENT.pack(event.seq, event.position, cut, shift, reach, len(event.message), event.message)


def _event(seq: int, position: int, cut: int, shift: int, reach: int, length: int, message: bytes) -> Event:
    return Event(seq, position, message[:length], _frames(cut), _frames(shift), _frames(reach))


def _pack_frames(frames: int) -> int:
    assert 0 <= frames < ALL_BITS or frames == ENDLESS, "voice frames of 32 bits, or ENDLESS"
    return min(frames, ALL_BITS)


def _frames(packed: int) -> int:
    return ENDLESS if packed == ALL_BITS else packed
