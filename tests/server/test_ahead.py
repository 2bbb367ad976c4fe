"""What is fetched of a bank before voices read it: all that they read, and little more."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from netaudio.sampler.instrument import ENDLESS, GUARD, Instrument, Sample
from netaudio.sampler.voice import Voice
from netaudio.sampler.voices import Event, Score
from netaudio.server.ahead import BLOCK, Extent, blocks, heads, reads, reads_from, runs, spans

ADDRESS = 10 * BLOCK
CHUNKS = st.integers(1, GUARD)
AGES = st.integers(-GUARD, 20 * GUARD)


def plain(length: int) -> Sample:
    return Sample(ADDRESS, length, length, length, None)


def looped(start: int, end: int) -> Sample:
    return Sample(ADDRESS, ENDLESS, ENDLESS, ENDLESS, (start, end))


SAMPLES = st.one_of(
    st.integers(1, 10 * GUARD).map(plain),
    st.tuples(st.integers(0, 5 * GUARD), st.integers(1, 5 * GUARD)).map(lambda at: looped(at[0], sum(at))),
)


def addresses(found: list[Extent]) -> set[int]:
    return {address for first, end in found for address in range(first, end)}


def voice(sample: Sample, at: int, cut: int) -> Voice:
    score = Score(48000, 8, lambda _: Instrument("one", 48000, (), (sample,) * 128))
    started = score.apply(Event(1, at, bytes((0x90, 60, 100)), cut))
    assert started
    return started


@given(SAMPLES, AGES, st.lists(CHUNKS, min_size=1, max_size=40))
def test_whatever_chunks_read_is_in_the_spans(sample: Sample, age: int, chunks: list[int]) -> None:
    found = addresses(spans(sample, age, sum(chunks)))
    for chunk in chunks:
        assert found >= addresses([(sample.read_at(age), sample.read_at(age) + chunk)])
        age += chunk


@given(SAMPLES, AGES, st.integers(0, 40 * GUARD))
def test_spans_are_no_more_than_what_is_read_and_a_guard(sample: Sample, age: int, count: int) -> None:
    assert sum(end - first for first, end in spans(sample, age, count)) <= count + GUARD


@given(SAMPLES, st.integers(0, 9 * GUARD), CHUNKS, st.integers(-3, 20))
def test_a_voice_reads_from_a_chunk_before_its_cut(sample: Sample, cut: int, chunk: int, first: int) -> None:
    """As `ServerSession` does: nothing in chunks that end before the cut, all of the one in which it lies."""
    one = voice(sample, 5 * chunk, cut)
    found = addresses(reads(one, first * chunk, (first + 8) * chunk))
    for at in range(first * chunk, (first + 8) * chunk, chunk):
        age = one.age(at)
        if age + chunk <= cut or age >= sample.length:
            assert at + chunk <= reads_from(one) or age > 0
            continue
        assert found >= addresses([(sample.read_at(age), sample.read_at(age) + chunk)])


def test_a_note_that_the_server_never_plays_is_not_fetched() -> None:
    assert reads(voice(plain(48000), 0, ENDLESS), 0, 48000) == []


def test_heads_are_the_beginnings_of_all_samples_and_the_silence_before_them() -> None:
    samples = [Sample(n * 10 * BLOCK, 9 * BLOCK, 9 * BLOCK, 9 * BLOCK, None) for n in (1, 2)]
    instruments = [Instrument("one", 48000, (), tuple(samples) * 64)]
    assert heads(instruments, BLOCK) == [0, 9, 10, 19, 20]
    assert heads(instruments, BLOCK + 1) == [0, 9, 10, 11, 19, 20, 21]
    assert heads([], BLOCK) == [0]


@given(st.sets(st.integers(0, 50)))
def test_runs_are_the_blocks_and_as_few_as_can_be(found: set[int]) -> None:
    made: list[Extent] = list(runs(sorted(found)))
    assert set(blocks(made)) == found
    assert all(end < first for (_, end), (first, _) in pairwise(made))
