"""A player whose sessions begin and end, and the songs that it plays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.player.player import Outbox, Song
from netaudio.player.rings import Packet
from netaudio.sampler.snapshot import ScoreState
from netaudio.sampler.voices import Event
from tests.player.test_player import CHUNK, SOUND, events, joined, play, player, render, stream


def test_events_go_out_only_while_there_is_a_session() -> None:
    p = player()
    play(p, (0, "90 3c 7f"), (15, "80 3c 00"), (35, "90 3d 7f"))
    render(p, 10)
    assert not p.outbox
    p.post(p.join, CHUNK, 4, Outbox())
    render(p, 10)
    state, event = p.outbox
    assert isinstance(state, ScoreState)
    assert (state.seq, event) == (1, Event(2, 15, b"\x80\x3c\x00", 0))
    assert p.score.polyphony == 4
    p.post(p.leave)
    render(p, 20)
    assert not p.outbox


def test_what_an_ended_session_was_to_be_told_is_not_told_to_the_next() -> None:
    p, old, new = player(), Outbox(), Outbox()
    p.post(p.join, CHUNK, 4, old)
    p.post(p.leave)
    p.post(p.join, CHUNK, 4, new)
    render(p, 10)
    assert len(old) == len(new) == 1, "a state each"


def test_a_new_session_forgets_the_packets_of_the_old() -> None:
    p = joined()
    render(p, 10)
    stream(p, [10], 0, SOUND)
    p.post(p.join, CHUNK, 8, Outbox())
    assert not any(render(p, 10))


@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_a_stream_that_takes_back_what_it_has_heard_ends_nothing(before: int) -> None:
    p = joined()
    play(p, (0, "90 3c 7f"), (10, "b0 07 40"), (20, "b0 07 30"), (30, "b0 07 20"))
    render(p, 10)
    stream(p, range(10, 200, CHUNK), 4, SOUND)
    stream(p, range(200, 400, CHUNK), before, SOUND)
    render(p, *[10] * 30)
    assert p.position == 310


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=20, max_size=20))
def test_no_stream_ends_the_player(claims: list[tuple[int, int]]) -> None:
    p = joined()
    play(p, *((at, "b0 07 40" if at % 20 else "90 3c 7f") for at in range(0, 200, 10)))
    render(p, 10)
    for k, (before, more) in enumerate(claims):
        p.rings.remote.put(Packet(10 + k * CHUNK, before, before + more, SOUND[:CHUNK]))
    assert np.isfinite(render(p, *[15] * 15)).all()


# Songs


def test_a_song_is_over_when_all_is_silent() -> None:
    p = player()
    play(p, (5, "90 3c 7f"), (20, "80 3c 00"))
    assert not p.playing_song
    render(p, 10)
    assert (p.song_start, p.playing_song) == (0, True)
    assert [voice.key for voice in p.sounding()] == [60]
    render(p, *[10] * 11)
    assert (p.playing_song, p.song_end) == (False, 120)


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(("90 3c 7f", "80 3c 00"))), max_size=8))
def test_a_song_keeps_its_positions(song: list[tuple[int, str]]) -> None:
    p = joined()
    render(p, 7)
    play(p, *sorted(song))
    render(p, 320)
    assert [event.position for event in events(p)] == [7 + at for at, _ in sorted(song)]


def test_songs_are_what_is_played() -> None:
    song: Song = [(0, b"\x90\x3c\x7f"), (0, b"\x90\x3d\x00")]
    p = player()
    p.post(p.play, song)
    render(p, 10)
    assert p.notes == 1
