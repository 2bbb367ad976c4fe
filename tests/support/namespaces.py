"""Two network namespaces and a bad network between them, carried packet by packet through TUN devices.

TCP and UDP are impaired alike, and the kernel's own TCP sends again what was lost. It needs root, /dev/net/tun, ip
(iproute2), unshare and nsenter (util-linux). Nothing is left behind: a namespace ends with the last process in it.
"""

import dataclasses
import functools
import heapq
import json
import os
import select
import shutil
import struct
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest

from netaudio.timing.network_model import Impairment, Way

TUN = Path("/dev/net/tun")
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
TOOLS = ("ip", "unshare", "nsenter")
BATCH = 64  # packets read at a time, so that neither way starves the other
PRIORITY = 60
CHANGES = 0  # the relay's file descriptor for them
Test = TypeVar("Test", bound=Callable[..., None])


class NoNamespaces(UserWarning):
    """A test was skipped for want of network namespaces."""


def why_not() -> str:
    """What keeps this process from making such a link; empty if nothing does."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: iproute2, util-linux)"
    if not os.access(TUN, os.R_OK | os.W_OK):
        return f"{TUN} cannot be opened: run as root, in a container with --device {TUN}"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"no right to make a network namespace (run as root): {tried.stderr.strip()}"
    try:
        os.close(_open_tun()[0])
    except OSError as error:
        return f"no right to make a TUN device (run as root): {error}"
    return ""


def in_namespaces(test: Test) -> Test:
    """Skip a test, with a warning that says why, where there are no namespaces."""

    @functools.wraps(test)
    def tried(*args: Any, **kwargs: Any) -> None:
        if reason := why_not():
            warnings.warn(NoNamespaces(f"{test.__name__} WAS NOT RUN: {reason}"), stacklevel=2)
            pytest.skip(reason)
        test(*args, **kwargs)

    marked: Test = pytest.mark.filterwarnings("always::tests.support.namespaces.NoNamespaces")(tried)
    return marked


class Side(NamedTuple):
    """One end of a link. A command that is begun with `enter` runs there."""

    address: str
    enter: tuple[str, ...]
    counters: Path  # proc(5), /proc/PID/net/dev
    device: str

    def traffic(self) -> tuple[int, int]:
        """Bytes received and sent so far, with their IP headers."""
        line = next(line for line in self.counters.read_text().splitlines() if line.strip().startswith(self.device))
        numbers = line.partition(":")[2].split()
        return int(numbers[0]), int(numbers[8])


@dataclasses.dataclass
class Bridge:
    """A link that is up. `up` is the way from client to server."""

    client: Side
    server: Side
    _relay: "subprocess.Popen[str]"

    def change(self, up: Impairment | None = None, down: Impairment | None = None) -> None:
        """Impair one way, or both, otherwise from now on; loss=1.0 is a pulled cable."""
        assert self._relay.stdin
        for number, impairment in enumerate((up, down)):
            if impairment is not None:
                self._relay.stdin.write(json.dumps([number, dataclasses.asdict(impairment)]) + "\n")
        self._relay.stdin.flush()


@contextmanager
def bridge(up: Impairment, down: Impairment | None = None, seed: int = 0, mtu: int = 1500) -> Iterator[Bridge]:
    """A link between two new namespaces; both ways are alike unless `down` differs."""
    if reason := why_not():
        raise RuntimeError(f"no network namespaces: {reason}")
    with ExitStack() as stack:
        sides, tuns = [], []
        for address, peer in (("10.77.0.1", "10.77.0.2"), ("10.77.0.2", "10.77.0.1")):
            tun, device = _open_tun()
            stack.callback(os.close, tun)
            tuns.append(tun)
            sides.append(stack.enter_context(_namespace(tun, device, address, peer, mtu)))
        relay = subprocess.Popen(
            [sys.executable, "-m", __name__, *map(str, (*tuns, seed))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=tuns, start_new_session=True,
            cwd=Path(__file__).resolve().parents[2],
        )  # fmt: skip
        stack.callback(relay.wait)
        assert relay.stdin and relay.stdout
        stack.callback(relay.stdin.close)
        stack.callback(relay.stdout.close)
        client, server = sides
        made = Bridge(client, server, relay)
        made.change(up, down or up)
        relay.stdout.readline()
        yield made


def _open_tun() -> tuple[int, str]:
    """A new TUN device, as long as this is open: its file descriptor and its name."""
    import fcntl  # not on every system, and why_not must be able to say so

    tun = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    try:
        request = struct.pack("16sH22x", b"na%d", IFF_TUN | IFF_NO_PI)
        name: bytes = fcntl.ioctl(tun, TUNSETIFF, request)[:16]
    except OSError:
        os.close(tun)
        raise
    return tun, name.rstrip(b"\0").decode()


@contextmanager
def _namespace(tun: int, device: str, address: str, peer: str, mtu: int) -> Iterator[Side]:
    """A namespace that lives as long as a process waits in it, or a program runs there."""
    waiting = ["unshare", "--net", "sh", "-c", "echo; exec cat"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as holder:
        assert holder.stdout
        holder.stdout.readline()  # it is in its namespace now
        enter = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
        subprocess.run(["ip", "link", "set", device, "netns", str(holder.pid)], check=True)
        for command in (
            f"link set {device} mtu {mtu} txqueuelen 2000",
            f"addr add {address} peer {peer} dev {device}",
            "link set lo up",
            f"link set {device} up",
        ):
            subprocess.run([*enter, "ip", *command.split()], check=True)
        yield Side(address, enter, Path(f"/proc/{holder.pid}/net/dev"), device)


def relay(tuns: tuple[int, int], seed: int) -> None:
    """Carry packets between two devices until stdin ends, whose lines change a way's impairment."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    ways = [Way(Impairment(), 2 * seed + number) for number in range(2)]
    print(flush=True)  # whoever waits may begin
    under_way: list[tuple[float, int, int, bytes]] = []
    count = 0
    while True:
        wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
        ready = select.select([*tuns, CHANGES], [], [], wait)[0]
        for number, tun in enumerate(tuns):
            for packet in _packets(tun) if tun in ready else ():
                now = time.monotonic()
                for at in ways[number].datagram(now, len(packet)):
                    count += 1
                    heapq.heappush(under_way, (at, count, tuns[1 - number], packet))
        if CHANGES in ready:
            lines = os.read(CHANGES, 65536).splitlines()  # each was written at once
            if not lines:
                return
            for number, impairment in map(json.loads, lines):
                ways[number].impairment = Impairment(**impairment)
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, tun, packet = heapq.heappop(under_way)
            with suppress(BlockingIOError):  # the device's queue is full: lost, as on any line
                os.write(tun, packet)


def _packets(tun: int) -> Iterator[bytes]:
    """The IPv4 packets that wait; the rest is what IPv6 says to nobody."""
    with suppress(BlockingIOError):
        for _ in range(BATCH):
            packet = os.read(tun, 65536)
            if packet[0] >> 4 == 4:
                yield packet


if __name__ == "__main__":
    relay((int(sys.argv[1]), int(sys.argv[2])), int(sys.argv[3]))
