"""How a render worker paces its sessions: ticks and chunks of 10 ms at 1000 Hz."""

import socket
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from netaudio.errors import ProtocolError
from netaudio.sampler import kernel
from netaudio.sampler.bank import Bank
from netaudio.sampler.voices import Event, Score
from netaudio.server.render_worker import MOST_HEARD, MOST_INBOX, RenderWorker, Seat
from netaudio.session.session import EVENT_EFFORT, Chunk, ServerSession
from netaudio.wire.payload import PAYLOADS

RATE, CHUNK, TICK = 1000, 10, 0.01


@pytest.fixture
def seat() -> Iterator[Seat]:
    session = ServerSession(RATE, CHUNK, PAYLOADS["L24"], 8, 2)
    session.resume(session.restored(Score(RATE, 8, lambda _: None).state()))
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        udp.bind(("127.0.0.1", 0))
        made = Seat(session, udp, "127.0.0.1", b"", lambda _: None)
        made.outlet.aim(udp.getsockname())  # it sends to itself
        yield made


@pytest.fixture
def worker(seat: Seat) -> Iterator[RenderWorker]:
    made = RenderWorker(Bank())
    made._add(seat)
    yield made
    made._selector.close()


def test_a_session_takes_one_state(seat: Seat) -> None:
    state = seat.session.score.state()
    seat.receive(state)
    seat.inbox.clear()
    with pytest.raises(ProtocolError, match="a second state to resume from"):
        seat.receive(state)


def test_a_state_that_no_score_can_have_waits_for_no_worker(seat: Seat) -> None:
    with pytest.raises(ProtocolError, match="no score can have"):
        seat.receive(seat.session.score.state()._replace(channels=[]))
    assert not seat.inbox


def test_what_waits_for_a_worker_is_bounded(seat: Seat) -> None:
    for seq in range(MOST_INBOX):
        seat.receive(Event(seq, 0, b"\xb0\x40\x00"))
    with pytest.raises(ProtocolError, match=f"more than {MOST_INBOX} messages wait"):
        seat.receive(Event(1, 0, b"\xb0\x40\x00"))


def test_a_tick_hears_no_more_than_its_share(seat: Seat, worker: RenderWorker) -> None:
    for seq in range(1, MOST_INBOX + 1):
        seat.receive(Event(seq, 0, b"\xb0\x40\x00"))
    worker._hear(10 * EVENT_EFFORT, seat)
    assert (seat.session.score.seq, len(seat.inbox)) == (10, MOST_INBOX - MOST_HEARD)


def test_of_many_reports_the_newest_are_taken(
    seat: Seat, worker: RenderWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = list[bytes]()
    monkeypatch.setattr(worker, "_take", lambda _seat, data, _address: taken.append(data))
    for number in range(20):
        seat.outlet.send(bytes([number]))
    worker._read(3)
    assert taken == [b"\x11", b"\x12", b"\x13"]
    worker._read(3)
    assert len(taken) == 3


def test_a_chunk_that_took_more_than_its_share_is_not_sent(
    seat: Seat, worker: RenderWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, facts = np.zeros((1, CHUNK, 2), np.float32), np.array([[0, 9, 1]])
    monkeypatch.setattr(kernel, "tails", lambda *_: (sound, facts))
    worker._send_all([(seat, Chunk(0, 0, 0, 0.0))], 0.0)
    assert (seat.withheld, seat.session.packets_sent, seat.session.cursor) == (1, 0, CHUNK)
    facts[0, 2] = 0
    worker._send_all([(seat, Chunk(CHUNK, 0, 0, 0.0))], 0.0)
    assert (seat.withheld, seat.session.packets_sent, seat.session.cursor) == (1, 1, 2 * CHUNK)


def chunks(seat: Seat, edge: float, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sent in each of 40 ticks, where the session's clock trembles by 3 frames about so many past a tick's end."""
    worker, sent, tremble = RenderWorker(Bank()), list[int](), np.random.default_rng(0).uniform(-3, 3, 40)
    worker._add(seat)
    session = seat.session
    for tick in range(40):
        goal = CHUNK * tick + edge + tremble[tick]
        monkeypatch.setattr(session, "due", lambda _, goal=goal: Chunk(session.cursor, 0, 0, goal - session.cursor))
        before = session.packets_sent
        worker._render(tick * TICK, TICK / 2)
        sent.append(session.packets_sent - before)
    worker._selector.close()
    return sent


@pytest.mark.parametrize("edge", [0.0, 0.5, 2.0, 5.0, 9.5])
def test_a_session_at_the_edge_between_two_ticks_has_a_chunk_in_each(
    seat: Seat, edge: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = chunks(seat, edge, monkeypatch)
    assert sum(count != 1 for count in sent) <= 2, sent  # until it is on one side


def test_a_session_that_fails_between_two_chunks_sends_no_more(
    seat: Seat, worker: RenderWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its socket's number may be another's by then."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(seat.session, "sent", fail)
    monkeypatch.setattr(seat.session, "due", lambda _: Chunk(0, 0, 0, 2.0 * CHUNK))
    worker._render(0.0, TICK / 2)
    assert seat.outlet.address is None and not worker._seats
    assert worker.lateness.chunks == 1
