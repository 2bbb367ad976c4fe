"""A card that goes and comes back."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from netaudio.audio.failover import FailoverOutput
from netaudio.errors import DeviceError
from tests.support.child import Child
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

output = failover.FailoverOutput(sys.argv[1], 48000, 128, render, say, lambda away: say("away", away))
output.start()
say("alive", output.alive)
for line in sys.stdin:
    if line == "count\\n":
        begun = position[0]
        while position[0] < begun + 4800:
            assert output.error is None, output.error
        say("plays", output.away, output.losses)
output.stop()
say("stopped", output.alive, output.error, output.times.histogram.counts.total() >= loops[0])
"""


def silent(out: NDArray[np.float32], _now: float, _xrun: bool) -> None:
    out.fill(0)


def test_what_cannot_begin_is_refused() -> None:
    with pytest.raises(DeviceError, match="no sound output"):
        FailoverOutput("no such device", RATE, BLOCK, silent)


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
