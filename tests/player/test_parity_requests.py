"""A client asks for parity by what it loses, and loses next to nothing."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.player.parity_requests import GIVE_UP_SECONDS, MEMORY_SECONDS, REORDERED, ParityRequests
from netaudio.wire.datagram import parse
from netaudio.wire.parity import MAX_RATE, MAX_WINDOW
from netaudio.wire.rtp import Audio
from tests.support.packets import is_parity
from tests.support.reference import Recording
from tests.support.wire import RATE, Stage

PACKETS = 375  # a second
WINDOW = 10


def after(
    lost: Iterable[int], count: int = 1000, requests: ParityRequests | None = None, first: int = 0
) -> ParityRequests:
    """What is known after these of the packets from `first` on did not come."""
    requests, lost = requests or ParityRequests(), set(lost)
    for k in range(first, first + count):
        if k not in lost:
            requests.receive(k, k / PACKETS)
        if k % 19 == 0:
            requests.wanted(k / PACKETS, WINDOW)
    return requests


def wanted(lost: Iterable[int], window: int = WINDOW) -> float:
    return after(lost).wanted(1000 / PACKETS, window)[0]


def test_nothing_is_asked_for_until_a_packet_is_lost_nor_when_that_is_long_ago() -> None:
    assert wanted(()) == 0
    requests = after([900])
    assert requests.wanted(1000 / PACKETS, WINDOW)[0] > 0
    after([], 1000, requests, 1000)
    assert requests.wanted(2000 / PACKETS, WINDOW)[0] > 0
    assert requests.wanted(1000 / PACKETS + MEMORY_SECONDS, WINDOW)[0] == 0


def test_the_more_is_lost_in_a_window_the_more_is_asked_for() -> None:
    single, three, burst = wanted([500]), wanted([500, 504, 508]), wanted([500, 501, 502, 503, 504])
    assert 0 < single < three < burst <= MAX_RATE
    assert wanted([500, 600, 700]) == single
    assert wanted([500], 30) < single


def test_what_was_overtaken_was_not_lost() -> None:
    requests = ParityRequests()
    for k in range(0, 1000, REORDERED):
        for sequence in reversed(range(k, k + REORDERED)):
            requests.receive(sequence, k / PACKETS)
    assert requests.wanted(1000 / PACKETS, WINDOW)[0] == 0


def test_an_outage_is_none_of_paritys_business() -> None:
    assert wanted(range(400, 800)) == 0


def test_where_much_is_lost_more_packets_would_be_more_harm() -> None:
    seconds = 2 * GIVE_UP_SECONDS
    requests = after([k for k in range(round(seconds * PACKETS)) if k % 3 == 0], round(seconds * PACKETS))
    assert requests.wanted(seconds, WINDOW)[0] == 0


@given(st.sets(st.integers(0, 900), min_size=1), st.integers(-5, 1000), st.sampled_from((0.0, 0.5, MAX_RATE)))
def test_what_is_asked_for_is_bounded(lost: set[int], window: int, maximum: float) -> None:
    requests = after(lost)
    requests.maximum = maximum
    rate, over = requests.wanted(1000 / PACKETS, window)
    assert 0 <= rate <= maximum
    assert 1 <= over <= MAX_WINDOW


# Both sides


def performance(seed: int, seconds: float, chunk: int = 12, buffer_size: int = 120, **network: Any) -> Stage:
    """Notes of 3 s, of which 1 s is held, six at a time: whatever is not recovered leaves a hole. A chunk lasts as
    long as 120 frames at 48 kHz."""
    noise = np.random.default_rng(seed).normal(0, 0.1, (8000, 2)).astype(np.float32)
    stage = Stage(
        [[Recording(noise, (100, 8000))] * 6], seed=seed, held=RATE, offset=600, buffer_size=buffer_size,
        chunk=chunk, block=chunk, payload="L24", delay=0.03,
    )  # fmt: skip
    stage.impair(**network)
    stage.connect()
    ons = [(k * RATE // 2, bytes((0x90, k % 6, 100))) for k in range(math.ceil(2 * seconds))]
    offs = [(at + 6 * RATE // 2 - 1, bytes((0x80, message[1], 0))) for at, message in ons]
    stage.player.post(stage.player.play, sorted(ons + offs))
    stage.run(seconds)
    return stage


def holes(stage: Stage, seconds: float) -> tuple[int, int, int]:
    """Missing frames, packets lost and packets recovered of the seconds to come."""
    tally, count = stage.player.knit.tally, stage.link.figures.packets
    missing, lost, recovered = tally.missing, count.lost, count.recovered
    stage.run(seconds)
    return tally.missing - missing, count.lost - lost, count.recovered - recovered


@pytest.mark.parametrize("burst", [1, 3])
def test_two_percent_leave_no_hole(burst: int) -> None:
    stage = performance(burst, 5.5, loss=0.02, burst=burst)
    missing, lost, recovered = holes(stage, 9.0)
    assert lost > 30
    assert missing <= stage.chunk
    assert recovered >= lost - 1
    assert stage.outcome().error <= 2.0**-20 * max(1.0, stage.outcome().peak)


def test_without_parity_two_percent_leave_holes() -> None:
    stage = performance(1, 2.0, loss=0.02)
    stage.link.receiver.parity_requests.maximum = 0.0
    stage.run(0.2)  # until the server knows
    missing, lost, recovered = holes(stage, 3.0)
    assert missing > 10 * stage.chunk
    assert recovered == 0 < lost


@pytest.mark.parametrize("chunk", [8, 301])
def test_what_comes_back_is_played_as_if_it_had_come(chunk: int) -> None:
    """With jitter that reorders, duplicates, and chunks of several packets."""
    stage = performance(7, 5.0, chunk, 10 * chunk, loss=0.03, twice=0.1, jitter=0.01, burst=2)
    recovered = stage.link.figures.packets.recovered
    assert 0 < recovered <= stage.link.figures.packets.lost
    assert stage.outcome().error <= 2.0**-20 * max(1.0, stage.outcome().peak)
    assert stage.link.figures.packets.strange == 0


@pytest.mark.slow
def test_parity_flows_only_while_there_is_loss_and_leaves_the_audio_a_plain_stream() -> None:
    stage = performance(2, 1.0)
    packets: list[bytes] = []

    def keep(data: bytes) -> bool:
        packets.append(data)
        return False

    stage.down.drop = keep
    stage.run(1.0)
    assert not any(map(is_parity, packets))
    stage.impair(loss=0.02)
    stage.run(3.0)
    shares = [sum(map(is_parity, packets[k:])) / len(packets[k:]) for k in (0, len(packets) // 2)]
    assert 0 < shares[0] < shares[1] < 0.5
    audio = [packet for packet in map(parse, packets) if isinstance(packet, Audio)]
    assert {packet.ssrc for packet in audio} == {stage.ssrc}
    assert np.all(np.diff([packet.sequence for packet in audio]) == 1)
    stage.impair()
    stage.run(MEMORY_SECONDS + 1)
    packets.clear()
    stage.run(0.5)
    assert packets
    assert not any(map(is_parity, packets))


def test_loss_alone_never_grows_the_slack_that_is_aimed_at() -> None:
    leads = []
    for loss in (0.0, 0.05):
        stage = performance(3, 4.0, loss=loss)
        leads.append(stage.session.pacer.lead)
        slack = stage.link.receiver.slacks.lowest(stage.time)
        assert slack == pytest.approx(stage.buffer_size, abs=stage.chunk)
    assert leads[1] == pytest.approx(leads[0], abs=stage.chunk)
