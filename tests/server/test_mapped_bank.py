"""A bank in a file: the same sound, nothing left behind, and no waiting for the disk where sound is made."""

import tracemalloc
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from netaudio.errors import SettingError
from netaudio.readers.wav_folder import load
from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import Instrument
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.pitch import ONE
from netaudio.sampler.region import GUARD, Region
from netaudio.sampler.voices import Event, Score
from netaudio.server.lateness import Stages
from netaudio.server.mapped_bank import MappedBank
from netaudio.server.prefetcher import Prefetcher
from netaudio.session.session import Chunk, ServerSession
from netaudio.units import Span
from netaudio.wire.payload import PAYLOADS
from tests.readers.test_wav_folder import noise, write
from tests.sampler.test_bank import counting
from tests.support import packets
from tests.support.pages import drop
from tests.support.programs import until

RATE, CHUNK, KEYS = 48000, 128, 12
SECONDS = 4  # of each recording
OFFSET = Span.parse("100ms")


class NoFaults(UserWarning):
    """A file system in memory has its files' pages always there."""


# The bank


def test_it_holds_what_a_bank_in_memory_holds(tmp_path: Path) -> None:
    bank, mapped = Bank(), MappedBank(tmp_path)
    for parts in ([counting(10), counting(0)], [], [counting(3000)]):
        assert mapped.extend(parts) == bank.extend(parts)
        assert np.array_equal(mapped.frames, bank.frames) and mapped.frames.dtype == bank.frames.dtype
    with pytest.raises(ValueError, match="read-only"):
        mapped.frames[0] = 1


def test_a_reader_keeps_what_it_took(tmp_path: Path) -> None:
    bank = MappedBank(tmp_path)
    bank.extend([counting(10)])
    taken = bank.frames
    before = taken.copy()
    bank.extend([counting(20)])
    assert len(taken) < len(bank.frames) and np.array_equal(taken, before)


def test_its_folder_stays_empty(tmp_path: Path) -> None:
    bank = MappedBank(tmp_path)
    bank.extend([counting(10)])
    assert not list(tmp_path.iterdir()) and len(bank.frames) == 10 + 2 * GUARD


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"no file can be made in .*nowhere \(No such file"):
        MappedBank(tmp_path / "nowhere")


def test_loading_takes_memory_for_one_instrument_at_a_time(tmp_path: Path) -> None:
    for name in "abcdef":
        write(tmp_path / name / "C4.wav", noise(RATE, seed=ord(name)))

    def peak(names: str) -> int:
        bank = MappedBank(tmp_path)
        tracemalloc.start()
        try:
            load(tmp_path, names, RATE, None, bank)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak("a")  # what is imported on the way
    one = peak("a")
    assert peak("abcdef") < 1.3 * one


# What is fetched


def sounding(bank: Bank) -> Instrument:
    """Recordings for KEYS, every other of which loops within its last second; their first seconds are unlike."""
    rng = np.random.default_rng(1)
    parts = [rng.uniform(-0.1, 0.1, (SECONDS * RATE + GUARD, 2)).astype(np.float32) for _ in range(KEYS)]
    regions = []
    for key, address in enumerate(bank.extend(parts)):
        length, loop = SECONDS * RATE, None
        if key % 2:
            length, loop = ENDLESS, ((SECONDS - 1) * RATE, SECONDS * RATE)
        regions.append(Region(address, length, SECONDS * RATE, loop, ONE, 1.0, 1.0, 48, length))
    return Instrument("one", RATE, (), tuple(regions[key % KEYS] for key in range(128)))


def held(instrument: Instrument, cut: int) -> ServerSession:
    """A session whose client holds all keys down, struck a frame apart."""
    session = ServerSession(RATE, CHUNK, PAYLOADS["L24"], KEYS, 0)
    session.instruments[0] = instrument
    session.resume(session.restored(Score(RATE, KEYS, lambda _: None).state()))
    for key in range(KEYS):
        session.hear(Event(key + 1, key, bytes((0x90, key, 100)), cut))
    return session


@contextmanager
def prefetching(bank: MappedBank, instrument: Instrument) -> Iterator[Prefetcher]:
    prefetcher = Prefetcher(bank, [instrument], RATE, OFFSET)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(prefetcher.run)
        try:
            yield prefetcher
        finally:
            prefetcher.stop()
            future.result()


def rendered(
    bank: Bank, session: ServerSession, chunks: int, prefetcher: Prefetcher | None = None
) -> tuple[NDArray[np.float32], int]:
    """The sound of the session's next chunks, and the major faults that it took."""
    stages, seq = Stages(), session.score.seq
    stages.count_faults()
    before, out = stages.faults, []
    for _ in range(chunks):
        if prefetcher:
            until(lambda: prefetcher.fetched(session), "the next chunk is fetched")
        out.append(packets.rendered(session, Chunk(session.cursor, seq, seq, 0.0), bank.frames)[0])
        session.cursor += CHUNK
    stages.count_faults()
    return np.concatenate(out), stages.faults - before


def cold(folder: Path) -> tuple[MappedBank, Instrument]:
    """A bank of which nothing is in memory."""
    bank = MappedBank(folder)
    instrument = sounding(bank)
    drop(bank.fd)
    return bank, instrument


@pytest.mark.filterwarnings("always::tests.server.test_mapped_bank.NoFaults")
@pytest.mark.parametrize(("cut", "position"), [(0, 0), (RATE // 10, 0), (RATE // 10, 3 * RATE), (0, 30 * RATE)])
def test_cold_voices_of_any_age_are_there_before_they_are_read(tmp_path: Path, cut: int, position: int) -> None:
    memory = Bank()
    instrument = sounding(memory)
    begun = held(instrument, cut)
    begun.cursor = position
    expected, _ = rendered(memory, begun, 3 * RATE // CHUNK)

    bank, instrument = cold(tmp_path)
    session = held(instrument, cut)
    session.cursor = position
    sound, unfetched = rendered(bank, session, 3 * RATE // CHUNK)
    assert np.array_equal(sound, expected)
    if not unfetched:
        warnings.warn(NoFaults("cold voices WERE NOT TRIED: no page fault reads from this disk"), stacklevel=1)
        pytest.skip("no major faults here")

    bank, instrument = cold(tmp_path)
    session = held(instrument, cut)
    session.cursor = position
    with prefetching(bank, instrument) as prefetcher:
        prefetcher.watch(session)
        sound, faults = rendered(bank, session, 3 * RATE // CHUNK, prefetcher)
    assert faults <= unfetched / 5  # mostly none, but a kernel may take back a page at any time
    assert np.array_equal(sound, expected)
