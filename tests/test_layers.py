"""Bytes and numbers in, bytes and numbers out: who may import what, and that the core touches nothing outside."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent / "netaudio"

ROOT = {"errors", "jit", "midi", "modes", "statistics", "units"}
CORE = {
    "sampler": ROOT,
    "wire": ROOT | {"sampler"},
    "timing": ROOT | {"sampler"},
    "session": ROOT | {"sampler", "wire", "timing"},
    "player": ROOT | {"sampler", "wire", "timing"},
    "config": ROOT | {"sampler", "wire", "timing"},
}
BELOW = ROOT | set(CORE)
SHELLS = {
    "realtime": ROOT,
    "readers": BELOW,
    "inputs": BELOW | {"realtime", "audio"},
    "screen": BELOW | {"inputs"},
    "process": BELOW | {"screen"},
    "compiler": BELOW | {"process"},
    "audio": BELOW | {"process", "realtime"},
    "server": BELOW | {"readers", "process", "realtime"},
    "client": BELOW | {"readers", "inputs", "screen", "audio", "process", "realtime"},
}
LAYERS = dict.fromkeys(ROOT, ROOT) | CORE | SHELLS
"""What each room, a package or a module beside them, may import besides itself."""

OUTSIDE = frozenset({
    "argparse", "asyncio", "concurrent", "configparser", "ctypes", "datetime", "glob", "http", "io", "logging",
    "mido", "mmap", "multiprocessing", "os", "pathlib", "pynput", "queue", "random", "resource", "rtmidi",
    "secrets", "select", "selectors", "shutil", "signal", "socket", "sounddevice", "soundfile", "soxr", "ssl",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib",
})  # fmt: skip
ALLOWED = {"config/load.py": {"argparse", "configparser"}}
"""Parsers of texts that are handed to them."""
CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__"})


def room(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


MODULES = [path for path in sorted(HOUSE.rglob("*.py")) if path != HOUSE / "__init__.py"]
PURE = [path for path in MODULES if room(path) in BELOW]


def name(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def imported(tree: ast.AST) -> Iterator[str]:
    """The full names of all modules that are imported anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> set[str]:
    """The parts of the house that a module imports, without `netaudio.`."""
    names = imported(ast.parse(path.read_text(encoding="utf-8")))
    return {full.removeprefix("netaudio.") for full in names if full.startswith("netaudio.")} - {"__version__"}


def test_every_room_has_its_line_in_the_table() -> None:
    assert {room(path) for path in MODULES} == set(LAYERS)
    assert {room(path) for path in PURE} == BELOW, "no part of the core is missing from what is tested"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_room_imports_only_what_lies_below(path: Path) -> None:
    assert {full.split(".")[0] for full in ours(path)} <= LAYERS[room(path)] | {room(path)}


@pytest.mark.parametrize("path", PURE, ids=name)
def test_the_core_is_pure(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not {full.split(".")[0] for full in imported(tree)} & (OUTSIDE - ALLOWED.get(name(path), set()))
    calls = {
        node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & CALLS


def test_nothing_is_imported_in_a_circle() -> None:
    stems = {name(path).removesuffix(".py").replace("/", "."): path for path in MODULES}
    graph = {stem: ours(path) & set(stems) for stem, path in stems.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


@pytest.mark.parametrize("package", sorted({path.parent for path in MODULES} - {HOUSE}), ids=lambda path: path.name)
def test_a_room_says_in_its_first_line_what_it_is_for(package: Path) -> None:
    assert ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
