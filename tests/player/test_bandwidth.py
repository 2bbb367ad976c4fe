"""A way too narrow for the stream is noticed, and nothing else is taken for one."""

import numpy as np
import pytest

from netaudio.player.bandwidth import SHORT_SECONDS
from tests.support.sounds import noises
from tests.support.wire import RATE, Path, Stage

HEADER = 24  # bytes of RTP with its extension


class Policer:
    """Drops what comes faster than so many bytes a second, as a token bucket does (RFC 2697)."""

    def __init__(self, stage: Stage, rate: float, burst: int = 3000) -> None:
        self.stage, self.rate, self.burst = stage, rate, burst
        self.tokens, self.last = float(burst), 0.0

    def __call__(self, data: bytes) -> bool:
        now = self.stage.time
        self.tokens = min(self.burst, self.tokens + self.rate * (now - self.last))
        self.last = now
        dropped = self.tokens < len(data)
        self.tokens -= 0 if dropped else len(data)
        return dropped


def playing(loss: float = 0.0, jitter: float = 0.0) -> Stage:
    stage = Stage(noises(np.random.default_rng(1)), buffer_size=480, loss=loss, jitter=jitter)
    stage.connect()
    stage.run(2.0)
    assert not stage.link.receiver.bandwidth.narrow
    return stage


def need(stage: Stage) -> float:
    """Bytes a second that the stream takes, with its headers."""
    before = stage.session.octets_sent, stage.session.packets_sent
    stage.run(1.0)
    return stage.session.octets_sent - before[0] + HEADER * (stage.session.packets_sent - before[1])


@pytest.mark.parametrize("share", [0.5, 0.85])
def test_a_way_that_drops_what_is_too_much_is_too_narrow(share: float) -> None:
    stage = playing()
    stage.down.drop = Policer(stage, share * need(stage))
    stage.run(SHORT_SECONDS + 3)
    assert stage.link.receiver.bandwidth.narrow
    assert stage.link.receiver.bandwidth.carried == pytest.approx(share, abs=0.1)
    stage.down.drop = lambda _: False
    stage.run(3.0)
    assert not stage.link.receiver.bandwidth.narrow


class Queue(Path[bytes]):
    """Lets so many bytes a second through, and keeps the rest, however much it becomes."""

    def __init__(self, stage: Stage, rate: float) -> None:
        super().__init__(stage.rng, stage.network)
        self.rate, self.free = rate, 0.0

    def send(self, now: float, item: bytes) -> None:
        self.free = max(self.free, now) + len(item) / self.rate
        super().send(self.free, item)


def test_a_way_that_keeps_what_is_too_much_is_too_narrow_as_well() -> None:
    stage = playing()
    stage.down = Queue(stage, 0.85 * need(stage))
    stage.run(SHORT_SECONDS + 3)
    assert stage.link.receiver.bandwidth.narrow
    assert stage.link.receiver.bandwidth.carried == pytest.approx(0.85, abs=0.05)


@pytest.mark.parametrize(("loss", "jitter"), [(0.02, 0.03), (0.0, 0.1), (0.005, 0.01)])
def test_bad_ways_are_not_too_narrow(loss: float, jitter: float) -> None:
    stage = playing(loss, jitter)
    for _ in range(40):
        stage.run(0.5)
        assert not stage.link.receiver.bandwidth.narrow


@pytest.mark.parametrize("seconds", [1.0, 2.5])
def test_neither_an_outage_nor_a_stop_is_a_narrow_way(seconds: float) -> None:
    stage = playing()
    for side in ("wire", "server", "client"):
        stage.sever(side == "wire")
        stage.server_stopped, stage.client_stopped = side == "server", side == "client"
        stage.run(seconds)
        stage.sever(False)
        stage.server_stopped = stage.client_stopped = False
        for _ in range(12):
            stage.run(0.5)
            assert not stage.link.receiver.bandwidth.narrow, side
    assert stage.player.position > RATE
