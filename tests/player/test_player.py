"""The client at 1000 Hz: a ramp has 5 frames, a release 100; sample n of every key has the value n / 1024."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.modes import Mode
from netaudio.player.player import ClientPlayer
from netaudio.player.rings import Packet
from netaudio.sampler.bank import Bank
from netaudio.sampler.instrument import ENDLESS, Instrument, Sample
from netaudio.sampler.mixer import Frames
from netaudio.sampler.voices import Event
from netaudio.timing.latency_budget import CAPACITY

RATE, CHUNK, OFFSET = 1000, 10, 50
SOUND = np.repeat(np.arange(500)[:, None] / 1024, 2, axis=1).astype(np.float32)


def player(mode: Mode = "hybrid", held: int = 500, offset: int = OFFSET) -> ClientPlayer:
    bank = Bank()
    (address,) = bank.extend([SOUND[:held]])
    sample = Sample(address, 500, held, held, None)
    harp = Instrument("harp", RATE, (), (sample,) * 128)
    return ClientPlayer(RATE, CHUNK, 8, bank, {0: harp, 5: harp}, {5}, mode, offset)


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


def joined(mode: Mode = "hybrid", held: int = 500, offset: int = OFFSET) -> ClientPlayer:
    made = player(mode, held, offset)
    made.post(made.join, CHUNK, 8)
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
    p = joined(held=75)
    play(p, (3, "90 3c 7f"))
    render(p, 10)
    tail = np.zeros((600, 2), np.float32)
    tail[3 + OFFSET : 503] = SOUND[OFFSET:]
    stream(p, range(10, 600, CHUNK), 1, tail)
    assert render(p, 500) == [*range(7, 500), 0, 0, 0, 0, 0, 0, 0]
    assert (p.knit.tally.uncovered, list(p.knit.tally.margins)) == (0, [43])


def test_notes_are_forgotten_though_no_packet_ever_comes() -> None:
    """UDP is blocked; no packet to come was made so long ago that it had not heard that they end."""
    p = joined()
    organ = Sample(1000, ENDLESS, ENDLESS, ENDLESS, (100, 400))
    p.instruments[0] = Instrument("organ", RATE, (), (organ,) * 128)
    keys = [
        (at, message) for k in range(60) for at, message in ((5000 * k, "90 3c 7f"), (5000 * k + 300, "80 3c 00"))
    ]
    play(p, *keys)
    for _ in range(300):
        p.render(np.zeros((1000, 2), np.float32), p.position / RATE)
    assert len(p.score.voices) <= CAPACITY // 5000 + 2


def test_without_a_stream_the_held_part_is_all_there_is() -> None:
    p = joined(held=75)
    play(p, (0, "90 3c 7f"))
    assert render(p, 100) == [*range(75), *[0] * 25]
    assert p.knit.tally.spans == [[75, 100]]
    assert p.knit.tally.missing == 25


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
    ("mode", "position", "cut"), [("hybrid", 3, OFFSET), ("remote", 3 + OFFSET, 0), ("local", 3, ENDLESS)]
)
def test_a_mode_is_a_position_and_a_cut(mode: Mode, position: int, cut: int) -> None:
    p = joined(mode)
    play(p, (3, "90 3c 7f"))
    render(p, 10)
    assert events(p) == [Event(1, position, b"\x90\x3c\x7f", cut)]


def test_releases_and_controllers_of_remote_notes_move_with_them() -> None:
    p = joined("remote")
    play(p, (3, "90 3c 7f"), (5, "b0 07 40"), (8, "80 3c 00"))
    render(p, 10)
    assert [(event.position, event.cut) for event in events(p)] == [(53, 0), (55, 0), (58, 0)]


def test_a_program_of_which_nothing_is_held_plays_as_in_remote_mode() -> None:
    p = joined("hybrid")
    play(p, (3, "c0 05"), (4, "90 3c 7f"))
    render(p, 10)
    assert [(event.position, event.cut) for event in events(p)] == [(3, 0), (54, 0)]


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
    made = joined(held=100)
    made.unserved.add(0)
    stream(made, range(0, 300, CHUNK), 1, np.zeros((300, 2), np.float32))
    play(made, (0, "903c7f"))
    render(made, *[10] * 30)
    assert (made.knit.tally.uncovered, made.knit.tally.missing) == (200, 200)
