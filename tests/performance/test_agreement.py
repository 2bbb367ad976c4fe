"""Both sides decide alike, and no note is left."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netaudio.modes import Mode
from netaudio.player.player import Outbox
from netaudio.sampler.snapshot import ScoreState, check_state
from tests.performance.test_law import NETWORKS, SEEDS, SIZES, TURNS, Performance, Sizes, check_law
from tests.support.sounds import noises, random_song
from tests.support.wire import RATE, Network, Stage, memory

pytestmark = pytest.mark.slow


@settings(max_examples=30)
@given(SEEDS, SIZES, NETWORKS, TURNS, st.sampled_from(("hybrid", "remote", "local")))
def test_no_note_is_left_when_all_keys_are_up(
    seed: int, sizes: Sizes, network: Network, turns: list[str], mode: Mode
) -> None:
    stage = Performance(seed, sizes, network, turns, mode).play(after=3.0)
    assert stage.player.score.voices == []
    assert stage.session.score.voices == []
    assert stage.player.song_end is not None


@settings(max_examples=70)
@given(SEEDS, SIZES, NETWORKS, TURNS, st.sampled_from(("hybrid", "remote", "local")))
def test_both_sides_decide_alike(seed: int, sizes: Sizes, network: Network, turns: list[str], mode: Mode) -> None:
    stage = Performance(seed, sizes, network, turns, mode, gap=30, released=False).play(after=1.0)
    client, server, now = stage.player.score, stage.session.score, stage.player.position
    assert server.seq == client.seq
    assert memory(server, now) == memory(client, now)
    for mine, other in zip(client.state().channels, server.state().channels, strict=True):
        assert mine._replace(lines=[]) == other._replace(lines=[])
        assert [line[-1] for line in mine.lines] == [line[-1] for line in other.lines]


@settings(max_examples=8)
@given(SEEDS, st.sampled_from((8, 32, 50)), st.sampled_from((32, 256)), st.sampled_from((0.1, 0.3)))
def test_both_sides_decide_alike_in_a_flood_of_events(seed: int, chunk: int, block: int, loss: float) -> None:
    """More events than a report carries are under way at a time."""
    rng = np.random.default_rng(seed)
    stage = Stage(noises(rng), seed=seed, chunk=chunk, block=block, polyphony=8, delay=0.05, jitter=0.03, loss=loss)
    stage.connect()
    while not stage.session.playing:
        stage.run(0.1)
    song = random_song(rng, 250, 6, released=False)
    stage.player.post(stage.player.play, song)
    stage.run(song[-1][0] / RATE + 0.8)
    assert stage.session.score.seq == stage.player.score.seq
    assert stage.session.score.stolen == stage.player.score.stolen
    check_law(stage)


@settings(max_examples=20)
@given(SEEDS, st.sampled_from((1, 2, 4)), st.sampled_from(("hybrid", "remote")))
def test_a_server_takes_every_state_that_a_client_gets_into(seed: int, polyphony: int, mode: Mode) -> None:
    rng = np.random.default_rng(seed)
    stage = Stage(noises(rng), mode=mode, polyphony=polyphony)
    stage.player.post(stage.player.play, random_song(rng, 60, 40))
    for _ in range(4):
        stage.run(0.05)
        stage.player.post(stage.player.join, stage.chunk, polyphony, Outbox())
        stage.run(0.01)
        state = stage.player.outbox[0]
        assert isinstance(state, ScoreState)
        check_state(state, polyphony, stage.player.score.ramp)
