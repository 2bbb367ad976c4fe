"""Sends the packets of many clients by one call, which lets go of the interpreter's lock once.

Every client has a socket of its own, and no system call for several datagrams reaches more than one. From Python each
`sendto` takes a tenth longer, wants an object for its bytes, and gives up the lock and waits for it.
"""

import socket
import struct
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

from netaudio.jit import machine_code
from netaudio.wire.packing import Packets

Address = tuple[str, int] | tuple[str, int, int, int]
"""As `recvfrom` has them: IPv4, or IPv6 with its flow and scope."""

_TARGET = struct.Struct("=iI28s")  # a descriptor, and what it sends to: a sockaddr's size, and it (ip(7), ipv6(7))
_target_t = np.dtype([("descriptor", np.int32), ("size", np.uint32), ("sockaddr", np.uint8, (28,))])
_TARGET_SIZE, _SOCKADDR = _TARGET.size, 8  # bytes, and where in them
_CLOCK_MONOTONIC = 1  # of Linux; what time.monotonic tells


class Outlet:
    """A UDP socket, and the address that it sends to."""

    def __init__(self, udp: socket.socket) -> None:
        self.socket = udp
        self.address: Address | None = None  # nowhere yet
        self.target = b""  # the same for the system

    def aim(self, address: Address) -> None:
        if address != self.address:
            self.address, self.target = address, _target(self.socket, address)

    def close(self) -> None:
        """It sends nowhere: its descriptor may soon be another's."""
        self.socket.close()
        self.address, self.target = None, b""

    def send(self, data: bytes | memoryview) -> bool:
        """Whether it went: not where a buffer is full, or the client is gone."""
        assert self.address is not None
        try:
            self.socket.sendto(data, self.address)
        except OSError:
            return False
        return True


def _target(udp: socket.socket, address: Address) -> bytes:
    host, port, *rest = address
    number = socket.inet_pton(udp.family, host.partition("%")[0])
    family, inner = struct.pack("=H", udp.family), struct.pack("!H", port)
    if rest:
        known = family + inner + struct.pack("!I", rest[0]) + number + struct.pack("=I", rest[1])
    else:
        known = family + inner + number + bytes(8)
    return _TARGET.pack(udp.fileno(), len(known), known)


def send(packets: Packets, outlets: Sequence[Outlet], wanted: NDArray[np.bool_]) -> tuple[list[float], list[int]]:
    """Send the packets of each chunk by its outlet where that is `wanted`. For each chunk the time.monotonic at which
    all were sent, and how many could not be."""
    if sys.platform != "linux":
        return _send_each(packets, outlets, wanted)
    targets = np.frombuffer(b"".join([outlet.target for outlet in outlets]), _target_t)
    times, unsent = np.empty(len(outlets)), np.zeros(len(outlets), np.int64)
    sender()(packets.data, packets.sizes, targets, wanted, times, unsent)
    return times.tolist(), unsent.tolist()


def _send_each(
    packets: Packets, outlets: Sequence[Outlet], wanted: NDArray[np.bool_]
) -> tuple[list[float], list[int]]:
    """The same from Python, for other systems."""
    times, unsent = [], []
    for chunk, outlet in enumerate(outlets):
        unsent.append(sum(not outlet.send(datagram) for datagram in packets.of(chunk)) if wanted[chunk] else 0)
        times.append(time.monotonic())
    return times, unsent


_address = types.intp
_sendto = types.ExternalFunction(
    "sendto", types.intp(types.int32, _address, types.uintp, types.int32, _address, types.uint32)
)
_clock_gettime = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.voidptr))


def _send_all(data: Any, sizes: Any, targets: Any, wanted: Any, times: Any, unsent: Any) -> None:
    at, now = data.ctypes.data, np.zeros(2, np.int64)
    for chunk in range(len(targets)):
        target = targets[chunk]
        to = targets.ctypes.data + chunk * _TARGET_SIZE + _SOCKADDR
        for size in sizes:
            if wanted[chunk] and _sendto(target.descriptor, at, size, 0, to, target.size) < 0:
                unsent[chunk] += 1
            at += size
        _clock_gettime(_CLOCK_MONOTONIC, now.ctypes)
        times[chunk] = now[0] + 1e-9 * now[1]


_SIGNATURE = types.void(
    types.uint8[::1], types.int64[::1], types.Array(from_dtype(_target_t), 1, "C", readonly=True), types.bool_[::1],
    types.float64[::1], types.int64[::1],
)  # fmt: skip
_made: dict[str, Any] = {}


def sender(keep: bool = False) -> Any:
    """The function that `send` calls, compiled, or found if it may be kept (machine_code)."""
    if not _made:
        _made["send"] = machine_code(_send_all, _SIGNATURE, keep, nogil=True, boundscheck=False)
    return _made["send"]
