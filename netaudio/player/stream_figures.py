"""What is counted of the stream over all sessions of a run: each session's link goes on from the last one's."""

from collections import Counter
from dataclasses import dataclass, field

from netaudio.timing.latency_budget import CAPACITY
from netaudio.timing.round_trips import RoundTrips


@dataclass
class PacketCount:
    received: int = 0
    lost: int = 0
    recovered: int = 0  # of the lost, by parity, before they were to be played
    late: int = 0
    duplicate: int = 0
    strange: int = 0  # datagrams that were not ours or made no sense


class SlackCount:
    """How often each slack was, in frames, as far as the rings reach."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, slack: int) -> None:
        self._counts[min(max(slack, -CAPACITY), CAPACITY)] += 1

    def summary(self) -> dict[str, int | None]:
        """The minimum and the median."""
        reached, half = 0, self._counts.total() / 2
        for slack in sorted(self._counts):
            reached += self._counts[slack]
            if reached >= half:
                return {"min": min(self._counts), "p50": slack}
        return {"min": None, "p50": None}


@dataclass
class StreamFigures:
    packets: PacketCount = field(default_factory=PacketCount)
    slacks: SlackCount = field(default_factory=SlackCount)
    round_trips: RoundTrips = field(default_factory=RoundTrips)
