"""The client at 1000 Hz: a ramp has 5 frames, a release 100; sample n of every key has the value n / 1024."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.errors import ProtocolError
from netaudio.modes import Mode
from netaudio.player.player import MOST_PENDING, ClientPlayer, Outbox
from netaudio.player.rings import Packet
from netaudio.sampler.layout import ENDLESS, VOLUME
from netaudio.sampler.snapshot import ScoreState
from netaudio.sampler.voices import Event
from netaudio.session.session import ServerSession
from netaudio.timing.latency_budget import CAPACITY
from netaudio.units import Frames
from netaudio.wire.payload import PAYLOADS
from tests.support.reference import Recording
from tests.support.scores import BANK, LENGTH, RATE, counting, instrument, region

CHUNK, OFFSET = 10, 50
SOUND = counting()
HELD, COVERED, REACH = 80, 67, 59
"""Frames of a head; without the last taps and its fade; and of a note that is bent up by two semitones."""


def player(mode: Mode = "hybrid", held: int | None = None, offset: int = OFFSET) -> ClientPlayer:
    harp = instrument("harp", region(Recording(SOUND), held))
    return ClientPlayer(RATE, CHUNK, 8, BANK, {0: harp, 5: harp}, {5}, mode, offset)


def render(player: ClientPlayer, *sizes: int) -> list[float]:
    """The left side, in 1024ths."""
    blocks = []
    for size in sizes:
        out = np.zeros((size, 2), np.float32)
        player.render(out, player.position / RATE)
        assert np.array_equal(out[:, 0], out[:, 1])
        blocks.append(out[:, 0] * 1024)
    return [round(float(value), 3) for value in np.concatenate(blocks)]


def play(player: ClientPlayer, *song: tuple[int, str]) -> None:
    player.post(player.play, [(at, bytes.fromhex(message)) for at, message in song])


def events(player: ClientPlayer) -> list[Event]:
    return [item for item in player.outbox if isinstance(item, Event)]


def stream(player: ClientPlayer, positions: Iterable[int], heard: int, frames: Frames) -> None:
    """Packets of a chunk each, `frames` being what sounds from position 0 on."""
    for at in positions:
        player.rings.remote.put(Packet(at, heard, heard, frames[at : at + CHUNK]))


def joined(mode: Mode = "hybrid", held: int | None = None, offset: int = OFFSET) -> ClientPlayer:
    made = player(mode, held, offset)
    made.post(made.join, CHUNK, 8, Outbox())
    return made


# Sound


def test_a_note_sounds_on_its_frame() -> None:
    p = player()
    play(p, (3, "90 3c 7f"))
    assert render(p, 8) == [0, 0, 0, 0, 1, 2, 3, 4]


@given(st.lists(st.integers(1, 60), max_size=8).map(lambda sizes: [*sizes, 1300 - sum(sizes)]))
def test_the_block_size_changes_nothing(sizes: list[int]) -> None:
    song = ((3, "90 3c 7f"), (80, "90 40 50"), (90, "80 3c 00"), (95, "b0 07 40"), (300, "b0 7b 00"))
    parts, whole = player(), player()
    play(parts, *song)
    play(whole, *song)
    assert render(parts, *sizes) == pytest.approx(render(whole, 1300), abs=2e-3)


def test_the_stream_takes_over_on_the_frame_of_the_cut() -> None:
    p = joined(held=HELD)
    play(p, (3, "90 3c 7f"))
    render(p, 10)
    tail = np.zeros((600, 2), np.float32)
    tail[3 + OFFSET : 503] = SOUND[OFFSET:]
    stream(p, range(10, 600, CHUNK), 1, tail)
    assert render(p, 500) == [*range(7, 500), 0, 0, 0, 0, 0, 0, 0]
    assert (p.knit.tally.uncovered, p.knit.tally.streamed) == (0, LENGTH - OFFSET)
    assert list(p.knit.tally.margins) == [43]
    assert (1024 * p.rings.local.read(3, 60)[:, 0]).tolist() == [*range(OFFSET), *[0] * 10], "what was played here"


def test_notes_are_forgotten_though_no_packet_ever_comes() -> None:
    """UDP is blocked; no packet to come was made so long ago that it had not heard that they end."""
    p = joined()
    p.instruments[0] = instrument("organ", region(Recording(SOUND, (100, 400))))
    keys = [
        (at, message) for k in range(60) for at, message in ((5000 * k, "90 3c 7f"), (5000 * k + 300, "80 3c 00"))
    ]
    play(p, *keys)
    for _ in range(300):
        p.render(np.zeros((1000, 2), np.float32), p.position / RATE)
    assert len(p.score.voices) <= CAPACITY // 5000 + 2


def test_without_a_stream_the_held_part_is_all_there_is() -> None:
    p = joined(held=HELD)
    play(p, (0, "90 3c 7f"))
    faded = [67, 0.8 * 68, 0.6 * 69, 0.4 * 70, 0.2 * 71]
    assert render(p, 100) == pytest.approx([*range(COVERED), *faded, *[0] * 28], abs=2e-3)
    assert p.knit.tally.spans == [[COVERED, 100]]
    assert p.knit.tally.missing == 33


def test_a_remote_note_is_silent_until_it_is_streamed() -> None:
    p = joined("remote")
    play(p, (3, "90 3c 7f"))
    assert not any(render(p, 100))
    assert p.knit.tally.spans == [[3 + OFFSET, 100]]


def test_a_hole_is_filled_from_what_is_held() -> None:
    p = joined()
    play(p, (0, "90 3c 7f"))
    render(p, 10)
    tail = np.zeros((600, 2), np.float32)
    tail[OFFSET:500] = SOUND[OFFSET:]
    stream(p, [at for at in range(10, 500, CHUNK) if at not in (100, 110, 250)], 1, tail)
    assert render(p, 490) == list(range(10, 500))
    assert p.knit.tally.uncovered == 0


def test_a_hole_in_a_remote_sound_is_mirrored_and_fades() -> None:
    p = joined("remote", offset=0)
    play(p, (0, "90 3c 7f"))
    render(p, 10)
    still = np.full((600, 2), 100 / 1024, np.float32)
    stream(p, [at for at in range(10, 300, CHUNK) if at != 100], 1, still)
    out = render(p, 130)
    assert out[80:90] == [100] * 10
    assert out[90:105] == [80, 60, 40, 20, 0, 0, 0, 0, 0, 0, 20, 40, 60, 80, 100]
    assert p.knit.tally.spans[-1] == [100, 114]


def test_a_loud_block_is_clipped_and_counted() -> None:
    p = player()
    p.post(p.set_volume, 4.0)
    play(p, (0, "90 3c 7f"))
    assert max(render(p, 300)) == 1024
    assert p.clipped == 300 - 257
    assert p.rings.merged.read(299, 1)[0, 0] == pytest.approx(4 * 299 / 1024)


def test_the_volume_changes_over_a_ramp() -> None:
    p = player()
    play(p, (0, "90 3c 7f"))
    render(p, 100)
    p.post(p.set_volume, 0.5)
    assert render(p, 7) == pytest.approx([100, 0.9 * 101, 0.8 * 102, 0.7 * 103, 0.6 * 104, 0.5 * 105, 0.5 * 106])


# Keys


def test_keys_keep_their_place_in_the_next_block() -> None:
    p = player()
    render(p, 10, 10)
    p.push(0.013, bytes.fromhex("90 3c 7f"))
    p.push(0.017, bytes.fromhex("80 3c 00"))
    render(p, 10)
    assert (p.score.voices[0].start, p.score.voices[0].off_at) == (23, 27)


def test_a_key_of_a_block_that_begins_late_keeps_its_place_too() -> None:
    p = player()
    render(p, 10, 10)
    p.push(0.018, bytes.fromhex("90 3c 7f"))
    p.push(0.023, bytes.fromhex("90 40 7f"))  # the block from 20 on was due
    render(p, 10, 10)
    assert [voice.start for voice in p.score.voices] == [28, 33]


@pytest.mark.parametrize(("xrun", "start"), [(True, 33), (False, 49)])
def test_after_the_card_ran_dry_a_key_keeps_its_place_at_once(xrun: bool, start: int) -> None:
    """Where only one block came late, the blocks before it tell more than it does."""
    p = player()
    render(p, 10, 10)
    p.render(np.zeros((10, 2), np.float32), 0.520, xrun)  # half a second after it was due
    p.push(0.523, bytes.fromhex("90 3c 7f"))
    p.render(np.zeros((10, 2), np.float32), 0.530)
    render(p, 10)
    assert p.score.voices[0].start == start


@pytest.mark.parametrize("late", [-2, 0, 4])
def test_coarse_times_are_those_of_a_block(late: int) -> None:
    """Whether the device hands keys over shortly before it asks for the block or after."""
    p = player()
    render(p, 10, 10)
    p.push((20 + late) / RATE, bytes.fromhex("90 3c 7f"), True)
    render(p, 10, 10)
    assert p.score.voices[0].start == 30


@given(st.lists(st.floats(-1, 10), max_size=10), st.integers(1, 50))
def test_keys_at_any_time_are_stamped_in_order_within_two_blocks(times: list[float], size: int) -> None:
    p = joined()
    render(p, 10)
    for time in times:
        p.push(time, bytes.fromhex("90 3c 7f"))
    begun = p.position
    render(p, size, size)
    made = events(p)
    assert [event.seq for event in made] == list(range(1, len(times) + 1))
    assert [event.position for event in made] == sorted(event.position for event in made)
    assert all(begun <= event.position < begun + 2 * size for event in made)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(("local", "remote", "hybrid")), st.integers(0, 300))))
def test_positions_never_fall_whatever_the_modes_do(changes: list[tuple[int, Mode, int]]) -> None:
    p = joined()
    for wait, mode, offset in changes:
        render(p, 1 + wait)
        p.post(p.set_mode, mode, offset)
        p.push(p.position / RATE, bytes.fromhex("90 3c 7f"))
    render(p, 10, 10)
    positions = [event.position for event in events(p)]
    assert len(positions) == len(changes)
    assert positions == sorted(positions)


# Modes


@pytest.mark.parametrize(
    ("mode", "held", "cut", "shift", "reach"),
    [
        ("hybrid", None, OFFSET, 0, ENDLESS),
        ("hybrid", HELD, OFFSET, 0, REACH),
        ("hybrid", 70, 0, OFFSET, 0),  # too little for an OFFSET and a ramp
        ("remote", None, 0, OFFSET, 0),
        ("local", HELD, ENDLESS, 0, ENDLESS),
    ],
)
def test_a_mode_is_a_cut_a_shift_and_a_reach(mode: Mode, held: int | None, cut: int, shift: int, reach: int) -> None:
    p = joined(mode, held)
    play(p, (3, "90 3c 7f"))
    render(p, 10)
    assert events(p) == [Event(1, 3, b"\x90\x3c\x7f", cut, shift, reach)]


@pytest.mark.parametrize(("semitones", "reach"), [(0, 67), (2, 59), (3, 56), (12, 0)])
def test_a_wider_bend_reaches_less_far(semitones: int, reach: int) -> None:
    """And where that is not far enough the note plays as in remote mode."""
    p = joined(held=HELD)
    play(p, (0, "b0 65 00"), (0, "b0 64 00"), (0, f"b0 06 {semitones:02x}"), (3, "90 3c 7f"))
    render(p, 10)
    note = events(p)[-1]
    assert note.reach == reach
    assert (note.cut, note.shift) == ((OFFSET, 0) if reach else (0, OFFSET))


def test_positions_are_the_hands_in_every_mode() -> None:
    p = joined("remote")
    play(p, (3, "90 3c 7f"), (5, "b0 07 40"), (8, "80 3c 00"))
    render(p, 10)
    assert [event[1:2] + event[3:] for event in events(p)] == [(3, 0, OFFSET, 0), (5, 0, 0, 0), (8, 0, 0, 0)]


def test_a_program_of_which_nothing_is_held_plays_as_in_remote_mode() -> None:
    p = joined("hybrid")
    play(p, (3, "c0 05"), (4, "90 3c 7f"))
    render(p, 10)
    assert events(p)[-1] == Event(2, 4, b"\x90\x3c\x7f", 0, OFFSET, 0)


def test_sounding_notes_keep_their_mode() -> None:
    p = joined("local")
    play(p, (3, "90 3c 7f"), (25, "90 3d 7f"))
    render(p, 20)
    p.post(p.set_mode, "hybrid", 70)
    render(p, 20)
    assert [voice.cut for voice in p.score.voices] == [ENDLESS, 70]


def test_a_late_note_is_moved() -> None:
    p = joined("remote")
    play(p, (3, "90 3c 7f"))
    render(p, 10)
    p.post(p.moved, 1, 30)
    p.post(p.moved, 99, 30)
    render(p, 10)
    assert p.score.voices[0].age(53 + 30) == 0
    assert p.late_notes == 2


def test_who_sends_is_woken_at_the_end_of_a_block_that_has_something_to_send() -> None:
    made, woken = joined(), list[int]()
    made.wake = lambda: woken.append(made.position)
    render(made, 10)
    assert woken == [10], "the state to join with"
    made.outbox.clear()
    render(made, 10)
    made.push(made.position / RATE, bytes((0x90, 60, 127)))
    render(made, 10, 10)
    assert made.outbox and woken[1:] == [40]


def test_of_a_note_that_the_server_cannot_play_all_past_the_held_frames_is_missing() -> None:
    made = joined(held=HELD)
    made.unserved.add(0)
    stream(made, range(0, 300, CHUNK), 1, np.zeros((300, 2), np.float32))
    play(made, (0, "903c7f"))
    render(made, *[10] * 30)
    assert (made.knit.tally.uncovered, made.knit.tally.missing) == (300 - COVERED, 300 - COVERED)


# What happens past a note's reach


def heard(player: ClientPlayer, count: int) -> None:
    """Render blocks of a chunk under packets of silence that have heard all."""
    first = player.position
    stream(player, range(first, first + count, CHUNK), 99, np.zeros((first + count, 2), np.float32))
    render(player, *[CHUNK] * (count // CHUNK))


@pytest.mark.parametrize(
    ("held", "off", "deferred"),
    [
        (HELD, 20, [[20, 20 + OFFSET + 100]]),
        (HELD, 8, []),  # within its reach: heard before the tail begins
        (None, 20, []),
    ],
)
def test_a_release_past_the_reach_acts_an_offset_later_and_is_counted(
    held: int | None, off: int, deferred: list[list[int]]
) -> None:
    p = joined(held=held)
    play(p, (0, "90 3c 7f"), (off, "80 3c 00"))
    render(p, CHUNK)
    heard(p, 300)
    tally = p.knit.tally
    assert tally.spans == deferred
    assert (tally.deferred, tally.uncovered) == (sum(end - first for first, end in deferred), 0)


@pytest.mark.parametrize(
    ("message", "lasts"),
    [("b0 07 40", OFFSET + 5), ("b0 78 00", OFFSET + 5), ("b1 07 40", 0), ("b0 40 7f", 0), ("c0 05", 0)],
)
def test_controllers_and_panic_past_the_reach_are_counted_as_long_as_their_ramps(message: str, lasts: int) -> None:
    p = joined(held=HELD)
    play(p, (0, "90 3c 7f"), (100, message))
    render(p, CHUNK)
    heard(p, 300)
    assert (p.knit.tally.deferred, p.knit.tally.uncovered) == (lasts, 0)


def test_after_a_bend_past_the_reach_a_note_is_another_for_as_long_as_it_sounds() -> None:
    p = joined(held=HELD)
    play(p, (0, "90 3c 7f"), (100, "e0 00 00"), (200, "b0 78 00"))
    render(p, CHUNK)
    heard(p, 400)
    assert p.knit.tally.spans == [[100, 260]]  # from block to block


# Changes are thinned where they are stamped


def test_of_changes_within_a_ramp_the_newest_is_stamped_when_the_ramp_is_over() -> None:
    p = joined()
    play(p, *((at, f"b0 07 {at:02x}") for at in (0, 2, 3, 20, 24, 31)))
    render(p, 10, 10, 10, 10)
    assert [(event.position, event.message[2]) for event in events(p)] == [
        (0, 0), (5, 3), (20, 20), (25, 24), (31, 31),
    ]  # fmt: skip


def test_a_change_that_waits_comes_after_the_song_and_is_waited_for() -> None:
    p = joined()
    play(p, (0, "e0 00 00"), (1, "e0 00 10"))
    render(p, 3)
    assert p.playing_song and len(events(p)) == 1
    render(p, 4)
    assert [event.position for event in events(p)] == [0, 5] and not p.playing_song


def test_other_controllers_channels_and_notes_do_not_wait() -> None:
    p = joined()
    messages = "b0 07 10", "b0 0b 10", "b1 07 10", "e0 00 10", "e1 00 10", "b0 40 00", "b0 40 7f", "90 3c 7f"
    play(p, *((2, message) for message in messages))
    render(p, 10)
    assert [event.position for event in events(p)] == [2] * len(messages)


MOVES = st.one_of(
    st.tuples(st.sampled_from((0xB0, 0xB1)), st.sampled_from((7, 11, 64)), st.integers(0, 127)),
    st.tuples(st.sampled_from((0xE0, 0xE1)), st.just(0), st.integers(0, 127)),
    st.tuples(st.sampled_from((0x90, 0x80)), st.integers(0, 3), st.integers(0, 127)),
).map(bytes)


@given(st.lists(st.tuples(st.integers(0, 99), MOVES), max_size=40).map(sorted), st.integers(1, 40))
def test_a_session_takes_all_that_a_player_stamps_and_both_end_alike(
    song: list[tuple[int, bytes]], size: int
) -> None:
    p = joined()
    p.post(p.play, song)
    render(p, *[size] * (120 // size + 1))
    session = ServerSession(RATE, CHUNK, PAYLOADS["F32"], 8, 1)
    session.instruments.update(p.instruments)
    for item in p.outbox:
        if isinstance(item, ScoreState):
            session.resume(session.restored(item))
        else:
            session.hear(item)
    assert session.score.state() == p.score.state()
    last = {message[:2] if message[0] < 0xE0 else message[:1]: message for _, message in song}
    stamped = [event.message for event in events(p)]
    assert all(message in stamped for key, message in last.items() if key[0] >= 0xB0)
    assert sum(message[0] < 0xB0 for message in stamped) == sum(message[0] < 0xB0 for _, message in song)


def test_a_session_refuses_what_is_not_thinned() -> None:
    session = ServerSession(RATE, CHUNK, PAYLOADS["F32"], 8, 1)
    session.resume(session.restored(player().score.state()))
    session.hear(Event(1, 10, b"\xb0\x07\x40"))
    with pytest.raises(ProtocolError, match="less than 5 frames before"):
        session.hear(Event(2, 14, b"\xb0\x07\x41"))


def test_while_nothing_is_heard_changes_wait_and_the_newest_comes_once_there_is_room() -> None:
    p = joined()
    play(p, (0, "90 3c 7f"), *((5 * k, f"b0 07 {k % 128:02x}") for k in range(1, 1000)), (5000, "b0 07 55"))
    render(p, *[1000] * 6)
    assert len(p.score.automation.state(0)[VOLUME]) == MOST_PENDING
    render(p, *[1000] * (CAPACITY // 1000 + 2))
    assert events(p)[-1].message == b"\xb0\x07\x55"


def test_more_notes_than_anyone_plays_are_refused_and_counted() -> None:
    p = joined()
    play(p, *((k // 8, f"90 {k:02x} 7f") for k in range(100)))
    render(p, 50)
    assert (p.notes, p.refused, len(events(p))) == (64, 36, 64)


# A server that went back


def gone_back() -> ClientPlayer:
    """Its note was released at 110, of which only the packets from 210 to 230 have heard; at 240 it forgets."""
    p = joined()
    render(p, CHUNK)
    play(p, (0, "90 3c 7f"), (100, "80 3c 00"))
    silent = np.zeros_like(SOUND)
    unreleased = np.concatenate((silent[: CHUNK + OFFSET], SOUND[OFFSET:]))
    stream(p, range(CHUNK, 400, CHUNK), 1, unreleased)
    stream(p, range(210, 230, CHUNK), 2, silent)
    assert render(p, *[CHUNK] * 23)[200:] == [0.0] * 30
    p.knit.forget(p.position, True)
    stream(p, range(400, 420, CHUNK), 2, silent)
    return p


def test_packets_that_it_made_before_are_played_by_what_they_have_heard() -> None:
    p = gone_back()
    assert set(render(p, *[CHUNK] * 18)) == {0.0}
    assert p.knit.tally.uncovered == 0


def test_a_packet_that_has_heard_less_than_voices_are_kept_for_is_not_played() -> None:
    p = gone_back()
    render(p, *[CHUNK] * 18)
    p.knit.forget(p.position, True)
    stream(p, range(420, 440, CHUNK), 1, SOUND)
    assert set(render(p, CHUNK, CHUNK)) == {0.0}
