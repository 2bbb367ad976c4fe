"""Audio packets are put into the jitter buffer, and counted as what they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.timing.latency_budget import CAPACITY
from netaudio.wire.parity import ParityEncoder
from netaudio.wire.rtcp import UNKNOWN_SLACK
from tests.support.linked import FRAMES, SSRC, Linked, audio


def test_audio_goes_into_the_ring_at_its_position() -> None:
    linked = Linked()
    linked.receive(audio(1, 60, heard=3))
    packet = linked.player.rings.remote.at(65)
    assert packet is not None
    assert (packet.position, packet.before, packet.heard) == (60, 3, 3)
    assert np.array_equal(packet.frames, FRAMES)


def test_positions_go_on_where_the_timestamp_wraps() -> None:
    linked = Linked()
    linked.player.position = (1 << 32) - 20
    linked.receive(audio(1, (1 << 32) + 14))
    assert linked.player.rings.remote.at((1 << 32) + 14) is not None


@given(st.permutations(range(20)), st.integers(0, 0xFFFF), st.sets(st.integers(0, 19)), st.lists(st.integers(0, 19)))
def test_packets_are_counted_in_any_order(order: list[int], first: int, lost: set[int], again: list[int]) -> None:
    """What came before the first packet that arrived is not known to be lost."""
    linked, came = Linked(), [k for k in order if k not in lost]
    repeated = [k for k in again if k in came]
    for k in came + repeated:
        linked.receive(audio((first + k) & 0xFFFF, 100 + 10 * k))
    known = range(came[0], max(came) + 1) if came else range(0)
    count = linked.figures.packets
    assert (count.received, count.duplicate, count.strange) == (len(came), len(repeated), 0)
    assert count.lost == len([k for k in known if k in lost])


def test_what_came_late_is_counted_and_what_of_it_is_left_is_played() -> None:
    linked = Linked()
    linked.player.position = 35
    linked.receive(audio(1, 30))
    linked.receive(audio(2, 20))
    linked.receive(audio(3, 40))
    assert linked.figures.packets.late == 2
    assert [linked.player.rings.remote.at(n) is not None for n in (25, 35, 45)] == [False, True, True]


def test_before_the_player_has_joined_audio_is_ignored() -> None:
    linked = Linked()
    linked.player.leave()
    linked.receive(audio(1, 60))
    assert linked.figures.packets.received == 0
    assert linked.link.receiver.last_audio is None


def test_the_report_says_what_was_lost_and_how_early_packets_came() -> None:
    linked = Linked()
    assert linked.reported(0.0).slack == UNKNOWN_SLACK
    for k in (0, 1, 2, 3, 8):
        linked.receive(audio(0xFFFE + k & 0xFFFF, 100 + 10 * k), 0.1)
    report = linked.reported(0.1)
    assert (report.lost, report.fraction_lost, report.highest_sequence) == (4, 256 * 4 // 9, 0xFFFE + 8)
    assert report.slack == 90
    report = linked.reported(1.0)
    assert (report.lost, report.fraction_lost) == (4, 0)
    assert linked.figures.slacks.counts == {90: 1, 100: 1, 110: 1, 120: 1, 170: 1}


def test_slacks_beyond_the_rings_are_all_alike() -> None:
    linked = Linked()
    linked.receive(audio(1, 1 << 30))
    linked.receive(audio(2, 1 << 29))
    assert linked.figures.slacks.counts == {CAPACITY: 2}


# Parity


def with_parity(lost: set[int]) -> tuple[Linked, list[bytes]]:
    """After ten packets, those that were lost aside, with two parity packets at the end; and the ten."""
    linked, encoder = Linked(), ParityEncoder(SSRC)
    encoder.ask(0.2, 10)
    packets = [audio(k, 100 + 10 * k, heard=k) for k in range(10)]
    parity = [data for packet in packets for data in encoder.follow(packet)]
    for k, packet in enumerate(packets):
        if k not in lost:
            linked.receive(packet, 0.1)
    linked.receive(parity[-1], 0.1)
    return linked, packets


def test_a_lost_packet_that_parity_brings_back_is_played_and_counted_apart() -> None:
    linked, _ = with_parity({4})
    packet = linked.player.rings.remote.at(145)
    assert packet is not None
    assert (packet.position, packet.before, packet.heard) == (140, 4, 4)
    assert np.array_equal(packet.frames, FRAMES)
    count = linked.figures.packets
    assert (count.received, count.lost, count.recovered, count.strange) == (9, 1, 1, 0)
    assert len(linked.link.receiver.slacks.since(0.0)) == 9


def test_a_packet_that_comes_after_it_was_recovered_was_not_lost() -> None:
    linked, packets = with_parity({4})
    linked.receive(packets[4], 0.2)
    count = linked.figures.packets
    assert (count.received, count.lost, count.recovered, count.duplicate) == (10, 0, 0, 0)


@pytest.mark.parametrize(("position", "recovered"), [(110, 1), (115, 0)])
def test_what_comes_back_too_late_is_not_recovered(position: int, recovered: int) -> None:
    linked, encoder = Linked(), ParityEncoder(SSRC)
    encoder.ask(1.0, 4)
    packets = [audio(k, 100 + 10 * k) for k in range(4)]
    parity = [encoder.follow(packet)[0] for packet in packets]
    for packet in (packets[0], packets[2], packets[3]):
        linked.receive(packet, 0.1)
    linked.player.position = position
    linked.receive(parity[3], 0.1)
    assert (linked.figures.packets.lost, linked.figures.packets.recovered) == (1, recovered)
    assert linked.player.rings.remote.at(115) is not None
