"""A bad network, as a pure function of luck and time."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.timing.network_model import QUEUE_SECONDS, STALL_SECONDS, Impairment, Way

STEP = 0.00267
SIZE = 830

impairments = st.builds(
    Impairment,
    delay=st.floats(0, 0.5),
    jitter=st.floats(0, 0.1),
    loss=st.floats(0, 1),
    burst=st.floats(1, 20),
    twice=st.floats(0, 1),
    reorder=st.floats(0, 1),
)


def passed(impairment: Impairment, count: int = 20_000, seed: int = 1) -> list[list[float]]:
    """What becomes of packets that are sent a STEP apart: how long each copy takes."""
    way = Way(impairment, seed)
    return [[at - n * STEP for at in way.datagram(n * STEP, SIZE)] for n in range(count)]


def runs(lost: list[bool]) -> list[int]:
    return [len(list(run)) for gone, run in groupby(lost) if gone]


def test_a_text_names_what_is_wrong_with_a_network() -> None:
    full = "delay=30ms jitter=5ms loss=1% burst=3 twice=2% reorder=0.5% rate=2000"
    assert Impairment.parse(full) == Impairment(0.03, 0.005, 0.01, 3, 0.02, 0.005, 2e6)
    assert Impairment.parse("LOSS=2") == Impairment(loss=0.02)


@pytest.mark.parametrize(
    "text",
    ["", "slow", "delay", "delay=", "delay=30", "delay=2s", "delay=-1ms", "loss=101%", "loss=nan", "loss=x",
     "burst=0", "burst=3%", "jitter=5ms jitter=6ms", "delay=1ms,loss=2%", "rate=0", "seed=1"],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Impairment.parse(text)


@given(impairments, st.integers(0, 1000))
def test_nothing_comes_before_its_time_and_luck_is_the_seeds(impairment: Impairment, seed: int) -> None:
    took = passed(impairment, 200, seed)
    assert took == passed(impairment, 200, seed)
    assert all(len(copies) <= 2 for copies in took)
    assert all(time >= impairment.delay - 1e-9 for copies in took for time in copies)


@given(impairments, st.integers(0, 1000))
def test_a_stream_loses_nothing_and_keeps_its_order(impairment: Impairment, seed: int) -> None:
    way = Way(impairment, seed)
    arrivals = [way.segment(n * STEP, SIZE) for n in range(200)]
    assert arrivals == sorted(arrivals)
    longest = impairment.delay + impairment.jitter + STALL_SECONDS
    assert all(impairment.delay - 1e-9 <= at - n * STEP <= longest + 1e-9 for n, at in enumerate(arrivals))


def test_a_lost_segment_stalls_what_is_behind_it() -> None:
    way = Way(Impairment(delay=0.01, loss=0.05), 3)
    late = [way.segment(n * STEP, SIZE) - n * STEP - 0.01 for n in range(1000)]
    first = next(n for n, time in enumerate(late) if time > 1e-9)
    assert late[first] == pytest.approx(STALL_SECONDS)
    assert late[first + 1] >= STALL_SECONDS - STEP - 1e-9


@pytest.mark.parametrize(("loss", "burst"), [(0.01, 1), (0.02, 3), (0.2, 1), (0.3, 8)])
def test_loss_is_as_much_and_in_such_bursts_as_asked(loss: float, burst: float) -> None:
    lost = [not copies for copies in passed(Impairment(loss=loss, burst=burst), 200_000)]
    assert np.mean(lost) == pytest.approx(loss, rel=0.15)
    assert np.mean(runs(lost)) == pytest.approx(max(burst, 1 / (1 - loss)), rel=0.1)


def test_a_pulled_cable_can_be_put_back() -> None:
    way = Way(Impairment(), 0)
    assert way.datagram(0, SIZE)
    way.impairment = Impairment(loss=1)
    assert not any(way.datagram(n * STEP, SIZE) for n in range(1, 1000))
    way.impairment = Impairment()
    assert all(way.datagram(n * STEP, SIZE) for n in range(1000, 1100))


def test_jitter_spreads_evenly_and_keeps_the_order() -> None:
    took = [copies[0] for copies in passed(Impairment(delay=0.03, jitter=0.02), 100_000)]
    assert np.quantile(took, (0.001, 0.5, 0.999)) == pytest.approx((0.03, 0.04, 0.05), abs=0.001)
    arrivals = np.arange(len(took)) * STEP + took
    assert (np.diff(arrivals) >= -1e-9).all()


def test_some_come_twice_and_some_are_overtaken() -> None:
    took = passed(Impairment(delay=0.01, twice=0.1, reorder=0.05))
    assert np.mean([len(copies) == 2 for copies in took]) == pytest.approx(0.1, rel=0.1)
    arrivals = np.array([n * STEP + copies[0] for n, copies in enumerate(took)])
    overtaken = np.minimum.accumulate(arrivals[::-1])[::-1] < arrivals - 1e-9
    assert overtaken.mean() == pytest.approx(0.05, rel=0.1)


def test_a_slow_line_carries_its_rate_and_drops_the_rest() -> None:
    rate = 0.5 * 8 * SIZE / STEP
    took = passed(Impairment(rate=rate), 2000)
    assert max(time for copies in took for time in copies) <= QUEUE_SECONDS + 3 * STEP
    assert np.mean([bool(copies) for copies in took[1000:]]) == pytest.approx(0.5, abs=0.02)
