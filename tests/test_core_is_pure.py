"""Bytes and numbers in, bytes and numbers out: the core knows no socket, thread, file or clock."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CORE = sorted((Path(__file__).resolve().parent.parent / "netaudio").glob("*.py"))
IMPURE = frozenset({
    "argparse", "asyncio", "concurrent", "ctypes", "io", "logging", "mido", "mmap", "multiprocessing", "os",
    "pathlib", "pynput", "queue", "random", "resource", "secrets", "select", "selectors", "shutil", "signal",
    "socket", "sounddevice", "soundfile", "soxr", "subprocess", "tempfile", "threading", "time", "urllib",
})  # fmt: skip
ALLOWED = {"config.py": {"argparse"}}
CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__"})


def imported(tree: ast.AST) -> Iterator[str]:
    """The full names of all modules that are imported anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_there_is_a_core() -> None:
    assert {"score.py", "knit.py", "session.py", "player.py"} <= {path.name for path in CORE}


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_the_core_is_pure(path: Path) -> None:
    names = set(imported(ast.parse(path.read_text())))
    assert not {name.split(".")[0] for name in names} & (IMPURE - ALLOWED.get(path.name, set()))
    assert not {name for name in names if name == "netaudio.shell" or name.startswith("netaudio.shell.")}


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_the_core_opens_and_prints_nothing(path: Path) -> None:
    nodes = ast.walk(ast.parse(path.read_text()))
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & CALLS


def test_the_core_imports_in_no_circle() -> None:
    stems = {path.stem for path in CORE}
    graph = {}
    for path in CORE:
        parts = [name.split(".") for name in imported(ast.parse(path.read_text()))]
        graph[path.stem] = {part[1] for part in parts if part[0] == "netaudio" and len(part) > 1} & stems
    assert len(list(TopologicalSorter(graph).static_order())) == len(CORE)
