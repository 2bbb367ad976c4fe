"""How a render worker paces its sessions: ticks and chunks of 10 ms at 1000 Hz."""

import socket
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from netaudio.sampler.bank import Bank
from netaudio.sampler.voices import Score
from netaudio.server.render_worker import RenderWorker, Seat
from netaudio.session.session import Chunk, ServerSession
from netaudio.wire.payload import PAYLOADS

RATE, CHUNK, TICK = 1000, 10, 0.01


@pytest.fixture
def seat() -> Iterator[Seat]:
    session = ServerSession(RATE, CHUNK, PAYLOADS["L24"], 8, 2)
    session.resume(Score(RATE, 8, lambda _: None).state())
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        udp.bind(("127.0.0.1", 0))
        made = Seat(session, udp, "127.0.0.1", b"", lambda _: None)
        made.address = udp.getsockname()  # it sends to itself
        yield made


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
