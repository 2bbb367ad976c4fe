"""A process that says what the computer's keys play."""

from collections.abc import Callable

from netaudio.inputs.key_layout import VELOCITY
from netaudio.midi import note_off, note_on
from tests.support.child import Child

PLAYER = """
import fcntl, os, signal, sys, termios, threading, time
from netaudio.errors import DeviceError
from netaudio.inputs import timed_keys, tty
from netaudio.inputs.sources import open_keys

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
timed_keys.HOLD = 0.2
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

A_ON, A_OFF = note_on(0, 60, VELOCITY).hex(" "), note_off(0, 60).hex(" ")
S_ON, S_OFF = note_on(0, 62, VELOCITY).hex(" "), note_off(0, 62).hex(" ")

Start = Callable[..., Child]
"""Starts it: (environment, the terminal if there is one, the code's arguments)."""


def heard(player: Child, *lines: str) -> None:
    """Those lines in any order: notes for the player come from threads of their own."""
    assert sorted(player.line() for _ in lines) == sorted(lines)
