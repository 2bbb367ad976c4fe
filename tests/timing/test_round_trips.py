import pytest

from netaudio.timing.round_trips import KEPT, RoundTrips


def of(*seconds: float) -> RoundTrips:
    trips = RoundTrips()
    for one in seconds:
        trips.add(one)
    return trips


def test_nothing_is_known_before_the_first() -> None:
    trips = of()
    assert (trips.count, trips.median, trips.jitter, trips.quantile(1.0), trips.newest(5)) == (0, 0, 0, 0, [])


def test_what_came_since_a_count_is_told_in_order() -> None:
    trips = of(0.1, 0.2, 0.3, 0.4)
    assert trips.since(2) == [0.3, 0.4]
    assert trips.since(trips.count) == []
    assert trips.newest(3) == [0.2, 0.3, 0.4]
    assert trips.newest(0) == []


def test_the_newest_are_kept_and_all_are_counted() -> None:
    trips = of(*map(float, range(KEPT + 10)))
    assert trips.count == KEPT + 10
    assert trips.since(0) == list(map(float, range(10, KEPT + 10)))


def test_jitter_is_what_the_worst_have_more_than_the_usual_one() -> None:
    trips = of(*[0.02] * 900, *[0.05] * 98, 0.2, 0.2)
    assert trips.median == 0.02
    assert trips.quantile(0.99) == 0.05
    assert trips.jitter == pytest.approx(0.18)
