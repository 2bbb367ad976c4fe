from hypothesis import given
from hypothesis import strategies as st

from netaudio.timing.latency_budget import HYBRID_CHUNK, Tuning, least_reach, most_offset, stream_chunk, tuned
from netaudio.units import Span

AUTO = Span()
RATE, CHUNK = 48000, 128


def test_what_is_set_stays() -> None:
    assert tuned(Span(4800), Span(1920), RATE, CHUNK, 0.5, 0.5) == Tuning(4800, 1920, 1920)


def test_auto_offset_covers_the_way_the_buffer_and_three_chunks() -> None:
    assert tuned(AUTO, Span(1920), RATE, CHUNK, 0.02, 0.005).offset == 960 + 1920 + 3 * CHUNK
    offset, buffer_size, _ = tuned(AUTO, AUTO, RATE, CHUNK, 0.02, 0.05)
    assert offset == 960 + buffer_size + 3 * CHUNK


def test_only_what_may_be_hybrid_streams_in_larger_chunks() -> None:
    assert stream_chunk("hybrid", 64) == stream_chunk("local", 64) == HYBRID_CHUNK > 64
    assert stream_chunk("remote", 64) == 64
    assert stream_chunk("hybrid", 1024) == stream_chunk("remote", 1024) == 1024


def test_keys_must_reach_offset_two_chunks_and_5_ms() -> None:
    assert least_reach(4800, RATE, CHUNK) == 4800 + 256 + 240
    assert most_offset(4800 + 256 + 240, RATE, CHUNK) == 4800


def test_auto_buffer_size_keeps_within_a_set_offset() -> None:
    chosen = tuned(Span(4800), AUTO, RATE, CHUNK, 0.05, 0.05)
    assert chosen.offset == 4800 and 2400 + chosen.buffer_size + 3 * CHUNK == 4800


@given(st.floats(0, 0.3), st.floats(0, 0.1), st.sampled_from((32, 128, 1024)))
def test_auto_always_obeys_the_rule(trip: float, jitter: float, chunk: int) -> None:
    offset, buffer_size, aim = tuned(AUTO, AUTO, RATE, chunk, trip, jitter)
    assert offset >= (trip + jitter) * RATE + aim + 2 * chunk
    assert buffer_size >= aim + jitter * RATE - 1
