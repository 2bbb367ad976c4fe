"""What a tick and a callback may cost, counted: calls and bytes, never time."""

import socket
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np
import pytest

from netaudio.player.player import FORGET_FRAMES, ClientPlayer
from netaudio.player.rings import Packet
from netaudio.sampler import kernel
from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.pitch import ONE
from netaudio.sampler.region import Region
from netaudio.sampler.voices import Event, Score
from netaudio.server.render_worker import RenderWorker, Seat
from netaudio.session.session import ServerSession
from netaudio.wire.payload import PAYLOADS

RATE, CHUNK, VOICES = 48000, 128, 32
LENGTH = 10 * RATE
BLOCKS = 600


def instrument(bank: Bank) -> Instrument:
    """One recording of ten seconds for every key."""
    (address,) = bank.extend([np.full((LENGTH, 2), 0.01, np.float32)])
    region = Region(address, LENGTH, LENGTH, None, ONE, 1.0, 1.0, 48, LENGTH)
    return Instrument("one", RATE, (), (region,) * 128)


def sessions(count: int, played: Instrument, voices: int = VOICES) -> list[ServerSession]:
    """Each with a chord that is held."""
    made = []
    for number in range(count):
        session = ServerSession(RATE, CHUNK, PAYLOADS["L24"], VOICES, 2 * number)
        session.instruments[0] = played
        session.resume(session.restored(Score(RATE, VOICES, lambda _: None).state()))
        for key in range(voices):
            session.hear(Event(1 + key, 0, bytes((0x90, key, 100))))
        made.append(session)
    return made


def calls(work: Callable[[], object]) -> int:
    """How many functions of Python and C a piece of work calls."""
    found = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal found
        found += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


def allocated(work: Callable[[], object]) -> tuple[int, int]:
    """Bytes at their peak, and those that are kept."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        work()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before, after - before


# The server


@pytest.fixture
def udp() -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as made:
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        yield made


def batch(played: list[ServerSession], udp: socket.socket) -> list[Any]:
    """What is due of all sessions."""
    found = []
    for session in played:
        seat = Seat(session, udp, "127.0.0.1", b"", lambda _: None)
        seat.outlet.aim(udp.getsockname())  # it sends to itself
        session.pacer.report(0.0, 0, 0, 0, 0, None, CHUNK, 0.0, 0)
        found.append((seat, session.due(0.0)))
    return found


@pytest.mark.parametrize("count", [1, 5, 50])
def test_a_tick_is_one_call_of_the_kernel_however_many_sessions(
    count: int, udp: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, render, rendered = Bank(), kernel.variant("free"), list[int]()
    worker = RenderWorker(bank)

    def counted(bank: Any, jobs: Any, *arguments: Any) -> None:
        rendered.append(len(jobs))
        render(bank, jobs, *arguments)

    monkeypatch.setitem(kernel._variants, "free", counted)
    due = batch(sessions(count, instrument(bank)), udp)
    worker._send_all(due, 0.0)
    assert rendered == [count]
    assert [seat.voices for seat, _ in due] == [VOICES] * count


def chunk(session: ServerSession, bank: Bank) -> Callable[[], object]:
    """What the next chunk takes, but for the sending."""

    def work() -> None:
        due = session.due(0.0)
        assert due
        sound, facts = kernel.tails(bank.frames, [session.job(due)], CHUNK, 240, 4800)
        packets = session.payload.packets(sound, [session.head(due, facts[0, 0])])
        session.sent(due, packets, 0)

    return work


def test_a_chunk_takes_no_more_calls_for_many_voices_than_for_one() -> None:
    bank = Bank()
    played, costs = instrument(bank), []
    for voices in (1, VOICES):
        (session,) = sessions(1, played, voices)
        session.pacer.report(0.0, 0, 0, 0, 0, None, CHUNK, 0.0, 0)
        work = chunk(session, bank)
        work()
        costs.append(min(calls(work) for _ in range(4)))
    assert costs[0] == costs[1] < 80


def test_a_controller_takes_no_more_calls_for_many_voices_than_for_one() -> None:
    """A hundred times a second it moves all of them."""
    costs = []
    for voices in (1, VOICES):
        (session,) = sessions(1, instrument(Bank()), voices)
        event = Event(session.score.seq + 1, 1000, b"\xb0\x07\x40")
        costs.append(calls(partial(session.hear, event)))
    assert costs[0] == costs[1] < 60


@pytest.mark.parametrize("moved", [False, True])
def test_the_kernel_reads_scores_where_they_lie(moved: bool) -> None:
    """No copy of a voice, a change or a frame of the bank is made: what is new is the sound."""
    bank = Bank()
    played = sessions(50, instrument(bank))
    for session in played if moved else []:
        session.hear(Event(VOICES + 1, 0, b"\xb0\x07\x40"))
        session.hear(Event(VOICES + 2, 0, b"\xe0\x00\x50"))
    jobs = [session.score.job(0, 0, 0, session.score.seq, 0, CHUNK) for session in played]
    peak, _ = allocated(lambda: kernel.tails(bank.frames, jobs, CHUNK, 240, 4800))
    assert peak < 1.2 * 50 * CHUNK * 8


# The client


def callback(streaming: bool, voices: int = VOICES, heard: int = VOICES) -> tuple[ClientPlayer, Callable[[], None]]:
    """With voices in their heads, and packets that have heard so many events."""
    bank = Bank()
    player = ClientPlayer(RATE, CHUNK, VOICES, bank, {0: instrument(bank)}, set(), "hybrid", LENGTH // 2)
    out, silence = np.zeros((CHUNK, 2), np.float32), np.zeros((CHUNK, 2), np.float32)
    player.linked = streaming
    packets = iter([Packet(n * CHUNK, heard, heard, silence) for n in range(BLOCKS)])
    for key in range(voices):
        player.push(0.0, bytes((0x90, key, 100)))

    def render() -> None:
        if streaming:
            player.rings.remote.put(next(packets))
        player.render(out, player.position / RATE)

    for _ in range(BLOCKS // 4):
        render()
    assert len(player.sounding()) == voices
    return player, render


@pytest.mark.parametrize("streaming", [False, True])
def test_a_callback_takes_no_more_calls_for_many_voices_than_for_one(streaming: bool) -> None:
    costs = []
    for voices in (1, VOICES):
        _, render = callback(streaming, voices)
        costs.append(min(calls(render) for _ in range(2 * FORGET_FRAMES // CHUNK)))
    assert costs[0] == costs[1] < 120


@pytest.mark.parametrize("message", [b"\x80", b"\xb0\x07\x40", b"\xe0\x00\x50"])
def test_what_packets_have_not_heard_of_takes_no_more_calls(message: bytes) -> None:
    """Releases, controllers and bends of all voices alike."""
    player, render = callback(streaming=True)
    steady = min(calls(render) for _ in range(2 * FORGET_FRAMES // CHUNK))
    for key in range(VOICES if message == b"\x80" else 1):
        player.push(player.position / RATE, message if len(message) == 3 else bytes((0x80, key, 0)))
    render()
    render()
    assert player.score.seq > VOICES
    assert min(calls(render) for _ in range(2 * FORGET_FRAMES // CHUNK)) == steady


@pytest.mark.parametrize("streaming", [False, True])
def test_a_callback_calls_the_kernel_once_a_packet(streaming: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    _, render = callback(streaming)
    corrections, made = kernel.variant("held"), list[int]()

    def counted(bank: Any, jobs: Any, weights: Any, out: Any, *arguments: Any) -> None:
        made.append(out.shape[1] // 2)
        corrections(bank, jobs, weights, out, *arguments)

    monkeypatch.setitem(kernel._variants, "held", counted)
    for _ in range(10):
        render()
    assert made == [CHUNK] * 10


@pytest.mark.parametrize("streaming", [False, True])
def test_a_callback_allocates_little_and_keeps_nothing(streaming: bool) -> None:
    _, render = callback(streaming)
    render()
    peak, kept = allocated(lambda: [render() for _ in range(BLOCKS // 2)])
    assert kept <= peak < VOICES * CHUNK * 8, "less than a copy of what the voices read in a block"
