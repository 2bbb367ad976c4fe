"""What a tick and a callback may cost, counted: calls and bytes, never time."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from netaudio.player.player import ClientPlayer
from netaudio.player.rings import Packet
from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import Instrument, Sample
from netaudio.sampler.mixer import Mixer, Rows
from netaudio.sampler.voices import Event, Score
from netaudio.session.session import ServerSession
from netaudio.wire.payload import PAYLOADS

RATE, CHUNK, VOICES = 48000, 128, 32
LENGTH = 10 * RATE
BLOCKS = 600


def instrument(bank: Bank) -> Instrument:
    """One sample of ten seconds for every key."""
    (address,) = bank.extend([np.full((LENGTH, 2), 0.01, np.float32)])
    return Instrument("one", RATE, (), (Sample(address, LENGTH, LENGTH, LENGTH, None),) * 128)


def chord(session: ServerSession, at: int, cut: int = 0) -> None:
    first = session.score.seq + 1
    for key in range(VOICES):
        session.hear(Event(first + key, at, bytes((0x90, key, 100)), cut))


def sessions(count: int, sample: Instrument) -> list[ServerSession]:
    made = []
    for number in range(count):
        session = ServerSession(RATE, CHUNK, PAYLOADS["L24"], VOICES, 2 * number)
        session.instruments[0] = sample
        session.resume(Score(RATE, VOICES, lambda _: None).state())
        chord(session, 0)
        made.append(session)
    return made


class Spied:
    """Counts the calls of numpy's operators on the arrays that a mixer is given."""

    def __init__(self) -> None:
        self.gathers = self.products = 0

    def tick(self, mixer: Mixer, bank: Bank, played: list[ServerSession]) -> None:
        """One tick of all sessions, with the mixer's view of the bank and its gains watched."""
        spied = self
        items, time = mixer._view(bank.frames, CHUNK)

        class Items(np.ndarray[Any, Any]):
            def __getitem__(self, key: Any) -> Any:
                spied.gathers += 1
                return np.asarray(super().__getitem__(key))

        class Lines(np.ndarray[Any, Any]):
            def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, **kwargs: Any) -> Any:
                spied.products += ufunc is np.matmul
                return getattr(ufunc, method)(*map(np.asarray, inputs), **kwargs)

        mixer._views[CHUNK] = items.view(Items), time
        mixer._lines = np.asarray(mixer._lines).view(Lines)
        mixer.mix(bank.frames, [session.rows() for session in played], CHUNK)
        for session in played:
            session.cursor += CHUNK


@pytest.mark.parametrize("count", [1, 5, 50])
def test_a_tick_is_one_gather_and_one_product_however_many_sessions(count: int) -> None:
    bank, mixer = Bank(), Mixer()
    played = sessions(count, instrument(bank))
    mixer.mix(bank.frames, [session.rows() for session in played], CHUNK)
    for session in played:
        session.cursor += CHUNK
    spied = Spied()
    spied.tick(mixer, bank, played)
    assert (spied.gathers, spied.products) == (1, 1)


def rebuilt(session: ServerSession, chunks: int) -> int:
    """How many of a session's next chunks made it look at its voices."""
    found, last = 0, None
    for _ in range(chunks):
        rows = session.rows()
        now = rows, rows.changes
        found += now != last
        last = now
        session.cursor += CHUNK
    return found


def test_voices_are_looked_at_when_something_happens_and_not_for_each_chunk() -> None:
    (session,) = sessions(1, instrument(Bank()))
    assert rebuilt(session, 1000) == 1


def test_a_release_is_looked_at_when_it_begins_and_when_it_ends() -> None:
    (session,) = sessions(1, instrument(Bank()))
    assert rebuilt(session, 10) == 1
    at, seq = session.cursor + 64, session.score.seq
    for key in range(VOICES):
        session.hear(Event(seq + 1 + key, at, bytes((0x80, key, 0))))
    assert rebuilt(session, 100) <= 4  # the chunks of its beginning and its end, and those after them
    assert not session.voices


def test_rows_that_stay_are_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write = Mixer._write

    def counted(mixer: Mixer, j: int, rows: Rows) -> None:
        written.append(j)
        write(mixer, j, rows)

    monkeypatch.setattr(Mixer, "_write", counted)
    bank, mixer = Bank(), Mixer()
    instrument(bank)
    jobs = [Rows() for _ in range(5)]
    for rows in jobs:
        rows.add(2000, 1.0, 0.0)
    for _ in range(10):
        mixer.mix(bank.frames, jobs, CHUNK)
        for rows in jobs:
            rows.advance(CHUNK)
    assert written == [0, 1, 2, 3, 4]


def callback(streaming: bool) -> Callable[[], None]:
    """A client's, with 32 voices in their heads."""
    bank = Bank()
    player = ClientPlayer(RATE, CHUNK, VOICES, bank, {0: instrument(bank)}, set(), "hybrid", LENGTH)
    out, silence = np.zeros((CHUNK, 2), np.float32), np.zeros((CHUNK, 2), np.float32)
    player.linked = streaming
    packets = iter([Packet(n * CHUNK, VOICES, VOICES, silence) for n in range(BLOCKS)])
    for key in range(VOICES):
        player.push(0.0, bytes((0x90, key, 100)))

    def render() -> None:
        if streaming:
            player.rings.remote.put(next(packets))
        player.render(out, player.position / RATE)

    for _ in range(BLOCKS // 4):
        render()
    assert len(player.sounding()) == VOICES
    return render


@pytest.mark.parametrize("streaming", [False, True])
def test_a_callback_allocates_little_and_keeps_nothing(streaming: bool) -> None:
    render = callback(streaming)
    gathered = VOICES * CHUNK * 8
    tracemalloc.start()
    try:
        render()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(BLOCKS // 2):
            render()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 2 * gathered
    assert after - before < 64 * BLOCKS  # the slots that packets took


def test_releases_that_packets_have_not_heard_of_take_curves_only_where_they_bend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bank = Bank()
    player = ClientPlayer(RATE, CHUNK, VOICES, bank, {0: instrument(bank)}, set(), "hybrid", CHUNK)
    player.linked = True
    downs = [(0, bytes((0x90, key, 100))) for key in range(VOICES)]
    player.play([*downs, *((20 * CHUNK, bytes((0x80, key, 0))) for key in range(VOICES))])
    curves: list[int] = []
    gains = Score.gains

    def counted(score: Score, *args: Any) -> Any:
        curves.append(player.position // CHUNK)
        return gains(score, *args)

    monkeypatch.setattr(Score, "gains", counted)
    out, silence = np.zeros((CHUNK, 2), np.float32), np.zeros((CHUNK, 2), np.float32)
    for block in range(60):
        player.rings.remote.put(
            Packet(block * CHUNK, VOICES, VOICES, silence)
        )  # as if it had heard of the notes alone
        player.render(out, player.position / RATE)
    bends = {block for block in curves if block > 10}
    assert len(bends) <= 2, bends  # where the releases end, between two blocks
    assert player.knit.tally.streamed > 0
