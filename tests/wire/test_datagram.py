"""What a client receives is parsed once, as what it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.errors import ProtocolError
from netaudio.wire.datagram import MAX_DATAGRAM, parse
from netaudio.wire.parity import Parity, ParityEncoder, parity_ssrc
from netaudio.wire.payload import MAX_PAYLOAD, PAYLOADS, Payload
from netaudio.wire.rtcp import MAX_REPORT, Reply, Report
from netaudio.wire.rtp import Audio
from tests.support.packets import pack_audio

AUDIO, REPLY = Audio(96, 1, 2, 3, 4, 5, bytes(12)), Reply(7, 0, 0, 0, 0, 0, 0, 5)
REPORT = Report(7, 1, 48000, 0, 0, 480, 0, 0).pack(b"secret")


def parity(audio: Audio, window: int = 1) -> bytes:
    encoder = ParityEncoder(audio.ssrc)
    encoder.ask(1.0, window)
    return encoder.follow(pack_audio(audio))[0]


VALID = [pack_audio(AUDIO), REPLY.pack(), parity(AUDIO)]


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_each_payload_type_is_audio(payload: Payload) -> None:
    audio = AUDIO._replace(type=payload.type)
    assert parse(pack_audio(audio)) == audio


def test_a_reply_is_one() -> None:
    assert parse(REPLY.pack()) == REPLY


def test_a_parity_packet_is_one() -> None:
    found = parse(parity(AUDIO))
    assert isinstance(found, Parity)
    assert (found.ssrc, found.sequence, found.last, found.window) == (parity_ssrc(3), 0, 1, 1)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_every_datagram_fits_the_smallest_mtu_of_ipv6(payload: Payload) -> None:
    data = bytes(max(payload.packet_frames(chunk) for chunk in range(32, 1025)) * 2 * payload.width)
    assert len(data) <= MAX_PAYLOAD
    audio = AUDIO._replace(type=payload.type, payload=data)
    for datagram in (pack_audio(audio), parity(audio), REPLY.pack(), bytes(MAX_REPORT)):
        assert len(datagram) <= MAX_DATAGRAM


@pytest.mark.parametrize("data", [b"", b"\x90", REPORT, pack_audio(AUDIO._replace(payload=bytes(MAX_DATAGRAM)))])
def test_what_a_server_does_not_send_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(data)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_in_order(data: bytes) -> None:
    parsed_or_refused(data)


@given(st.data())
def test_broken_datagrams_are_refused_in_order(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    parsed_or_refused(bytes(whole[: data.draw(st.integers(0, len(whole)))]))


def parsed_or_refused(data: bytes) -> None:
    try:
        parse(data)
    except ProtocolError as error:
        assert str(error)
