"""`client.py --check` against real parts: what is fine, and what is to be mended, each in its row."""

import os
import pty
import shutil
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from netaudio.client.self_check import Table, look_for_keys
from netaudio.inputs.tty import ASK_LAST
from tests.support.jack import jackd
from tests.support.programs import HOME, PATIENCE, serving
from tests.support.relay import UdpRelay, tcp_relay


@pytest.fixture(scope="module")
def instruments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One instrument of one file: quick to load."""
    folder = tmp_path_factory.mktemp("wav")
    (folder / "piano").mkdir()
    shutil.copy(HOME / "wav" / "piano" / "C4.wav", folder / "piano")
    return folder


@pytest.fixture(scope="module")
def server(instruments: Path) -> Iterator[str]:
    with serving("--wav", instruments) as (_, address):
        yield address


def check(wav: Path, *flags: str, **env: str) -> tuple[int, dict[str, str]]:
    """The exit code, and each row by its name, in one line."""
    command = [sys.executable, str(HOME / "client.py"), "--check", "--wav", str(wav), *flags]
    run = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **env}
    )
    assert run.stderr == ""
    return run.returncode, rows(run.stdout)


def rows(output: str) -> dict[str, str]:
    table: dict[str, str] = {}
    for line in output.splitlines():
        if line[:2].strip():
            name = line[1:13].strip()
            table[name] = line[14:]
        elif line.startswith("  ") and table:
            table[name] += " " + line.strip()
    return table


def test_with_a_server_and_a_device_that_plays_all_is_fine(tmp_path: Path, instruments: Path, server: str) -> None:
    with jackd(tmp_path) as (_, env):
        code, table = check(instruments, "--server", server, "--no-keys", **env)
    assert code == any(row.startswith("MEND") for row in table.values()), table  # such as for packets that were lost
    for name in ("PortAudio", "server", "samples", "round trip"):
        assert table[name].startswith(("ok", "note")), table
    assert table["sound"].split(None, 1)[1].startswith("system, 48000 Hz, 128 frames (2.7 ms)")
    assert f"{server}, 48000 Hz, has 1 piano" in table["server"]
    assert table["samples"] == "ok    all of each, which is held, equals the server's"
    assert int(table["audio"].split()[1]) > 0 and "the way asks for" in table["OFFSET"]
    assert "left alone" in table["keys"]


def test_without_server_and_device_the_rest_is_tried_all_the_same(instruments: Path, dead: str) -> None:
    code, table = check(instruments, "--server", dead, "--device", "no such device", "--midi-in", "no such port")
    assert code == 1
    assert table["server"].startswith(f"MEND  no server at {dead} (Connection refused): start it with")
    assert table["sound"].startswith("MEND  ") and "--device null" in table["sound"]
    assert table["MIDI"].startswith("MEND  ")
    assert table["keys"] == "MEND  no computer keys: standard input is not a terminal"
    assert not {"samples", "round trip", "audio"} & set(table)
    assert "4 to mend" in str(table) or "5 to mend" in str(table)  # PortAudio may be missing as well


@pytest.fixture
def dead() -> str:
    """An address where nobody listens any more."""
    with serving() as (_, address):
        pass
    return address


def test_other_samples_and_a_stream_that_does_not_come(tmp_path: Path, server: str) -> None:
    (tmp_path / "piano").mkdir()
    shutil.copy(HOME / "wav" / "epiano" / "C4.wav", tmp_path / "piano")
    quiet = UdpRelay(up=lambda data: [data], down=lambda data: [] if len(data) > 200 else [data])
    with tcp_relay(server, quiet.lead_to) as relay:
        code, table = check(tmp_path, "--server", relay.address, "--device", "null", "--no-keys", "--offset", "50ms")
    quiet.close()
    assert code == 1
    assert table["samples"].startswith("MEND  piano: C4")
    assert f"copy the server's folder to {tmp_path / 'piano'}" in table["samples"]
    assert table["round trip"].startswith("ok")
    assert table["audio"].startswith("MEND  no sound came from UDP port")
    assert table["sound"].startswith("note  null") and table["OFFSET"].startswith(("ok", "MEND"))


def answer(master: int, text: bytes) -> None:
    """What a terminal does that is asked who it is."""
    asked = b""
    while ASK_LAST not in asked:
        asked += os.read(master, 4096)
    os.write(master, text)


@pytest.mark.parametrize(("tells", "state"), [(b"\x1b[?0u\x1b[?62c", "ok"), (b"\x1b[?62c", "note")])
def test_in_a_terminal_keys_are_found(
    tells: bytes, state: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that speaks the kitty protocol, and one that does not; both are left as they were."""
    monkeypatch.setenv("SSH_CONNECTION", "here")
    monkeypatch.setenv("TERM", "xterm")
    master, slave = pty.openpty()
    before, kept = termios.tcgetattr(slave), os.dup(0)
    terminal = threading.Thread(target=answer, args=(master, tells))
    terminal.start()
    os.dup2(slave, 0)
    try:
        look_for_keys(False, True, Table())
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        terminal.join(PATIENCE)
    row = rows(capsys.readouterr().out)["keys"]
    assert row.startswith(state) and "read from the terminal (SSH_CONNECTION is set)" in row
    assert ("kitty, foot" in row) == (state == "note")
    assert termios.tcgetattr(slave) == before
    os.close(slave)
    os.close(master)
