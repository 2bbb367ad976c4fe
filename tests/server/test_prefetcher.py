"""Who is fetched when, of a bank in a file, and what a chunk waits for."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from netaudio.server.ahead import Extent, blocks
from netaudio.server.mapped_bank import MappedBank
from netaudio.server.prefetcher import AHEAD_SECONDS, FORGET_SECONDS, Prefetcher
from netaudio.server.render_worker import RenderWorker, Seat
from netaudio.session.session import Chunk, ServerSession
from netaudio.wire.payload import PAYLOADS
from tests.server.test_mapped_bank import CHUNK, KEYS, OFFSET, RATE, held, sounding

SECOND = round(AHEAD_SECONDS * RATE)


class Told(MappedBank):
    """Keeps which blocks were to be fetched, and has something done after each piece."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.told: list[int] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def fetch(self, extents: Sequence[Extent], between: Callable[[], None] = lambda: None) -> None:
        for extent in extents:
            self.told += blocks([extent])
            self.meanwhile()
            between()


Made = tuple[Told, Prefetcher, Callable[[int], ServerSession]]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """A bank, a prefetcher that does not run, and what makes sessions of a cut that it watches."""
    bank = Told(tmp_path)
    instrument = sounding(bank)
    prefetcher = Prefetcher(bank, [instrument], RATE, OFFSET)
    bank.told.clear()

    def begin(cut: int) -> ServerSession:
        session = held(instrument, cut)
        prefetcher.watch(session)
        return session

    yield bank, prefetcher, begin


def lasts(prefetcher: Prefetcher, session: ServerSession) -> int:
    """Play as far as all is fetched; the position."""
    while prefetcher.fetched(session):
        session.cursor += CHUNK
    return session.cursor


def test_a_session_without_notes_waits_for_nothing(tmp_path: Path) -> None:
    session = ServerSession(RATE, CHUNK, PAYLOADS["L24"], KEYS, 0)
    prefetcher = Prefetcher(MappedBank(tmp_path), [], RATE, OFFSET)
    prefetcher.watch(session)
    session.cursor = RATE
    assert prefetcher.fetched(session)


def test_a_note_is_waited_for_only_where_it_is_read(made: Made) -> None:
    _, prefetcher, begin = made
    session = begin(10 * CHUNK)
    assert not prefetcher.fetched(session)
    watch = prefetcher._watches[session]
    watch.reached = 0, 0, 20 * CHUNK  # as far as it knew before the notes began
    assert lasts(prefetcher, session) == 10 * CHUNK
    watch.reached = KEYS, 0, 20 * CHUNK
    assert lasts(prefetcher, session) == 20 * CHUNK


def test_a_look_goes_a_second_ahead_and_an_answer_beyond_the_next_look(made: Made) -> None:
    _, prefetcher, begin = made
    session = begin(0)
    assert not prefetcher.fetched(session)
    prefetcher.answer()
    assert SECOND // 2 < lasts(prefetcher, session) < SECOND
    prefetcher.look_around(0.0)
    first = session.cursor
    assert lasts(prefetcher, session) == first + SECOND


def test_what_lies_before_the_last_look_is_asked_for_again(made: Made) -> None:
    _, prefetcher, begin = made
    session = begin(0)
    session.cursor = SECOND
    prefetcher.look_around(0.0)
    assert prefetcher.fetched(session)
    session.cursor -= 10 * CHUNK  # as a session does whose client's card was stopped
    assert not prefetcher.fetched(session)
    prefetcher.answer()
    assert prefetcher.fetched(session)


def test_whoever_asks_comes_before_the_seconds_of_others(made: Made) -> None:
    bank, prefetcher, begin = made
    looked, asking = begin(0), begin(0)
    watch, found = prefetcher._watches[looked], list[tuple[bool, int]]()
    bank.meanwhile = lambda: found.append((prefetcher.fetched(asking), watch.reached[2]))
    prefetcher._look(watch)
    assert found[0] == (False, 0) and found[-1] == (True, 0) and watch.reached[2] == SECOND


def test_notes_that_begin_during_a_look_are_in_it(made: Made) -> None:
    bank, prefetcher, begin = made
    session = begin(0)
    voices = session.score.voices
    late, session.score.voices = voices[KEYS // 2 :], voices[: KEYS // 2]

    def begins() -> None:
        bank.meanwhile = lambda: None
        session.score.voices = voices

    bank.meanwhile = begins
    prefetcher.look_around(0.0)
    assert late and lasts(prefetcher, session) == SECOND


def test_who_asks_without_end_leaves_others_their_turn(made: Made) -> None:
    bank, prefetcher, begin = made
    sessions = [begin(0), begin(0)]

    def ask() -> None:
        for session in sessions:
            session.cursor += RATE
            assert not prefetcher.fetched(session)

    bank.meanwhile = ask
    ask()
    prefetcher.answer()  # and comes back


def test_blocks_are_fetched_again_once_they_may_be_gone(made: Made) -> None:
    bank, prefetcher, begin = made
    begin(0)

    def looks(now: float) -> set[int]:
        bank.told.clear()
        prefetcher.look_around(now)
        return set(bank.told)

    first = looks(0.0)
    assert len(first) > 2 * len(looks(1.0))  # some of the heads
    looks(FORGET_SECONDS)
    assert looks(2 * FORGET_SECONDS) >= first - set(range(KEYS))


def test_a_session_may_leave_before_its_answer(made: Made) -> None:
    _, prefetcher, begin = made
    leaving, staying = begin(0), begin(0)
    assert not prefetcher.fetched(leaving) and not prefetcher.fetched(staying)
    prefetcher.leave(leaving)
    prefetcher.answer()
    prefetcher.look_around(0.0)
    assert prefetcher.fetched(staying)


@pytest.fixture
def seat() -> Iterator[Callable[[ServerSession], Seat]]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        yield lambda session: Seat(session, udp, "127.0.0.1", b"", lambda _: None)


def test_what_is_resumed_is_asked_for_anew(made: Made, seat: Callable[[ServerSession], Seat]) -> None:
    bank, prefetcher, begin = made
    one, worker = seat(begin(0)), RenderWorker(bank, prefetcher)
    worker._add(one)
    prefetcher.look_around(0.0)
    assert prefetcher.fetched(one.session)
    one.receive(one.session.score.state())
    worker._hear(0.0, one)
    assert not prefetcher.fetched(one.session)
    prefetcher.answer()
    assert prefetcher.fetched(one.session)


def test_a_chunk_that_is_withheld_counts_once(
    made: Made, seat: Callable[[ServerSession], Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, prefetcher, begin = made
    one, worker = seat(begin(0)), RenderWorker(bank, prefetcher)
    one.outlet.aim(("127.0.0.1", 9))
    monkeypatch.setattr(one.session, "due", lambda _: Chunk(0, 0, 0, 0.0))
    for _ in range(3):
        assert worker._prepare(one, 0.0, 0.0) is None
    assert one.troubles() == ", 1 chunks withheld"
    prefetcher.answer()
    assert worker._prepare(one, 0.0, 0.0) is not None
    assert one.withheld == 1
