"""Whatever is wrong is said in one clear line, ends with the right exit code, and never with a traceback."""

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soundfile

from netaudio.wire import control
from tests.support.guest import Guest
from tests.support.programs import (
    HOME,
    OFFSET,
    Program,
    Timed,
    difference,
    play,
    playing,
    running,
    serving,
    write_midi,
)
from tests.support.relay import LOOPBACK, answer, connected, endpoint, hello, tcp_relay
from tests.support.songs import PIANO, reference

SONG: Timed = [
    event
    for at, key in ((0, 60), (9000, 64), (20000, 65), (30000, 67))
    for event in ((at, bytes((0x90, key, 90))), (at + 40000, bytes((0x80, key, 0))))
]
LOCAL = ("--mode", "local", "--device", "null")
REMOTE = ("--mode", "remote", "--device", "null")


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_midi(tmp_path_factory.mktemp("song") / "song.mid", SONG)


def wavs(folder: Path, *names: str) -> Path:
    """A folder of instruments, each of links to the real files."""
    for name in names:
        (folder / name).mkdir(parents=True)
        for path in (HOME / "wav" / name).iterdir():
            (folder / name / path.name).symlink_to(path)
    return folder


def ends(program: Program, code: int, *parts: str, lines: int = 1) -> None:
    """It ended with this exit code, and so many lines, which say all this."""
    assert program.end() == code, program.text
    assert len(program.lines) == lines and "Traceback" not in program.text, program.text
    for part in parts:
        assert part in program.text, program.text


def refuses(script: str, flags: Sequence[object], code: int, *parts: str) -> None:
    with running(script, *flags) as program:
        ends(program, code, *parts)


@pytest.mark.parametrize("script", ["server.py", "client.py"])
def test_config_and_flags(script: str, tmp_path: Path) -> None:
    config = tmp_path / "my.ini"
    config.write_text(f"[{script.removesuffix('.py')}]\nCHUNK_SIZE = many\n")
    refuses(script, ("--config", config), 2, "my.ini", "CHUNK_SIZE is 'many'", "32 to 1024")
    refuses(script, ("--chunk-size", "9"), 2, "--chunk-size is '9'", "32 to 1024")


@pytest.mark.parametrize("flag", ["--list-instruments", "--check"])
def test_a_reader_that_goes_early(flag: str) -> None:
    command = [sys.executable, str(HOME / "client.py"), flag, "--mode", "local", "--device", "null", "--no-keys"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout and program.stderr
        program.stdout.close()
        said = program.stderr.read()
    assert program.returncode == 141 and "Traceback" not in said, said


def test_port_in_use(piano: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flags = ("--port", port, "--wav", piano)
        refuses("server.py", flags, 1, f"cannot listen at 127.0.0.1:{port}", "another --port")


def test_udp_ports_that_are_taken(piano: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with serving("--wav", piano, "--udp-ports", taken.getsockname()[1]) as (_, address):
            refuses("client.py", (*REMOTE, "--server", address), 1, "no free UDP port")


def test_no_instruments(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path, tmp_path / "missing"):
        refuses("server.py", ("--wav", folder), 1, f"no instruments in {folder}", "C4.wav")
    refuses("client.py", (*LOCAL, "--wav", tmp_path), 2, "no instrument 'piano'", "choose one of none")


def test_bad_sound_files_do_not_stop_the_others(tmp_path: Path) -> None:
    folder = wavs(tmp_path, "piano", "organ")
    (folder / "piano" / "C4.wav").unlink()
    (folder / "piano" / "C4.wav").write_bytes(b"RIFF and nothing more")
    (folder / "broken").mkdir()
    (folder / "broken" / "A4.wav").write_bytes(b"")
    with serving("--wav", folder) as (server, _):
        assert server.line("ready").endswith(": organ, piano")
        server.line(r"piano/C4\.wav: left out, it is not a sound file that can be read")
        server.line(r"broken/A4\.wav: left out")


def test_midi_file(tmp_path: Path) -> None:
    (tmp_path / "bad.mid").write_bytes(b"no MIDI")
    refuses("client.py", (*LOCAL, "--play", tmp_path / "bad.mid"), 2, "bad.mid: this")


def test_recording_or_report_that_cannot_be_written(song: Path, tmp_path: Path) -> None:
    out = tmp_path / "no" / "out"
    for flag in ("--record", "--report"):
        refuses("client.py", (*LOCAL, "--play", song, flag, out), 2, str(out), "No such file or directory")


def test_a_recording_is_a_wav(song: Path, tmp_path: Path) -> None:
    refuses("client.py", (*LOCAL, "--play", song, "--record", tmp_path / "o.mp3"), 2, "only wav", "name it o.wav")
    assert not (tmp_path / "o.mp3").exists()


def test_unknown_instrument(address: str) -> None:
    flags = ("--device", "null", "--instrument", "nosuch", "--server", address)
    names = "1 epiano, 2 guitar, 3 organ, 4 piano"
    for mode in ("hybrid", "remote", "local"):
        refuses("client.py", (*flags, "--mode", mode), 2, "no instrument 'nosuch'", f"choose one of {names}")


def test_a_sound_output_that_is_not_there(song: Path) -> None:
    """It is missed before a server is, and by songs, too, where it was named."""
    flags = ("--mode", "remote", "--server", nobody(), "--device", "no such output")
    for more in ((), ("--play", song)):
        refuses("client.py", (*flags, *more), 1, "no sound output")


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return f"127.0.0.1:{one.getsockname()[1]}"


def test_no_server(song: Path, tmp_path: Path) -> None:
    address = nobody()
    flags = ("--device", "null", "--server", address, "--play", song)
    refuses("client.py", ("--mode", "remote", *flags), 1, f"no server at {address}", "python server.py")
    alone = play(tmp_path, song, address, "hybrid", "--held", "10s")
    assert alone.text.count(f"no server at {address}") == 1 and "trying again" in alone.text
    count = len(alone.sound)
    assert difference(alone.sound, reference(SONG).mix(count).astype(np.float32)) < 1


def test_full_server(song: Path, piano: Path, tmp_path: Path) -> None:
    with serving("--wav", piano, "--max-clients", 1) as (_, address), ExitStack() as stack:
        assert Guest(stack, address).welcome
        flags = ("--device", "null", "--server", address, "--play", song)
        refuses("client.py", ("--mode", "remote", *flags), 1, "the server is full (1 of 1 players)")
        alone = play(tmp_path, song, address, "hybrid", "--held", "10s")
        assert "the server is full (1 of 1 players)" in alone.text and "playing what is held" in alone.text


def test_token(song: Path, piano: Path) -> None:
    with serving("--wav", piano, "--token", "swordfish") as (_, address):
        flags = (*REMOTE, "--server", address, "--play", song)
        for wrong in ((), ("--token", "salmon")):
            refuses("client.py", (*flags, *wrong), 1, "the token is wrong or missing", "--token")
        with running("client.py", *flags, "--token", "swordfish") as client:
            assert client.end() == 0, client.text


def test_other_version(address: str) -> None:
    said = answer(address, hello(version=99))
    assert said["type"] == "error" and "version" in said["text"] and "99" in said["text"], said


def test_a_server_of_another_kind(song: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with running("client.py", *REMOTE, "--server", address) as client:
            peer, _ = other.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                ends(client, 1, address, "does not answer like a NetAudio server")


def altered(folder: Path) -> Path:
    """The piano with another F4, as long as the server's."""
    wavs(folder, "piano", "organ")
    path = folder / "piano" / "F4.wav"
    path.unlink()
    sound, rate = soundfile.read(HOME / "wav" / "piano" / "F4.wav", always_2d=True)
    soundfile.write(path, np.ascontiguousarray(sound[:, ::-1]) * 0.5, rate, "PCM_16")
    return folder


@pytest.mark.parametrize("case", ["altered", "missing"])
def test_other_samples_than_the_servers(address: str, song: Path, case: str, tmp_path: Path) -> None:
    folder = altered(tmp_path / "wav") if case == "altered" else wavs(tmp_path / "wav", "organ")
    with tcp_relay(address) as relay:
        played = play(tmp_path, song, relay.address, "hybrid", "--wav", folder)
    why = "F4: another recording" if case == "altered" else "no files here"
    assert f"piano: {why}" in played.text and str(folder / "piano") in played.text, played.text
    assert "C4" not in played.text
    assert played.report["packets"]["received"] > 0, played.figures()
    # The server's piano, whole, with its latency.
    exact = reference(SONG, PIANO, delays=relay.delays).mix(len(played.sound)).astype(np.float32)
    assert difference(played.sound, exact, played.spans, OFFSET) <= 1, played.figures()


def test_a_killed_client_frees_its_place(song: Path, piano: Path, tmp_path: Path) -> None:
    with serving("--wav", piano, "--max-clients", 1) as (server, address):
        with playing(tmp_path / "first", song, address, "hybrid") as first:
            server.line("player joined")
            first.program.kill()
            server.line("player left")
        with playing(tmp_path / "second", song, address, "remote") as second:
            assert second.result().report["packets"]["received"] > 0


def test_a_silent_client_frees_its_place(piano: Path) -> None:
    """As of a pulled cable: its connection stays open, and nothing comes."""
    with serving("--wav", piano, "--max-clients", 1) as (quiet, address), connected(address) as one:
        one.sendall(hello())
        quiet.line("player joined")
        quiet.line("player left")
        with one.makefile("rb") as lines:
            kinds = [json.loads(line)["type"] for line in lines]
        assert kinds == ["welcome", "error"]


def test_who_comes_back_takes_no_second_place_and_no_second_port(piano: Path) -> None:
    """Whether the server has noticed that it had gone, or not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((LOOPBACK, 0))
        port = free.getsockname()[1]
    flags = "--wav", piano, "--max-clients", 1, "--udp-ports", f"{port}-{port}"
    with serving(*flags) as (_, address), ExitStack() as connections:
        session = secret = ""
        for turn in range(20):
            one = connections.enter_context(connected(address))
            one.sendall(hello(session=session, secret=secret))
            welcome = json.loads(connections.enter_context(one.makefile("rb")).readline())
            assert welcome.get("udp_port") == port, f"turn {turn}: {welcome}"
            session, secret = welcome["session"], welcome["secret"]
            if turn % 2 == 0:
                one.sendall(control.encode(control.Bye()))
        assert "full" in answer(address, hello())["text"]


def test_first_word_other_than_hello(address: str) -> None:
    said = answer(address, control.encode(control.Ping(1.0)))
    assert (said["type"], said["text"]) == ("error", "the first message must be a hello")
    with socket.create_connection(endpoint(address)):
        pass
    assert answer(address, hello())["type"] == "welcome"
