"""Bad networks between the programs: as a client simulates them, and as they are between two namespaces."""

from pathlib import Path

import numpy as np
import pytest

from netaudio.timing.network_model import Impairment
from tests.support.namespaces import bridge, in_namespaces
from tests.support.programs import Result, difference, play, serving, write_midi
from tests.support.songs import EPIANO, GUITAR, PIANO, notes_in, piece, reference

SONG = piece(21, 2, (PIANO, EPIANO, GUITAR))
AUTO = ("--offset", "auto", "--buffer-size", "auto")


def check(result: Result, impairment: Impairment) -> None:
    """That the network was as bad as it was meant to be, and was played over."""
    report, exact = result.report, reference(SONG).mix(len(result.sound)).astype(np.float32)
    assert report["notes"] == notes_in(SONG) > 50
    trip = 2 * impairment.delay + impairment.jitter
    assert report["round_trip_ms"]["p50"] > 1000 * (trip - impairment.jitter / 2), result.figures()
    assert report["packets"]["lost"] > 0, result.figures()
    assert report["frames"]["streamed"] > 0, result.figures()
    assert difference(result.sound, exact, result.spans) <= 1, result.figures()


def test_a_network_can_be_simulated(address: str, tmp_path: Path) -> None:
    text = "delay=30ms jitter=5ms loss=2% burst=3 twice=1% reorder=1%"
    path = write_midi(tmp_path / "song.mid", SONG)
    result = play(tmp_path, path, address, "hybrid", *AUTO, "--simulate", text)
    check(result, Impairment.parse(text))
    assert result.report["packets"]["duplicate"] > 0, result.figures()


@in_namespaces
@pytest.mark.parametrize("network", ["delay=1ms jitter=3ms loss=2%", "delay=30ms jitter=30ms loss=2% burst=3"])
def test_hybrid_is_exact_over(network: str, tmp_path: Path) -> None:
    path = write_midi(tmp_path / "song.mid", SONG)
    impairment = Impairment.parse(network)
    with (
        bridge(impairment, seed=1) as link,
        serving("--host", link.server.address, inside=link.server.enter) as (_, address),
    ):
        result = play(tmp_path, path, address, "hybrid", *AUTO, inside=link.client.enter)
    check(result, impairment)
