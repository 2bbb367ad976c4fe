from hypothesis import given
from hypothesis import strategies as st

from netaudio.timing.latency_budget import MORE_HELD, Tuning, least_held, most_offset, tuned
from netaudio.units import Span

AUTO = Span()
RATE, CHUNK = 48000, 128


def test_what_is_set_stays() -> None:
    assert tuned(Span(4800), Span(1920), Span(48000), RATE, CHUNK, 0.5, 0.5) == Tuning(4800, 1920, 1920, 48000)


def test_auto_offset_covers_the_way_the_buffer_and_three_chunks() -> None:
    assert tuned(AUTO, Span(1920), Span(48000), RATE, CHUNK, 0.02, 0.005).offset == 960 + 1920 + 3 * CHUNK
    offset, buffer_size, _, _ = tuned(AUTO, AUTO, AUTO, RATE, CHUNK, 0.02, 0.05)
    assert offset == 960 + buffer_size + 3 * CHUNK


def test_too_little_held_is_raised_to_offset_two_chunks_and_5_ms() -> None:
    assert tuned(Span(4800), Span(1920), Span(100), RATE, CHUNK, 0, 0).held == 4800 + 256 + 240
    assert tuned(Span(4800), Span(1920), AUTO, RATE, CHUNK, 0, 0).held == least_held(4800, RATE, CHUNK)
    assert most_offset(least_held(4800, RATE, CHUNK), RATE, CHUNK) == 4800


def test_where_offset_is_auto_more_is_held_for_it_to_grow() -> None:
    offset, _, _, held = tuned(AUTO, AUTO, AUTO, RATE, CHUNK, 0.02, 0.005)
    assert held == least_held(offset, RATE, CHUNK) + round(MORE_HELD * RATE)


def test_auto_buffer_size_keeps_within_a_set_offset() -> None:
    chosen = tuned(Span(4800), AUTO, Span(48000), RATE, CHUNK, 0.05, 0.05)
    assert chosen.offset == 4800 and 2400 + chosen.buffer_size + 3 * CHUNK == 4800


@given(st.floats(0, 0.3), st.floats(0, 0.1), st.sampled_from((32, 128, 1024)))
def test_auto_always_obeys_the_rule(trip: float, jitter: float, chunk: int) -> None:
    offset, buffer_size, aim, held = tuned(AUTO, AUTO, AUTO, RATE, chunk, trip, jitter)
    assert offset >= (trip + jitter) * RATE + aim + 2 * chunk
    assert buffer_size >= aim + jitter * RATE - 1
    assert held >= offset + 2 * chunk
