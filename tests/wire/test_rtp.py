from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netaudio.errors import ProtocolError
from netaudio.sampler.mixer import Frames
from netaudio.sampler.voices import Event
from netaudio.wire.rtp import (
    FULL_SCALE,
    MAX_EVENTS,
    MAX_PAYLOAD,
    PAYLOADS,
    UNKNOWN_SLACK,
    Audio,
    Payload,
    Reply,
    Report,
    is_audio,
    is_report,
    mac,
    parse_audio,
    parse_reply,
    parse_report,
)
from tests.support.packets import encode, pack_audio

SECRET = b"secret"
WORDS = st.integers(0, (1 << 32) - 1)
LONG = st.integers(0, (1 << 64) - 1)
FRAMES = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-8, 7.75, width=32)
)  # fmt: skip
AUDIO = st.builds(
    Audio, st.integers(0, 127), st.integers(0, 0xFFFF), WORDS, WORDS, st.integers(0, 1000), st.integers(1000, 2000),
    st.binary(max_size=60),
)  # fmt: skip
EVENTS = st.builds(Event, WORDS, LONG, st.binary(max_size=3), LONG)
REPORTS = st.builds(
    Report, ssrc=WORDS, counter=WORDS, position=LONG, age=WORDS, slack=st.integers(-(1 << 31), (1 << 31) - 1),
    buffer_size=WORDS, round_trip=WORDS, sent=WORDS, fraction_lost=st.integers(0, 255),
    lost=st.integers(0, 0x7F_FFFF), highest_sequence=WORDS, jitter=WORDS,
    events=st.lists(EVENTS, max_size=MAX_EVENTS).map(tuple), block=st.integers(0, 0xFFFF),
    parity=st.integers(0, 0xFFFF), window=st.integers(0, 0xFFFF),
)  # fmt: skip
REPLIES = st.builds(Reply, WORDS, LONG, WORDS, WORDS, WORDS, WORDS, WORDS, WORDS)
REPORT = Report(7, 1, 48000, 0, UNKNOWN_SLACK, 480, 0, 0, events=(Event(1, 9, b"\x90\x3c\x7f", 480),))
REPLY = Reply(7, 0, 0, 0, 0, 0, 0, 5)


def counted(frames: int) -> Frames:
    return np.repeat(np.arange(frames)[:, None] / 1024, 2, axis=1).astype(np.float32)


# Payloads


@pytest.mark.parametrize(("name", "step"), [("L16", 2.0**-12), ("L24", 2.0**-20), ("F32", 0.0)])
@given(frames=FRAMES)
def test_a_payload_comes_back_within_half_its_step(name: str, step: float, frames: Frames) -> None:
    payload = PAYLOADS[name]
    data = encode(payload, frames)
    assert len(data) == frames.size * payload.width
    assert np.abs(payload.decode(data) - frames).max() <= step / 2


@pytest.mark.parametrize("name", ["L16", "L24", "F32"])
@given(data=st.data())
def test_what_was_decoded_encodes_to_the_same_bytes(name: str, data: st.DataObject) -> None:
    payload = PAYLOADS[name]
    wire = data.draw(st.binary(min_size=2 * payload.width, max_size=2 * payload.width).map(lambda frame: frame * 3))
    if name == "F32":
        assume(np.isfinite(np.frombuffer(wire, ">f4")).all())
    assert encode(payload, payload.decode(wire)) == wire


def test_integers_are_big_endian_and_carry_an_eighth() -> None:
    one = np.array([[1.0, -1.0]], np.float32)
    assert encode(PAYLOADS["L16"], one) == b"\x10\x00\xf0\x00"
    assert encode(PAYLOADS["L24"], one) == b"\x10\x00\x00\xf0\x00\x00"


@pytest.mark.parametrize("name", ["L16", "L24"])
def test_what_is_too_loud_is_clipped(name: str) -> None:
    loud = np.array([[99.0, -99.0]], np.float32)
    assert PAYLOADS[name].decode(encode(PAYLOADS[name], loud)) == pytest.approx(
        np.array([[FULL_SCALE, -FULL_SCALE]]), rel=1e-4
    )


@pytest.mark.parametrize("name", ["L16", "L24", "F32"])
@pytest.mark.parametrize("excess", [-1, 1, 2])
def test_what_is_not_whole_frames_is_refused(name: str, excess: int) -> None:
    with pytest.raises(ProtocolError, match=name):
        PAYLOADS[name].decode(bytes(6 * PAYLOADS[name].width + excess))


@pytest.mark.parametrize("name", ["L16", "L24", "F32"])
def test_an_empty_payload_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        PAYLOADS[name].decode(b"")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_floats_are_finite(value: float) -> None:
    with pytest.raises(ProtocolError, match="finite"):
        PAYLOADS["F32"].decode(np.array([0, value], ">f4").tobytes())


@pytest.mark.parametrize("name", ["L16", "L24", "F32"])
@given(chunk=st.integers(1, 1024))
def test_a_chunk_is_cut_evenly(name: str, chunk: int) -> None:
    payload = PAYLOADS[name]
    size = payload.packet_frames(chunk)
    packets = -(-chunk // size)
    assert packets == -(-chunk * 2 * payload.width // MAX_PAYLOAD)
    assert (packets - 1) * size < chunk <= packets * size


@pytest.mark.parametrize("name", ["L16", "L24", "F32"])
@given(chunk=st.integers(1, 1024))
def test_no_packet_is_larger_than_the_limit(name: str, chunk: int) -> None:
    payload = PAYLOADS[name]
    assert 2 * payload.width * payload.packet_frames(chunk) <= MAX_PAYLOAD


# Datagrams


@given(AUDIO)
def test_audio_comes_back(audio: Audio) -> None:
    data = pack_audio(audio)
    assert parse_audio(data) == audio
    assert is_audio(data)
    assert not is_report(data)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=lambda payload: payload.name)
def test_each_payload_type_is_audio(payload: Payload) -> None:
    assert is_audio(pack_audio(Audio(payload.type, 1, 2, 3, 4, 5, b"")))


@given(REPORTS)
def test_a_report_comes_back(report: Report) -> None:
    data = report.pack(SECRET)
    assert parse_report(data, SECRET) == report
    assert is_report(data)
    assert not is_audio(data)
    assert len(data) <= 1200


@given(REPLIES)
def test_a_reply_comes_back(reply: Reply) -> None:
    assert parse_reply(reply.pack()) == reply
    assert not is_audio(reply.pack())


@given(REPORTS, st.binary(min_size=1, max_size=32))
def test_a_report_under_another_secret_is_refused(report: Report, other: bytes) -> None:
    assume(other != SECRET)
    with pytest.raises(ProtocolError, match="MAC"):
        parse_report(report.pack(other), SECRET)


@given(st.data())
def test_a_changed_report_is_refused(data: st.DataObject) -> None:
    whole = bytearray(REPORT.pack(SECRET))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ProtocolError):
        parse_report(bytes(whole), SECRET)


def test_an_unreadable_body_is_refused_even_with_a_mac() -> None:
    for body in (b"", b"\x81", bytes(40), REPLY.pack(), REPORT.pack(SECRET)[:-20]):
        with pytest.raises(ProtocolError):
            parse_report(body + mac(body, SECRET), SECRET)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_every_datagram_fits_the_smallest_mtu_of_ipv6(payload: Payload) -> None:
    data = bytes(max(payload.packet_frames(chunk) for chunk in range(32, 1025)) * 2 * payload.width)
    assert len(data) <= MAX_PAYLOAD
    big = Event((1 << 32) - 1, 1 << 59, b"\x90\x7f\x7f", 1 << 59)
    full = Report(1, 1, 1 << 59, 0, 0, 0, 0, 0, events=(big,) * MAX_EVENTS)
    for datagram in (pack_audio(Audio(payload.type, 0, 0, 0, 0, 0, data)), full.pack(SECRET), REPLY.pack()):
        assert len(datagram) <= 1280 - 40 - 8  # the IPv6 and the UDP header


PARSERS: list[Callable[[bytes], object]] = [parse_audio, parse_reply, lambda data: parse_report(data, SECRET)]
VALID = [pack_audio(Audio(96, 1, 2, 3, 4, 5, bytes(12))), REPLY.pack(), REPORT.pack(SECRET)]


@pytest.mark.parametrize("parse", PARSERS, ids=["audio", "reply", "report"])
@given(data=st.binary(max_size=200))
def test_random_bytes_are_refused_in_order(parse: Callable[[bytes], object], data: bytes) -> None:
    refuses(parse, data)


@pytest.mark.parametrize("parse", PARSERS, ids=["audio", "reply", "report"])
@given(data=st.data())
def test_broken_datagrams_are_refused_in_order(parse: Callable[[bytes], object], data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    refuses(parse, bytes(whole[: data.draw(st.integers(0, len(whole)))]))


def refuses(parse: Callable[[bytes], object], data: bytes) -> None:
    assert {is_audio(data), is_report(data)} <= {True, False}
    try:
        parse(data)
    except ProtocolError as error:
        assert str(error)
