"""One client wants all of a server: who plays beside it misses nothing, and the server ends when it is told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netaudio.midi import EXPRESSION, VOLUME, control_change, note_on, pitch_bend
from tests.support.attacks import ATTACKS, attacked
from tests.support.canary import canary
from tests.support.programs import (
    HOME,
    RATE,
    Playing,
    Program,
    Timed,
    playing,
    recorded,
    serving,
    write_midi,
)

SECONDS = 3  # of an attack
ENDS_WITHIN = 10.0
GROWTH = 100.0  # MB
PATIENT = ("--offset", "600ms", "--buffer-size", "400ms")  # the machine is busy, as are the attackers
CHORD = [(0, note_on(0, key, 60)) for key in range(40, 72)]


@pytest.fixture(scope="module")
def instruments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wav")
    for name in ("piano", "organ"):
        (folder / name).symlink_to(HOME / "wav" / name, target_is_directory=True)
    return folder


def moving(times: int) -> Timed:
    """A held chord, and volume, expression and bend so many times a second each."""
    step = RATE // times
    moves = [
        (RATE + turn * step + lag * step // 3, message)
        for turn in range(60 * times)
        for lag, message in enumerate(
            (
                control_change(0, VOLUME, 40 + turn % 80),
                control_change(0, EXPRESSION, 50 + turn * 7 % 70),
                pitch_bend(0, 8192 + turn * 31 % 4000),
            )
        )
    ]
    return [*CHORD, *moves]


def memory(program: Program) -> float:
    """MB resident."""
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def beside(folder: Path, server: Program, address: str) -> Iterator[Playing]:
    """One who plays from the server alone, and misses nothing that the machine does not make it miss."""
    folder.mkdir(exist_ok=True)
    song = write_midi(folder / "song.mid", [*CHORD, (60 * RATE, bytes((0x80, 40, 0)))])
    with canary() as bird, playing(folder, song, address, "remote", "--instrument", "organ", *PATIENT) as player:
        server.line("player joined")
        recorded(player, RATE)
        yield player
        result = player.leave()
    frames = result.report["frames"]
    excused = 4 * RATE * bird.stalled
    assert frames["missing"] <= excused and frames["uncovered"] <= excused, (bird, result.figures(), server.text)
    assert frames["played"] > (SECONDS + 1) * RATE
    assert abs(result.sound[-RATE:]).max() > 0.01


def ends(server: Program) -> None:
    server.process.terminate()
    server.end(ENDS_WITHIN)


@pytest.mark.parametrize("name", ATTACKS)
def test_one_client_silences_no_other(name: str, instruments: Path, tmp_path: Path) -> None:
    with serving("--wav", instruments) as (server, address):
        before = memory(server)
        with beside(tmp_path, server, address) as player:
            with attacked(name, address) as attack:
                server.line("player joined", 2)
                recorded(player, player.frames + SECONDS * RATE)
            assert attack.done.sent > 0
            assert memory(server) - before < GROWTH
        joined = server.text.count("player joined")
        with attacked(name, address):
            server.line("player joined", joined + 1)
            ends(server)


def test_nor_do_two_workers_fall_silent(instruments: Path, tmp_path: Path) -> None:
    with serving("--wav", instruments, "--workers", 2) as (server, address):
        with (
            beside(tmp_path, server, address) as player,
            attacked("the heaviest state", address),
            attacked("events without end", address),
        ):
            server.line("player joined", 3)
            recorded(player, player.frames + SECONDS * RATE)
        joined = server.text.count("player joined")
        with attacked("the heaviest state", address):
            server.line("player joined", joined + 1)
            ends(server)


@pytest.mark.parametrize("times", [100, 1000])
def test_pedals_that_move_silence_nobody(times: int, instruments: Path, tmp_path: Path) -> None:
    """Nor him who moves them, under 32 notes."""
    song = write_midi(tmp_path / "pedals.mid", moving(times))
    with serving("--wav", instruments) as (server, address):
        with beside(tmp_path / "beside", server, address):
            flags = ("--instrument", "organ", *PATIENT)
            with canary() as bird, playing(tmp_path / "pedals", song, address, "hybrid", *flags) as other:
                recorded(other, (SECONDS + 1) * RATE)
                result = other.leave()
            frames = result.report["frames"]
            assert frames["missing"] <= 4 * RATE * bird.stalled, (bird, result.figures())
            assert "lost the server" not in result.text, result.text
        ends(server)
