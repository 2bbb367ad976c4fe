from hypothesis import given
from hypothesis import strategies as st

from netaudio.player.stream_figures import SlackCount
from netaudio.timing.latency_budget import CAPACITY


@given(st.lists(st.integers(-5, 5), min_size=1))
def test_slacks_are_summed_up(slacks: list[int]) -> None:
    count = SlackCount()
    for slack in slacks:
        count.add(slack)
    assert count.summary() == {"min": min(slacks), "p50": sorted(slacks)[(len(slacks) - 1) // 2]}


def test_slacks_of_nothing_are_unknown() -> None:
    assert SlackCount().summary() == {"min": None, "p50": None}


def test_slacks_beyond_the_rings_are_all_alike() -> None:
    count = SlackCount()
    count.add(-(1 << 40))
    assert count.summary() == {"min": -CAPACITY, "p50": -CAPACITY}
