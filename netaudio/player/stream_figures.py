"""What is counted of the stream over all sessions of a run: each session's link goes on from the last one's."""

from dataclasses import dataclass, field

from netaudio.statistics import Histogram
from netaudio.timing.round_trips import RoundTrips


@dataclass
class PacketCount:
    received: int = 0
    lost: int = 0
    recovered: int = 0  # of the lost, by parity, before they were to be played
    late: int = 0
    duplicate: int = 0
    strange: int = 0  # datagrams that were not ours or made no sense


@dataclass
class StreamFigures:
    packets: PacketCount = field(default_factory=PacketCount)
    slacks: Histogram = field(default_factory=lambda: Histogram(1))  # frames, as far as the rings reach
    round_trips: RoundTrips = field(default_factory=RoundTrips)
