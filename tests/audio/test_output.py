"""Render times."""

from hypothesis import given
from hypothesis import strategies as st

from netaudio.audio.output import Durations


def test_durations_of_nothing() -> None:
    assert Durations(0.01).summary() == {"p50": 0, "p99": 0, "p99.9": 0, "max": 0}


def test_durations_name_the_bins_of_their_percentiles() -> None:
    times = Durations(block_seconds=0.009)
    for tenth in range(1, 1001):
        times.add(tenth * 1e-5 - 5e-6)
    assert times.summary() == {"p50": 5.0, "p99": 9.9, "p99.9": 9.99, "max": 9.995}
    assert times.late == 100


def test_durations_beyond_the_last_bin() -> None:
    times = Durations(0.01)
    times.add(1.5)
    assert times.summary() == {"p50": 1500, "p99": 1500, "p99.9": 1500, "max": 1500}


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=50))
def test_percentiles_bound_their_share(seconds: list[float]) -> None:
    times = Durations(0.01)
    for one in seconds:
        times.add(one)
    summary = times.summary()
    assert summary["p50"] <= summary["p99"] <= summary["p99.9"] <= summary["max"]
    assert sum(1000 * one <= summary["p50"] + 0.001 for one in seconds) * 2 >= len(seconds)
