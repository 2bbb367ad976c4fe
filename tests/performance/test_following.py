"""A whole performance that follows its network, on a virtual clock."""

import numpy as np
import pytest

from netaudio.modes import Mode
from netaudio.timing.latency_budget import GUESS_SECONDS, least_reach, most_offset
from netaudio.timing.latency_control import Follow
from netaudio.units import Span
from tests.performance.test_law import check_law
from tests.support.reference import Recording
from tests.support.wire import RATE, Network, Stage

CHUNK = 16  # 3.3 ms
HELD = RATE  # a second
AUTO, LOOK = Span(), 0.02  # seconds


def long_sounds(rng: np.random.Generator) -> list[list[Recording]]:
    return [[Recording(rng.normal(0.0, 0.1, (3 * RATE, 2)).astype(np.float32)) for _ in range(6)]]


class Following:
    """A stage whose client follows, as the program does."""

    def __init__(self, network: Network, seed: int = 0, mode: Mode = "hybrid") -> None:
        rng = np.random.default_rng(seed)
        self.stage = stage = Stage(
            long_sounds(rng), seed=seed, mode=mode, held=HELD, chunk=CHUNK, block=16, polyphony=16,
            buffer_size=round(GUESS_SECONDS * RATE), delay=network.delay, jitter=network.jitter, loss=network.loss,
        )  # fmt: skip
        self.follow = Follow(AUTO, AUTO, RATE, CHUNK)
        stage.connect()
        stage.link.uplink.probing = True
        stage.run(1.5)
        stage.link.uplink.probing = False
        self._trips, self._margins = stage.link.figures.round_trips.count, 0
        self.offsets: list[tuple[float, int]] = []
        self.take(self.follow.begin(stage.link.figures.round_trips.since(0)).offset)

    def take(self, offset: int) -> None:
        self.offsets.append((self.stage.time, offset))
        self.stage.player.post(self.stage.player.set_mode, self.stage.player.mode, offset)
        self.stage.link.uplink.aim = self.follow.tuning.aim

    def impair(self, network: Network) -> None:
        for path in (self.stage.up, self.stage.down, self.stage.control, self.stage.back):
            path.network = network

    def sing(self, seconds: float) -> None:
        """A note of 0.6 s every 0.1 s."""
        count = round(seconds * 10)
        song = [(k * 480 + part, message) for k in range(count) for part, message in
                ((0, bytes((0x90, k % 6, 100))), (470, bytes((0x80, (k + 1) % 6, 0))))]  # fmt: skip
        self.stage.player.post(self.stage.player.play, song)

    def run(self, seconds: float) -> list[int]:
        """The knit margins of the time."""
        stage, follow, before = self.stage, self.follow, len(self.stage.player.knit.tally.margins)
        for _ in range(round(seconds / LOOK)):
            stage.run(LOOK)
            link, margins = stage.link, stage.player.knit.tally.margins
            trips = link.figures.round_trips
            follow.hear(stage.time, trips.since(self._trips))
            self._trips = trips.count
            new, self._margins = margins[self._margins :], len(margins)
            slack = link.receiver.slacks.lowest(stage.time)
            if chosen := follow.look(stage.time, slack, new, most_offset(HELD, RATE, CHUNK)):
                self.take(chosen.offset)
        return list(stage.player.knit.tally.margins[before:])


@pytest.mark.parametrize("mode", ["hybrid", "remote"])
def test_a_longer_way_is_followed_without_an_audible_change(mode: Mode) -> None:
    playing = Following(Network(0.0075, 0.002), mode=mode)
    playing.sing(12.0)
    calm = playing.run(4.0)
    assert all(margin >= 0 for margin in calm) and playing.stage.player.late_notes == 0
    playing.impair(Network(0.03, 0.002))
    playing.run(1.5)
    late = playing.stage.player.late_notes
    after = playing.run(5.5)
    assert all(margin >= 0 for margin in after) and playing.stage.player.late_notes == late
    changed = [time for time, _ in playing.offsets[1:] if time > 5.5]
    assert changed and changed[0] < 1.5 + 4.0 + 1.2
    check_law(playing.stage)


def test_a_shorter_way_gives_its_frames_back_and_stays_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netaudio.timing.latency_control.BLOCKS", 4)  # 8 s are remembered, not a minute
    playing = Following(Network(0.04, 0.0))
    playing.sing(30.0)
    playing.impair(Network(0.01, 0.0))
    margins = playing.run(30.0)
    offsets = [offset for _, offset in playing.offsets]
    assert sorted(offsets, reverse=True) == offsets and offsets[-1] < offsets[0] - 0.03 * RATE
    assert min(margins) >= 0
    check_law(playing.stage)


@pytest.mark.parametrize("loss", [0.02, 0.05])
def test_losses_alone_change_nothing(loss: float) -> None:
    playing = Following(Network(0.02, 0.0, loss))
    playing.sing(10.0)
    playing.run(10.0)
    assert len(playing.offsets) == 1
    check_law(playing.stage)


def test_jitter_raises_both_and_notes_stay_in_time() -> None:
    playing = Following(Network(0.01, 0.001))
    calm = playing.follow.tuning
    playing.sing(20.0)
    playing.run(3.0)
    playing.impair(Network(0.01, 0.03))
    playing.run(6.0)
    assert all(margin >= 0 for margin in playing.run(10.0))
    rough = playing.follow.tuning
    assert rough.offset > calm.offset and rough.buffer_size > calm.buffer_size + 0.03 * RATE
    check_law(playing.stage)


def test_it_stops_at_what_is_held_and_says_so() -> None:
    playing = Following(Network(0.01))
    playing.sing(8.0)
    playing.impair(Network(0.6))
    playing.run(8.0)
    assert playing.follow.short
    assert least_reach(playing.follow.tuning.offset, RATE, CHUNK) == HELD
    check_law(playing.stage)


@pytest.mark.parametrize("seed", [1, 2])
def test_bursts_of_losses_hold_no_tail_up_where_auto_knows_the_jitter(seed: int) -> None:
    """2 % of all packets are lost, three at a time: now and then both ways of an event and its first repeats."""
    playing = Following(Network(0.04, 0.03), seed)
    rng, left = np.random.default_rng(seed), [0]

    def burst(_: object) -> bool:
        left[0] = 3 if left[0] == 0 and rng.random() < 0.007 else max(0, left[0] - 1)
        return left[0] > 0

    playing.stage.up.drop = playing.stage.control.drop = burst
    playing.sing(20.0)
    margins = playing.run(20.0)
    assert len(margins) > 120 and min(margins) >= 0
    check_law(playing.stage)
