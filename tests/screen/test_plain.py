"""What the player sees where there is no terminal, and where it comes from."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from netaudio.client.app import Client
from netaudio.client.status import SILENCE
from netaudio.config.load import client_parser, client_settings
from netaudio.player.player import Outbox
from netaudio.screen.live import open_screen
from netaudio.screen.plain import PLAIN_SECONDS, Plain, figures
from tests.screen.test_view import IDLE, LOST, PLAYING


def test_plain_says_lines_and_where_somebody_watches_figures(capsys: pytest.CaptureFixture[str]) -> None:
    for interactive in (False, True):
        screen = Plain(interactive)
        screen.say("connected")
        for tenth in range(round(20 * PLAIN_SECONDS) + 1):
            screen.show(replace(PLAYING, seconds=tenth / 10))
        for tenth in range(1000):
            screen.show(replace(IDLE, seconds=20 + tenth / 10))
        screen.close()
        lines = capsys.readouterr().err.replace("\n  ", " ").splitlines()  # long ones are broken
        assert lines[0] == "connected"
        assert len(lines) == (4 if interactive else 1)
    assert lines[1].startswith("A-K play, Z X octave, ") and lines[1].endswith(", Esc leave")
    assert lines[2] == "4 of 32 notes, peak -18 dBFS, round trip 12.3 ms, slack 39.5 ms, knit margin 33.0 ms"
    assert figures(LOST).endswith("dBFS, lost 163, recovered 160, late 2, late notes 1, xruns 1, missing 12.5 ms")


def test_plain_tells_what_a_key_changed(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Plain(interactive=True)
    screen.show(PLAYING)
    capsys.readouterr()
    for change, said in (
        ({}, ""),
        ({"mode": "local"}, "MODE local\n"),
        ({"mode": "local", "instrument": "organ", "number": 3}, "INSTRUMENT 3 organ\n"),
        ({"offset_ms": 105.0, "volume_db": -4.0}, "MODE hybrid\nINSTRUMENT 2 epiano\nOFFSET 105 ms\nVOLUME -4 dB\n"),
        ({"octave": 5}, "OFFSET 100 ms\nVOLUME -3 dB\noctave: A plays C5\n"),
        ({"octave": 5, "pedal": True}, "pedal down\n"),
    ):
        screen.show(replace(PLAYING, **change))
        assert capsys.readouterr().err == said


def test_plain_says_a_hint_when_it_begins_to_hold(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Plain()
    for hint in ("", "more", "more than that", "", "more"):
        screen.show(replace(PLAYING, hint=hint))
    assert capsys.readouterr().err == "more\nmore\n"


def test_no_terminal_no_view() -> None:
    assert isinstance(open_screen(plain=False), Plain)


def test_a_status_is_read_from_a_client(tmp_path: Path) -> None:
    """From the player's first note to its head's and its tail's share."""
    sound = 0.25 * np.sin(2 * np.pi * 261.6 * np.arange(48000) / 48000)
    for name in ("harp", "lute"):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "C4.wav", sound, 48000)
    flags = client_parser().parse_args(
        ["--mode", "local", "--wav", str(tmp_path), "--instrument", "lute", "--device", "null", "--volume", "-6"]
    )

    async def play() -> None:
        client = await Client.prepare(client_settings("", flags), flags, Plain(), None)
        player, block = client.player, np.zeros((128, 2), np.float32)
        quiet = client.status()
        assert (quiet.instrument, quiet.number, quiet.mode, quiet.server) == ("lute", 2, "local", "")
        assert (quiet.notes, quiet.level, quiet.volume_db, quiet.connected) == ((), SILENCE, -6.0, False)
        assert quiet.round_trip_ms is None and quiet.slack_ms is None and quiet.margin_ms is None

        def render(frames: int) -> None:
            for start in range(player.position, player.position + frames, 128):
                player.render(block, start / 48000)

        render(128)
        player.push(player.position / 48000, bytes((0x90, 60, 127)))
        render(9600)
        local = client.status()
        assert local.notes == ((60, None),) and local.voices == 1
        assert -40 < local.level < 0

        player.post(player.set_mode, "hybrid", 4800)
        player.post(player.join, 128, 32, Outbox())
        player.push(player.position / 48000, bytes((0x90, 62, 127)))
        render(4736)
        assert dict(client.status().notes)[62] == 1.0
        render(4800)
        assert dict(client.status().notes)[62] == pytest.approx(0.5, abs=0.02)
        player.post(player.leave)
        render(128)
        assert dict(client.status().notes)[62] is None
        assert not client.status().pedal
        player.push(player.position / 48000, bytes((0xB0, 64, 127)))
        render(128)
        render(128)
        assert client.status().pedal
        heard = player.score.voices[-1]
        heard.cut, heard.region = 0, replace(heard.region, held=0, covered=0)
        assert 62 not in dict(client.status().notes), "without a server nothing is heard of it"

    asyncio.run(play())
