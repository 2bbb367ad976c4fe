"""What a terminal's bytes say, and keys whose key-up is never told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.inputs.escape_codes import HOLD, Event, Parser, TimedKeys


def typed(*keys: str) -> list[Event]:
    return [Event("typed", key) for key in keys]


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"a", typed("a")),
        (b"aA 1[", typed("a", "A", " ", "1", "[")),
        ("ä€".encode(), typed("ä", "€")),
        (b"\x01\x03\x7f\r\n\t", []),
        (b"\xff\xfea", typed("a")),
        (b"\x1b\x1b[A", typed("esc")),
        (b"\x1b[A\x1b[1;2B\x1b[3~\x1bOPa", typed("a")),
        (b"\x1baa", typed("a")),
        (b"\x1b]11;rgb:0/0/0\x07\x1b]11;x\x1b\\\x1bP1$r0m\x1b\\\x1b_Gi=1;OK\x1b\\a", typed("a")),
        (b"\x1b[\x01a", typed("a")),
        (b"\x1b[I\x1b[O", [Event("focus"), Event("blur")]),
        (b"\x1b[1;1I\x1b[5O", []),
        (b"\x1b[?0u", [Event("kitty")]),
        (b"\x1b[?31u", [Event("kitty")]),
        (b"\x1b[?62;4c", [Event("answered")]),
        (b"\x1b[c", []),
        (b"\x1b[?1004;1$y\x1b[?1004;2$y", [Event("tells focus")] * 2),
        (b"\x1b[?1004;0$y\x1b[?1004;4$y\x1b[?2026;1$y", []),
        (b"\x1b[97u\x1b[97;1:1u\x1b[97;u", [Event("down", "a")] * 3),
        (b"\x1b[97;1:2u\x1b[97;1:3u", [Event("up", "a")]),
        (b"\x1b[97:65;2u\x1b[97:65;2:3u\x1b[97;2u", [Event("down", "A"), Event("up", "A"), Event("down", "a")]),
        (b"\x1b[97;65u\x1b[97;129u", [Event("down", "a")] * 2),  # Caps Lock, Num Lock
        (b"\x1b[97;3u\x1b[97;5u\x1b[97;9u", []),
        (b"\x1b[97;5:3u", [Event("up", "a")]),
        (b"\x1b[99;5u\x1b[1089::99;5u", [Event("interrupt")] * 2),
        (b"\x1b[99;5:2u\x1b[99;5:3u\x1b[99u", [Event("down", "c")]),
        (b"\x1b[1092:1060:97u\x1b[1092:1060:97;2u", [Event("down", "a")] * 2),
        (b"\x1b[228u", [Event("down", "ä")]),
        (b"\x1b[27u\x1b[27;1:3u", [Event("down", "esc"), Event("up", "esc")]),
        (b"\x1b[32u", [Event("down", " ")]),
        (b"\x1b[57400u\x1b[57412u\x1b[57413u", [Event("down", "1"), Event("down", "-"), Event("down", "+")]),
        (b"\x1b[57441;2u\x1b[13u\x1b[9999999u\x1b[55296u", []),
        (b"\x1b[97;1;97u", [Event("down", "a")]),
        (b"\x1b[u\x1b[;u\x1b[97;1:3:4u\x1b[<97u\x1b[1;2;3;4u", []),
    ],
)
def test_bytes_become_events_wherever_they_are_cut(data: bytes, events: list[Event]) -> None:
    assert Parser().feed(data) == events
    for cut in range(len(data)):
        parser = Parser()
        assert parser.feed(data[:cut]) + parser.feed(data[cut:]) == events
    parser = Parser()
    assert [event for byte in data for event in parser.feed(bytes((byte,)))] == events


def test_escape_alone_shows_by_the_silence_after_it() -> None:
    parser = Parser()
    assert not parser.pending
    assert parser.feed(b"a\x1b") == typed("a") and parser.pending
    assert parser.flush() == typed("esc") and not parser.pending
    assert parser.feed(b"\x1b[9") == [] and parser.pending
    assert parser.flush() == [] and not parser.pending
    assert parser.feed(b"a") == typed("a")


@given(st.lists(st.binary(max_size=12)), st.binary())
def test_any_bytes_are_read_the_same_in_pieces(pieces: list[bytes], last: bytes) -> None:
    whole, cut = Parser(), Parser()
    events = whole.feed(b"".join([*pieces, last]))
    assert [event for piece in [*pieces, last] for event in cut.feed(piece)] == events
    assert whole.flush() == cut.flush()


@pytest.mark.parametrize("begin", [b"\x1b]", b"\x1bP", b"\x1b["])
def test_no_sequence_is_waited_for_without_end(begin: bytes) -> None:
    parser = Parser()
    assert parser.feed(begin + b"1" * 5000) and not parser.pending


# keys whose end is timed

DOWN, UP = Event("down", "a"), Event("up", "a")


def test_a_typed_key_ends_a_set_time_later() -> None:
    timed = TimedKeys()
    assert timed.next_end is None
    assert timed.type("a", 1.0) == [DOWN]
    assert timed.next_end == 1.0 + HOLD
    assert timed.due(1.0 + HOLD - 0.01) == []
    assert timed.due(1.0 + HOLD) == [UP]
    assert timed.due(9.0) == [] and timed.next_end is None


def test_auto_repeat_prolongs_and_does_not_strike() -> None:
    timed = TimedKeys()
    timed.type("a", 0.0)
    for tick in range(10):
        assert timed.type("aA"[tick % 2], 0.66 + 0.04 * tick) == []
    assert timed.due(1.02 + HOLD - 0.01) == []
    assert timed.due(1.02 + HOLD) == [UP]


def test_a_key_typed_again_after_another_is_struck_again() -> None:
    timed = TimedKeys()
    timed.type("a", 0.0)
    timed.type("s", 0.1)
    assert timed.type("a", 0.2) == [UP, DOWN]
    assert timed.due(0.1 + HOLD) == [Event("up", "s")]
    timed.clear()
    assert timed.due(9.0) == []


def test_without_key_up_the_pedal_is_switched_and_steps_are_taken_each_time() -> None:
    timed = TimedKeys()
    assert timed.type("space", 0.0) == [Event("down", "space")]
    assert timed.type("space", 0.04) == []  # it repeats itself
    assert timed.type("a", 1.0) == [Event("down", "a")]
    assert timed.due(9.0) == [Event("up", "a")]
    assert timed.type("space", 9.0) == [Event("up", "space")]
    assert [len(timed.type("=", at)) for at in (10.0, 10.2, 10.24)] == [1, 2, 2]


def test_a_key_that_chooses_chooses_again_as_fast_as_one_can_press_it_but_not_while_it_repeats_itself() -> None:
    timed, down = TimedKeys(), [Event("down", "m")]
    for tap in range(3):
        timed.due(0.15 * tap)
        assert timed.type("m", 0.15 * tap) == down
    for repeat in range(10):
        timed.due(0.34 + 0.04 * repeat)
        assert timed.type("m", 0.34 + 0.04 * repeat) == []
