"""Stops, outages and the worst of ways, on a virtual clock: the sound comes back exact, and no note is left."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from netaudio.modes import Mode
from tests.performance.test_law import EXACT, OFFSET, RAMP
from tests.support.reference import Recording
from tests.support.sounds import noises
from tests.support.wire import RATE, Network, Stage, memory

CHUNK = 32
HEADS = OFFSET + 2 * CHUNK + RAMP + 300  # frames held: 0.18 s
HELD_KEYS = (1, 3)  # of the program that loops: they sound from the beginning to the end
BEFORE, LOST_AFTER = 2.0, 3.0  # seconds: until things go wrong; without a word the client gives a server up

Trouble = Callable[[Stage], None]


def sounds() -> list[list[Recording]]:
    """Of the keys that are held one loops within its head, and one past it."""
    rng = np.random.default_rng(3)
    programs = noises(rng)
    programs[1][HELD_KEYS[0]] = Recording(rng.normal(0.0, 0.1, (3000, 2)).astype(np.float32), (500, 3000))
    return programs


def song(seconds: float) -> list[tuple[int, bytes]]:
    """Notes at all times, many of them released when no one hears it, over a chord that is held to the end."""
    rng, end, at = np.random.default_rng(5), round(seconds * RATE), 200
    events = [(0, b"\xc0\x00"), (0, b"\xc1\x01"), *((10, bytes((0x91, key, 90))) for key in HELD_KEYS)]
    while at < end - RATE // 2:
        channel, key = int(rng.integers(2)), int(rng.integers(6))
        key -= channel and key in HELD_KEYS
        off = at + int(rng.integers(200, 1400))
        events += [(at, bytes((0x90 | channel, key, 80))), (off, bytes((0x80 | channel, key, 0)))]
        at += int(rng.integers(50, 400))
    events += [(end, bytes((0xB0 | channel, 123, 0))) for channel in (0, 1)]
    return sorted(events, key=lambda event: event[0])


def stop_server(stage: Stage) -> None:
    stage.server_stopped = True
    stage.run(1.0)
    stage.server_stopped = False


def stop_client(stage: Stage) -> None:
    stage.client_stopped = True
    stage.run(1.0)
    stage.client_stopped = False


def stop_client_and_lose_what_came(stage: Stage) -> None:
    """Nobody empties its socket, and little fits in."""
    stage.down.drop = lambda _: stage.client_stopped
    stop_client(stage)


def stop_client_for_long(stage: Stage) -> None:
    """The server gives it up meanwhile."""
    stage.client_stopped = True
    stage.run(5.0)
    stage.client_stopped = False
    stage.disconnect()
    stage.run(1.0)
    stage.connect()


def cut_the_wire(stage: Stage) -> None:
    stage.sever()
    stage.run(3.0)
    stage.sever(False)


def cut_the_wire_for_long(stage: Stage) -> None:
    stage.sever()
    stage.run(LOST_AFTER)
    stage.disconnect()
    stage.run(30.0 - LOST_AFTER)
    stage.connect()


def shake(stage: Stage) -> None:
    """Jitter of forty chunks, and one in ten comes twice."""
    usual = stage.network
    for way in (stage.up, stage.down):
        way.network = Network(usual.delay, jitter=0.27, twice=0.1)
    stage.run(3.0)
    for way in (stage.up, stage.down):
        way.network = usual


TROUBLES: list[tuple[Trouble, float]] = [
    (stop_server, 0.75),
    (stop_client, 0.25),
    (stop_client_and_lose_what_came, 0.5),
    (stop_client_for_long, 0.5),
    (cut_the_wire, 0.75),
    (cut_the_wire_for_long, 0.5),
    (shake, 0.75),
]  # and the seconds after it by which the sound is whole


def agree(stage: Stage) -> bool:
    """Whether both sides remember the same, once no event is on its way."""
    client, server = stage.player.score, stage.session.score
    for _ in range(200):
        if server.seq == client.seq:
            break
        stage.run(1 / RATE)
    now = stage.player.position
    return server.seq == client.seq and memory(server, now) == memory(client, now)


@pytest.mark.parametrize("mode", ["hybrid", "remote"])
@pytest.mark.parametrize(("trouble", "seconds"), TROUBLES)
def test_the_sound_comes_back_exact_and_no_note_is_left(trouble: Trouble, seconds: float, mode: Mode) -> None:
    stage = Stage(sounds(), held=HEADS, mode=mode, buffer_size=192)
    stage.connect()
    stage.run(0.5)
    lasts = BEFORE + 2 * seconds + 2.0 + (30 if trouble is cut_the_wire_for_long else 3)
    stage.player.post(stage.player.play, song(lasts))
    stage.run(BEFORE)
    before = stage.player.knit.tally.missing
    trouble(stage)
    stage.run(seconds)
    back, missing = stage.player.position, stage.player.knit.tally.missing
    late = stage.player.late_notes + stage.player.knit.tally.late
    stage.run(1.0)
    assert agree(stage)
    held = {voice.key for voice in stage.player.sounding() if voice.channel == 1}
    assert held >= set(HELD_KEYS), "held notes sound on"
    tally = stage.player.knit.tally
    assert (before, tally.missing) == (0, missing)
    assert stage.player.late_notes + tally.late == late, "the notes that came then were in time"
    stage.run((stage.player.song_start or 0) / RATE + lasts - stage.player.position / RATE + 2.0)
    outcome = stage.outcome()
    assert outcome.error <= EXACT * max(1.0, outcome.peak)
    assert np.abs(outcome.out[back : back + RATE]).max() > 0.05
    assert stage.player.score.voices == stage.session.score.voices == []
    assert stage.player.song_end is not None


def test_reports_that_wait_for_a_stopped_server_do_not_move_its_clock() -> None:
    stage = Stage(sounds())
    stage.connect()
    stage.run(2.0)
    ahead = stage.session.cursor - stage.player.position
    stop_server(stage)
    stage.run(0.1)
    apart = stage.session.pacer.clock.position(stage.time) - stage.player.position
    assert abs(apart) < 2 * CHUNK + RATE * stage.network.delay
    assert stage.session.cursor - stage.player.position < ahead + 192 + 2 * CHUNK


def test_what_a_stopped_client_had_got_ahead_is_made_anew() -> None:
    """A note that it plays then finds its tail in time."""
    stage = Stage(sounds(), held=HEADS)
    stage.connect()
    stage.run(2.0)
    lead = stage.session.cursor - stage.player.position
    stop_client(stage)
    assert stage.session.cursor - stage.player.position > RATE // 2
    stage.run(0.1)
    assert stage.session.cursor - stage.player.position < lead + 2 * CHUNK
    stage.player.post(stage.player.play, [(0, bytes((0x90, 0, 127)))])
    stage.run(0.6)
    tally = stage.player.knit.tally
    assert (tally.late, tally.missing) == (0, 0)
    assert len(tally.margins) == 1


def test_a_card_that_runs_dry_all_the_time_makes_no_note_late() -> None:
    """It loses 4 ms of every 80; what the server is ahead by does not add up."""
    stage = Stage(sounds(), held=HEADS)
    stage.connect()
    stage.run(2.0)
    lead = stage.session.cursor - stage.player.position
    stage.player.post(stage.player.play, [(1000 * k, bytes((0x90, 0, 127))) for k in range(40)])
    for _ in range(100):
        stage.client_stopped = True
        stage.run(0.004)
        stage.client_stopped = False
        stage.run(0.076)
    assert stage.session.cursor - stage.player.position < lead + 0.03 * RATE
    tally = stage.player.knit.tally
    assert (tally.late, tally.missing) == (0, 0)
    assert len(tally.margins) > 20


def test_a_longer_way_for_a_while_is_no_stop() -> None:
    """Reports that take 150 ms more, and then no more, move nothing that is played."""
    stage = Stage(sounds(), held=HEADS, buffer_size=400)
    stage.connect()
    stage.run(2.0)
    usual = stage.network
    stage.up.network = replace(usual, delay=usual.delay + 0.15)
    stage.run(2.0)
    stage.up.network = usual
    stage.run(2.0)
    assert stage.link.figures.packets.late == stage.session.skipped == 0
    assert abs(stage.session.pacer.clock.position(stage.time) - stage.player.position) < 3 * CHUNK


def test_a_note_whose_instrument_the_server_no_longer_has_sounds_on_from_here() -> None:
    """As far as it is held; then it is missing and counted, and what else sounds is exact."""
    stage = Stage(sounds(), held=HEADS, buffer_size=192)
    stage.connect()
    stage.run(0.5)
    stage.player.post(stage.player.play, [(0, b"\xc1\x01"), (10, bytes((0x91, 1, 90))), (10, bytes((0x90, 2, 90)))])
    stage.run(1.0)
    missing = stage.player.knit.tally.missing
    stage.disconnect()
    stage.player.unserved.add(1)
    del stage.served[1]
    stage.connect()
    stage.run(1.0)
    assert stage.player.knit.tally.missing > missing == 0
    assert agree(stage)
    outcome = stage.outcome()
    apart = np.abs(outcome.out - outcome.ideal)[outcome.covered]
    assert apart.max() <= EXACT and len(apart) < len(outcome.out)
    stage.player.push(stage.time, bytes((0x81, 1, 0)))
    stage.run(1.0)
    assert stage.player.score.voices == stage.session.score.voices == []
