"""Audio packets that are lost come back from parity packets, bit for bit."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.errors import ProtocolError
from netaudio.units import unwrap16
from netaudio.wire.datagram import MAX_DATAGRAM, parse
from netaudio.wire.parity import MAX_RATE, MAX_WINDOW, Parity, ParityDecoder, ParityEncoder, parity_ssrc
from netaudio.wire.payload import MAX_PAYLOAD
from netaudio.wire.rtp import Audio
from tests.support.packets import pack_audio

SSRC, TYPE = 10, 96
SEEDS = st.integers(0, 9999)
Sent = tuple[list[bytes], list[list[bytes]]]


def sent(seed: int, count: int, rate: float, window: int, first: int = 0) -> Sent:
    """Audio packets of all lengths, and the parity packets that follow each."""
    rng, encoder = np.random.default_rng(seed), ParityEncoder(SSRC)
    encoder.ask(rate, window)
    audio = [
        pack_audio(Audio(TYPE, first + k, timestamp, SSRC, k, k + 1, rng.bytes(length)))
        for k, (timestamp, length) in enumerate(rng.integers(1, (1 << 32, 50), (count, 2)).tolist())
    ]
    return audio, [encoder.follow(data) for data in audio]


def received(datagrams: Iterable[bytes], first: int = 0) -> list[bytes]:
    """What comes back, in its order."""
    decoder, out = ParityDecoder(SSRC, TYPE), list[Audio]()
    for packet in map(parse, datagrams):
        if isinstance(packet, Parity):
            out += decoder.receive_parity(packet)
        else:
            assert isinstance(packet, Audio)
            out += decoder.receive_audio(unwrap16(packet.sequence, first), packet)
    return [pack_audio(packet) for packet in out]


@given(SEEDS, st.sets(st.integers(1, 9), min_size=1), st.data())
def test_as_many_parity_packets_as_were_lost_bring_all_back_and_fewer_none(
    seed: int, lost: set[int], data: st.DataObject
) -> None:
    audio, follow = sent(seed, 16, MAX_RATE, 16, 0xFFF8)
    parity = data.draw(st.permutations([packet for packets in follow[9:] for packet in packets]))
    came = [packet for k, packet in enumerate(audio) if k not in lost]
    assert sorted(received([*came, *parity[: len(lost)]], 0xFFF8)) == sorted(audio[k] for k in lost)
    assert received([*came, *parity[: len(lost) - 1]], 0xFFF8) == []


@given(SEEDS, st.sampled_from((0.25, 0.5, 1.0, 1.7)), st.integers(1, MAX_WINDOW), st.sampled_from((0.0, 0.1, 0.4)))
def test_whatever_is_lost_and_overtaken_only_what_was_lost_comes_back_once_and_the_same(
    seed: int, rate: float, window: int, loss: float
) -> None:
    rng = np.random.default_rng(seed)
    audio, follow = sent(seed, 90, rate, window, 0xFFD0)
    sequence = [packet for k, data in enumerate(audio) for packet in (data, *follow[k])]
    kept = [audio[0], *(packet for packet in sequence[1:] if rng.random() >= loss)]
    came = set(kept)
    back = received(kept, 0xFFD0)
    assert len(set(back)) == len(back)
    assert set(back) <= set(audio) - came
    order = [0, *np.argsort(np.arange(1, len(kept)) + rng.uniform(0, 12, len(kept) - 1)) + 1]
    overtaken = received([kept[k] for k in order for _ in range(1 + (k % 3 == 0))], 0xFFD0)
    assert set(overtaken) | came == set(back) | came


def test_single_losses_come_back_with_the_next_parity_packet() -> None:
    audio, follow = sent(1, 40, 0.5, 8)
    decoder, back = ParityDecoder(SSRC, TYPE), {}
    for k, data in enumerate(audio):
        if k % 9 != 4:
            decoder.receive_audio(k, Audio.parse(data))
        for parity in follow[k]:
            back.update(dict.fromkeys(map(pack_audio, decoder.receive_parity(Parity.parse(parity))), k))
    assert back == {audio[k]: k + (k % 2 == 0) for k in range(4, 40, 9)}


@given(st.floats(0, 1e9), st.integers(-5, 1 << 16))
def test_what_is_sent_is_bounded_and_fits_an_mtu_of_1280(rate: float, window: int) -> None:
    encoder, count = ParityEncoder(SSRC), 0
    encoder.ask(rate, window)
    for k in range(40):
        parity = encoder.follow(pack_audio(Audio(TYPE, k, k, SSRC, k, k, bytes(MAX_PAYLOAD))))
        assert all(len(packet) <= MAX_DATAGRAM for packet in parity)
        count += len(parity)
    assert count <= min(rate, MAX_RATE) * 40


def test_nothing_is_sent_unasked() -> None:
    _, follow = sent(1, 40, 0.0, 8)
    assert not any(follow)


@pytest.mark.parametrize("change", [(8, b"\0\0\0\x0a"), (14, b"\0\0"), (14, b"\xff\xff"), (0, b"\x90"), (1, b"\x60")])
def test_another_sessions_parity_is_refused(change: tuple[int, bytes]) -> None:
    _, follow = sent(1, 8, 1.0, 8)
    at, what = change
    data = follow[7][0]
    assert int.from_bytes(data[8:12], "big") == parity_ssrc(SSRC) != SSRC
    with pytest.raises(ProtocolError):
        ParityDecoder(SSRC, TYPE).receive_parity(Parity.parse(data[:at] + what + data[at + len(what) :]))


@given(SEEDS, st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(1, MAX_WINDOW), st.binary(max_size=90))))
def test_no_parity_packet_breaks_the_decoder(seed: int, forged: list[tuple[int, int, bytes]]) -> None:
    audio, follow = sent(seed, 20, 1.0, 8)
    decoder = ParityDecoder(SSRC, TYPE)
    for k in range(0, 20, 2):
        decoder.receive_audio(k, Audio.parse(audio[k]))
    for last, window, body in forged:
        data = follow[0][0][:12] + last.to_bytes(2, "big") + window.to_bytes(2, "big") + body
        try:
            back = decoder.receive_parity(Parity.parse(data))
        except ProtocolError:
            continue
        assert all(len(packet.payload) > 0 and packet.before <= packet.heard for packet in back)
