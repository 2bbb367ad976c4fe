"""Everything here runs the real programs, or real devices."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.programs import HOME, Program, serving

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("system")


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
