"""Keys whose key-up is never told."""

from netaudio.inputs.escape_codes import TerminalEvent
from netaudio.inputs.timed_keys import HOLD, TimedKeys

DOWN, UP = TerminalEvent("down", "a"), TerminalEvent("up", "a")


def test_a_typed_key_ends_a_set_time_later() -> None:
    timed = TimedKeys()
    assert timed.next_end is None
    assert timed.type("a", 1.0) == [DOWN]
    assert timed.next_end == 1.0 + HOLD
    assert timed.due(1.0 + HOLD - 0.01) == []
    assert timed.due(1.0 + HOLD) == [UP]
    assert timed.due(9.0) == [] and timed.next_end is None


def test_auto_repeat_prolongs_and_does_not_strike() -> None:
    timed = TimedKeys()
    timed.type("a", 0.0)
    for tick in range(10):
        assert timed.type("aA"[tick % 2], 0.66 + 0.04 * tick) == []
    assert timed.due(1.02 + HOLD - 0.01) == []
    assert timed.due(1.02 + HOLD) == [UP]


def test_a_key_typed_again_after_another_is_struck_again() -> None:
    timed = TimedKeys()
    timed.type("a", 0.0)
    timed.type("s", 0.1)
    assert timed.type("a", 0.2) == [UP, DOWN]
    assert timed.due(0.1 + HOLD) == [TerminalEvent("up", "s")]
    timed.clear()
    assert timed.due(9.0) == []


def test_without_key_up_the_pedal_is_switched_and_steps_are_taken_each_time() -> None:
    timed = TimedKeys()
    assert timed.type("space", 0.0) == [TerminalEvent("down", "space")]
    assert timed.type("space", 0.04) == []  # it repeats itself
    assert timed.type("a", 1.0) == [TerminalEvent("down", "a")]
    assert timed.due(9.0) == [TerminalEvent("up", "a")]
    assert timed.type("space", 9.0) == [TerminalEvent("up", "space")]
    assert [len(timed.type("=", at)) for at in (10.0, 10.2, 10.24)] == [1, 2, 2]


def test_a_key_that_chooses_chooses_again_as_fast_as_one_can_press_it_but_not_while_it_repeats_itself() -> None:
    timed, down = TimedKeys(), [TerminalEvent("down", "m")]
    for tap in range(3):
        timed.due(0.15 * tap)
        assert timed.type("m", 0.15 * tap) == down
    for repeat in range(10):
        timed.due(0.34 + 0.04 * repeat)
        assert timed.type("m", 0.34 + 0.04 * repeat) == []
