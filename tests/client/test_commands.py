"""What keys ask for, without a server."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from netaudio.client.autotune import Auto
from netaudio.client.commands import Commands
from netaudio.client.setup import Setup, set_up
from netaudio.client.tasks import Tasks
from netaudio.config.load import client_parser, client_settings


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    for name in ("harp", "lute"):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "C4.wav", np.full(4800, 0.5), 48000)
    return tmp_path


def obeyed(wav: Path, play: Callable[[Setup, Auto, Commands], Coroutine[Any, Any, None]]) -> list[str]:
    """What was said of it."""
    said: list[str] = []

    async def run() -> None:
        flags = client_parser().parse_args(["--mode", "local", "--wav", str(wav), "--instrument", "harp"])
        setup = set_up(client_settings("", flags), None, None, said.append)
        await setup.connector.have("harp", None, 0)
        auto = Auto(setup.settings, setup.player, setup.connector, setup.library, said.append)
        await play(setup, auto, Commands(setup, auto, Tasks(said.append), said.append))

    asyncio.run(run())
    return said


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.001)


def test_another_instrument_is_loaded_and_then_chosen(wav: Path) -> None:
    async def play(setup: Setup, _: Auto, commands: Commands) -> None:
        commands.push(0.0, b"\xc5\x01", False)  # a program change, on any channel
        await until(lambda: commands.instrument == "lute")
        setup.player.render(np.zeros((128, 2), np.float32), 0.0)
        setup.player.render(np.zeros((128, 2), np.float32), 0.1)
        assert setup.player.score.channels[0].program == setup.library.program("lute", "local") != 0

    assert obeyed(wav, play) == []


def test_changes_come_one_after_the_other(wav: Path) -> None:
    async def play(_: Setup, auto: Auto, commands: Commands) -> None:
        for place in (1, 0, 8, 1):
            commands.ask("instrument", place)
        commands.ask("offset", 2)
        await until(lambda: commands.instrument == "lute" and auto.offset == 4800 + 480)

    assert obeyed(wav, play) == ["there is no instrument 9: choose one of 1 harp, 2 lute"]


def test_the_volume_stays_within_its_limits(wav: Path) -> None:
    async def play(_: Setup, auto: Auto, commands: Commands) -> None:
        commands.ask("volume", 100)
        await until(lambda: commands.volume == 12.0)
        commands.ask("volume", -100)
        await until(lambda: commands.volume == -60.0)

    obeyed(wav, play)


def test_quit_may_be_asked_for_on_any_thread(wav: Path) -> None:
    async def play(_: Setup, auto: Auto, commands: Commands) -> None:
        await asyncio.to_thread(commands.ask, "quit", 0)
        async with asyncio.timeout(10):
            await commands.quit.wait()

    obeyed(wav, play)
