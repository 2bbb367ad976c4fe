"""The live view: exact frames, and what holds for every Status and every size."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.screen.piano import draw_piano, keyboard
from netaudio.screen.styled_text import ASCII, BAD, DIM, LIT, UNICODE, Line, clean, columns, fit, limit, paint
from netaudio.screen.view import CLIP_SECONDS, FULL_HEIGHT, HOLD_SECONDS, Status, View

PLAYING = Status(
    seconds=100.0, mode="hybrid", instrument="epiano", number=2, server="127.0.0.1:4747", connected=True,
    notes=((60, 1.0), (64, 0.5), (66, 0.1), (110, None)), voices=4, polyphony=32, level=-18.0, clipped=0,
    volume_db=-3.0, offset_ms=100.0, held_ms=1000.0, chunk_ms=2.5, buffer_ms=40.0, round_trip_ms=12.34,
    jitter_ms=2.0, slack_ms=39.5, margin_ms=33.0, octave=4,
)  # fmt: skip
IDLE = replace(PLAYING, notes=(), voices=0, level=-120.0, octave=None)
LOST = replace(
    PLAYING, connected=False, round_trip_ms=None, jitter_ms=None, slack_ms=None, margin_ms=None, xruns=1,
    missing_ms=12.5, lost=163, recovered=160, late=2, late_notes=1, clipped=7,
)  # fmt: skip
MESSAGES = ["connected to 127.0.0.1:4747", "lost the server: nothing heard for 3 s"]

FRAME = """\
 NetAudio  hybrid  2 epiano                      127.0.0.1:4747 ● connected

 │ █ █ │ █ █ █ │ █ █ │ █ █ █ │██ ██│ █ █ █ │ █ █ │ █ █ █ │ │   4/32 notes
 │ █ █ │ █ █ █ │ █ █ │ █ █ █ │██ ██│ █ █ █ │ █ █ │ █ █ █ │ │   █ played here
 │ │ │ │ │ │ │ │ │ │ │ │ │ │ │█│ │█│ │ │ │ │ │ │ │ │ │ │ │ │   ▒ streamed
  C2            C3            AWSED FTGYHUJ K             C6▸
                              █   █  █
                              █   █  ▒
                              █   ▒  ▒

 level        -15.0 dB  ████████████████████████▊ │          clip VOLUME  -3 dB

 round trip    12.3 ms                                   ▂▂  at most   55.0 ms
 jitter         2.0 ms                                   ▁▁  at most   42.7 ms
 slack         39.5 ms                                   ▄▄  aim       40.0 ms
 knit margin   33.0 ms                                   ▃▃  at least   0.0 ms

 OFFSET   100 ms        BUFFER_SIZE    40 ms        HELD  1000 ms

 connected to 127.0.0.1:4747
 lost the server: nothing heard for 3 s

 A–K play  ZX octave  space pedal  1–9 sound  M mode  [] OFFSET  -= dB  Esc end"""


def text(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def row(lines: list[Line], begins: str) -> Line:
    return next(line for line in lines if "".join(text for text, _ in line).lstrip().startswith(begins))


def styles(line: Line, mark: str) -> set[str]:
    return {style for text, style in line if mark in text}


def test_a_frame_of_80_columns() -> None:
    view = View()
    view.frame(replace(PLAYING, seconds=99.9, level=-15.0), MESSAGES, 80, 24)
    assert text(view.frame(replace(PLAYING, level=-19.0), MESSAGES, 80, 24)) == FRAME.split("\n")


def test_where_all_is_held_it_says_so() -> None:
    shown = text(View().frame(replace(PLAYING, held_ms=None), [], 80, 24))
    assert " OFFSET   100 ms        BUFFER_SIZE    40 ms        HELD   all" in shown


def test_the_server_lost() -> None:
    view = View()
    view.frame(PLAYING, [], 80, 24)
    lines = view.frame(replace(LOST, seconds=101.0), MESSAGES, 80, 24)
    shown = text(lines)
    assert shown[0].endswith("127.0.0.1:4747 ○ trying again")
    assert shown[12].split()[:4] == ["round", "trip", "–", "ms"]
    assert shown[18] == " xruns 1     missing 12.5 ms  late notes 1     lost 3     late 2"
    assert styles(lines[18], "lost") == styles(lines[0], "trying") == styles(lines[10], "clip") == {BAD}


def test_a_sound_device_that_is_gone_is_said_in_the_place_of_the_level() -> None:
    lines = View().frame(replace(PLAYING, soundless=True), [], 80, 24)
    assert text(lines)[10].startswith(" no sound     -18.0 dB")
    assert styles(lines[10], "no sound") == {BAD}


def test_no_server_wanted() -> None:
    assert text(View().frame(replace(IDLE, server="", connected=False), [], 80, 24))[0].endswith("○ offline")


statuses = st.builds(
    Status,
    seconds=st.floats(0, 1e6), mode=st.sampled_from(("hybrid", "local", "remote")),
    instrument=st.text(max_size=40), number=st.integers(0, 128), server=st.text(max_size=60),
    connected=st.booleans(),
    notes=st.lists(st.tuples(st.integers(0, 127), st.none() | st.floats(0, 1)), max_size=12).map(tuple),
    voices=st.integers(0, 999), polyphony=st.integers(1, 256), level=st.floats(-120, 40),
    clipped=st.integers(0, 10**9), volume_db=st.floats(-60, 12), offset_ms=st.floats(0, 10_000),
    held_ms=st.none() | st.floats(0, 600_000), chunk_ms=st.floats(0, 128), buffer_ms=st.none() | st.floats(0, 10_000),
    round_trip_ms=st.none() | st.floats(0, 10_000), jitter_ms=st.none() | st.floats(0, 10_000),
    slack_ms=st.none() | st.floats(-10_000, 10_000), margin_ms=st.none() | st.floats(-1e9, 10_000),
    xruns=st.integers(0, 10**9), missing_ms=st.floats(0, 1e9), lost=st.integers(0, 10**9),
    recovered=st.integers(0, 10**9),
    late=st.integers(0, 10**9), late_notes=st.integers(0, 10**9), hint=st.text(),
    song=st.none() | st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)), octave=st.none() | st.integers(-1, 9),
)  # fmt: skip


@given(st.lists(statuses, min_size=2, max_size=3), st.lists(st.text()), st.integers(2, 250), st.integers(1, 60))
def test_no_frame_is_wider_or_higher_than_its_terminal_and_all_are_equally_high(
    readings: list[Status], messages: list[str], width: int, height: int
) -> None:
    for marks in (UNICODE, ASCII):
        view = View(marks)
        frames = [view.frame(status, messages, width, height) for status in readings]
        assert len({len(frame) for frame in frames}) == 1
        assert len(frames[0]) <= height
        assert all(columns("".join(text for text, _ in line)) < width for frame in frames for line in frame)


@given(statuses, st.integers(60, 250))
def test_nothing_moves_while_one_plays(status: Status, width: int) -> None:
    """Labels stand where they stand when all is quiet."""
    quiet, view = text(View().frame(replace(IDLE, song=None), [], width, 24)), View()
    moving = replace(
        status, mode="hybrid", instrument="epiano", number=2, server="127.0.0.1:4747", octave=None, song=None,
        hint="", offset_ms=max(status.offset_ms, 30_256),  # the largest round trip, BUFFER_SIZE and two chunks
    )  # fmt: skip
    busy = text(view.frame(moving, [], width, 24))
    for label in ("level", "VOLUME", "round trip", "at most", "aim", "at least", "OFFSET", "HELD", "127.0.0.1"):
        places = [[line.find(label) for line in lines if label in line] for lines in (quiet, busy)]
        assert places[0] == places[1], label


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_all_of_it_is_there_from_60_by_16_on(width: int) -> None:
    for height in (16, 22, FULL_HEIGHT, 24, 50):
        shown = "\n".join(text(View().frame(LOST, MESSAGES, width, height)))
        for words in ("trying again", "4/32 notes", "VOLUME  -3 dB", "knit margin", "1000 ms", "lost 3", "Esc"):
            assert words in shown
        assert "connected to 127.0.0.1:4747" in shown
        assert "…" not in shown


def test_plots_grow_with_the_terminal_and_keep_the_worst_of_each_second() -> None:
    view = View()
    for tenth in range(3000):
        hitch = tenth == 2995
        view.frame(replace(IDLE, seconds=tenth / 10, slack_ms=-1.0 if hitch else 40.0), [], 80, 24)
    quiet = replace(IDLE, seconds=300.0, slack_ms=40.0)
    for width in (80, 200):
        line = row(view.frame(quiet, [], width, 24), "slack")
        plot = "".join(text for text, style in line if style in (LIT, BAD))
        assert plot == "▅" * (width - 47) + "▁▅"
        assert styles(line, "▁") == {BAD}


@pytest.mark.parametrize(
    ("label", "change"),
    [
        ("round trip", {"round_trip_ms": 56.0}),
        ("jitter", {"jitter_ms": 43.0}),
        ("slack", {"slack_ms": -0.1}),
        ("knit margin", {"margin_ms": -1.0}),
    ],
)
def test_a_figure_beyond_its_limit_warns(label: str, change: dict[str, Any]) -> None:
    value = f"{next(iter(change.values())):6.1f}"
    assert BAD not in {style for _, style in row(View().frame(PLAYING, [], 80, 24), label)}
    assert styles(row(View().frame(replace(PLAYING, **change), [], 80, 24), label), value) == {BAD}


def test_the_meter_holds_its_peak_and_the_clip_light_stays_a_while() -> None:
    view = View()

    def meter(seconds: float, level: float, clipped: int) -> tuple[str, bool]:
        line = row(view.frame(replace(IDLE, seconds=seconds, level=level, clipped=clipped), [], 80, 24), "level")
        return "".join(text for text, _ in line).split(" dB")[0].split()[-1], styles(line, "clip") == {BAD}

    assert meter(0.0, -20.0, 0) == ("-20.0", False)
    assert meter(0.1, 1.0, 5) == ("1.0", True)
    assert meter(0.1 + HOLD_SECONDS, -30.0, 5) == ("1.0", True)
    assert meter(0.2 + HOLD_SECONDS, -30.0, 5) == ("-30.0", True)
    assert meter(0.2 + CLIP_SECONDS, -120.0, 5) == ("–", False)


@pytest.mark.parametrize(("share", "bar"), [(None, "███"), (1.0, "███"), (0.6, "██▒"), (0.01, "█▒▒"), (0.0, "▒▒▒")])
def test_below_a_sounding_key_hangs_what_was_head_and_what_tail(share: float | None, bar: str) -> None:
    lines = draw_piano(((60, share),), None, 61, True, UNICODE)
    column = keyboard(59).columns[60][0] + 1
    assert "".join("".join(text for text, _ in line)[column] for line in lines[-3:]) == bar
    assert len(draw_piano(((60, share),), None, 61, False, UNICODE)) == 4


@pytest.mark.parametrize("width", [60, 80])
def test_a_pedal_that_is_down_is_shown(width: int) -> None:
    down, up = (text(View().frame(replace(PLAYING, pedal=pedal), (), width, 24)) for pedal in (True, False))
    assert sum("pedal" in line for line in down) == 1 + sum("pedal" in line for line in up)


def test_sounding_keys_are_lit_and_others_are_not() -> None:
    white, black = (
        draw_piano(((60, None),), None, 61, True, UNICODE),
        draw_piano(((61, None),), None, 61, True, UNICODE),
    )
    assert [sum(len(t) for t, style in line if style == LIT) for line in white] == [1, 1, 1, 0, 1, 1, 1]
    assert [sum(len(t) for t, style in line if style == LIT) for line in black] == [1, 1, 0, 0, 1, 1, 1]
    assert {style for line in draw_piano((), None, 61, True, UNICODE) for _, style in line} == {"", DIM}


@pytest.mark.parametrize(("keys", "ends"), [((35,), "◂ "), ((36, 84), "  "), ((85,), " ▸"), ((0, 60, 127), "◂▸")])
def test_keys_beyond_the_piano_show_as_arrows(keys: tuple[int, ...], ends: str) -> None:
    names = draw_piano(tuple((key, None) for key in keys), None, 61, True, UNICODE)[3]
    shown = "".join(text for text, _ in names)
    assert shown[0] + shown[-1] == ends


@pytest.mark.parametrize(("octave", "ends"), [(1, "◂ "), (2, "  "), (5, "  "), (6, " ▸"), (9, " ▸")])
def test_computer_keys_beyond_the_piano_show_as_arrows(octave: int, ends: str) -> None:
    names = draw_piano((), octave, 61, True, UNICODE)[3]
    shown = "".join(text for text, _ in names)
    assert shown[0] + shown[-1] == ends


@given(st.integers(1, 300))
def test_a_piano_has_whole_octaves_or_all_88_keys(room: int) -> None:
    board = keyboard(room)
    assert board.first % 12 == board.last % 12 == 0 or (board.first, board.last) == (21, 108)
    columns = [column for key in sorted(board.columns) for column in board.columns[key]]
    assert columns == sorted(set(columns)) and columns[-1] < board.width
    assert board.width <= max(room, keyboard(1).width)


def test_a_long_last_message_is_cut_and_older_ones_go() -> None:
    shown = text(View().frame(IDLE, ["old", "word " * 100], 80, 24))[19:22]
    assert shown[0].startswith(" word") and shown[2].endswith("…") and "old" not in shown


def test_a_hint_stands_below_the_messages_for_as_long_as_it_holds() -> None:
    view = View()
    assert text(view.frame(replace(PLAYING, hint="more"), ["old"], 80, 24))[19:21] == [" old", " more"]
    assert " more" not in text(view.frame(PLAYING, ["old"], 80, 24))


def test_why_there_is_no_server_keeps_a_line_whatever_is_said_later() -> None:
    view, lost = View(), replace(PLAYING, hint="more", trouble="no server: start it")
    said = ["no server: start it; trying again", "no MIDI", "keys go up by themselves"]
    assert text(view.frame(lost, said, 80, 24))[19:22] == [
        " no MIDI",
        " keys go up by themselves",
        " no server: start it",
    ]


def test_an_offset_that_allows_no_network_at_all_is_too_small() -> None:
    lines = View().frame(replace(PLAYING, offset_ms=50.0), [], 80, 24)
    for label, end in (("round trip", "  at most    5.0 ms"), ("jitter", "  OFFSET too small")):
        assert text([row(lines, label)])[0].endswith(end)


def test_while_a_song_plays_its_time_stands_for_the_keys() -> None:
    last = text(View().frame(replace(IDLE, song=(61.9, 90.0)), [], 80, 24))[-1]
    assert last == "   1:01 of 1:30   Ctrl-C leave"


@given(statuses.map(lambda s: replace(s, instrument="piano", server="localhost:1", hint="")), st.integers(60, 200))
def test_ascii_is_ascii(status: Status, width: int) -> None:
    assert "\n".join(text(View(ASCII).frame(status, ["plain"], width, 24))).isascii()


@pytest.mark.parametrize(
    ("words", "taken"),
    [("piano", 5), ("Flügel", 6), ("ピアノ", 6), ("ﾋﾟｱﾉ", 4), ("e\u0301", 1), ("█▒│…", 4), ("🎹", 2), ("\x1b", 1)],
)
def test_columns_that_a_text_takes(words: str, taken: int) -> None:
    assert columns(words) == taken


@pytest.mark.parametrize(
    ("room", "fitted"), [(0, ""), (1, "…"), (2, " …"), (3, "ピ…"), (6, "ピアノ"), (7, "ピアノ ")]
)
def test_wide_letters_are_never_halved(room: int, fitted: str) -> None:
    assert fit("ピアノ", room, "…") == fitted


@given(st.text(), st.integers(0, 100))
def test_fitted_and_limited_text_has_its_width(words: str, room: int) -> None:
    assert columns(fit(words, room, "…")) == room
    assert columns("".join(text for text, _ in limit([(words, ""), (words, BAD)], room, "…"))) <= room


def test_nothing_from_elsewhere_reaches_the_terminal_as_an_order() -> None:
    assert clean("a\x1b[2Jb\n\x9bc") == "a [2Jb  c"
    assert paint([("x\x1b", BAD)], True) == "\x1b[31mx \x1b[m"
    assert paint([("x", BAD), ("y", DIM)], False) == "x\x1b[2my\x1b[m"


def test_limits_go_by_the_slack_aimed_at_where_it_is_not_buffer_size() -> None:
    aimed = View().frame(replace(PLAYING, buffer_ms=60.0, aim_ms=40.0), [], 80, 24)
    for label in ("round trip", "jitter", "slack"):
        assert row(aimed, label) == row(View().frame(PLAYING, [], 80, 24), label)
