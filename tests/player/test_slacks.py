from netaudio.player.slacks import LOOK_SECONDS, RecentSlacks


def test_the_lowest_percent_of_the_last_second_counts() -> None:
    slacks = RecentSlacks()
    assert slacks.lowest(0.0) is None
    for slack in (90, 300, 120, *[200] * 100):
        slacks.add(0.5, slack)
    assert slacks.lowest(0.5) == 120
    assert slacks.lowest(1.6) is None


def test_it_is_looked_for_now_and_then() -> None:
    slacks = RecentSlacks()
    slacks.add(1.0, 100)
    assert slacks.lowest(1.0) == 100
    slacks.add(1.01, 50)
    assert slacks.lowest(1.01) == 100
    assert slacks.lowest(1.01 + LOOK_SECONDS) == 50


def test_what_came_since_a_look_is_told() -> None:
    slacks = RecentSlacks()
    for k in range(5):
        slacks.add(k / 10, k)
    assert slacks.since(0.2) == [4, 3]
    assert slacks.since(-1.0) == [4, 3, 2, 1, 0]
