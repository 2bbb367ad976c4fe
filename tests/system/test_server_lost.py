"""The server is killed while chords sound, and comes back: the clients play on, and never click."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from tests.support.programs import (
    CHUNK,
    OFFSET,
    RATE,
    Result,
    Timed,
    difference,
    on_the_clock,
    playing,
    recorded,
    serving,
    write_midi,
)
from tests.support.reference import Reference
from tests.support.songs import ORGAN, PIANO, RAMP, Window, excused, in_time, overlap, reference, steps

SECONDS, LOST = 18, 3  # the song's length, and where in it the server is killed
PACKET = 128


def song() -> Timed:
    """An organ chord held from the beginning to the end, and a piano chord every two seconds."""
    events: Timed = [(0, bytes((0xC0, PIANO))), (0, bytes((0xC1, ORGAN)))]
    for key in (50, 57, 62, 66):
        events += [(RATE // 2, bytes((0x91, key, 80))), (SECONDS * RATE, bytes((0x81, key, 0)))]
    for second in range(1, SECONDS - 2, 2):
        for key in (62, 66, 69, 74):
            on = second * RATE + 11 * key
            events += [(on, bytes((0x90, key, 90))), (on + round(1.8 * RATE), bytes((0x80, key, 0)))]
    return events


def kill_and_restart(folder: Path) -> tuple[Result, Result]:
    """What a hybrid and a remote client make of it."""
    path = write_midi(folder / "song.mid", song())
    with ExitStack() as clients:
        with serving() as (server, address):
            hybrid = clients.enter_context(playing(folder / "hybrid", path, address, "hybrid"))
            remote = clients.enter_context(playing(folder / "remote", path, address, "remote"))
            for client in (hybrid, remote):
                recorded(client, LOST * RATE)
            server.kill()
        with serving("--port", address.rpartition(":")[2]) as (server, _):
            server.line("player joined", 2)
            return hybrid.result(), remote.result()


def outage(result: Result) -> tuple[int, int]:
    """The longest span: the organ is older than all that is held of it."""
    first, end = max(result.spans, key=lambda span: span[1] - span[0])
    return first, end


def came_back(result: Result, score: Reference, delay: int, window: Window = in_time) -> None:
    count = (SECONDS + 2) * RATE
    exact = score.mix(count).astype(np.float32)
    assert "lost the server" in result.text and "connected to" in result.text, result.text
    assert result.report["frames"]["missing"] > 0
    first, end = outage(result)
    assert (LOST - 1) * RATE < first < end < (SECONDS - 3) * RATE, result.figures()
    assert difference(result.sound, exact, result.spans, delay) <= 1, result.figures()
    after = [span for span in result.spans if span[0] >= end + RAMP]
    may = excused(score, count, result.report["held_frames"] - RAMP, window(result.report, CHUNK))
    assert overlap(after, may) == [], result.figures()
    assert np.abs(result.sound[end + RATE : end + 2 * RATE]).max() > 0.1
    step = np.abs(np.diff(result.sound, axis=0)).max(axis=1)
    bound = np.zeros(len(step))
    own = steps(score, count)[: len(step) - delay]
    bound[delay : delay + len(own)] = own
    bound += np.abs(exact).max() / min(RAMP, PACKET)
    assert (step <= bound).all(), f"a click at {np.flatnonzero(step > bound)[:9]}, lost from {first} to {end}"


@on_the_clock
def test_a_server_that_is_killed_and_started_again(tmp_path: Path) -> None:
    hybrid, remote = kill_and_restart(tmp_path)
    score = reference(song())
    came_back(hybrid, score, 0)
    came_back(remote, score, OFFSET)
    first, end = outage(hybrid)
    strikes = [at for at in range(RATE, SECONDS * RATE, 2 * RATE) if first + RATE < at < end - 2 * RATE]
    for at in strikes:  # the heads of new notes sound on time, then silence
        assert np.abs(hybrid.sound[at : at + RATE]).max() > 0.05
        assert np.abs(hybrid.sound[at - RATE // 3 : at]).max() < 1e-6
    first, end = outage(remote)
    assert np.abs(remote.sound[first + 2 * RAMP : end - RAMP]).max() < 1e-6
