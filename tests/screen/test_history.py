"""What a run was like over time: nothing that came between two looks is forgotten, and memory is bounded."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from netaudio.player.stream_figures import StreamFigures
from netaudio.sampler.bank import Bank
from netaudio.screen.history import History, Row, merged
from netaudio.wire.payload import PAYLOADS
from tests.screen.test_view import PLAYING

RATE = 4800
QUIET = replace(PLAYING, lost=0, late=0)


def player() -> ClientPlayer:
    return ClientPlayer(RATE, 16, 32, Bank(), {}, set(), "hybrid", 480)


def linked(one: ClientPlayer, figures: StreamFigures | None = None) -> Link:
    return Link(one, 1, b"", PAYLOADS["L24"], 192, figures or StreamFigures())


def echo(link: Link, *trips: float) -> None:
    """Round trips (seconds) as replies bring them."""
    for trip in trips:
        link.figures.round_trips.add(trip)


def test_a_row_a_second_tells_the_worst_of_it() -> None:
    one, history = player(), History()
    link = linked(one)
    for tenth in range(20):
        now = tenth / 10
        one.position = tenth * RATE // 10
        echo(link, 0.010, 0.030 if tenth == 3 else 0.010)
        link.receiver.slacks.add(now, -48 if tenth == 4 else 192)
        one.knit.tally.margins.extend([96, -240, 96] if tenth == 5 else [])
        look = replace(QUIET, seconds=now, lost=2 * (tenth >= 6), voices=9 if tenth == 7 else 1, xruns=tenth > 8)
        history.look(look, one, link)
    table = history.columns(0.0)
    assert table["seconds"] == [1.0, 1.9] and len(history.rows) == 1
    assert (table["round_trip_ms"], table["round_trip_max_ms"]) == ([10.0, 10.0], [30.0, 10.0])
    assert table["slack_ms"] == [-10.0, 40.0]
    assert table["knit_margin_ms"] == [-50.0, None]
    assert (table["lost"], table["voices"], table["xruns"]) == ([2, 0], [9, 1], [1, 0])
    assert (table["offset_ms"], table["buffer_size_ms"]) == ([100.0, 100.0], [40.0, 40.0])
    assert history.columns(0.5)["seconds"] == [0.5, 1.4]


def test_what_came_before_the_first_look_counts_in_the_first_row() -> None:
    one, history = player(), History()
    link = linked(one)
    echo(link, 0.005, 0.007, 0.009)
    history.look(replace(QUIET, lost=3), one, link)
    table = history.columns(0.0)
    assert (table["round_trip_ms"], table["lost"]) == ([7.0], [3])


def test_without_a_server_the_network_is_unknown() -> None:
    one, history = player(), History()
    history.look(replace(QUIET, buffer_ms=None), one, None)
    table = history.columns(0.0)
    for name in ("buffer_size_ms", "spare_ms", "round_trip_ms", "round_trip_max_ms", "slack_ms", "knit_margin_ms"):
        assert table[name] == [None], name


def test_a_new_session_goes_on_and_a_packet_that_comes_after_all_is_not_lost_twice() -> None:
    one, history = player(), History()
    link = linked(one)
    echo(link, 0.010, 0.010)
    for second, lost in enumerate((5, 4, 5, 6)):
        if second == 2:
            link = linked(one, link.figures)
            echo(link, 0.020)
        history.look(replace(QUIET, seconds=float(second), lost=lost), one, link)
    table = history.columns(0.0)
    assert sum(table["lost"]) == 6
    assert table["round_trip_max_ms"] == [10.0, 20.0, None]


def test_a_song_that_begins_changes_no_counter() -> None:
    one, history = player(), History()
    one.knit.tally.margins.append(48)
    one.late_notes = 3
    history.look(replace(QUIET, missing_ms=8.0, late_notes=3), one, None)
    one.play([])
    one.knit.tally.margins.append(-48)
    history.look(replace(QUIET, seconds=101.0, missing_ms=8.0, late_notes=3), one, None)
    history.look(replace(QUIET, seconds=102.0, missing_ms=9.0, late_notes=4), one, None)
    table = history.columns(0.0)
    assert (table["missing_ms"], table["late_notes"], table["knit_margin_ms"]) == ([8.0, 1.0], [3, 1], [-10.0, None])


@pytest.mark.parametrize("seconds", [1, 7, 8, 100, 1000])
def test_hours_take_no_more_room_and_lose_no_loss(seconds: int) -> None:
    one, history = player(), History(8)
    for second in range(seconds + 1):
        one.position = second * RATE
        look = replace(QUIET, seconds=float(second), lost=second, voices=second == seconds // 2)
        history.look(look, one, None)
    table = history.columns(0.0)
    assert len(table["seconds"]) <= 8 and table["seconds"][-1] == seconds
    assert sum(table["lost"]) == seconds and max(table["voices"]) == 1
    assert table["seconds"] == sorted(set(table["seconds"]))


known_or_not, counts = st.none() | st.floats(-1e4, 1e4), st.integers(0, 99)
rows = st.builds(
    Row,
    seconds=st.floats(0, 1e6), voices=counts, level_db=st.floats(-120, 20), offset_ms=st.floats(0, 1e4),
    buffer_size_ms=known_or_not, spare_ms=known_or_not, round_trip_ms=known_or_not, round_trip_max_ms=known_or_not,
    slack_ms=known_or_not, knit_margin_ms=known_or_not, lost=counts, late=counts, recovered=counts,
    late_notes=counts, missing_ms=st.floats(0, 1e4), xruns=counts,
)  # fmt: skip


@given(rows, rows)
def test_two_rows_in_one_keep_the_worst_and_the_sums(one: Row, other: Row) -> None:
    both = merged(one, other)
    assert (both.seconds, both.offset_ms, both.buffer_size_ms) == (
        other.seconds,
        other.offset_ms,
        other.buffer_size_ms,
    )
    for name in ("lost", "late", "recovered", "late_notes", "xruns"):
        assert getattr(both, name) == getattr(one, name) + getattr(other, name)
    for name, worst in (("slack_ms", min), ("knit_margin_ms", min), ("round_trip_max_ms", max)):
        known = [value for value in (getattr(one, name), getattr(other, name)) if value is not None]
        assert getattr(both, name) == (worst(known) if known else None)
