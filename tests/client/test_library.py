"""Which instrument a player means."""

from pathlib import Path

import pytest

from netaudio.client.library import Library
from netaudio.errors import SettingError
from netaudio.sampler.bank import Bank


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
