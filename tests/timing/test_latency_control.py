"""OFFSET and BUFFER_SIZE that follow the network, on a virtual clock."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netaudio.sampler.layout import ENDLESS
from netaudio.timing.latency_budget import most_offset
from netaudio.timing.latency_control import Follow
from netaudio.units import Span

AUTO = Span()
RATE, CHUNK = 48000, 128
HELD = RATE
POLL = 0.05  # seconds from report to report


class Ways:
    """Round trips over two ways whose delays have exponential tails, correlated over some time."""

    def __init__(self, seed: int, correlation: float = 0.05) -> None:
        self.rng, self.correlation = np.random.default_rng(seed), correlation
        self._waves = self.rng.normal(size=4)

    def trip(self, delay: float, jitter: float, elapsed: float = POLL) -> float:
        """Seconds: `delay` both ways together and on each way a tail with a mean of `jitter`."""
        rho = np.exp(-elapsed / self.correlation)
        self._waves = rho * self._waves + np.sqrt(1 - rho * rho) * self.rng.normal(size=4)
        return delay + jitter * float((self._waves**2).sum()) / 2


def probes(ways: Ways, delay: float, jitter: float) -> list[float]:
    return [ways.trip(delay, jitter, 0.02) for _ in range(70)]


def following(trips: list[float]) -> Follow:
    follow = Follow(AUTO, AUTO, RATE, CHUNK)
    follow.begin(trips)
    return follow


@dataclass
class Hour:
    """What a network was like and what was chosen, look by look."""

    follow: Follow
    trips: list[float]
    offsets: list[int]
    sizes: list[int]
    times: list[float]  # of the changes

    def changes(self, since: float = 0.0, until: float = np.inf) -> int:
        return sum(since <= time < until for time in self.times)


def live(
    seconds: float, network: Callable[[float], tuple[float, float]], seed: int = 0, correlation: float = 0.05,
    held: int = HELD, loss: float = 0.0,
) -> Hour:  # fmt: skip
    """Follow a network that gives delay and jitter at each time."""
    ways = Ways(seed, correlation)
    follow = following(probes(ways, *network(0.0)))
    hour = Hour(follow, [], [], [], [])
    for step in range(1, round(seconds / POLL)):
        now = step * POLL
        trip = ways.trip(*network(now))
        if ways.rng.random() >= loss:
            follow.hear(now, [trip])
        if follow.look(now, follow.tuning.aim, (), most_offset(held, RATE, CHUNK)):
            hour.times.append(now)
        hour.trips.append(trip)
        hour.offsets.append(follow.tuning.offset)
        hour.sizes.append(follow.tuning.buffer_size)
    return hour


def test_a_steady_network_changes_nothing_in_an_hour() -> None:
    assert live(3600, lambda _: (0.02, 0.0)).changes() == 0


def test_losses_alone_change_nothing() -> None:
    assert live(600, lambda _: (0.02, 0.0), loss=0.05).changes() == 0


@pytest.mark.parametrize("jitter", [0.0, 0.0005, 0.002])
def test_a_longer_way_is_covered_within_about_a_second(jitter: float) -> None:
    hour = live(40, lambda now: (0.015 if now < 20 else 0.06, jitter))
    after = hour.offsets[round(21.2 / POLL)]
    assert after >= 0.06 * RATE + hour.follow.tuning.aim + 2 * CHUNK
    assert hour.offsets[-1] - hour.offsets[round(19 / POLL)] < 0.055 * RATE  # a longer way is no jitter
    assert hour.changes(20) <= 6


def test_a_shorter_way_is_followed_slowly_in_steps_and_to_its_end() -> None:
    hour = live(240, lambda now: (0.06 if now < 20 else 0.015, 0.0005))
    offsets = np.array(hour.offsets[round(20 / POLL) :])
    assert offsets[round(20 / POLL)] == offsets[0]
    steps = np.diff(offsets)[np.flatnonzero(np.diff(offsets))]
    assert 2 <= len(steps) <= 8 and (steps < 0).all() and steps.min() > -0.03 * RATE
    assert offsets[-1] < offsets[0] - 0.035 * RATE


@pytest.mark.parametrize("every", [10.0, 45.0, 90.0])
def test_bursts_of_jitter_are_remembered(every: float) -> None:
    hour = live(1800, lambda now: (0.02, 0.01 if now % every < 2 else 0.001), seed=4)
    assert hour.changes(900) <= 15


@pytest.mark.parametrize("correlation", [0.05, 1.0, 10.0])
@pytest.mark.parametrize("jitter", [0.002, 0.01, 0.03])
def test_there_is_no_hunting(correlation: float, jitter: float) -> None:
    hour = live(900, lambda _: (0.02, jitter), seed=5, correlation=correlation)
    assert hour.changes(0, 60) <= 15
    assert hour.changes(300) <= 20


def test_a_stall_is_not_the_way() -> None:
    """A second without any answer, then all of them at once."""
    follow = following([0.02] * 70)
    for step in range(1, 400):
        if 200 <= step < 220:
            continue
        now = step * POLL
        trips = [0.02 + POLL * (220 - k) for k in range(200, 221)] if step == 220 else [0.02]
        follow.hear(now, trips)
        assert follow.look(now, 700, (), HELD) is None


@settings(max_examples=20)
@given(
    st.integers(0, 9999), st.floats(0.001, 0.2), st.sampled_from((0.0, 0.001, 0.003, 0.01, 0.03)),
    st.sampled_from((0.0, 0.05, 1.0)), st.sampled_from((RATE // 10, RATE, 3 * RATE)),
)  # fmt: skip
def test_it_never_goes_below_the_rule_nor_beyond_what_is_held(
    seed: int, delay: float, jitter: float, correlation: float, held: int
) -> None:
    hour = live(30, lambda _: (delay, jitter), seed, correlation or 1e-9, held)
    most = most_offset(held, RATE, CHUNK)
    assert max(hour.offsets) <= max(most, hour.offsets[0])
    measured, follow = hour.trips[-400:], hour.follow
    tuning = follow.tuning
    if follow.short:
        assert tuning.offset == most
        return
    recent = sorted(measured)[-2]
    assert tuning.offset >= recent * RATE + tuning.aim + 2 * CHUNK - 1
    assert tuning.buffer_size >= tuning.aim > 0.01 * RATE


LINKS = ((0.001, 0.0), (0.005, 0.003), (0.015, 0.002), (0.06, 0.008), (0.09, 0.03), (0.15, 0.01))


@pytest.mark.parametrize(("delay", "jitter"), LINKS)
def test_the_choice_is_tight_and_safe(delay: float, jitter: float) -> None:
    """OFFSET stays below p99.9 + BUFFER_SIZE + 3 chunks, and hardly any key of 1000 comes too late for it:
    its own way may take what OFFSET leaves beyond the way back (p99) and the slack aimed at."""
    late = 0.0
    for seed in range(4):
        hour = live(100, lambda _: (delay, jitter), seed, held=3 * RATE)
        way = 4.6 * jitter + delay
        spare = (np.array(hour.offsets) - hour.follow.tuning.aim - 3 * CHUNK) / RATE - way
        late += 1000 * float(np.mean(np.exp(-spare / jitter))) if jitter else 0.0
        top = float(np.quantile(hour.trips, 0.999))
        assert hour.offsets[-1] <= top * RATE + hour.sizes[-1] + 3 * CHUNK, (seed, top)
    assert late / 4 < 0.2


def test_notes_that_keep_coming_late_raise_offset_and_a_few_do_not() -> None:
    """As where the server is slow: its round trips are short and its sound is late."""
    for late, raised in ((2, False), (3, True)):
        follow = following([0.02] * 70)
        before = follow.tuning.offset
        chosen = follow.look(1.0, 700, [-960] * late + [50] * (10 - late), HELD)
        assert (chosen is not None) is raised
        assert follow.tuning.offset >= before + 960 * raised


def test_packets_that_keep_coming_late_raise_buffer_size_once() -> None:
    follow = following([0.02] * 70)
    before = follow.tuning.aim
    taken: list[float] = []
    for step in range(100):
        slack = 700 if taken else -480
        if chosen := follow.look(step * POLL, slack, (), HELD):
            taken.append(step * POLL)
            assert chosen.aim >= before + 480
    assert len(taken) == 1 and 2 < taken[0] < 4


def test_what_the_player_sets_is_not_followed() -> None:
    follow = following([0.02] * 70)
    assert follow.fix(3000).offset == 3000
    for step in range(200):
        follow.hear(step * POLL, [0.08])
        follow.look(step * POLL, 700, (), HELD)
        assert follow.tuning.offset == 3000


def test_a_set_buffer_size_stays_while_offset_follows() -> None:
    follow = Follow(AUTO, Span(1920), RATE, CHUNK)
    before = follow.begin([0.02] * 70)
    for step in range(200):
        follow.hear(step * POLL, [0.08])
        follow.look(step * POLL, 700, (), HELD)
    assert follow.tuning.buffer_size == 1920 and follow.tuning.offset >= before.offset + 0.055 * RATE


def test_offset_follows_the_chunk() -> None:
    """By three of them, and BUFFER_SIZE by two."""
    follow = following([0.02] * 70)
    before = follow.tuning
    follow.chunk = 2 * CHUNK
    follow.look(0.0, 700, (), HELD)
    assert follow.tuning.buffer_size == before.buffer_size + 2 * CHUNK
    assert follow.tuning.offset == before.offset + 5 * CHUNK


def test_where_all_is_held_nothing_limits_offset() -> None:
    follow = following([0.02] * 70)
    for step in range(200):
        follow.hear(step * POLL, [2.0])
        follow.look(step * POLL, 700, (), most_offset(ENDLESS, RATE, CHUNK))
    assert not follow.short and follow.tuning.offset > 2 * RATE


def test_late_notes_that_no_offset_could_mend_are_soon_forgotten() -> None:
    follow = following([0.02] * 70)
    before, most = follow.tuning.offset, most_offset(RATE // 10, RATE, CHUNK)
    for step in range(600):
        now = step * POLL
        follow.hear(now, [0.02])
        follow.look(now, 700, [-9600 if now < 5 else 50], most)
        assert follow.tuning.offset <= most
        assert follow.tuning.offset == most or not 1 < now < 10
    assert not follow.short and follow.tuning.offset < before + 0.01 * RATE


def test_a_stall_that_makes_a_few_notes_late_raises_nothing() -> None:
    follow = following([0.02] * 70)
    for step in range(400):
        stalled = 200 <= step < 206
        follow.hear(step * POLL, [0.02])
        assert follow.look(step * POLL, 700, [-14_400 if stalled else 300], HELD) is None
