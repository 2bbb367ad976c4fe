"""MIDI keyboards for real, between processes, through a JACK server of the test's own."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.child import Child
from tests.support.jack import JACK_MIDI, KEYBOARD, jackd
from tests.support.programs import HOME

PLAYER = """
import sys, time
from netaudio.errors import DeviceError
from netaudio.inputs.midi_ports import list_midi
from netaudio.inputs import midi_keyboard

def push(when, message, coarse):
    assert 0 <= time.monotonic() - when < 60
    print(message.hex(" "), flush=True)

def note(line):
    print(line, flush=True)

midi_keyboard.LOOK_EVERY = 0.05
try:
    print("ports", list_midi(), flush=True)
    source = midi_keyboard.MidiKeyboard(sys.argv[1] or None, push, note)
except DeviceError as error:
    sys.exit(f"DeviceError: {error}")
print("name", source.name, flush=True)
sys.stdin.read()
source.close()
source.close()
print("closed", flush=True)
"""


@pytest.fixture(scope="module")
def jack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with jackd(tmp_path_factory.mktemp("jack")) as (_, env):
        yield env


@pytest.fixture
def children() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for child in started:
        child.end()


def test_a_keyboard_is_heard_when_plugged_in_and_let_go_when_pulled_out(
    jack: dict[str, str], children: list[Child]
) -> None:
    player = Child(PLAYER, "", env=jack)
    children.append(player)
    assert player.line() == "ports []"
    assert player.line() == "no MIDI keyboard is plugged in: looking for it every second"
    assert player.line() == "name None"

    keyboard = Child(KEYBOARD, "Grand", env=jack)
    children.append(keyboard)
    assert keyboard.line() == "plugged in"
    assert "Grand is heard" in player.line()
    keyboard.say("90 3C 64", "F8", "FE", "F0 01 02 F7", "90 3C 00", "B3 07 64", "C0 05", "E0 00 40", "D0 01")
    assert [player.line() for _ in range(6)] == [
        "90 3c 64",
        "80 3c 40",
        "b3 07 64",
        "c0 05",
        "e0 00 40",
        "d0 01",
    ]

    keyboard.say("90 40 64", "91 41 64", "90 43 64", "80 43 00", "B1 40 7F")
    held = [player.line() for _ in range(5)]
    assert held[-1] == "b1 40 7f"
    keyboard.end()
    assert "Grand is gone" in player.line()
    assert [player.line() for _ in range(3)] == ["80 40 40", "81 41 40", "b1 40 00"]

    again = Child(KEYBOARD, "Grand", env=jack)
    children.append(again)
    assert "Grand is heard" in player.line()
    again.say("90 3C 64")
    assert player.line() == "90 3c 64"
    player.end()
    assert [player.line(), player.line()] == ["80 3c 40", "closed"]


def test_a_keyboard_is_chosen_by_a_part_of_its_name(jack: dict[str, str], children: list[Child]) -> None:
    keyboards = [Child(KEYBOARD, name, env=jack) for name in ("First", "Second Piano")]
    children.extend(keyboards)
    assert [keyboard.line() for keyboard in keyboards] == ["plugged in"] * 2
    player = Child(PLAYER, "piano", env=jack)
    children.append(player)
    ports = player.line()
    assert "First" in ports and "Second Piano" in ports
    assert "Second Piano is heard" in player.line()
    assert "Second Piano" in player.line()
    keyboards[0].say("90 01 64")
    keyboards[1].say("90 02 64")
    assert player.line() == "90 02 64"


def test_a_name_that_is_not_there_is_said_with_those_that_are(jack: dict[str, str], children: list[Child]) -> None:
    keyboard = Child(KEYBOARD, "Organ", env=jack)
    children.append(keyboard)
    assert keyboard.line() == "plugged in"
    player = Child(PLAYER, "harp", env=jack)
    children.append(player)
    player.line()
    said = player.line()
    assert said.startswith("no MIDI keyboard named harp is plugged in (there is ") and "Organ" in said


@pytest.mark.parametrize(
    ("backend", "code", "said"),
    [
        (JACK_MIDI, PLAYER, "no MIDI: "),
        ("mido.backends.rtmidi/NO_SUCH_API", PLAYER, "no MIDI: rtmidi has "),
        ("no_such_backend", PLAYER, "no MIDI: it needs mido and python-rtmidi"),
        ("mido.backends.rtmidi", "import sys; sys.modules['rtmidi'] = None\n" + PLAYER, "no MIDI: it needs"),
    ],
)
def test_a_machine_without_midi_is_said_in_one_line(backend: str, code: str, said: str) -> None:
    env = os.environ | {"MIDO_BACKEND": backend, "JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": "nobody"}
    done = subprocess.run([sys.executable, "-c", code, ""], cwd=HOME, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"DeviceError: {said}")
    assert "Traceback" not in done.stderr
