import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from netaudio.errors import ProtocolError
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.voices import Event
from netaudio.wire.rtcp import ALL_BITS, MAC_BYTES, MAX_EVENTS, MAX_REPORT, UNKNOWN_SLACK, Reply, Report, mac

SECRET = b"secret"
WORDS = st.integers(0, (1 << 32) - 1)
LONG = st.integers(0, (1 << 64) - 1)
VOICE_FRAMES = st.integers(0, ALL_BITS - 1) | st.just(ENDLESS)
EVENTS = st.builds(Event, WORDS, LONG, st.binary(max_size=3), VOICE_FRAMES, VOICE_FRAMES, VOICE_FRAMES)
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


@given(REPORTS)
def test_a_report_comes_back(report: Report) -> None:
    assert Report.parse(report.pack(SECRET), SECRET) == report


def test_a_full_report_keeps_to_its_limit() -> None:
    big = Event((1 << 32) - 1, 1 << 59, b"\x90\x7f\x7f", ENDLESS, ENDLESS, ENDLESS)
    size = len(REPORT._replace(events=(big,) * MAX_EVENTS).pack(SECRET))
    assert size <= MAX_REPORT < size + len(REPORT.pack(SECRET)) - len(REPORT._replace(events=()).pack(SECRET))


@pytest.mark.parametrize("field", ["cut", "shift", "reach"])
@pytest.mark.parametrize("frames", [-1, ALL_BITS, ENDLESS - 1, ENDLESS + 1])
def test_frames_that_32_bits_do_not_carry_are_a_bug_of_the_sender(field: str, frames: int) -> None:
    frames_of = {"cut": 480, "shift": 0, "reach": 0} | {field: frames}
    with pytest.raises(AssertionError):
        REPORT._replace(events=(Event(1, 9, b"\x90\x3c\x7f", **frames_of),)).pack(SECRET)


@given(REPLIES)
def test_a_reply_comes_back(reply: Reply) -> None:
    assert Reply.parse(reply.pack()) == reply


@given(REPORTS, st.binary(min_size=1, max_size=32))
def test_a_report_under_another_secret_is_refused(report: Report, other: bytes) -> None:
    assume(other != SECRET)
    with pytest.raises(ProtocolError, match="MAC"):
        Report.parse(report.pack(other), SECRET)


@given(st.data())
def test_a_changed_report_is_refused(data: st.DataObject) -> None:
    whole = bytearray(REPORT.pack(SECRET))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ProtocolError):
        Report.parse(bytes(whole), SECRET)


def test_an_unreadable_body_is_refused_even_with_a_mac() -> None:
    whole = REPORT.pack(SECRET)[:-MAC_BYTES]
    other_app = whole[:41] + b"X" + whole[42:]
    two_events = whole.replace(b"\0\1\0\0\0\0\0\0", b"\0\2\0\0\0\0\0\0")
    assert other_app != whole != two_events
    for body in (b"", b"\x81", bytes(40), REPLY.pack(), whole[:-4], whole[:-28], other_app, two_events):
        with pytest.raises(ProtocolError):
            Report.parse(body + mac(body, SECRET), SECRET)


@given(st.binary(max_size=200) | st.builds(lambda cut: REPORT.pack(SECRET)[:cut], st.integers(0, 127)))
def test_what_is_no_report_is_refused_in_order(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        Report.parse(data, SECRET)
