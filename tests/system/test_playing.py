"""A song of everything, played by the programs in each mode, compared frame by frame."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.programs import (
    BUFFER,
    CHUNK,
    OFFSET,
    RATE,
    Result,
    Timed,
    difference,
    on_the_clock,
    play,
    serving,
    write_midi,
)
from tests.support.relay import dead_port, tcp_relay
from tests.support.songs import (
    EPIANO,
    GUITAR,
    ORGAN,
    PIANO,
    RAMP,
    excused,
    notes_in,
    overlap,
    piece,
    reference,
    voices,
    window,
)

SONG = piece(seed=2, measures=5, programs=(PIANO, EPIANO, GUITAR, ORGAN))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as (_, address):
        yield address


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_midi(tmp_path_factory.mktemp("song") / "song.mid", SONG)


@pytest.fixture(scope="module")
def local(song: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return play(tmp_path_factory.mktemp("local"), song, None, "local")


def unharmed(result: Result) -> None:
    report = result.report
    figures = report["late_notes"], report["packets"]["lost"], report["frames"]["missing"]
    assert figures == (0, 0, 0), result.figures()


def check_whole(hybrid: Result, local: Result) -> None:
    """With whole samples held: local on every frame."""
    unharmed(hybrid)
    assert hybrid.spans == [] and hybrid.report["frames"]["uncovered"] == 0, hybrid.figures()
    assert difference(hybrid.sound, local.sound) <= 1, hybrid.figures()
    assert hybrid.report["knit_margin_frames"]["min"] > 0, hybrid.figures()


def check_heads(hybrid: Result, local: Result, song: Timed) -> None:
    """With heads alone: local but for a moment after what shapes a note that is older than its head."""
    unharmed(hybrid)
    frames, held = hybrid.report["frames"], hybrid.report["held_frames"]
    assert held == OFFSET + 2 * CHUNK + RAMP and "HELD raised to 110 ms" in hybrid.text
    assert frames["streamed"] > 0.5 * frames["played"], hybrid.figures()
    assert difference(hybrid.sound, local.sound, hybrid.spans) <= 1, hybrid.figures()
    may = excused(reference(song), len(local.sound) + RATE, held - RAMP, window(hybrid.report))
    assert overlap(hybrid.spans, may) == [], hybrid.figures()
    assert may.mean() < 0.6  # and so the rest is worth the name
    assert sum(end - first for first, end in hybrid.spans) == frames["uncovered"] > 0


def check_remote(remote: Result, local: Result) -> None:
    unharmed(remote)
    assert remote.spans == [], remote.figures()
    assert difference(remote.sound, local.sound, delay=OFFSET) <= 1, remote.figures()


def without_udp(folder: Path, song: Path, server: str) -> tuple[Result, int]:
    """The client's result, and the port that did not answer it."""
    with dead_port() as port, tcp_relay(server, lambda _: port) as relay:
        return play(folder, song, relay.address, "hybrid", "--held", "1"), port


def test_the_song_has_everything(local: Result) -> None:
    assert notes_in(SONG) == local.report["notes"] > 200
    assert voices(reference(SONG), len(local.sound)).max() > 32
    assert local.report["stolen"] > 10
    assert np.abs(local.sound).max() > 0.1


def test_local_is_the_readable_mix(local: Result) -> None:
    assert difference(local.sound, reference(SONG).mix(len(local.sound)).astype(np.float32)) < 1
    assert local.report["frames"]["uncovered"] == 0 and local.spans == []


@on_the_clock
def test_hybrid_with_whole_samples_is_local(server: str, song: Path, local: Result, tmp_path: Path) -> None:
    check_whole(play(tmp_path, song, server, "hybrid", "--held", "10s"), local)


@on_the_clock
def test_hybrid_with_heads_is_local_but_for_moments(server: str, song: Path, local: Result, tmp_path: Path) -> None:
    check_heads(play(tmp_path, song, server, "hybrid", "--held", "1"), local, SONG)


@on_the_clock
def test_remote_is_local_later_by_offset(server: str, song: Path, local: Result, tmp_path: Path) -> None:
    check_remote(play(tmp_path, song, server, "remote"), local)


def test_without_udp_nothing_is_streamed(server: str, song: Path, local: Result, tmp_path: Path) -> None:
    blocked, port = without_udp(tmp_path, song, server)
    with pytest.raises(AssertionError):
        check_heads(blocked, local, SONG)
    frames = blocked.report["frames"]
    assert frames["streamed"] == 0 and frames["missing"] > 0.5 * frames["played"], blocked.figures()
    held, most = blocked.report["held_frames"], 2 * BUFFER
    assert overlap(blocked.spans, excused(reference(SONG), len(local.sound) + RATE, held - RAMP, most))
    assert difference(blocked.sound, local.sound) > 1000
    assert f"UDP port {port}" in blocked.text, blocked.text
    # Even so what is said to be exact is exact.
    assert difference(blocked.sound, local.sound, blocked.spans) <= 1, blocked.figures()
