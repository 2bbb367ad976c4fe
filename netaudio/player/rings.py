"""The triple ring: what the client made itself, what the stream brought, and what went out, all by position."""

from typing import NamedTuple

import numpy as np

from netaudio.timing.latency_budget import CAPACITY
from netaudio.units import Frames


class Packet(NamedTuple):
    """Decoded audio, and what the server had heard when it made it."""

    position: int
    before: int
    heard: int
    frames: Frames  # (count, 2); what came in between `before` and `heard` fades in over all of them

    @property
    def end(self) -> int:
        return self.position + len(self.frames)


class Ring:
    """Frames by position; one writer, any number of readers, no lock. What was not written reads as silence."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._frames = np.zeros((capacity, 2), np.float32)
        self.start = self.end = 0  # positions written without a gap

    def write(self, position: int, frames: Frames) -> None:
        """Positions go up; a gap empties the ring."""
        if position != self.end:
            self.start = position
        size = len(self._frames)
        at = position % size
        split = min(len(frames), size - at)
        self._frames[at : at + split] = frames[:split]
        self._frames[: len(frames) - split] = frames[split:]
        self.end = position + len(frames)

    def read(self, position: int, count: int) -> Frames:
        """A copy (count, 2)."""
        size = len(self._frames)
        at = position % size
        whole = max(self.start, self.end - size) <= position and position + count <= self.end
        if whole and at + count <= size:  # as nearly always
            return self._frames[at : at + count].copy()
        out = np.zeros((count, 2), np.float32)
        first, last = max(position, self.start, self.end - size), min(position + count, self.end)
        if first < last:
            index = np.arange(first, last) % size
            out[first - position : last - position] = self._frames[index]
        return out


class RemoteRing:
    """Packets by position, in slots of a chunk. A stale slot does not match the position asked for, so it
    reads as missing: reordering and duplicates need no code, a slot is never cleared."""

    def __init__(self, chunk: int, capacity: int = CAPACITY) -> None:
        self.chunk = chunk
        self._end = 0  # of the furthest packet
        self._slots: list[tuple[Packet, ...]] = [()] * max(2, capacity // chunk)

    def put(self, packet: Packet) -> bool:
        """Keep a packet; False if it does not lie within one chunk, or one that has heard as much is there."""
        chunk = packet.position // self.chunk
        if not len(packet.frames) or (packet.end - 1) // self.chunk != chunk:
            return False
        slot = chunk % len(self._slots)
        there = self._slots[slot]
        if there and there[0].position // self.chunk != chunk:
            there = ()
        outdone = [p for p in there if packet.position < p.end and p.position < packet.end]
        if any(p.heard >= packet.heard or (p.position, p.end) != (packet.position, packet.end) for p in outdone):
            return False
        self._end = max(self._end, packet.end)
        self._slots[slot] = (*(p for p in there if p not in outdone), packet)
        return True

    def at(self, position: int) -> Packet | None:
        """The packet that has the frame at a position."""
        for packet in self._slots[position // self.chunk % len(self._slots)]:
            if packet.position <= position < packet.end:
                return packet
        return None

    def least(self, position: int, heard: int) -> int:
        """The least that any packet from a position on has heard before it, if less than `heard`: a server that went
        back leaves packets of its first pass between those of its second."""
        first, slots = position // self.chunk, len(self._slots)
        for chunk in range(first, min(-(-self._end // self.chunk), first + slots)):
            for packet in self._slots[chunk % slots]:
                if packet.end > position and packet.before < heard:
                    heard = packet.before
        return heard

    def next(self, position: int, limit: int) -> int:
        """The first position from here on, and before `limit`, that some packet has; else `limit`."""
        while position < limit:
            ahead = [p.position for p in self._slots[position // self.chunk % len(self._slots)]]
            near = [at for at in ahead if position <= at < position + self.chunk]
            if near:
                return min(limit, min(near))
            position = (position // self.chunk + 1) * self.chunk
        return limit


class TripleRing:
    """`local`: frames from held data. `remote`: packets. `merged`: what went out, after the volume and before
    the clip; recorder, meter and display read it without touching the callback."""

    def __init__(self, chunk: int) -> None:
        self.local, self.merged = Ring(), Ring()
        self.remote = RemoteRing(chunk)

    def new_stream(self, chunk: int) -> None:
        """Forget all packets: another session's will follow."""
        self.remote = RemoteRing(chunk)
