"""An hour on a virtual clock, with sound cards that are not quite right."""

from collections.abc import Sized

import numpy as np
import pytest

from tests.support.reference import Reference
from tests.support.sounds import noises
from tests.support.wire import RATE, Stage

CHUNK, BUFFER_SIZE, OFFSET = 800, 1600, 4800  # frames: 1/6, 1/3 and 1 s, for few and large steps
MINUTE = 60  # seconds
PERIOD = 5  # seconds from note to note
FEW = 8  # of packets, events and voices that are there or just not when things are counted


def song(seconds: int) -> list[tuple[int, bytes]]:
    """A note of a looping sound, held for three seconds, and one that ends by itself, all the time."""
    events = [(0, b"\xc1\x01")]
    for at in range(RATE, seconds * RATE - 4 * RATE, PERIOD * RATE):
        events += [(at, b"\x91\x01\x60"), (at + 99, b"\x90\x02\x60"), (at + 3 * RATE, b"\x81\x01\x00")]
    return events


@pytest.mark.slow
@pytest.mark.parametrize(("ppm", "minutes"), [(200, 60), (-200, 15)])
def test_clocks_that_drift_apart(ppm: int, minutes: int) -> None:
    stage = Stage(
        noises(np.random.default_rng(7)), held=OFFSET + 3 * CHUNK, offset=OFFSET, buffer_size=BUFFER_SIZE,
        chunk=CHUNK, block=CHUNK, payload="L24", skew=ppm, step=CHUNK // 2, jitter=0.02,
    )  # fmt: skip
    stage.connect()
    stage.player.post(stage.player.play, song(MINUTE * minutes))
    slacks, ahead, sizes = [], [], []
    for _ in range(minutes):
        stage.blocks.clear()
        first = stage.player.position
        stage.run(MINUTE)
        slacks.append(stage.link.receiver.slacks.lowest(stage.time) or 0)
        ahead.append(stage.session.cursor - stage.player.position)
        sizes.append(held_in_memory(stage))
    tally = stage.player.knit.tally
    assert (tally.missing, tally.late, stage.player.late_notes) == (0, 0, 0)
    assert (stage.link.figures.packets.late, stage.session.skipped) == (0, 0)
    assert max(slacks[1:]) - min(slacks[1:]) <= CHUNK, "no drift of slack"
    assert max(ahead[1:]) - min(ahead[1:]) <= 2 * CHUNK
    assert max(sizes[minutes // 2 :]) <= max(sizes[4 : minutes // 2]) + FEW
    assert len(stage.link.receiver._reception._seen) <= 8192
    assert abs(stage.player.position - stage.time * RATE * (1 + ppm / 1e6)) <= CHUNK
    events = [e._replace(position=e.position - first) for e in stage.player.events if e.position > first]
    reference = Reference(dict(enumerate(stage.recordings)), RATE, stage.polyphony)
    reference.channels[1].program = 1
    reference.feed(events, {})
    out = np.concatenate(stage.blocks)
    exact = reference.mix(len(out))
    apart = np.abs(out - exact).max(axis=1)
    apart[: 4 * RATE] = 0  # of notes that were there already
    for start, end in tally.spans:
        apart[max(0, start - first) : max(0, end - first)] = 0
    assert apart.max() < 2.0**-20 * max(1.0, np.abs(exact).max())


def held_in_memory(stage: Stage) -> int:
    """What could pile up over the hours, counted."""
    link, session, player = stage.link, stage.session, stage.player
    parts: list[Sized] = [
        link.figures.round_trips._kept, link.receiver.slacks._recent, link.uplink._unheard,
        link.uplink._times._resends, session._waiting, session.pacer._leads,
        session._steps, session.score.voices, player.score.voices, player.outbox, player.knit.margins,
        *(line for score in (session.score, player.score) for c in score.state().channels for line in c.lines),
    ]  # fmt: skip
    return sum(map(len, parts))
