"""The programs with real parts: PortAudio and a MIDI keyboard on JACK, the keys of a display, a terminal."""

import os
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from netaudio import midi
from netaudio.sampler.voices import Event
from netaudio.wire import control
from tests.support.child import Child
from tests.support.desk import ANSWERS_FOCUS, FOCUS_OFF, FOCUS_ON, Display, Screen
from tests.support.jack import KEYBOARD, Capture, jackd
from tests.support.programs import PATIENCE, RATE, Playing, Result, difference, recorded, running, serving
from tests.support.reference import Reference, Sound
from tests.support.relay import TcpRelay, tcp_relay
from tests.support.songs import PIANO, POLYPHONY, recordings


class Desk:
    """A client in hybrid mode with all that a player has, and what went through its connection."""

    def __init__(self, client: Playing, relay: TcpRelay, screen: Screen, display: Display) -> None:
        self.client, self.screen, self.display, self._relay = client, screen, display, relay
        self.around: list[Child | Capture] = []

    def keyboard(self, env: dict[str, str], times: int) -> Child:
        """A MIDI keyboard, plugged in and heard."""
        child = plugged_in(env)
        self.around.append(child)
        self.client.program.line("Grand is heard", times)
        return child

    def capture(self, path: Path, env: dict[str, str]) -> Capture:
        """Of what comes out of the card."""
        capture = Capture(path, env)
        self.around.append(capture)
        return capture

    def ring(self, seconds: float) -> None:
        """Await that so much more of the recording is written."""
        recorded(self.client, self.client.wav.stat().st_size // 8 + round(seconds * RATE))

    def events(self) -> list[Event]:
        """What the client stamped and sent."""
        sent = [control.decode_from_client(line) for line in self._relay.said]
        return [Event(e.seq, e.position, e.message) for e in sent if isinstance(e, control.Event)]

    def held(self) -> set[int]:
        """The keys that are down, as the server was told."""
        keys = set[int]()
        for event in self.events():
            kind, key = midi.kind(event.message), event.message[1]
            if kind == midi.NOTE_ON:
                keys.add(key)
            elif kind == midi.NOTE_OFF:
                keys.discard(key)
        return keys

    def down(self, *keys: int) -> None:
        """Await that just these are."""
        end = time.monotonic() + PATIENCE
        while self.held() != set(keys):
            assert time.monotonic() < end, f"{self.held()} are down\n{self.client.program.text}"
            self.ring(0.05)

    def leave(self) -> Result:
        """By the Esc key; what was typed is gone, and the terminal as it was."""
        self.display.keys("key", "Escape")
        result = self.client.result()
        self.screen.expect(FOCUS_OFF)
        assert termios.tcgetattr(self.screen.slave) == self.screen.modes
        assert self.screen.left_over() == b""
        return result


def plugged_in(env: dict[str, str]) -> Child:
    child = Child(KEYBOARD, "Grand", env=env)
    assert child.line() == "plugged in"
    return child


@contextmanager
def unplugged(child: Child) -> Iterator[Child]:
    """In the end."""
    try:
        yield child
    finally:
        child.end()


@contextmanager
def desk(folder: Path, env: dict[str, str]) -> Iterator[Desk]:
    display, screen = Display(), Screen()
    jack = {name: value for name, value in env.items() if os.environ.get(name) != value}
    wav, report = folder / "out.wav", folder / "out.json"
    flags = ["--mode", "hybrid", "--instrument", "piano", "--offset", "100ms", "--buffer-size", "40ms"]
    flags += ["--record", str(wav), "--report", str(report), "--midi-in", "Grand"]
    try:
        with (
            serving() as (_, address),
            tcp_relay(address) as relay,
            running(
                "client.py", "--server", relay.address, *flags, env=display.env | jack, terminal=screen.slave
            ) as client,
        ):
            client.line("Grand is (heard|plugged in)")
            screen.expect(FOCUS_ON)
            screen.type(ANSWERS_FOCUS)
            player = Desk(Playing(client, wav, report), relay, screen, display)
            try:
                yield player
            finally:
                for one in player.around:
                    one.end()
    finally:
        screen.close()
        display.close()


def exact(result: Result, events: list[Event]) -> None:
    """What was recorded is the mix of the events, but for what the report says."""
    score = Reference(recordings(), RATE, POLYPHONY, PIANO)
    score.feed(events, {})
    mix = score.mix(len(result.sound)).astype(np.float32)
    assert difference(result.sound, mix, result.spans) <= 1, result.figures()
    assert result.report["notes"] == sum(midi.begins_note(e.message) for e in events)


def begin(sound: Sound) -> int:
    """The first frame that is not silent."""
    return int(np.flatnonzero(sound.any(axis=1))[0])


def test_what_keys_and_midi_play_comes_out_of_the_card_frame_by_frame(tmp_path: Path) -> None:
    with jackd(tmp_path, wait=5) as (_, env), unplugged(plugged_in(env)) as grand, desk(tmp_path, env) as player:
        capture = player.capture(tmp_path / "card.npy", env)
        grand.say("90 3C 50", "F8", "90 40 60", "FE", "99 43 70", "B0 07 50")
        player.down(0x3C, 0x40, 0x43)
        player.display.keys("keydown", "s", "keydown", "f", "sleep", "0.9", "keyup", "s", "keyup", "f")
        player.ring(0.8)
        grand.say("B0 40 40", "90 40 00", "89 43 00", "B0 07 7F")
        player.down(0x3C)
        player.ring(0.3)
        grand.say("B0 40 3F", "80 3C 00")
        player.down()
        player.display.keys(
            "keydown", "g", "sleep", "0.2", "keydown", "u", "sleep", "0.4", "keyup", "g", "keyup", "u"
        )
        player.down()
        player.ring(0.3)
        result, events, card = player.leave(), player.events(), capture.sound()
    exact(result, events)
    assert result.report["frames"]["streamed"] > 0, result.figures()
    assert result.report["device_losses"] == 0, result.figures()
    heard, played = card[begin(card) :], result.sound[begin(result.sound) :]
    assert len(played) > 2 * RATE
    np.testing.assert_array_equal(heard[: len(played)], played)


def test_what_goes_away_during_a_chord_leaves_nothing_behind(tmp_path: Path) -> None:
    """The focus, the MIDI keyboard, and the JACK server with the card and the MIDI keyboard. A card that runs dry
    loses time, which the stream follows: that may cost frames, and they are counted."""
    with jackd(tmp_path, wait=0) as (server, env), desk(tmp_path, env) as player:
        grand = player.keyboard(env, 1)
        player.display.keys("keydown", "a", "keydown", "d", "keydown", "space")
        player.down(0x3C, 0x40)
        player.screen.type(b"\x1b[O")
        player.down()
        player.display.keys("keyup", "a", "keyup", "d", "keyup", "space")
        player.screen.type(b"\x1b[I")

        grand.say("90 3C 50", "90 40 60", "B0 40 7F")
        player.down(0x3C, 0x40)
        grand.end()
        player.client.program.line("Grand is gone")
        player.down()

        grand = player.keyboard(env, 2)
        grand.say("90 3C 50", "90 40 60")
        player.down(0x3C, 0x40)
        server.kill()
        server.wait()
        player.client.program.line("the sound device system is gone")
        player.client.program.line("Grand is gone", 2)
        player.down()
        player.display.keys("keydown", "s")
        player.down(0x3E)
        grand.end()
        with jackd(tmp_path, wait=0) as (_, env):
            player.client.program.line("the sound device system is back")
            player.display.keys("keyup", "s")
            player.down()
            player.ring(0.3)
            capture = player.capture(tmp_path / "card.npy", env)
            grand = player.keyboard(env, 3)
            grand.say("90 43 70")
            player.down(0x43)
            player.ring(0.3)
            grand.say("80 43 00")
            player.down()
            player.ring(0.3)
            grand.end()
            result, events, card = player.leave(), player.events(), capture.sound()
    exact(result, events)
    assert result.report["device_losses"] == 1, result.figures()
    assert np.abs(card).max() > 0.01
