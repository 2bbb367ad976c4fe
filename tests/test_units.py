from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.units import Span, to_frames, to_ms, unwrap16, unwrap32, wrap32

POSITIONS = st.integers(0, 1 << 60)


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("1920", 1920), ("1920.0", 1920), ("0", 0), ("40ms", 1920), ("0.04s", 1920), (" 2.5 MS ", 120), ("1s", 48000),
        ("0.01ms", 0),
    ],
)  # fmt: skip
def test_frames_and_times_are_read(text: str, frames: int) -> None:
    assert Span.parse(text).frames(48000) == frames


def test_frames_stay_while_times_follow_the_rate() -> None:
    assert (Span.parse("1920").frames(44100), Span.parse("40ms").frames(44100)) == (1920, 1764)


@pytest.mark.parametrize("text", ["", "x", "-5", "40 m", "1.5", "1e3", "nan", "99999999999", "4\n0", "٣"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Span.parse(text)


@given(st.text() | st.from_regex(r"[0-9.]+ ?(ms|s)?"))
def test_garbage_for_a_span(text: str) -> None:
    try:
        span = Span.parse(text)
    except ValueError:
        return
    assert span.auto or span.frames(192000) >= 0


@given(st.one_of(st.integers(0, 999_999_999), st.decimals(0, 99_999, places=6), st.none()))
def test_a_span_reads_back_from_its_text(value: int | Decimal | None) -> None:
    span = Span(seconds=value) if isinstance(value, Decimal) else Span(value)
    assert Span.parse(str(span)) == span


def test_auto_has_no_length() -> None:
    assert Span.parse("Auto").auto
    assert not Span(0).auto and not Span(seconds=Decimal(0)).auto


@pytest.mark.parametrize(("seconds", "frames"), [(0.0, 0), (1.0, 48000), (0.00001, 0), (0.000011, 1)])
def test_a_time_becomes_the_nearest_frame(seconds: float, frames: int) -> None:
    assert to_frames(seconds, 48000) == frames


def test_frames_in_milliseconds() -> None:
    assert to_ms(240, 48000) == 5.0


@given(POSITIONS, st.integers(-(1 << 31), (1 << 31) - 1))
def test_32_bits_tell_a_position_near_another(near: int, distance: int) -> None:
    assert unwrap32(wrap32(near + distance), near) == near + distance


@given(POSITIONS, st.integers(-(1 << 15), (1 << 15) - 1))
def test_16_bits_tell_a_sequence_number_near_another(near: int, distance: int) -> None:
    assert unwrap16((near + distance) & 0xFFFF, near) == near + distance
