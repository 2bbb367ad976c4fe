"""What a player is told while notes come late."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from netaudio.client.autotune import FORGIVE_SECONDS, LATE_NOTES, Auto
from netaudio.client.connector import Connector
from netaudio.client.library import Library
from netaudio.config.load import client_settings
from netaudio.units import Span
from tests.support.sounds import noises
from tests.support.wire import Stage


def late(offset: int) -> Auto:
    """On a round trip of 20 ms, at an OFFSET of so many frames, after a few late notes."""
    stage = Stage(noises(np.random.default_rng(1)), delay=0.01)
    stage.connect()
    stage.run(1.0)
    settings = replace(
        client_settings().defaults(), offset=Span(offset), buffer_size=Span(192), chunk_size=stage.chunk
    )
    library = Library(Path("nowhere"), stage.player.rate, stage.player.bank, print)
    connector = Connector(settings, None, stage.player, library, print)
    connector.figures = stage.link.figures
    auto = Auto(settings, stage.player, connector, library, print)
    for second in range(LATE_NOTES):
        assert not auto.hint
        auto.warn(second, second + 1)
    return auto


def test_it_is_told_while_notes_come_late_and_no_longer() -> None:
    auto, last = late(offset=100), LATE_NOTES - 1.0
    assert auto.hint.startswith("notes come late: this network asks for an OFFSET of ")
    auto.warn(last + FORGIVE_SECONDS, LATE_NOTES)
    assert auto.hint
    auto.warn(last + FORGIVE_SECONDS + 0.1, LATE_NOTES)
    assert not auto.hint


def test_another_offset_is_given_its_chance() -> None:
    auto = late(offset=100)
    auto.fix(150, "hybrid")
    auto.warn(LATE_NOTES, LATE_NOTES + 1)
    assert not auto.hint


def test_an_offset_that_is_long_enough_is_not_blamed() -> None:
    assert not late(offset=5000).hint
