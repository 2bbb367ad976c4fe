"""The keys of a terminal that the test plays."""

import signal
import termios

import pytest

from netaudio.inputs.timed_keys import NO_KEY_UP
from tests.support.child import Child
from tests.support.desk import ANSWERS, ANSWERS_KITTY, FOCUS_OFF, KITTY_OFF, KITTY_ON, Screen, environment
from tests.support.keys import A_OFF, A_ON, S_OFF, S_ON, Start, heard


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
