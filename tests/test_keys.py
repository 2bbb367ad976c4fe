"""Keys for real: on a display of the test's own, and on a terminal that the test plays."""

import queue
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.escapes import HOLD, NO_KEY_UP, Event, Parser, TimedKeys
from netaudio.shell.keys import NO_FOCUS
from tests.desk import (
    ANSWERS,
    ANSWERS_FOCUS,
    ANSWERS_KITTY,
    FOCUS_OFF,
    FOCUS_ON,
    KITTY_OFF,
    KITTY_ON,
    PATIENCE,
    Display,
    Screen,
    environment,
)

ROOT = Path(__file__).resolve().parent.parent

PLAYER = """
import fcntl, os, sys, termios, threading, time
from netaudio.errors import DeviceError
from netaudio.shell import terminal
from netaudio.shell.keys import open_keys

done = threading.Event()

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # from several threads, whole lines

def push(when, message):
    assert 0 <= time.monotonic() - when < 1
    say(message.hex(" "))

def command(name, value):
    say(name, value)
    if name == "quit":
        done.set()

if os.isatty(0):
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
terminal.HOLD = 0.2
terminal.ANSWER_WAIT = 0.1 if "impatient" in sys.argv else 10
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


class Player:
    """A process that opens the keys, and its lines."""

    def __init__(self, env: dict[str, str], screen: Screen | None, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PLAYER, *arguments],
            stdin=screen.slave if screen else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=env,
            start_new_session=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def line(self) -> str:
        return self.lines.get(timeout=PATIENCE)

    def expect(self, *lines: str) -> None:
        assert [self.line() for _ in lines] == list(lines)

    def rest(self) -> list[str]:
        self._thread.join(PATIENCE)
        return list(self.lines.queue)

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        self._thread.join(PATIENCE)
        assert self.process.stdout
        self.process.stdout.close()


Start = Callable[..., Player]


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
    players: list[Player] = []

    def begin(env: dict[str, str], screen: Screen | None = None, *arguments: str) -> Player:
        players.append(Player(env, screen, *arguments))
        return players[-1]

    yield begin
    for player in players:
        player.close()


def heard(player: Player, *lines: str) -> None:
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


def with_kitty(start: Start, screen: Screen, *arguments: str, **env: str) -> Player:
    player = start(environment(**env), screen, *arguments)
    screen.expect(b"\x1b[?u\x1b[c")
    screen.type(ANSWERS_KITTY)
    screen.expect(KITTY_ON)
    player.expect("name terminal")
    return player


def ends_clean(player: Player, screen: Screen, code: int = 0) -> None:
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


# what a terminal says


def typed(*keys: str) -> list[Event]:
    return [Event("typed", key) for key in keys]


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"a", typed("a")),
        (b"aA 1[", typed("a", "A", " ", "1", "[")),
        ("ä€".encode(), typed("ä", "€")),
        (b"\x01\x03\x7f\r\n\t", []),
        (b"\xff\xfea", typed("a")),
        (b"\x1b\x1b[A", typed("esc")),
        (b"\x1b[A\x1b[1;2B\x1b[3~\x1bOPa", typed("a")),
        (b"\x1baa", typed("a")),
        (b"\x1b]11;rgb:0/0/0\x07\x1b]11;x\x1b\\\x1bP1$r0m\x1b\\\x1b_Gi=1;OK\x1b\\a", typed("a")),
        (b"\x1b[\x01a", typed("a")),
        (b"\x1b[I\x1b[O", [Event("focus"), Event("blur")]),
        (b"\x1b[1;1I\x1b[5O", []),
        (b"\x1b[?0u", [Event("kitty")]),
        (b"\x1b[?31u", [Event("kitty")]),
        (b"\x1b[?62;4c", [Event("answered")]),
        (b"\x1b[c", []),
        (b"\x1b[?1004;1$y\x1b[?1004;2$y", [Event("tells focus")] * 2),
        (b"\x1b[?1004;0$y\x1b[?1004;4$y\x1b[?2026;1$y", []),
        (b"\x1b[97u\x1b[97;1:1u\x1b[97;u", [Event("down", "a")] * 3),
        (b"\x1b[97;1:2u\x1b[97;1:3u", [Event("up", "a")]),
        (b"\x1b[97:65;2u\x1b[97:65;2:3u\x1b[97;2u", [Event("down", "A"), Event("up", "A"), Event("down", "a")]),
        (b"\x1b[97;65u\x1b[97;129u", [Event("down", "a")] * 2),  # Caps Lock, Num Lock
        (b"\x1b[97;3u\x1b[97;5u\x1b[97;9u", []),
        (b"\x1b[97;5:3u", [Event("up", "a")]),
        (b"\x1b[99;5u\x1b[1089::99;5u", [Event("interrupt")] * 2),
        (b"\x1b[99;5:2u\x1b[99;5:3u\x1b[99u", [Event("down", "c")]),
        (b"\x1b[1092:1060:97u\x1b[1092:1060:97;2u", [Event("down", "a")] * 2),
        (b"\x1b[228u", [Event("down", "ä")]),
        (b"\x1b[27u\x1b[27;1:3u", [Event("down", "esc"), Event("up", "esc")]),
        (b"\x1b[32u", [Event("down", " ")]),
        (b"\x1b[57400u\x1b[57412u\x1b[57413u", [Event("down", "1"), Event("down", "-"), Event("down", "+")]),
        (b"\x1b[57441;2u\x1b[13u\x1b[9999999u\x1b[55296u", []),
        (b"\x1b[97;1;97u", [Event("down", "a")]),
        (b"\x1b[u\x1b[;u\x1b[97;1:3:4u\x1b[<97u\x1b[1;2;3;4u", []),
    ],
)
def test_bytes_become_events_wherever_they_are_cut(data: bytes, events: list[Event]) -> None:
    assert Parser().feed(data) == events
    for cut in range(len(data)):
        parser = Parser()
        assert parser.feed(data[:cut]) + parser.feed(data[cut:]) == events
    parser = Parser()
    assert [event for byte in data for event in parser.feed(bytes((byte,)))] == events


def test_escape_alone_shows_by_the_silence_after_it() -> None:
    parser = Parser()
    assert not parser.pending
    assert parser.feed(b"a\x1b") == typed("a") and parser.pending
    assert parser.flush() == typed("esc") and not parser.pending
    assert parser.feed(b"\x1b[9") == [] and parser.pending
    assert parser.flush() == [] and not parser.pending
    assert parser.feed(b"a") == typed("a")


@given(st.lists(st.binary(max_size=12)), st.binary())
def test_any_bytes_are_read_the_same_in_pieces(pieces: list[bytes], last: bytes) -> None:
    whole, cut = Parser(), Parser()
    events = whole.feed(b"".join([*pieces, last]))
    assert [event for piece in [*pieces, last] for event in cut.feed(piece)] == events
    assert whole.flush() == cut.flush()


@pytest.mark.parametrize("begin", [b"\x1b]", b"\x1bP", b"\x1b["])
def test_no_sequence_is_waited_for_without_end(begin: bytes) -> None:
    parser = Parser()
    assert parser.feed(begin + b"1" * 5000) and not parser.pending


# keys whose end is timed

DOWN, UP = Event("down", "a"), Event("up", "a")


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
    assert timed.due(0.1 + HOLD) == [Event("up", "s")]
    timed.clear()
    assert timed.due(9.0) == []


def test_without_key_up_the_pedal_is_switched_and_steps_are_taken_each_time() -> None:
    timed = TimedKeys()
    assert timed.type("space", 0.0) == [Event("down", "space")]
    assert timed.type("space", 0.04) == []  # it repeats itself
    assert timed.type("a", 1.0) == [Event("down", "a")]
    assert timed.due(9.0) == [Event("up", "a")]
    assert timed.type("space", 9.0) == [Event("up", "space")]
    assert [len(timed.type("=", at)) for at in (10.0, 10.2, 10.24)] == [1, 2, 2]
