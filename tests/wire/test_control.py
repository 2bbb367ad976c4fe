import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.errors import ProtocolError
from netaudio.midi import CHANNELS
from netaudio.sampler.automation import LONG_AGO, Change
from netaudio.sampler.instrument import Source
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.pitch import ONE
from netaudio.sampler.snapshot import (
    NEVER,
    VOICES_A_NOTE,
    ChannelState,
    ScoreState,
    VoiceState,
    check_state,
)
from netaudio.wire import control as m
from netaudio.wire.rtcp import ALL_BITS

NATURALS = st.integers(0, (1 << 62) - 1)
VOICE_FRAMES = st.integers(0, ALL_BITS - 1) | st.just(ENDLESS)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CHANGES = st.builds(
    Change, NATURALS, st.integers(-100, 1 << 60), st.one_of(st.floats(0, 1), st.integers(0, 1 << 40))
)  # fmt: skip
VOICES = st.tuples(*([NATURALS] * 16), st.booleans()).map(lambda fields: VoiceState(*fields))
LINES = st.lists(st.lists(CHANGES, min_size=1, max_size=3), min_size=3, max_size=3)
PAIRS = st.tuples(st.integers(0, 127), st.integers(0, 127))
STATES = st.builds(
    ScoreState, NATURALS, NATURALS, st.lists(VOICES, max_size=4),
    st.lists(st.builds(ChannelState, st.integers(0, 127), st.booleans(), LINES, PAIRS, PAIRS), max_size=3),
)  # fmt: skip
LOOPS = st.one_of(st.none(), st.tuples(NATURALS, NATURALS))
MODES = st.sampled_from(("local", "remote", "hybrid"))
SPANS = st.sampled_from(("auto", "1920", "40ms", "0.5s", "12.25ms"))
SOURCES = st.builds(
    Source, NATURALS, NATURALS, NATURALS, LOOPS, st.lists(TEXTS, max_size=2).map(tuple)
)  # fmt: skip
CLIENT = st.one_of(
    st.builds(m.Hello, st.integers(), st.integers(), st.none() | MODES, TEXTS, TEXTS, TEXTS, TEXTS),
    st.builds(m.Select, st.integers(0, 127), TEXTS),
    st.builds(m.Event, NATURALS, NATURALS, st.binary(min_size=1, max_size=3), *[VOICE_FRAMES] * 3),
    st.builds(m.Resume, STATES),
    st.builds(m.Ping, st.floats(allow_nan=False, allow_infinity=False)),
    st.just(m.Bye()),
)
SERVER = st.one_of(
    st.builds(
        m.Welcome,
        version=st.integers(),
        session=TEXTS,
        secret=st.binary(min_size=16, max_size=16).map(bytes.hex),
        ssrc=st.integers(0, (1 << 32) - 1),
        udp_port=st.integers(1, 65535),
        rate=st.integers(8000, 192000),
        chunk=st.integers(32, 1024),
        polyphony=st.integers(1, 1024),
        instruments=st.lists(TEXTS, max_size=4),
        offset=SPANS,
        buffer_size=SPANS,
        mode=MODES,
        instrument=TEXTS,
        block=st.integers(32, 1024),
    ),
    st.builds(m.Instrument, st.integers(0, 127), TEXTS, st.lists(SOURCES, max_size=2)),
    st.builds(m.Late, NATURALS, st.integers(0, (1 << 31) - 1)),
    st.builds(m.Pong, st.floats(allow_nan=False, allow_infinity=False)),
    st.builds(m.Error, TEXTS),
    st.just(m.Bye()),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
FIELDS = ["seq", "position", "message", "state", "time", "program", "name", "block", "mode", "sources", "else"]
TYPES = ["hello", "select", "event", "resume", "ping", "bye", "welcome", "instrument", "late", "pong", "error"]


@given(CLIENT)
def test_what_a_client_says_comes_back(message: m.FromClient) -> None:
    line = m.encode(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert m.decode_from_client(line) == message


@given(SERVER)
def test_what_a_server_says_comes_back(message: m.FromServer) -> None:
    assert m.decode_from_server(m.encode(message)) == message


def test_a_line_names_its_type() -> None:
    assert json.loads(m.encode(m.Ping(1.5))) == {"type": "ping", "time": 1.5}


@pytest.mark.parametrize("decode", [m.decode_from_client, m.decode_from_server])
@given(line=st.binary(max_size=100))
def test_random_bytes_are_refused(decode: Any, line: bytes) -> None:
    with pytest.raises(ProtocolError, match="not a NetAudio message"):
        decode(line)


@pytest.mark.parametrize("decode", [m.decode_from_client, m.decode_from_server])
@given(
    kind=st.sampled_from(TYPES), fields=st.dictionaries(TEXTS | st.sampled_from(("seq", "state")), JSON, max_size=4)
)
def test_strange_fields_are_taken_or_refused(decode: Any, kind: str, fields: dict[str, Any]) -> None:
    line = json.dumps({**fields, "type": kind}).encode()
    try:
        decode(line)
    except ProtocolError as error:
        assert "\n" not in str(error)


@given(CLIENT, st.data())
def test_cut_and_changed_lines_are_taken_or_refused(message: m.FromClient, data: st.DataObject) -> None:
    line = bytearray(m.encode(message))
    line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    for part in (line, line[: data.draw(st.integers(0, len(line)))]):
        try:
            m.decode_from_client(bytes(part))
        except ProtocolError as error:
            assert str(error).startswith("not a NetAudio message")


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"event","seq":-1,"position":0,"message":"kDx/"}',
        b'{"type":"event","seq":1,"position":4611686018427387904,"message":"kDx/"}',
        b'{"type":"event","seq":1.5,"position":0,"message":"kDx/"}',
        b'{"type":"event","seq":1,"position":0,"message":""}',
        b'{"type":"event","seq":1,"position":0,"message":"kDx/kDx/"}',
        b'{"type":"event","seq":1,"position":0}',
        b'{"type":"event","seq":1,"position":0,"message":"kDx/","cut":-1}',
        b'{"type":"event","seq":1,"position":0,"message":"kDx/","cut":4294967295}',
        b'{"type":"event","seq":1,"position":0,"message":"kDx/","shift":281474976710655}',
        b'{"type":"event","seq":1,"position":0,"message":"kDx/","reach":281474976710657}',
        b'{"type":"select","program":128,"name":"x"}',
        b'{"type":"welcome"}',
        b'{"type":"hello"}',
        b"[" * 100_000,
        b"",
    ],
)
def test_what_is_out_of_range_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        m.decode_from_client(line)
    assert len(str(caught.value)) < 300


def test_an_error_shows_the_beginning_of_the_line() -> None:
    with pytest.raises(ProtocolError, match="GET / HTTP"):
        m.decode_from_client(b"GET / HTTP/1.1\r\n")


def test_what_players_come_back_with_fits_the_line_that_a_server_takes() -> None:
    """After a day, with all voices that 32 notes may leave and a second of a pedal on each channel."""
    day, polyphony, ramp = 86400 * 48000, 32, 240
    marks = day, day, NEVER, NEVER
    voice = VoiceState(15, 127, 127, 127, day, day, 4800, 4800, 48000, 4800, *marks, day, day << 28, True)
    voices = [voice._replace(seq=day - 1 - n) for n in reversed(range(VOICES_A_NOTE * polyphony))]
    moves = [Change(day - n, day - n * ramp, 0.12345679104328156) for n in reversed(range(200))]
    quiet = [Change(0, LONG_AGO, 1.0)]
    channel = ChannelState(127, True, [quiet, moves, [quiet[0]._replace(value=ONE)]], (24, 99), (127, 127))
    state = ScoreState(day, day, voices, [channel] * CHANNELS)
    check_state(state, polyphony, ramp)
    assert m.MAX_LINE < len(m.encode(m.Resume(state))) < m.MAX_STATE
