"""What both programs do about their settings' file, and how errors end them."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from netaudio.errors import NetAudioError, SettingError
from netaudio.process import read_config, run


def test_a_config_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^cannot read .*my\.ini: No such file or directory$"):
        read_config(argparse.Namespace(config=str(tmp_path / "my.ini")))


def test_a_config_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "my.ini").write_bytes(b"[server]\n\xff\xfe")
    with pytest.raises(SettingError, match=r"my\.ini is no text in UTF-8"):
        read_config(argparse.Namespace(config=str(tmp_path / "my.ini")))


def raising(error: BaseException) -> Callable[[], int]:
    def program() -> int:
        raise error

    return program


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SettingError("PORT is 'x'"), 2, "netaudio: PORT is 'x'\n"),
        (NetAudioError("no server"), 1, "netaudio: no server\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_is_a_line_and_a_code(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(raising(error)) == code
    assert capsys.readouterr().err == said
