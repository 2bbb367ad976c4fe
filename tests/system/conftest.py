"""Everything here runs the real programs, or real devices."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.child import Child
from tests.support.desk import Screen
from tests.support.keys import PLAYER, Start
from tests.support.programs import HOME, Program, serving

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


@pytest.fixture(scope="session")
def house() -> Iterator[tuple[Program, str]]:
    """A server with all instruments, which all tests share that need no other."""
    with serving("--max-clients", 50) as (program, address):
        yield program, address


@pytest.fixture(scope="session")
def address(house: tuple[Program, str]) -> str:
    return house[1]


@pytest.fixture(scope="session")
def piano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of instruments that is read sooner than the whole."""
    folder = tmp_path_factory.mktemp("wav")
    (folder / "piano").symlink_to(HOME / "wav" / "piano", target_is_directory=True)
    return folder
