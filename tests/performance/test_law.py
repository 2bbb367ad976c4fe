"""The heart of the program: whatever the network does, what is held sounds as if it were local."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netaudio.modes import Mode
from netaudio.player.concealment import NOISE
from netaudio.sampler.region import LEVEL
from netaudio.wire.datagram import parse
from netaudio.wire.rtp import Audio
from tests.support.reference import Recording
from tests.support.sounds import noises, random_song, sines
from tests.support.wire import RATE, Network, Outcome, Stage

RAMP = 24  # frames: 5 ms
OFFSET = 480
EXACT = 2.0**-20
ON = bytes((0x90, 0, 127))
OFF = bytes((0x80, 0, 0))


@dataclass(frozen=True)
class Sizes:
    """In frames, but for the polyphony."""

    chunk: int
    block: int
    polyphony: int
    buffer_size: int


SEEDS = st.integers(0, 9999)
SIZES = st.builds(
    Sizes,
    chunk=st.sampled_from((32, 8, 50, 64, 150, 301, 512)),
    block=st.sampled_from((32, 16, 37, 100, 256, 1500)),
    polyphony=st.sampled_from((8, 4)),
    buffer_size=st.sampled_from((192, 64, 400)),
)
NETWORKS = st.builds(
    Network,
    delay=st.sampled_from((0.01, 0.0, 0.05)),
    jitter=st.sampled_from((0.0, 0.01, 0.03)),  # more than a chunk's time: it reorders
    loss=st.sampled_from((0.0, 0.05, 0.3)),
    twice=st.sampled_from((0.0, 0.1)),
)
WHOLE_OR_HEADS = st.sampled_from((None, 0, 300))  # frames held beyond the least, or whole samples
TURNS = st.lists(
    st.sampled_from(("local", "remote", "hybrid", "shorter", "loud", "quiet", "outage", "chunk")), max_size=3
)  # fmt: skip
HELD_TURNS = st.lists(st.sampled_from(("local", "hybrid", "shorter", "quiet", "outage", "chunk")), max_size=3)


@dataclass(frozen=True)
class Performance:
    """A random song on a random network, with turns taken while it plays."""

    seed: int
    sizes: Sizes
    network: Network
    turns: Sequence[str] = ()
    mode: Mode = "hybrid"
    more: int | None = None  # frames held beyond the least; None: whole samples
    payload: str = "F32"
    sounds: Callable[[np.random.Generator], list[list[Recording]]] = noises
    gap: int = 100
    released: bool = True

    def play(self, after: float = 0.5) -> Stage:
        """The stage, `after` seconds after the last event."""
        rng, sizes, network = np.random.default_rng(self.seed), self.sizes, self.network
        held = None if self.more is None else OFFSET + 2 * sizes.chunk + RAMP + self.more
        stage = Stage(
            self.sounds(rng), seed=self.seed, mode=self.mode, held=held, offset=OFFSET, payload=self.payload,
            chunk=sizes.chunk, block=sizes.block, polyphony=sizes.polyphony, buffer_size=sizes.buffer_size,
            delay=network.delay, jitter=network.jitter, loss=network.loss, twice=network.twice,
        )  # fmt: skip
        song = random_song(rng, int(rng.integers(1, 60)), int(rng.choice((self.gap // 5, self.gap))), self.released)
        stage.connect()
        stage.run(float(rng.choice((0.0, 0.2))))
        begun = stage.time
        stage.player.post(stage.player.play, song)
        for turn in self.turns:
            stage.run(rng.uniform(0.05, 0.3))
            take(stage, turn)
        stage.run(max(0.0, begun + song[-1][0] / RATE - stage.time) + after)
        return stage


def take(stage: Stage, turn: str) -> None:
    player = stage.player
    if turn == "outage":
        stage.disconnect()
        stage.run(0.15)
        stage.connect()
    elif turn == "chunk":  # as between remote and hybrid mode
        stage.disconnect()
        stage.chunk = 75 if stage.chunk != 75 else 40
        stage.connect()
    elif turn in ("loud", "quiet"):
        player.post(player.set_volume, 2.0 if turn == "loud" else 0.1)
    elif turn == "shorter":
        player.post(player.set_mode, player.mode, 200)
    else:
        player.post(player.set_mode, turn, OFFSET)


def check_law(stage: Stage, tolerance: float = EXACT) -> Outcome:
    outcome, tally = stage.outcome(), stage.player.knit.tally
    assert outcome.error <= tolerance
    assert sum(end - first for first, end in tally.spans) == tally.uncovered + tally.deferred
    assert all(first < end for first, end in tally.spans)
    assert all(before[1] < after[0] for before, after in pairwise(tally.spans))
    assert tally.missing <= tally.uncovered <= tally.played
    return outcome


def steepest_fade(size: int, chunk: int) -> float:
    """By how much a fade may move in a frame, in a stream whose chunks come in packets of `size` frames."""
    shortest = min(RAMP, size, chunk % size or size)
    return max(1 / shortest, 2 / size) if size > RAMP else 1 / shortest  # the mirror image of a fade-in fades


def without_click(stage: Stage, outcome: Outcome) -> bool:
    steepest = max(steepest_fade(stage.payload.packet_frames(chunk), chunk) for chunk in stage.chunks)
    step = np.abs(np.diff(outcome.out, axis=0, prepend=0.0)).max(axis=1)
    return bool((step <= outcome.steps + outcome.peaks * steepest + NOISE).all())  # what is less is not continued


# 1 and 3: what is covered is exact, and what is not is counted


@pytest.mark.slow
@settings(max_examples=200)
@given(SEEDS, SIZES, NETWORKS, TURNS, st.sampled_from(("hybrid", "remote", "local")), WHOLE_OR_HEADS)
def test_covered_frames_are_exact(
    seed: int, sizes: Sizes, network: Network, turns: list[str], mode: Mode, more: int | None
) -> None:
    check_law(Performance(seed, sizes, network, turns, mode, more).play())


@settings(max_examples=6)
@given(SEEDS, SIZES, NETWORKS, st.sampled_from(("hybrid", "remote")))
def test_24_bits_are_as_good(seed: int, sizes: Sizes, network: Network, mode: Mode) -> None:
    check_law(Performance(seed, sizes, network, mode=mode, payload="L24").play())


@settings(max_examples=50)
@given(SEEDS, SIZES, NETWORKS, HELD_TURNS, st.sampled_from(("hybrid", "local")))
@example(541, Sizes(32, 32, 8, 192), Network(0.01), ["local", "outage"], "hybrid").via("a sample ends before a hole")
def test_whatever_the_network_does_whole_samples_sound_as_if_local(
    seed: int, sizes: Sizes, network: Network, turns: list[str], mode: Mode
) -> None:
    stage = Performance(seed, sizes, network, turns, mode).play()
    check_law(stage)
    assert stage.player.knit.tally.uncovered == 0


def test_a_tail_in_time_is_streamed_and_nothing_is_uncovered() -> None:
    stage = Stage([[Recording(np.ones((3000, 2), np.float32) * LEVEL)]], held=OFFSET + 2 * 32 + RAMP)
    stage.connect()
    stage.player.post(stage.player.play, [(1000, ON)])
    stage.run(1.0)
    tally = stage.player.knit.tally
    assert check_law(stage).out[1000:4000].min() == pytest.approx(LEVEL)
    assert tally.uncovered == 0
    assert 3000 - OFFSET - 32 < tally.streamed <= 3000 - OFFSET
    assert len(tally.margins) == 1
    assert tally.margins[0] > 0


# 2: nothing clicks


@pytest.mark.slow
@settings(max_examples=110)
@given(SEEDS, SIZES, NETWORKS, TURNS, st.sampled_from(("hybrid", "remote", "local")), WHOLE_OR_HEADS)
@example(592, Sizes(50, 32, 8, 192), Network(0.0, 0.0, 0.05, 0.1), ["hybrid", "remote"], "hybrid", 300).via(
    "a hole in the last 5 ms of a streamed voice's held data"
)
@example(738, Sizes(32, 256, 4, 400), Network(0.05, 0.0, 0.3, 0.1), [], "hybrid", 300).via(
    "a hole right after a packet that faded a note in"
)
@example(34, Sizes(50, 16, 8, 192), Network(0.05, 0.0, 0.3), [], "remote", None).via(
    "a stream that comes back while a fade-in's mirror image sounds"
)
@example(3590, Sizes(8, 37, 4, 192), Network(0.0, 0.0, 0.05), ["loud", "shorter"], "hybrid", 300).via(
    "a release that begins on a packet's last frame"
)
def test_nothing_clicks(
    seed: int, sizes: Sizes, network: Network, turns: list[str], mode: Mode, more: int | None
) -> None:
    stage = Performance(seed, sizes, network, turns, mode, more, sounds=sines, gap=500).play()
    assert without_click(stage, check_law(stage))


@pytest.mark.parametrize("block", [32, 100, 1500])
def test_a_remote_note_without_a_server_is_silent(block: int) -> None:
    stage = Stage([[Recording(np.ones((2000, 2), np.float32))]], mode="remote", block=block)
    stage.player.post(stage.player.play, [(10, ON)])
    stage.run(0.6)
    assert not np.concatenate(stage.blocks).any()
    assert stage.player.knit.tally.missing == 2000


@pytest.mark.parametrize("crest", [-40, -1, 0, 16, 31, 32, 50])
def test_a_hole_near_the_crest_of_a_remote_sound_fades_out_and_in(crest: int) -> None:
    hole, on = 2400, 1000
    n = on + OFFSET + np.arange(4000)
    wave = np.cos(2 * np.pi * (n - hole - crest) / 960)[:, None] * np.clip(np.arange(4000) / 480, 0, 1)[:, None]
    stage = Stage([[Recording(np.repeat(wave, 2, axis=1).astype(np.float32))]], mode="remote", offset=OFFSET)
    stage.connect()
    stage.down.drop = lambda data: isinstance(packet := parse(data), Audio) and packet.timestamp == hole
    stage.player.post(stage.player.play, [(on, ON)])
    stage.run(0.8)
    assert without_click(stage, check_law(stage))
    assert stage.player.knit.tally.spans[-1] == [hole, hole + 32 + RAMP - 1]


# 4: the block size changes nothing


@settings(max_examples=8)
@given(SEEDS, st.sampled_from((32, 50, 301)), st.sampled_from((16, 37, 1500)), st.sampled_from(("hybrid", "remote")))
def test_the_same_comes_out_for_every_block_size(seed: int, chunk: int, block: int, mode: Mode) -> None:
    assert np.allclose(steady(seed, mode, chunk, 64), steady(seed, mode, chunk, block), rtol=0, atol=1e-6)


WIDE = 3000  # frames


def steady(seed: int, mode: Mode, chunk: int, block: int) -> Any:
    """5400 frames of a song that begins when the stream flows; OFFSET has room for the largest block."""
    rng = np.random.default_rng(seed)
    stage = Stage(noises(rng), mode=mode, offset=WIDE, chunk=chunk, block=block, buffer_size=600)
    song = [(3000 + at, message) for at, message in random_song(rng, 40, 60)]
    stage.connect()
    stage.player.post(stage.player.play, song)
    stage.run(7600 / RATE)
    assert stage.player.knit.tally.uncovered == 0
    return np.concatenate(stage.blocks)[2200:7600]


# 5: remote


@settings(max_examples=8)
@given(SEEDS, st.sampled_from((32, 50, 301)), st.sampled_from((32, 100)))
def test_remote_is_local_delayed_by_exactly_the_offset(seed: int, chunk: int, block: int) -> None:
    remote, local = steady(seed, "remote", chunk, block), steady(seed, "local", chunk, block)
    assert np.allclose(remote[WIDE:], local[:-WIDE], rtol=0, atol=EXACT)


@pytest.mark.parametrize("length", [300, 1500])
def test_a_late_remote_note_plays_whole(length: int) -> None:
    sound = np.repeat((1 + np.arange(2000)[:, None]) / 8192, 2, axis=1).astype(np.float32)
    stage = Stage([[Recording(sound)]], mode="remote", offset=0)
    stage.connect()
    stage.run(0.5)
    pressed = stage.player.position
    stage.player.post(stage.player.play, [(0, ON), (length, OFF)])
    stage.run(1.0)
    (delay,) = stage.delays.values()
    out, first, last = check_law(stage).out, pressed + delay, pressed + delay + length
    assert delay > 0
    assert stage.player.late_notes == 1
    assert not out[:first].any()
    assert np.allclose(out[first + 32 : last], sound[32:length], rtol=0, atol=EXACT)  # it is faded in for a packet
    assert not out[last + 480 :].any()
