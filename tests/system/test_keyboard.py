"""Keys for real: on a display of the test's own, and on a terminal that the test plays."""

import signal
import subprocess
import termios
from collections.abc import Callable, Iterator

import pytest

from netaudio.inputs.escape_codes import NO_KEY_UP
from netaudio.inputs.keyboard import NO_FOCUS
from tests.support.child import Child
from tests.support.desk import (
    ANSWERS,
    ANSWERS_FOCUS,
    ANSWERS_KITTY,
    FOCUS_OFF,
    FOCUS_ON,
    KITTY_OFF,
    KITTY_ON,
    Display,
    Screen,
    environment,
)

PLAYER = """
import fcntl, os, signal, sys, termios, threading, time
from netaudio.inputs import escape_codes
from netaudio.errors import DeviceError
from netaudio.inputs import tty
from netaudio.inputs.keyboard import open_keys

done = threading.Event()
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have these ignored: nohup,
signal.signal(signal.SIGINT, signal.default_int_handler)  # or a shell in the background

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # from several threads, whole lines

def push(when, message):
    assert -0.001 <= time.monotonic() - when < 60  # X11 stamps count to the end of their millisecond
    say(message.hex(" "))

def command(name, value):
    say(name, value)
    if name == "quit":
        done.set()

if os.isatty(0):
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
escape_codes.HOLD = 0.2
tty.ANSWER_WAIT = 0.1 if "impatient" in sys.argv else 60
try:
    keys = open_keys(push, command, say)
except DeviceError as error:
    say("DeviceError:", error)
    sys.exit(1)
try:
    say("name", keys.name)
    while not done.wait(0.5):
        pass
except KeyboardInterrupt:
    say("interrupted")
if "leave it open" not in sys.argv:
    keys.close()
    keys.close()
say("end")
"""

A_ON, A_OFF = "90 3c 64", "80 3c 40"
S_ON, S_OFF = "90 3e 64", "80 3e 40"


Start = Callable[..., Child]


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    display = Display("-ardelay", "50", "-arinterval", "20")
    yield display
    display.close()


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    screen.close()


@pytest.fixture
def start() -> Iterator[Start]:
    players: list[Child] = []

    def begin(env: dict[str, str], screen: Screen | None = None, *arguments: str) -> Child:
        stdin = screen.slave if screen else subprocess.DEVNULL
        player = Child(PLAYER, *arguments, env=env, stdin=stdin, stderr=subprocess.STDOUT, start_new_session=True)
        players.append(player)
        return player

    yield begin
    for player in players:
        player.kill()


def heard(player: Child, *lines: str) -> None:
    """Those lines in any order: notes for the player come from threads of their own."""
    assert sorted(player.line() for _ in lines) == sorted(lines)


# the display


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


# the terminal


def with_kitty(start: Start, screen: Screen, *arguments: str, **env: str) -> Child:
    player = start(environment(**env), screen, *arguments)
    screen.expect(b"\x1b[?u\x1b[c")
    screen.type(ANSWERS_KITTY)
    screen.expect(KITTY_ON)
    player.expect("name terminal")
    return player


def ends_clean(player: Child, screen: Screen, code: int = 0) -> None:
    screen.expect(FOCUS_OFF)
    assert player.wait() == code
    assert termios.tcgetattr(screen.slave) == screen.modes
    assert screen.left_over() == b""


@pytest.mark.parametrize("env", [{}, {"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}, {"SSH_CONNECTION": "a b"}])
def test_a_kitty_terminal_tells_key_up(env: dict[str, str], start: Start, screen: Screen) -> None:
    player = with_kitty(start, screen, **env)
    screen.type(b"\x1b[97u\x1b[97;1:2u\x1b[115;1:1u\x1b[97;1:3u\x1b[115;1:3u")
    player.expect(A_ON, S_ON, A_OFF, S_OFF)
    screen.type(b"\x1b[97:65;2u\x1b[97;1:3u\x1b[97;5u")
    player.expect(A_ON, A_OFF)
    screen.type(b"\x1b[115u\x1b[O")
    player.expect(S_ON, S_OFF)
    screen.type(b"\x1b[97u\x1b[27u")
    player.expect(A_ON, "quit 0", A_OFF, "end")
    screen.expect(KITTY_OFF)
    ends_clean(player, screen)


def test_other_terminals_have_a_timed_end(start: Start, screen: Screen) -> None:
    player = start(environment(), screen)
    screen.expect(b"\x1b[c")
    screen.type(ANSWERS)
    heard(player, "name terminal", NO_KEY_UP)
    screen.type(b"aA")
    player.expect(A_ON, A_OFF)
    screen.type(b"as")
    player.expect(A_ON, S_ON, A_OFF, S_OFF)
    screen.type(b"\x01 1 ")
    player.expect("b0 40 7f", "instrument 0", "b0 40 00")
    screen.type(b"\x1b")
    player.expect("quit 0", "end")
    ends_clean(player, screen)
    assert KITTY_ON not in screen.told and b"a" not in screen.told


def test_a_terminal_that_answers_nothing_is_timed(start: Start, screen: Screen) -> None:
    player = start(environment(), screen, "impatient")
    heard(player, "name terminal", NO_KEY_UP)
    screen.type(b"a")
    player.expect(A_ON, A_OFF)


@pytest.mark.parametrize("typed", [b"\x03", b"\x1b[99;5u"])
def test_ctrl_c_interrupts(typed: bytes, start: Start, screen: Screen) -> None:
    player = with_kitty(start, screen)
    screen.type(typed)
    player.expect("interrupted", "end")
    ends_clean(player, screen)


def test_an_exit_without_close_restores_the_terminal(start: Start, screen: Screen) -> None:
    player = with_kitty(start, screen, "leave it open")
    screen.type(b"\x1b[27u")
    player.expect("quit 0", "end")
    screen.expect(KITTY_OFF)
    ends_clean(player, screen)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(number: int, start: Start, screen: Screen) -> None:
    player = with_kitty(start, screen)
    player.process.send_signal(number)
    screen.expect(KITTY_OFF)
    ends_clean(player, screen, -number)


def test_ctrl_z_does_not_leave_a_stopped_program_with_a_raw_terminal(start: Start, screen: Screen) -> None:
    player = with_kitty(start, screen)
    screen.type(b"\x1aa")
    player.expect(A_ON, A_OFF)
