"""What a terminal's bytes say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.inputs.escape_codes import Parser, TerminalEvent


def typed(*keys: str) -> list[TerminalEvent]:
    return [TerminalEvent("typed", key) for key in keys]


def down(key: str) -> TerminalEvent:
    return TerminalEvent("down", key)


def up(key: str) -> TerminalEvent:
    return TerminalEvent("up", key)


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
        (b"\x1b[I\x1b[O", [TerminalEvent("focus"), TerminalEvent("blur")]),
        (b"\x1b[1;1I\x1b[5O", []),
        (b"\x1b[?0u", [TerminalEvent("kitty")]),
        (b"\x1b[?31u", [TerminalEvent("kitty")]),
        (b"\x1b[?62;4c", [TerminalEvent("answered")]),
        (b"\x1b[c", []),
        (b"\x1b[?1004;1$y\x1b[?1004;2$y", [TerminalEvent("tells focus")] * 2),
        (b"\x1b[?1004;0$y\x1b[?1004;4$y\x1b[?2026;1$y", []),
        (b"\x1b[97u\x1b[97;1:1u\x1b[97;u", [down("a")] * 3),
        (b"\x1b[97;1:2u\x1b[97;1:3u", [up("a")]),
        (
            b"\x1b[97:65;2u\x1b[97:65;2:3u\x1b[97;2u",
            [down("A"), up("A"), down("a")],
        ),
        (b"\x1b[97;65u\x1b[97;129u", [down("a")] * 2),  # Caps Lock, Num Lock
        (b"\x1b[97;3u\x1b[97;5u\x1b[97;9u", []),
        (b"\x1b[97;5:3u", [up("a")]),
        (b"\x1b[99;5u\x1b[1089::99;5u", [TerminalEvent("interrupt")] * 2),
        (b"\x1b[99;5:2u\x1b[99;5:3u\x1b[99u", [down("c")]),
        (b"\x1b[1092:1060:97u\x1b[1092:1060:97;2u", [down("a")] * 2),
        (b"\x1b[228u", [down("ä")]),
        (b"\x1b[27u\x1b[27;1:3u", [down("esc"), up("esc")]),
        (b"\x1b[32u", [down(" ")]),
        (
            b"\x1b[57400u\x1b[57412u\x1b[57413u",
            [down("1"), down("-"), down("+")],
        ),
        (b"\x1b[57441;2u\x1b[13u\x1b[9999999u\x1b[55296u", []),
        (b"\x1b[97;1;97u", [down("a")]),
        (b"\x1b[u\x1b[;u\x1b[97;1:3:4u\x1b[<97u\x1b[1;2;3;4u", []),
    ],
)
def test_bytes_become_events_wherever_they_are_cut(data: bytes, events: list[TerminalEvent]) -> None:
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
