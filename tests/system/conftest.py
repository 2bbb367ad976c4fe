"""Everything here runs the real programs, or real devices."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.child import Child
from tests.support.desk import Screen
from tests.support.keys import PLAYER, Start

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("system")


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
