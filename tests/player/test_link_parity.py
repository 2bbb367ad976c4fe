"""What a link makes of parity packets."""

import numpy as np

from netaudio.player.link import Link
from netaudio.wire.parity import ParityEncoder
from tests.player.test_link import CHUNK, FRAMES, SSRC, audio, linked, reports


def sent_with_parity(lost: set[int]) -> tuple[Link, list[bytes]]:
    """After ten packets, those that were lost aside, with two parity packets at the end; and the ten."""
    link, encoder = linked(), ParityEncoder(SSRC)
    encoder.ask(0.2, 10)
    packets = [audio(k, 100 + 10 * k, heard=k) for k in range(10)]
    parity = [data for packet in packets for data in encoder.follow(packet)]
    for k, packet in enumerate(packets):
        if k not in lost:
            link.receive_datagram(packet, 0.1)
    link.receive_datagram(parity[-1], 0.1)
    return link, packets


def test_a_lost_packet_that_parity_brings_back_is_played_and_counted_apart() -> None:
    link, _ = sent_with_parity({4})
    packet = link.player.rings.remote.at(145)
    assert packet is not None
    assert (packet.position, packet.before, packet.heard) == (140, 4, 4)
    assert np.array_equal(packet.frames, FRAMES)
    assert (link.count.received, link.count.lost, link.count.recovered, link.count.strange) == (9, 1, 1, 0)
    assert len(link.slacks) == 9


def test_a_packet_that_comes_after_it_was_recovered_was_not_lost() -> None:
    link, packets = sent_with_parity({4})
    link.receive_datagram(packets[4], 0.2)
    assert (link.count.received, link.count.lost, link.count.recovered, link.count.duplicate) == (10, 0, 0, 0)


def test_what_comes_back_too_late_is_not_recovered() -> None:
    link, encoder = linked(), ParityEncoder(SSRC)
    encoder.ask(1.0, 4)
    packets = [audio(k, 100 + 10 * k) for k in range(4)]
    parity = [encoder.follow(packet)[0] for packet in packets]
    for packet in (packets[0], packets[2], packets[3]):
        link.receive_datagram(packet, 0.1)
    link.player.position = 115
    link.receive_datagram(parity[3], 0.1)
    assert (link.count.lost, link.count.recovered) == (1, 0)
    assert link.player.rings.remote.at(115) is not None


def test_parity_of_another_session_changes_nothing() -> None:
    link, encoder = linked(), ParityEncoder(SSRC + 8)
    encoder.ask(1.0, 4)
    link.receive_datagram(audio(0, 100), 0.1)
    link.receive_datagram(encoder.follow(audio(1, 110))[0], 0.1)
    assert (link.count.strange, link.count.recovered) == (1, 0)
    assert link.player.rings.remote.at(115) is None


def test_the_report_asks_for_parity_over_what_is_still_to_be_played() -> None:
    link = linked()
    for k in range(60):
        if k != 30:
            link.receive_datagram(audio(k, 100 + 10 * k), k / 100)
    (report,) = reports(link, 0.6)
    assert report.parity > 0
    assert report.window == report.slack // CHUNK == 10
    link.recovery.maximum = 0.0
    assert reports(link, 1.0)[0].parity == 0
