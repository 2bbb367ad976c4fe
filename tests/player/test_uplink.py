"""What the player does goes out by both ways, and reports tell the server when that was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.player.player import Outbox
from netaudio.player.report_times import PROBE_SECONDS, REPORT_SECONDS, RESEND_SECONDS
from netaudio.wire import control
from netaudio.wire.rtcp import MAX_EVENTS
from tests.support.linked import BLOCK, CHUNK, Linked, reply


def test_events_go_out_by_both_ways() -> None:
    linked = Linked()
    linked.press(2)
    at = linked.player.score.position
    assert linked.messages(1.0) == [
        control.Event(1, at, b"\x90\x00\x7f", 0, 50),
        control.Event(2, at, b"\x90\x01\x7f", 0, 50),
    ]
    assert [event.seq for event in linked.reported(1.0).events] == [1, 2]


def test_events_are_repeated_until_they_are_heard() -> None:
    linked = Linked()
    assert linked.report(0.99)
    linked.press()
    linked.messages(1.0)
    sent = [millisecond for millisecond in range(100) if linked.report(1.0 + millisecond / 1000 + 1e-6)]
    assert sent == [round(1000 * delay) for delay in RESEND_SECONDS] + [85]


@pytest.mark.parametrize(("every", "most"), [(0.001, 150_000), (0.0125, 45_000), (0.1, 12_000)])
def test_a_glissando_takes_little_bandwidth(every: float, most: int) -> None:
    """Bytes in a second of so many events, heard 60 ms later; the fastest hands make 80 of them."""
    linked, pushed, octets, seq = Linked(), 0.0, 0, 0
    for step in range(400):
        now = 1 + step * 0.0025
        while pushed <= now - 1:
            linked.player.push(now, bytes((0x90, seq % 128, 127)))
            pushed, seq = pushed + every, seq + 1
        linked.player.render(BLOCK, now)
        linked.messages(now)
        data = linked.link.report(now)
        octets += len(data) + 28 if data else 0  # with IP and UDP
        linked.receive(reply(heard=max(0, seq - round(0.06 / every) - 1)), now)
    assert 0 < octets < most


def test_a_report_carries_the_first_events_of_too_many() -> None:
    linked = Linked()
    linked.press(100)
    linked.messages(0.0)
    assert [event.seq for event in linked.reported(0.0).events] == list(range(1, MAX_EVENTS + 1))


def test_each_report_has_its_own_counter() -> None:
    linked = Linked()
    assert [linked.reported(float(k)).counter for k in range(4)] == [1, 2, 3, 4]


def test_a_report_says_where_the_callback_was_and_when() -> None:
    linked = Linked()
    linked.player.render(BLOCK, 0.5)
    linked.messages(0.507)
    report = linked.reported(0.507)
    assert (report.position, report.age, report.block, report.buffer_size) == (10, 7000, CHUNK, 40)


def test_a_new_session_begins_with_the_state() -> None:
    linked = Linked()
    linked.press()
    linked.link.uplink.outbox = Outbox()
    linked.player.post(linked.player.join, CHUNK, 8, linked.link.uplink.outbox)
    linked.player.render(BLOCK, 0.0)
    linked.press()
    resume, event = linked.messages(1.0)
    assert isinstance(resume, control.Resume)
    assert isinstance(event, control.Event)
    assert (resume.state.seq, event.seq) == (1, 2)
    assert [event.seq for event in linked.reported(1.0).events] == [2]


# Round trips


def test_the_round_trip_leaves_out_what_the_server_held() -> None:
    linked = Linked()
    linked.receive(reply(sent=linked.reported(1.0).sent, hold=30_000), 1.05)
    assert linked.figures.round_trips.median == pytest.approx(0.02, abs=1e-6)
    assert linked.link.uplink.probed == 1
    assert linked.reported(2.0).round_trip == 20_000


@given(st.floats(0, 20_000))
def test_round_trips_are_right_when_the_microseconds_wrap(now: float) -> None:
    linked = Linked()
    linked.receive(reply(sent=linked.reported(now).sent), now + 0.05)
    assert linked.figures.round_trips.median == pytest.approx(0.05, abs=2e-6)


@pytest.mark.parametrize("measuring", [True, False])
def test_a_reply_to_nothing_is_no_round_trip_nor_one_that_is_not_asked_for(measuring: bool) -> None:
    linked = Linked()
    linked.link.uplink.measuring = measuring
    linked.receive(reply(sent=0), 1000.0 if measuring else 0.01)
    assert linked.figures.round_trips.count == 0


def test_the_round_trip_is_asked_for_more_often_while_it_is_measured() -> None:
    linked, waits = Linked(), []
    for now, probing in ((1.0, False), (2.0, True)):
        linked.link.uplink.probing = probing
        assert linked.report(now)
        waits.append(linked.link.uplink.due - now)
    assert waits == pytest.approx([REPORT_SECONDS, PROBE_SECONDS])
