"""What is put into a hole in the stream: a ramp has 5 frames, a packet 10; residues are in 1024ths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.player.concealment import NOISE, Concealment
from netaudio.player.rings import Packet, RemoteRing
from netaudio.units import Frames

RAMP, SIZE, LOOKBACK = 5, 10, 15


def residue(*values: float) -> Frames:
    """What was heard and cannot be made here, up to the hole; before these values it was silent."""
    out = np.zeros((LOOKBACK, 2), np.float32)
    out[LOOKBACK - len(values) :] = np.array(values, np.float32)[:, None] / 1024
    return out


def streaming(frames: int = 100) -> Concealment:
    """The stream has been there in full for so long."""
    concealment = Concealment(RAMP)
    concealment.follow(None, frames)
    return concealment


def ring(*packets: tuple[int, int, int]) -> RemoteRing:
    """Packets of SIZE frames: (position, before, heard)."""
    made = RemoteRing(SIZE)
    for position, before, heard in packets:
        made.put(Packet(position, before, heard, np.zeros((SIZE, 2), np.float32)))
    return made


def come(concealment: Concealment, *sizes: int) -> list[float]:
    """What it adds to segments of these sizes, of the left side."""
    out = [np.zeros((size, 2), np.float32) for size in sizes]
    for part in out:
        concealment.add(part)
    return [round(float(value) * 1024, 3) for value in np.concatenate(out)[:, 0]]


def test_what_sounded_is_mirrored_and_fades_over_a_ramp() -> None:
    concealment = streaming()
    assert concealment.begin(100, residue(*range(85, 100)), ring((80, 1, 1), (90, 1, 1))) == 4
    assert come(concealment, 6) == pytest.approx([0.8 * 99, 0.6 * 98, 0.4 * 97, 0.2 * 96, 0, 0], abs=1e-3)


def test_silence_and_a_packets_rounding_are_not_continued() -> None:
    concealment = streaming()
    assert concealment.begin(100, residue(), ring()) == 0
    assert concealment.begin(100, np.full((LOOKBACK, 2), NOISE, np.float32), ring()) == 0
    assert len(concealment) == 0 and come(concealment, 5) == [0] * 5


@given(st.lists(st.integers(1, 4), min_size=4, max_size=8))
def test_it_comes_in_segments_of_any_size(sizes: list[int]) -> None:
    whole, parts = streaming(), streaming()
    for concealment in (whole, parts):
        concealment.begin(100, residue(*[50] * LOOKBACK), ring())
    assert come(parts, *sizes) == come(whole, sum(sizes))
    assert len(whole) == len(parts) == max(0, 4 - sum(sizes))


def test_a_mirror_image_that_fades_of_its_own_is_not_faded_twice() -> None:
    """After a hole the stream had just come back by a ramp: backwards that is a fade."""
    concealment = streaming()
    concealment.follow(np.zeros(10), 10)
    concealment.follow(np.arange(1, RAMP + 1) / RAMP, RAMP)
    values = [0.2 * 50, 0.4 * 50, 0.6 * 50, 0.8 * 50, 50]
    concealment.begin(100, residue(*values), ring((90, 1, 1)))
    assert come(concealment, 6) == pytest.approx([0.8 * 50, 0.8 * 40, 0.8 * 30, 0.8 * 20, 0.8 * 10, 0], abs=1e-3)


def test_nor_is_what_a_packet_was_the_first_to_have() -> None:
    """Its own fade is over when the next packet may come."""
    concealment = streaming()
    values = [5 * k for k in range(1, SIZE + 1)]
    concealment.begin(100, residue(*values), ring((80, 1, 1), (90, 1, 2)))
    faded = [0.8 * 25, 0.6 * 20, 0.4 * 15, 0.2 * 10, 0]
    assert come(concealment, SIZE) == pytest.approx([50, 45, 40, 35, 30, *faded], abs=1e-3)


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=LOOKBACK, max_size=LOOKBACK),
    st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=4),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_it_is_never_louder_than_what_it_mirrors_and_ends_in_silence(
    values: list[float], holes: list[tuple[int, bool]], news: list[bool]
) -> None:
    concealment = streaming()
    for count, there in holes:
        concealment.follow(np.ones(count) if there else np.zeros(count), count)
    packets = [(80 + SIZE * k - SIZE, 1, 1 + new) for k, new in enumerate(news)]
    length = concealment.begin(100, residue(*(1024 * value for value in values)), ring(*packets))
    assert length < LOOKBACK
    out = np.abs(come(concealment, LOOKBACK))
    assert (out <= 1024 * np.abs(values[::-1]) + 1e-2).all() and not out[length:].any()
