"""Packets on their way, by every way of sending them, to sockets of this machine."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import numpy as np
import pytest

from netaudio.server import sending
from netaudio.server.sending import Outlet
from netaudio.wire.packing import Packets

WAYS = (sending.send, sending._send_each)
HOSTS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
THREE = Packets(np.arange(3 * 5, dtype=np.uint8), np.array([3, 2]))  # chunks, of a long packet and a short one


@pytest.fixture(params=HOSTS, ids=["IPv4", "IPv6"])
def bound(request: pytest.FixtureRequest) -> Iterator[Callable[[], socket.socket]]:
    """Makes UDP sockets."""
    family, host = request.param
    with ExitStack() as stack:

        def make() -> socket.socket:
            made = stack.enter_context(closing(socket.socket(family, socket.SOCK_DGRAM)))
            try:
                made.bind((host, 0))
            except OSError:
                pytest.skip("there is no such network here")
            made.setblocking(False)
            return made

        yield make


def outlets(bound: Callable[[], socket.socket], peers: list[socket.socket]) -> list[Outlet]:
    made = []
    for peer in peers:
        made.append(Outlet(bound()))
        made[-1].aim(peer.getsockname())
    return made


@pytest.mark.parametrize("send", WAYS)
def test_each_client_gets_the_packets_of_its_chunk_from_its_socket(
    send: Callable[..., tuple[list[float], list[int]]], bound: Callable[[], socket.socket]
) -> None:
    peers = [bound() for _ in range(3)]
    made = outlets(bound, peers)
    times, unsent = send(THREE, made, np.array([True, False, True]))
    assert unsent == [0, 0, 0] and times == sorted(times)
    for chunk in (0, 2):
        for expected in THREE.of(chunk):
            data, sender = peers[chunk].recvfrom(100)
            assert (data, sender) == (bytes(expected), made[chunk].socket.getsockname())
    with pytest.raises(BlockingIOError):
        peers[1].recv(100)


@pytest.mark.parametrize("send", WAYS)
def test_a_client_that_has_moved_is_found(
    send: Callable[..., tuple[list[float], list[int]]], bound: Callable[[], socket.socket]
) -> None:
    old, new = bound(), bound()
    (made,) = outlets(bound, [old])
    made.aim(new.getsockname())
    send(Packets(np.zeros(5, np.uint8), np.array([5])), [made], np.array([True]))
    assert new.recv(100) == bytes(5)
    assert made.address == new.getsockname()


@pytest.mark.parametrize("send", WAYS)
def test_what_cannot_be_sent_is_counted_and_stops_nobody(
    send: Callable[..., tuple[list[float], list[int]]], bound: Callable[[], socket.socket]
) -> None:
    peers = [bound(), bound()]
    made = outlets(bound, peers)
    made[0].aim((made[0].socket.getsockname()[0], 0, *peers[0].getsockname()[2:]))  # no port of anybody
    _, unsent = send(Packets(np.zeros(2 * 5, np.uint8), np.array([5])), made, np.array([True, True]))
    assert unsent == [1, 0]
    assert peers[1].recv(100) == bytes(5)
