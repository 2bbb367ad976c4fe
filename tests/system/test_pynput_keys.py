"""The keys of a display of the test's own."""

import signal
import termios
from collections.abc import Iterator

import pytest

from netaudio.inputs.pynput_keys import NO_FOCUS
from tests.support.desk import (
    ANSWERS,
    ANSWERS_FOCUS,
    ANSWERS_KITTY,
    FOCUS_OFF,
    FOCUS_ON,
    Display,
    Screen,
    environment,
)
from tests.support.keys import A_OFF, A_ON, S_OFF, S_ON, Start, heard


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    display = Display("-ardelay", "50", "-arinterval", "20")
    yield display
    display.close()


def test_keys_on_a_display_are_heard_down_and_up(start: Start, display: Display) -> None:
    player = start(display.env)
    heard(player, NO_FOCUS, "name pynput")
    display.keys("keydown", "a", "sleep", "0.3", "keyup", "a")  # repeats itself ten times
    player.expect(A_ON, A_OFF)
    display.keys("keydown", "shift", "keydown", "a", "keyup", "shift", "keyup", "a")
    player.expect(A_ON, A_OFF)
    display.keys("keydown", "a", "keydown", "shift", "keyup", "a", "keyup", "shift")
    player.expect(A_ON, A_OFF)
    display.keys("keydown", "ctrl", "key", "a", "keyup", "ctrl", "keydown", "alt", "key", "a", "keyup", "alt")
    display.keys("keydown", "a", "keydown", "ctrl", "keyup", "a", "keyup", "ctrl")
    player.expect(A_ON, A_OFF)
    display.keys("keydown", "a", "keydown", "s", "keyup", "a", "keyup", "s")
    player.expect(A_ON, S_ON, A_OFF, S_OFF)
    display.keys("key", "space", "key", "m", "key", "minus", "key", "equal", "key", "plus")
    player.expect("b0 40 7f", "b0 40 00", "mode 0", "volume -1", "volume 1", "volume 1")
    display.keys("key", "bracketleft", "key", "bracketright", "key", "3", "key", "x", "key", "a")
    player.expect("offset -1", "offset 1", "instrument 2", "90 48 64", "80 48 40")
    display.keys("keydown", "a", "key", "Escape")
    player.expect("90 48 64", "quit 0", "80 48 40", "end")
    assert player.wait() == 0
    display.keys("keyup", "a")


def test_on_a_display_only_the_focused_terminal_plays(start: Start, display: Display, screen: Screen) -> None:
    player = start(display.env, screen)
    screen.expect(FOCUS_ON)
    screen.type(ANSWERS_FOCUS)
    player.expect("name pynput")
    display.keys("keydown", "a")
    player.expect(A_ON)
    screen.type(b"aaa\x1b[Oaaa")
    player.expect(A_OFF)
    display.keys("keyup", "a", "key", "a")
    screen.type(b"\x1b[I")
    while player.lines.empty():
        display.keys("key", "s")
    player.expect(S_ON, S_OFF)
    display.keys("key", "Escape")
    while (line := player.line()) != "quit 0":
        assert line in (S_ON, S_OFF)
    player.expect("end")
    screen.expect(FOCUS_OFF)
    assert player.wait() == 0
    assert termios.tcgetattr(screen.slave) == screen.modes
    assert screen.left_over() == b"" and b"a" not in screen.told


def test_a_terminal_that_tells_no_focus_leaves_the_ears_open(start: Start, display: Display, screen: Screen) -> None:
    player = start(display.env, screen)
    screen.expect(FOCUS_ON)
    screen.type(b"\x1b[?1004;0$y" + ANSWERS)
    heard(player, "name pynput", NO_FOCUS)
    display.keys("key", "a")
    player.expect(A_ON, A_OFF)


def test_a_display_that_dies_lets_go(start: Start, screen: Screen) -> None:
    display = Display()
    try:
        player = start(display.env, screen)
        screen.expect(FOCUS_ON)
        screen.type(ANSWERS_FOCUS)
        player.expect("name pynput")
        display.keys("keydown", "a")
        player.expect(A_ON)
    finally:
        display.close()
    player.expect(A_OFF, "the display is gone: computer keys are no longer heard")
    player.process.send_signal(signal.SIGINT)
    player.expect("interrupted", "end")


def test_where_pynput_cannot_start_the_terminal_is_read(start: Start, screen: Screen) -> None:
    player = start(environment(DISPLAY=":987"), screen)
    screen.expect(b"\x1b[c")
    screen.type(ANSWERS_KITTY)
    refusal = player.line()
    assert refusal.startswith("pynput cannot hear the keyboard: ") and "terminal" in refusal
    player.expect("name terminal")


def test_a_display_without_the_record_extension_is_refused(start: Start) -> None:
    display = Display("-extension", "RECORD")
    try:
        player = start(display.env)
        assert player.line().startswith("DeviceError: ")
        assert player.wait() == 1 and player.rest() == []
    finally:
        display.close()


@pytest.mark.parametrize("env", [environment(), environment(DISPLAY=":987")])
def test_without_display_and_terminal_there_are_no_keys(env: dict[str, str], start: Start) -> None:
    player = start(env)
    assert player.line().startswith("DeviceError: ")
    assert player.wait() == 1 and player.rest() == []
