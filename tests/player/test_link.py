"""A client's wire at 1000 Hz, in chunks of 10 frames."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.player.link import RESEND_SECONDS, Link, SlackHistogram
from netaudio.player.player import ClientPlayer
from netaudio.sampler.bank import Bank
from netaudio.units import wrap32
from netaudio.wire import control
from netaudio.wire.rtp import MAX_EVENTS, PAYLOADS, UNKNOWN_SLACK, Audio, Reply, Report, parse_report
from tests.support.packets import encode, pack_audio

RATE, CHUNK, SSRC, SECRET = 1000, 10, 7, b"secret"
FRAMES = np.repeat(np.arange(CHUNK)[:, None] / 1024, 2, axis=1).astype(np.float32)
BLOCK = np.zeros((CHUNK, 2), np.float32)


def linked() -> Link:
    player = ClientPlayer(RATE, CHUNK, 8, Bank(), {}, set(), "hybrid", 50)
    player.post(player.join, CHUNK, 8)
    player.render(BLOCK, 0.0)
    link = Link(player, SSRC, SECRET, PAYLOADS["F32"], 40)
    link.control(0.0)
    return link


def audio(sequence: int, position: int = 0, heard: int = 0, ssrc: int = SSRC, kind: int = 98) -> bytes:
    payload = encode(PAYLOADS["F32"], FRAMES)
    return pack_audio(Audio(kind, sequence, wrap32(position), ssrc, heard, heard, payload))


def reply(heard: int = 0, sent: int = 0, hold: int = 0, ssrc: int = SSRC) -> bytes:
    return Reply(ssrc, 0, 0, 0, 0, sent, hold, heard).pack()


def press(link: Link, count: int = 1) -> None:
    """Keys, folded into a block and handed to the control connection."""
    for key in range(count):
        link.player.push(-1.0, bytes((0x90, key, 127)))
    link.player.render(BLOCK, 0.0)


def reports(link: Link, now: float) -> list[Report]:
    return [parse_report(data, SECRET) for data in link.datagrams(now)]


@given(st.lists(st.tuples(st.floats(0.0, 0.03), st.integers(0, 3)), max_size=30))
def test_what_is_due_is_there_then_and_not_before(steps: list[tuple[float, int]]) -> None:
    link, now = linked(), 1.0
    link.datagrams(now)
    for wait, keys in steps:
        now += wait
        press(link, keys)
        link.control(now)
        due = link.due
        sent = link.datagrams(now)
        assert not (sent and now < due)
        assert sent or now < due or link._burst < 1
        assert link.due <= now + 0.05


# Audio


def test_audio_goes_into_the_ring_at_its_position() -> None:
    link = linked()
    link.receive_datagram(audio(1, 60, heard=3), 0.0)
    packet = link.player.rings.remote.at(65)
    assert packet is not None
    assert (packet.position, packet.before, packet.heard) == (60, 3, 3)
    assert np.array_equal(packet.frames, FRAMES)


def test_positions_go_on_where_the_timestamp_wraps() -> None:
    link = linked()
    link.player.position = (1 << 32) - 20
    link.receive_datagram(audio(1, (1 << 32) + 14), 0.0)
    assert link.player.rings.remote.at((1 << 32) + 14) is not None


@given(st.permutations(range(20)), st.integers(0, 0xFFFF), st.sets(st.integers(0, 19)), st.lists(st.integers(0, 19)))
def test_packets_are_counted_in_any_order(order: list[int], first: int, lost: set[int], again: list[int]) -> None:
    """What came before the first packet that arrived is not known to be lost."""
    link = linked()
    came = [k for k in order if k not in lost]
    for k in came:
        link.receive_datagram(audio((first + k) & 0xFFFF, 100 + 10 * k), 0.0)
    for k in again:
        if k in came:
            link.receive_datagram(audio((first + k) & 0xFFFF, 100 + 10 * k), 0.0)
    known = range(came[0], max(came) + 1) if came else range(0)
    assert link.count.received == len(came)
    assert link.count.lost == len([k for k in known if k in lost])
    assert link.count.duplicate == len([k for k in again if k in came])
    assert link.count.strange == 0


def test_the_report_says_what_was_lost() -> None:
    link = linked()
    for k in (0, 1, 2, 3, 8):
        link.receive_datagram(audio(0xFFFE + k & 0xFFFF, 100 + 10 * k), 0.0)
    (report,) = reports(link, 0.0)
    assert (report.lost, report.fraction_lost) == (4, 256 * 4 // 9)
    assert report.highest_sequence == 0xFFFE + 8
    (report,) = reports(link, 1.0)
    assert (report.lost, report.fraction_lost) == (4, 0)


def test_what_came_late_is_counted_and_what_of_it_is_left_is_played() -> None:
    link = linked()
    assert link.player.position == 10
    link.player.position = 35
    link.receive_datagram(audio(1, 30), 0.0)
    link.receive_datagram(audio(2, 20), 0.0)
    link.receive_datagram(audio(3, 40), 0.0)
    assert link.count.late == 2
    assert [link.player.rings.remote.at(n) is not None for n in (25, 35, 45)] == [False, True, True]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"x", bytes(100), audio(1, ssrc=8), audio(1, kind=96), audio(1)[:-1], audio(1)[:28], reply(ssrc=8),
        reply()[:-4], Report(SSRC, 1, 0, 0, 0, 0, 0, 0).pack(SECRET),
    ],
)  # fmt: skip
def test_strange_datagrams_are_counted_and_change_nothing(data: bytes) -> None:
    link = linked()
    link.receive_datagram(data, 0.0)
    assert (link.count.strange, link.count.received, link.heard) == (1, 0, 0)


@given(
    st.lists(st.one_of(st.binary(max_size=80), st.builds(lambda tail: audio(1)[:20] + tail, st.binary(max_size=90))))
)
def test_any_datagrams_leave_a_player_that_renders(datagrams: list[bytes]) -> None:
    link = linked()
    for k, data in enumerate(datagrams):
        link.receive_datagram(data, k / 100)
    press(link)
    for now in (0.2, 0.4):
        assert len(reports(link, now)) == 1
        link.player.render(BLOCK, now)


def test_before_the_player_has_joined_audio_is_ignored() -> None:
    link = linked()
    link.player.leave()
    link.receive_datagram(audio(1, 60), 0.0)
    assert link.count.received == 0


# Measures


def test_slack_is_how_early_packets_came() -> None:
    link = linked()
    assert link.slack(0.0) is None
    assert reports(link, 0.0)[0].slack == UNKNOWN_SLACK
    for k in range(10):
        link.receive_datagram(audio(k, 100 + 10 * k), 0.5)
    assert link.slack(0.5) == 90  # p1 of 90 .. 180
    assert link.slack(1.6) is None
    assert link.all_slacks.summary() == {"min": 90, "p50": 130}


def test_the_round_trip_leaves_out_what_the_server_held() -> None:
    link = linked()
    (report,) = reports(link, 1.0)
    link.receive_datagram(reply(sent=report.sent, hold=30_000), 1.05)
    assert link.round_trip(0.5) == pytest.approx(0.02, abs=1e-6)
    assert reports(link, 2.0)[0].round_trip == 20_000


@given(st.floats(0, 20_000))
def test_round_trips_are_right_when_the_microseconds_wrap(now: float) -> None:
    link = linked()
    (report,) = reports(link, now)
    link.receive_datagram(reply(sent=report.sent), now + 0.05)
    assert link.round_trip(0.5) == pytest.approx(0.05, abs=2e-6)


def test_a_reply_to_nothing_is_no_round_trip() -> None:
    link = linked()
    link.receive_datagram(reply(sent=0), 1000.0)
    assert link.round_trip(0.5) == 0.0


def test_jitter_grows_with_uneven_arrivals() -> None:
    even, uneven = linked(), linked()
    for k in range(50):
        even.receive_datagram(audio(k, 100 + 10 * k), k / 100)
        uneven.receive_datagram(audio(k, 100 + 10 * k), k / 100 + 0.008 * (k % 2))
    assert reports(even, 1.0)[0].jitter == 0
    assert reports(uneven, 1.0)[0].jitter == 8


@given(st.lists(st.integers(-5, 5), min_size=1))
def test_the_histogram_sums_up(slacks: list[int]) -> None:
    histogram = SlackHistogram()
    for slack in slacks:
        histogram.add(slack)
    assert histogram.counts == Counter(slacks)
    assert histogram.summary() == {"min": min(slacks), "p50": sorted(slacks)[(len(slacks) - 1) // 2]}


def test_slacks_of_nothing_are_unknown() -> None:
    assert SlackHistogram().summary() == {"min": None, "p50": None}


# Events and reports


def test_events_go_out_by_both_ways() -> None:
    link = linked()
    press(link, 2)
    at = link.player.score.position
    assert link.control(1.0) == [
        control.Event(1, at, b"\x90\x00\x7f", 50),
        control.Event(2, at, b"\x90\x01\x7f", 50),
    ]
    assert [event.seq for event in reports(link, 1.0)[0].events] == [1, 2]


def test_events_are_repeated_until_they_are_heard() -> None:
    link = linked()
    assert len(reports(link, 0.99)) == 1
    press(link)
    link.control(1.0)
    sent = [millisecond for millisecond in range(100) if reports(link, 1.0 + millisecond / 1000 + 1e-6)]
    assert sent == [round(1000 * delay) for delay in RESEND_SECONDS] + [85]
    press(link)
    link.control(2.0)
    assert [event.seq for event in reports(link, 2.0)[0].events] == [1, 2]
    link.receive_datagram(reply(heard=1), 2.001)
    assert [event.seq for event in reports(link, 2.006)[0].events] == [2]
    link.receive_datagram(audio(1, 100, heard=2), 2.007)
    assert reports(link, 2.03) == []
    assert reports(link, 2.06)[0].events == ()


@pytest.mark.parametrize(("every", "most"), [(0.001, 150_000), (0.0125, 45_000), (0.1, 12_000)])
def test_a_glissando_takes_little_bandwidth(every: float, most: int) -> None:
    """Bytes in a second of so many events, heard 60 ms later; the fastest hands make 80 of them."""
    link, sent, octets, seq = linked(), 0.0, 0, 0
    for step in range(400):
        now = 1 + step * 0.0025
        while sent <= now - 1:
            link.player.push(now, bytes((0x90, seq % 128, 127)))
            sent, seq = sent + every, seq + 1
        link.player.render(BLOCK, now)
        link.control(now)
        octets += sum(len(data) + 28 for data in link.datagrams(now))  # with IP and UDP
        link.receive_datagram(reply(heard=max(0, seq - round(0.06 / every) - 1)), now)
    assert 0 < octets < most


def test_a_report_carries_the_first_events_of_too_many() -> None:
    link = linked()
    press(link, 100)
    link.control(0.0)
    (report,) = reports(link, 0.0)
    assert [event.seq for event in report.events] == list(range(1, MAX_EVENTS + 1))


def test_each_report_has_its_own_counter() -> None:
    link = linked()
    assert [reports(link, float(k))[0].counter for k in range(4)] == [1, 2, 3, 4]


def test_a_report_says_where_the_callback_was_and_when() -> None:
    link = linked()
    link.player.render(BLOCK, 0.5)
    link.control(0.507)
    (report,) = reports(link, 0.507)
    assert (report.position, report.age, report.buffer_size) == (10, 7000, 40)


def test_a_new_session_begins_with_the_state() -> None:
    link = linked()
    press(link)
    link.player.post(link.player.join, CHUNK, 8)
    link.player.render(BLOCK, 0.0)
    press(link)
    resume, event = link.control(1.0)
    assert isinstance(resume, control.Resume)
    assert isinstance(event, control.Event)
    assert (resume.state.seq, event.seq) == (1, 2)
    assert link.heard == 1
    assert [event.seq for event in reports(link, 1.0)[0].events] == [2]
