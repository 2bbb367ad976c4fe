"""The output that outlives its device: whose turn it is to render, and a card that comes back."""

import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from netaudio.audio.failover import LastingSpeaker, Turn
from netaudio.audio.speaker import Render
from netaudio.errors import DeviceError
from tests.support.child import PATIENCE, Child
from tests.support.jack import BLOCK, RATE, environment, jackd

PLAYER = """
import sys, threading
from netaudio.audio import failover
failover.RETRY_SECONDS = 0.2
say = lambda *words: print(*words, flush=True)
position, loops, busy = [0], [0], threading.Lock()

def render(out, now, _):
    assert busy.acquire(blocking=False), "two render at once"
    position[0] += len(out)
    loops[0] += 1
    out.fill(0.25)
    busy.release()

speaker = failover.LastingSpeaker(sys.argv[1], 48000, 128, render, say, lambda away: say("away", away))
speaker.start()
say("alive", speaker.alive)
for line in sys.stdin:
    if line == "count\\n":
        begun = position[0]
        while position[0] < begun + 4800:
            assert speaker.error is None, speaker.error
        say("plays", speaker.away, speaker.losses)
speaker.stop()
say("stopped", speaker.alive, speaker.error, sum(speaker.times.histogram.counts) >= loops[0])
"""


class Score:
    """A render that counts frames, and can be held up."""

    def __init__(self) -> None:
        self.position = 0
        self.dry: list[bool] = []
        self.inside, self.leave = threading.Event(), threading.Event()
        self.leave.set()

    def __call__(self, out: NDArray[np.float32], now: float, xrun: bool) -> None:
        self.inside.set()
        assert self.leave.wait(PATIENCE)
        self.dry.append(xrun)
        self.position += len(out)
        out.fill(1)


def block(turn: Render, now: float = 0.0, xrun: bool = False) -> bool:
    """Has an output play a block; whether it sounded."""
    out = np.full((BLOCK, 2), 0.5, np.float32)
    turn(out, now, xrun)
    assert out.min() == out.max() != 0.5
    return bool(out[0, 0])


def test_an_output_takes_its_turn_with_its_first_block() -> None:
    score = Score()
    first = Turn(score, RATE)
    assert block(first, 1.0) and first.due == pytest.approx(1.0 + BLOCK / RATE)
    second = Turn(score, RATE, first)
    assert block(first)
    assert block(second) and not block(first) and block(second)
    assert score.position == 4 * BLOCK


def test_an_output_waits_for_the_last_block_of_the_former() -> None:
    score = Score()
    first = Turn(score, RATE)
    second = Turn(score, RATE, first)
    score.leave.clear()
    former = threading.Thread(target=block, args=(first,))
    former.start()
    assert score.inside.wait(PATIENCE)
    assert not block(second)
    score.leave.set()
    former.join(PATIENCE)
    assert block(second) and not block(first)
    assert score.position == 2 * BLOCK


def test_an_output_passes_on_that_it_ran_dry() -> None:
    score = Score()
    turn = Turn(score, RATE)
    assert all(block(turn, xrun=xrun) for xrun in (False, True, False))
    assert score.dry == [False, True, False]


def test_an_output_that_was_given_up_never_takes_its_turn() -> None:
    score = Score()
    first = Turn(score, RATE)
    given_up, third = Turn(score, RATE, first), Turn(score, RATE, first)
    assert block(third)
    given_up.over = True
    assert not block(given_up) and block(third)


def test_null_lasts_and_looks_for_nothing() -> None:
    score = Score()
    speaker = LastingSpeaker("null", RATE, BLOCK, score)
    speaker.start()
    assert score.inside.wait(PATIENCE) and speaker.alive and (speaker.name, speaker.away) == ("null", False)
    speaker.stop()
    assert not speaker.alive and speaker.losses == 0


def test_what_cannot_begin_is_refused() -> None:
    with pytest.raises(DeviceError, match="no sound output"):
        LastingSpeaker("no such device", RATE, BLOCK, Score())


@pytest.mark.system
def test_a_card_comes_back_as_often_as_it_goes(tmp_path: Path) -> None:
    env = environment(tmp_path)
    player: Child | None = None
    for round_ in range(3):
        with jackd(tmp_path) as (server, _):
            if player is None:
                player = Child(PLAYER, "0", env=env)
                assert player.line() == "alive True"
            else:
                assert player.line() == "away False"
                assert player.line() == "the sound device system is back"
            player.say("count")
            assert player.line() == f"plays False {round_}"
            (server.kill if round_ % 2 else server.terminate)()
            server.wait()
            assert "the sound device system is gone" in player.line()
            assert player.line() == "away True"
            player.say("count")
            assert player.line() == f"plays True {round_ + 1}"
    assert player
    player.end()
    assert player.line() == "stopped False None True"
    assert player.process.returncode == 0
