"""The pages for people name files that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent.parent
PAGES = [HOME / "README.md", *sorted((HOME / "docs").glob("*.md"))]
BELOW = (HOME, HOME / "netaudio")

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`\n]+)`")
SOURCE = re.compile(r"(?<![\w./-])[\w./-]+\.(?:py|md|ini|c|txt)(?!\w)")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")


def paths(text: str) -> Iterator[str]:
    """What a page names of the repository: sources in all code, and in a line's code other words with a slash."""
    blocks, rest = FENCED.findall(text), FENCED.sub("", text)
    for code in (*blocks, *QUOTED.findall(rest)):
        yield from SOURCE.findall(code)
    for code in QUOTED.findall(rest):
        yield from (word for word in code.split() if "/" in word and PATH.fullmatch(word))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    named = {name for name in paths(page.read_text(encoding="utf-8")) if not name.startswith(".venv/")}
    assert named, "something is named"
    assert not {name for name in named if not any((folder / name).exists() for folder in BELOW)}


def test_paths_are_found_in_prose_and_in_blocks() -> None:
    text = "`sampler/` and `a/b.py`: `C.f`, `[x]/y`\n```\nrun b.py out.json --> wire/c.py\n```\n"
    assert sorted(paths(text)) == ["a/b.py", "a/b.py", "b.py", "sampler/", "wire/c.py"]
