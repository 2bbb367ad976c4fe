"""Which instrument a player means, and how much of it is held."""

from pathlib import Path

import pytest

from netaudio.client import library as module
from netaudio.client.library import Library
from netaudio.errors import SettingError
from netaudio.sampler.bank import Bank
from netaudio.sampler.layout import ENDLESS
from netaudio.sampler.region import Region
from netaudio.units import Span
from tests.readers.test_wav_folder import noise, write

RATE, AUTO, SECOND = 48_000, Span(), 48_000
REACH = 5000  # frames, 104 ms


@pytest.mark.parametrize(
    ("said", "meant"),
    [("piano", "piano"), ("PIANO", "piano"), ("2", "organ"), ("3", "piano"), ("1", "1"), ("0", None)],
)
def test_an_instrument_by_name_in_any_case_or_by_its_number(tmp_path: Path, said: str, meant: str | None) -> None:
    library = Library(tmp_path, 48000, Bank(), print)
    library.offered = ["1", "organ", "piano"]
    if meant:
        assert library.find(said) == meant
    else:
        with pytest.raises(
            SettingError, match="no instrument '0' on the server: choose one of 1 1, 2 organ, 3 piano"
        ):
            library.find(said)


def test_a_slip_of_the_pen_is_shown(tmp_path: Path) -> None:
    library = Library(tmp_path, 48000, Bank(), print)
    library.offered = ["organ", "Piano"]
    with pytest.raises(SettingError, match=r"no instrument 'paino' on the server: did you mean Piano\?"):
        library.find("paino")


def test_an_instrument_by_its_place_in_the_list(tmp_path: Path) -> None:
    library = Library(tmp_path, 48000, Bank(), print)
    library.offered = ["organ", "piano"]
    assert [library.at(place) for place in (0, 1)] == ["organ", "piano"]
    with pytest.raises(SettingError, match="no instrument 7: choose one of 1 organ, 2 piano"):
        library.at(6)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def library(tmp_path: Path, said: list[str]) -> Library:
    """Three seconds of a piano's only note, two of an organ's: of the highest key REACH takes more than all."""
    write(tmp_path / "piano" / "C7.wav", noise(3 * SECOND))
    write(tmp_path / "organ" / "C7.wav", noise(2 * SECOND))
    return Library(tmp_path, RATE, Bank(), said.append)


def region(library: Library, name: str, key: int = 96) -> Region:
    return library.instruments[library.number(name)].region(key)


def test_before_anything_is_loaded_nothing_limits_offset(library: Library) -> None:
    assert (library.held, library.reach) == (None, ENDLESS)
    assert not library.whole("piano") and library.whole("harp")


def test_auto_holds_all_of_what_is_small(library: Library, said: list[str]) -> None:
    library.load("piano", AUTO, REACH)
    assert region(library, "piano").held == 3 * SECOND and library.whole("piano")
    assert (library.held, library.reach, said) == (None, ENDLESS, [])


def test_auto_holds_a_second_of_what_would_fill_the_memory(
    library: Library, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WHOLE_BYTES", 8 * 4 * SECOND)
    library.load("piano", AUTO, REACH)
    library.load("organ", AUTO, REACH)
    assert library.whole("piano") and not library.whole("organ")
    assert region(library, "organ").held == SECOND == library.held
    assert REACH <= library.reach < SECOND and said == []


def test_what_offset_needs_is_held_however_little_is_asked_for_and_that_is_said(
    library: Library, said: list[str]
) -> None:
    library.load("piano", Span.parse("10ms"), REACH)
    assert REACH <= library.reach == region(library, "piano", 127).reach() < REACH + 20
    assert library.held == region(library, "piano").held
    (line,) = said
    assert line.startswith(f"HELD raised for piano, to {1000 * region(library, 'piano').held / RATE:.0f} ms: ")


def test_enough_is_held_as_it_was_asked_for(library: Library, said: list[str]) -> None:
    library.load("piano", Span.parse("2500ms"), REACH)
    assert library.held == region(library, "piano").held == 2.5 * SECOND and said == []


def test_what_is_held_is_not_read_again_and_more_is_read_when_it_is_needed(library: Library) -> None:
    short = Span.parse("900ms")
    library.load("piano", short, REACH)
    size, reach = len(library.bank.frames), library.reach
    for held, enough in ((short, reach), (Span.parse("10ms"), 100)):
        library.load("piano", held, enough)
        assert (len(library.bank.frames), library.reach) == (size, reach)
    library.load("piano", short, reach + 100)
    assert library.reach >= reach + 100 and len(library.bank.frames) > size
    library.load("piano", None, 0)
    assert library.whole("piano") and library.held is None
    size = len(library.bank.frames)
    library.load("piano", short, REACH)
    assert len(library.bank.frames) == size and library.whole("piano")


def test_the_least_of_all_instruments_counts(library: Library) -> None:
    library.load("piano", None, 0)
    library.load("organ", Span.parse("1s"), 100)
    assert library.held == SECOND
    assert library.reach == region(library, "organ", 127).reach()
    library.load("organ", None, 0)
    assert library.whole("organ") and library.reach == ENDLESS
