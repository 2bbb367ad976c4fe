"""At 1000 Hz, in chunks of 10 frames; sample n of every key has the value n / 1024."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.errors import ProtocolError
from netaudio.sampler.layout import ENDLESS, MOST_CHANGES
from netaudio.sampler.snapshot import NEVER, VOICES_A_NOTE
from netaudio.sampler.voices import Event, Score
from netaudio.session.session import EVENT_EFFORT, HELD_BACK, Chunk, ServerSession
from netaudio.timing.latency_budget import CAPACITY
from netaudio.units import Frames
from netaudio.wire.payload import PAYLOADS
from netaudio.wire.rtcp import UNKNOWN_SLACK, Report
from netaudio.wire.rtp import Audio
from tests.support.packets import is_parity, packets, rendered, sent
from tests.support.reference import Recording
from tests.support.scores import BANK, RATE, counting, instrument, region

CHUNK, SSRC, POLYPHONY = 10, 7, 8
HARP = instrument("harp", region(Recording(counting())))
MOST_NOTES = 2 * VOICES_A_NOTE * POLYPHONY


def fresh(chunk: int = CHUNK) -> ServerSession:
    session = ServerSession(RATE, chunk, PAYLOADS["F32"], POLYPHONY, SSRC)
    session.instruments[0] = HARP
    return session


def started(chunk: int = CHUNK) -> ServerSession:
    session = fresh(chunk)
    session.resume(session.restored(Score(RATE, POLYPHONY, session.instruments.get).state()))
    return session


def report(counter: int, position: int = 0, slack: int = UNKNOWN_SLACK, events: Sequence[Event] = ()) -> Report:
    return Report(SSRC, counter, position, 0, slack, 50, 0, 1000 * position, events=tuple(events))


def due(session: ServerSession, now: float = 0.0) -> Chunk:
    chunk = session.due(now)
    assert chunk is not None
    return chunk


def render(session: ServerSession, now: float = 0.0) -> tuple[Frames, list[Audio]]:
    """The next chunk, be it due or early, and its packets."""
    chunk = due(session, now)
    sound, faded = rendered(session, chunk, BANK.frames)
    return sound, list(map(Audio.parse, sent(session, chunk, sound, faded)))


def flow(session: ServerSession, position: int = 0) -> None:
    """Make the stream flow from that position on, and render up to 60 frames ahead of it."""
    session.take(report(0, position), 0.0, 0.0)
    while due(session).overdue >= 0:
        render(session)


def on(seq: int, position: int, cut: int = 0, key: int = 60, shift: int = 0, reach: int = ENDLESS) -> Event:
    return Event(seq, position, bytes((0x90, key, 127)), cut, shift, reach)


# Events


@given(st.permutations(range(1, 9)), st.lists(st.integers(1, 8), max_size=8))
def test_events_are_applied_in_order_and_once(order: list[int], again: list[int]) -> None:
    session = started()
    for seq in [*order, *again]:
        session.hear(on(seq, seq * 10, key=seq))
    assert session.score.seq == 8
    assert [voice.seq for voice in session.score.voices] == list(range(1, 9))


@given(st.permutations(range(1, 9)), st.integers(1, 8))
def test_what_comes_after_a_missing_event_waits_for_it(order: list[int], missing: int) -> None:
    session = started()
    for seq in order:
        if seq != missing:
            session.hear(on(seq, seq))
    assert session.score.seq == missing - 1
    session.hear(on(missing, missing))
    assert session.score.seq == 8


def test_positions_that_fall_are_refused() -> None:
    session = started()
    session.hear(on(1, 100))
    with pytest.raises(ProtocolError, match="event 2 lies before event 1"):
        session.hear(on(2, 99))


@pytest.mark.parametrize(
    "event",
    [
        Event(1, 0, b""), Event(1, 0, b"\x90"), Event(1, 0, b"\x90\x3c\x80"), on(1, NEVER), on(NEVER, 0),
        on(1, 0, cut=ENDLESS + 1), on(1, 0, shift=ENDLESS + 1), on(1, 0, reach=ENDLESS + 1),
    ],
)  # fmt: skip
def test_events_out_of_range_are_refused(event: Event) -> None:
    with pytest.raises(ProtocolError, match="empty or out of range"):
        started().hear(event)


def test_too_many_events_that_wait_are_refused() -> None:
    session = started()
    for seq in range(2, 2 + HELD_BACK):
        session.hear(on(seq, seq))
    with pytest.raises(ProtocolError, match="event 1 is missing"):
        session.hear(on(9999, 9999))


def test_events_that_take_more_than_their_share_wait_for_the_next() -> None:
    session = started()
    session.go_on(2.5 * EVENT_EFFORT)
    for seq in range(1, 9):
        session.hear(on(seq, seq, key=seq))
    assert (session.score.seq, session.waiting) == (3, 5)
    session.go_on(EVENT_EFFORT)
    assert (session.score.seq, session.waiting) == (4, 4)
    session.go_on(100 * EVENT_EFFORT)
    assert (session.score.seq, session.waiting) == (8, 0)


def test_more_events_than_can_be_heard_are_refused() -> None:
    session = started()
    session.go_on(0)
    for seq in range(1, 1 + HELD_BACK):
        session.hear(on(seq, seq))
    with pytest.raises(ProtocolError, match="event 1 comes after more than can be heard"):
        session.hear(on(9999, 9999))


def test_the_more_voices_there_are_the_fewer_events_are_heard_at_once() -> None:
    heard = []
    for voices in (0, 30):
        session = started()
        for seq in range(1, voices + 1):
            session.hear(on(seq, 0, key=seq))
        session.go_on(1000)
        for seq in range(1, 200):
            session.hear(Event(voices + seq, 0, b"\xb0\x40\x00"))
        heard.append(session.score.seq - voices)
    assert heard == [125, 27]


def test_nothing_that_an_event_which_waits_may_need_is_forgotten() -> None:
    session = started()
    session.hear(on(1, 0, cut=1))
    session.hear(Event(2, 10, b"\x80\x3c\x00"))
    session.go_on(0)
    session.hear(on(3, 20, cut=1, key=61))
    session.take(report(0, 1000), 0.0, 0.0)
    for _ in range(20):
        render(session)
    assert [voice.seq for voice in session.score.voices] == [1]
    session.go_on(1000)
    for _ in range(20):
        render(session)
    assert session.score.voices == []


BYTES = st.integers(0, 255)
KINDS = st.sampled_from((0x80, 0x90, 0xB0, 0xC0, 0xE0))


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=3), st.tuples(KINDS, BYTES, BYTES).map(bytes)), max_size=5))
def test_any_bytes_are_events_or_refused(messages: list[bytes]) -> None:
    session = started()
    try:
        for seq, message in enumerate(messages, 1):
            session.hear(Event(seq, 0, message))
    except ProtocolError:
        return
    flow(session)
    assert session.score.seq == len(messages)


def test_before_a_state_nothing_is_heard_or_paced() -> None:
    session = fresh()
    session.hear(on(1, 0))
    session.take(report(0), 0.0, 0.0)
    assert session.score.seq == 0
    assert session.due(0.0) is None


def test_notes_of_a_client_whose_reports_never_come_are_forgotten_too() -> None:
    session, apart = started(), CAPACITY // 100
    for k in range(4000):
        session.hear(on(2 * k + 1, apart * k, key=k % 128))
        session.hear(Event(2 * k + 2, apart * k + 50, bytes((0x80, k % 128, 0))))
    assert len(session.score.voices) <= MOST_NOTES


def test_more_notes_at_a_time_than_anyone_plays_are_refused() -> None:
    session = started()
    for k in range(MOST_NOTES):
        session.hear(on(k + 1, k, key=k % 128))
    with pytest.raises(ProtocolError, match="notes sound or wait"):
        session.hear(on(MOST_NOTES + 1, MOST_NOTES))


VOLUME, EXPRESSION, OTHER_VOLUME, BEND = b"\xb0\x07\x40", b"\xb0\x0b\x40", b"\xb1\x07\x40", b"\xe0\x00\x10"


@pytest.mark.parametrize("message", [VOLUME, EXPRESSION, BEND])
def test_changes_that_a_player_thins_are_refused_where_they_come_faster(message: bytes) -> None:
    session = started()
    for seq, position in enumerate((0, 5, 11), 1):
        session.hear(Event(seq, position, message))
    with pytest.raises(ProtocolError, match="event 4 changes what has changed less than 5 frames before"):
        session.hear(Event(4, 15, message))


def test_changes_of_other_lines_and_notes_may_come_at_once() -> None:
    session = started()
    for seq, message in enumerate((VOLUME, EXPRESSION, OTHER_VOLUME, BEND, b"\xb0\x40\x00", b"\xb0\x40\x7f"), 1):
        session.hear(Event(seq, 0, message))
    session.hear(on(7, 0))
    session.hear(on(8, 0))
    assert session.score.seq == 8


def test_changes_without_end_that_no_one_has_heard_are_refused() -> None:
    session = started()
    for seq in range(1, MOST_CHANGES):
        session.hear(Event(seq, 5 * seq, VOLUME))
    with pytest.raises(ProtocolError, match=f"event {MOST_CHANGES} is one change too many"):
        session.hear(Event(MOST_CHANGES, 5 * MOST_CHANGES, VOLUME))


def test_changes_without_end_are_heard_while_the_stream_flows() -> None:
    session, seq = started(), 0
    session.hear(on(1, 0, cut=1))
    for k in range(500):
        now = k / 100
        session.take(report(k, 10 * k)._replace(sent=round(1e6 * now)), now, now)
        for position in (10 * k + 60, 10 * k + 65):
            session.hear(Event(2 + seq, position, VOLUME))
            seq += 1
        while due(session, now).overdue >= 0:
            render(session, now)
    assert session.score.seq == 1001


# Reports


def test_a_replayed_report_is_refused() -> None:
    session = started()
    session.take(report(5), 0.0, 0.0)
    for counter in (0, 4, 5):
        with pytest.raises(ProtocolError, match="replayed"):
            session.check(report(counter))
    session.check(report(6))


def test_reports_of_another_session_and_from_nowhere_are_refused() -> None:
    with pytest.raises(ProtocolError, match="another session"):
        started().check(Report(8, 1, 0, 0, 0, 0, 0, 0))
    with pytest.raises(ProtocolError, match="beyond"):
        started().check(report(1, position=NEVER))


def test_a_reply_says_what_was_heard_and_for_how_long_it_was_held() -> None:
    session = started()
    asked = Report(SSRC, 0, 0, 0, UNKNOWN_SLACK, 50, 0, 1234, events=(on(1, 0), on(2, 5), on(4, 6)))
    reply = session.take(asked, arrived=1.0, now=1.25)
    assert (reply.heard, reply.sent, reply.hold) == (2, 1234, 250_000)


# Chunks


def test_a_chunk_that_is_passed_over_counts_as_made() -> None:
    """The next one tells of it as of any other, and what is over is forgotten."""
    session = started()
    flow(session, 30)
    session.hear(on(1, 50, cut=10))
    session.hear(Event(2, 60, b"\x80\x3c\x00"))
    session.pass_over(due(session))
    assert due(session)[:3] == (110, 2, 2)
    session.take(report(1, 1000)._replace(sent=1_000_000), 1.0, 1.0)
    for _ in range(20):
        session.pass_over(due(session, 1.0))
    assert session.score.voices == []


def test_a_remote_note_begins_on_its_frame() -> None:
    session = started()
    session.hear(on(1, 105))
    flow(session, 30)
    assert session.cursor == 100
    chunk, _ = render(session)
    assert chunk[:, 0].tolist() == [0, 0, 0, 0, 0, 0, 1 / 1024, 2 / 1024, 3 / 1024, 4 / 1024]


def test_a_remote_note_keeps_the_hands_position_and_sounds_an_offset_later() -> None:
    session = started()
    session.hear(on(1, 75, shift=30, reach=0))
    session.hear(Event(2, 77, b"\xb0\x78\x00"))
    flow(session, 30)
    sound = np.concatenate([render(session)[0][:, 0] for _ in range(2)])
    stolen = [0.8 * 3, 0.6 * 4, 0.4 * 5, 0.2 * 6, 0, 0, 0, 0, 0]
    assert 1024 * sound == pytest.approx([0, 0, 0, 0, 0, 0, 1, 2, *stolen, 0, 0, 0])


@pytest.mark.parametrize(("cut", "first"), [(50, 10), (57, 17), (60, 20)])
def test_a_tail_begins_on_its_frame(cut: int, first: int) -> None:
    session = started()
    session.hear(on(1, 100, cut=cut))
    flow(session, 70)
    assert session.cursor == 140
    render(session)
    frames = np.concatenate([render(session)[0][:, 0] for _ in range(3)])
    heard = np.concatenate((np.zeros(first - 10), np.arange(cut, cut + 40)))[:30] / 1024
    assert frames.tolist() == heard.tolist()


def test_an_event_that_came_late_fades_in_over_one_packet() -> None:
    session = started()
    flow(session, 30)
    session.hear(on(1, 50, cut=10))
    chunk, (packet,) = render(session)
    assert (packet.before, packet.heard, packet.timestamp) == (0, 1, 100)
    fade = np.arange(1, 11) / 10
    assert chunk[:, 0] == pytest.approx(fade * np.arange(50, 60) / 1024)
    chunk, (packet,) = render(session)
    assert (packet.before, packet.heard) == (1, 1)
    assert chunk[:, 0] == pytest.approx(np.arange(60, 70) / 1024)


def test_only_the_first_packet_of_a_chunk_fades() -> None:
    session = started(chunk=400)
    session.take(report(0, 1), 0.0, 0.0)
    session.hear(on(1, 750, cut=1))
    chunk, packets = render(session)
    assert [(p.before, p.heard) for p in packets] == [(0, 1), (1, 1), (1, 1)]
    assert [p.timestamp for p in packets] == [800, 934, 1068]
    assert [p.sequence for p in packets] == [0, 1, 2]
    assert [len(p.payload) // 8 for p in packets] == [134, 134, 132]
    assert chunk[133:, 0] == pytest.approx(np.arange(183, 450) / 1024)
    assert chunk[66, 0] == pytest.approx(67 / 134 * 116 / 1024)


def test_what_was_heard_in_time_needs_no_fade() -> None:
    session = started()
    flow(session, 30)
    session.hear(on(1, 60, cut=50))
    session.hear(Event(2, 200, b"\x80\x3c\x00"))
    for first, heard in ((100, 2), (110, 2)):
        chunk, (packet,) = render(session)
        assert (packet.timestamp, packet.before, packet.heard) == (first, heard, heard)
    assert chunk[:, 0] == pytest.approx(np.arange(50, 60) / 1024)


@pytest.mark.parametrize("shift", [0, 20])
def test_a_late_remote_note_moves_and_is_reported(shift: int) -> None:
    session = started()
    flow(session, 30)
    session.hear(on(1, 62 - shift, shift=shift))
    assert session.late == [(1, 38)]
    render(session)
    chunk, _ = render(session)
    assert chunk[:, 0] == pytest.approx(np.arange(10, 20) / 1024)


def test_a_late_hybrid_note_does_not_move() -> None:
    session = started()
    flow(session, 30)
    session.hear(on(1, 62, cut=5))
    assert session.late == []


def test_voices_that_are_over_are_forgotten() -> None:
    session = started()
    session.hear(on(1, 0, cut=1))
    session.hear(Event(2, 10, b"\x80\x3c\x00"))
    session.take(report(0, 1000), 0.0, 0.0)
    for _ in range(20):
        render(session)
    assert session.score.voices == []


def test_a_chunk_that_is_made_anew_tells_again_what_came_in_since() -> None:
    """A client that stands still for long hears of what it did, once it goes on."""
    session = started()
    flow(session)
    first = session.cursor
    session.hear(on(1, 50, cut=10))
    made = [due(session)]
    while made[-1].first == first + CHUNK * (len(made) - 1):
        render(session)
        made.append(due(session))
    assert (made[-1].first, made[-1].before, made[-1].heard) == (first - CHUNK, 0, 1)
    assert len(made) < 30


def test_parity_follows_the_audio_at_the_rate_that_a_report_asks_for() -> None:
    session = started()
    for number, (parity, expected) in enumerate(((0, 0), (8, 4), (16, 8), (0xFFFF, 16), (0, 0))):
        asked = report(number, 80 * number)._replace(parity=parity, window=4)
        now = 0.08 * number
        session.take(asked, now, now)
        sent = [data for _ in range(8) for data in packets(session, due(session, now), BANK.frames)]
        assert sum(map(is_parity, sent)) == expected
        assert [Audio.parse(data).ssrc for data in sent if not is_parity(data)] == 8 * [SSRC]
    assert session.packets_sent == 40
