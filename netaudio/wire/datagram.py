"""What a server's datagrams are: audio and parity packets, and replies to reports, on one port (RFC 5761)."""

from netaudio.errors import ProtocolError
from netaudio.wire.parity import PAYLOAD_TYPE, Parity
from netaudio.wire.rtcp import Reply
from netaudio.wire.rtp import Audio

MAX_DATAGRAM = 1280 - 40 - 8  # bytes: the smallest MTU of IPv6 (RFC 8200, 5) less its header and UDP's


def parse(data: bytes) -> Audio | Parity | Reply:
    """What a client received; raises ProtocolError. RTCP differs in the second byte (RFC 5761, 4)."""
    if not 2 <= len(data) <= MAX_DATAGRAM:
        raise ProtocolError(f"a datagram of {len(data)} bytes")
    if 192 <= data[1] <= 223:
        return Reply.parse(data)
    if data[1] == PAYLOAD_TYPE:
        return Parity.parse(data)
    return Audio.parse(data)
