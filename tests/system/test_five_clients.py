"""A full house: five players at once, each of them exact, and a sixth who is told."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from tests.support.programs import (
    RATE,
    Playing,
    Result,
    Timed,
    difference,
    on_the_clock,
    playing,
    recorded,
    running,
    serving,
    write_midi,
)
from tests.support.songs import (
    EPIANO,
    GUITAR,
    ORGAN,
    PIANO,
    RAMP,
    Window,
    excused,
    in_time,
    overlap,
    reference,
    voices,
    wall,
)

SECONDS = 6
PLAYERS: tuple[tuple[int, str, tuple[object, ...], int], ...] = (  # instrument, mode, flags, chunk
    (PIANO, "hybrid", ("--held", "10s"), 128),
    (EPIANO, "hybrid", ("--held", "1"), 128),
    (GUITAR, "hybrid", (), 128),
    (ORGAN, "remote", (), 128),
    (PIANO, "remote", ("--chunk-size", 256), 256),
)
START, CALM = 1.5, 2.0  # seconds that one takes to start, and that all wait then


def song_of(number: int, seconds: float) -> Timed:
    """Its first note waits until those that are started later have read their instruments, too."""
    rest = round(((len(PLAYERS) - 1 - number) * START + CALM) * RATE)
    return [(rest + at, message) for at, message in wall(number, seconds, PLAYERS[number][0])]


def check(number: int, result: Result, seconds: float, window: Window = in_time) -> None:
    """What each of the players is promised."""
    _, mode, flags, chunk = PLAYERS[number]
    song, report = song_of(number, seconds), result.report
    score, count = reference(song), song[-1][0] + 2 * RATE
    assert np.count_nonzero(voices(score, count) >= 32) > 0.9 * seconds * RATE
    figures = report["late_notes"], report["packets"]["lost"], report["frames"]["missing"]
    assert figures == (0, 0, 0), result.figures()
    may = excused(score, count, report["held_frames"] - RAMP, window(report, chunk))
    assert overlap(result.spans, may) == [], result.figures()
    assert result.spans == [] or (mode == "hybrid" and "10s" not in flags), result.figures()
    delay = report["offset_frames"] if mode == "remote" else 0
    exact = score.mix(count).astype(np.float32)
    assert difference(result.sound, exact, result.spans, delay) <= 1, result.figures()


def five(folder: Path, seconds: float) -> tuple[list[Result], str, str]:
    """All at once: their results, what a sixth was told meanwhile, and what the server said to the end."""
    with ExitStack() as stack:
        server, address = stack.enter_context(serving())
        players: list[Playing] = []
        for number, (_, mode, flags, _) in enumerate(PLAYERS):
            song = write_midi(folder / f"{number}.mid", song_of(number, seconds))
            players.append(stack.enter_context(playing(folder / str(number), song, address, mode, *flags)))
            recorded(players[-1], 0)
        server.line(r"joined.*\(5 of 5\)")
        with running("client.py", "--mode", "remote", "--device", "null", "--server", address) as sixth:
            assert sixth.end() == 1
        for player in players:
            assert player.program.process.poll() is None, "the sixth came when one of the five had gone"
        results = [player.result(seconds + 60) for player in players]
        server.process.terminate()
        assert server.end() == 0
    return results, sixth.text, server.text


@on_the_clock
def test_five_at_once(tmp_path: Path) -> None:
    results, told, _ = five(tmp_path, SECONDS)
    assert "the server is full (5 of 5 players)" in told and len(told.splitlines()) == 1, told
    for number, result in enumerate(results):
        check(number, result, SECONDS)
