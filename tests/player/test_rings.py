import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netaudio.player.rings import Packet, RemoteRing, Ring, TripleRing
from netaudio.units import Frames


def numbered(first: int, count: int) -> Frames:
    """Frame n has the value n / 1024."""
    return np.repeat(np.arange(first, first + count)[:, None] / 1024, 2, axis=1).astype(np.float32)


def packet(position: int, count: int, heard: int = 0) -> Packet:
    return Packet(position, heard, heard, numbered(position, count))


# Ring


@given(st.lists(st.integers(1, 40), max_size=10), st.integers(0, 1000))
def test_what_was_written_is_read_at_its_position(sizes: list[int], start: int) -> None:
    ring = Ring(64)
    at = start
    for size in sizes:
        ring.write(at, numbered(at, size))
        at += size
    kept = min(64, sum(sizes))
    assert np.array_equal(ring.read(at - kept, kept), numbered(at - kept, kept))
    assert not ring.read(at, 10).any()
    assert not ring.read(at - kept - 5, 5).any() or kept == 64


@given(st.integers(0, 200), st.integers(0, 100))
def test_what_was_overwritten_reads_as_silence(position: int, count: int) -> None:
    ring = Ring(64)
    for at in range(0, 160, 32):
        ring.write(at, numbered(at, 32))
    expected = np.where((np.arange(position, position + count) >= 96)[:, None], numbered(position, count), 0)
    expected[max(0, 160 - position) :] = 0
    assert np.array_equal(ring.read(position, count), expected)


def test_a_gap_empties_it() -> None:
    ring = Ring(64)
    ring.write(0, numbered(0, 20))
    ring.write(30, numbered(30, 20))
    assert (ring.start, ring.end) == (30, 50)
    assert not ring.read(0, 30).any()


def test_reading_gives_a_copy() -> None:
    ring = Ring(64)
    ring.write(1, numbered(1, 20))
    ring.read(1, 20)[:] = 5
    assert np.array_equal(ring.read(1, 20), numbered(1, 20))


# RemoteRing


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=12))
def test_order_and_duplicates_make_no_difference(order: list[int], again: list[int]) -> None:
    ring = RemoteRing(chunk=8, capacity=64)
    assert all(ring.put(packet(4 * k, 4)) for k in order)
    assert not any(ring.put(packet(4 * k, 4)) for k in again)
    for n in range(48):
        there = ring.at(n)
        assert there is not None
        assert there.heard == 0
        assert there.frames[n - there.position, 0] == n / 1024


@given(st.permutations(range(6)))
def test_of_packets_for_one_position_the_one_that_has_heard_most_stays(order: list[int]) -> None:
    ring = RemoteRing(chunk=8, capacity=64)
    stayed = [ring.put(packet(4, 4, heard=heard)) for heard in order]
    assert stayed == [heard == max(order[: k + 1]) for k, heard in enumerate(order)]
    there = ring.at(5)
    assert there is not None and there.heard == 5
    assert not ring.put(packet(2, 6, heard=9)), "it is cut otherwise"


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(0, 400))
def test_a_stale_slot_reads_as_missing(positions: list[int], asked: int) -> None:
    ring = RemoteRing(chunk=8, capacity=32)
    last: dict[int, int] = {}  # slot to chunk
    for position in positions:
        chunk = position // 8
        ring.put(packet(8 * chunk, 8))
        last[chunk % 4] = chunk
    there = ring.at(asked)
    assert (there is not None) == (last.get(asked // 8 % 4) == asked // 8)
    assert there is None or there.position <= asked < there.end


@pytest.mark.parametrize(("position", "count"), [(0, 0), (0, 9), (4, 5), (7, 2)])
def test_a_packet_lies_within_one_chunk(position: int, count: int) -> None:
    assert not RemoteRing(chunk=8).put(packet(position, count))


def test_what_overlaps_another_is_a_duplicate() -> None:
    ring = RemoteRing(chunk=8)
    assert ring.put(packet(2, 4))
    assert not ring.put(packet(0, 3))
    assert not ring.put(packet(5, 3))
    assert ring.put(packet(0, 2))
    assert ring.put(packet(6, 2))


@given(st.sets(st.integers(0, 19), max_size=6), st.integers(0, 79), st.integers(0, 79))
def test_next_is_the_first_frame_that_is_there(parts: set[int], position: int, limit: int) -> None:
    ring = RemoteRing(chunk=8)
    for k in parts:
        ring.put(packet(4 * k, 4))
    if ring.at(position):
        return
    there = [n for n in range(position, limit) if ring.at(n)]
    assert ring.next(position, max(position, limit)) == min(there, default=max(position, limit))


def test_a_new_stream_forgets_the_old_one() -> None:
    rings = TripleRing(8)
    rings.remote.put(packet(8, 8))
    rings.new_stream(16)
    assert rings.remote.at(8) is None
    assert rings.remote.put(packet(16, 16))
