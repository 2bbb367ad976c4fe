"""How OFFSET and BUFFER_SIZE follow from the network, and from OFFSET what must be held."""

from typing import NamedTuple

from netaudio.modes import Mode
from netaudio.sampler.region import ramp
from netaudio.units import Span, to_frames

CAPACITY = 1 << 17  # frames of a client's rings, 2.7 s at 48 kHz: what a server may be ahead, and no more
GUESS_SECONDS = 0.02  # the BUFFER_SIZE under which the network is measured
LEAST_SECONDS = 0.01  # of jitter, both of packets and of keys: computers stall for so long, too
MORE_HELD = 0.25  # seconds of each key that are held beyond what OFFSET needs, for it to grow
HYBRID_CHUNK = 384  # frames, two full packets: 3/4 of what 128 cost a server (python -m benchmarks, chunk sizes)
# Of the jitter. The server aims for 99 packets of 100; by how much the last one may be later goes by this.
SLACK_SHARE = 0.5
LEAST_AIM = 0.33  # of BUFFER_SIZE


class Tuning(NamedTuple):
    """Frames. `aim` is the slack that the server is asked for: BUFFER_SIZE less the jitter of the keys' way, for
    packets that are early by more only make the server hear of keys too late."""

    offset: int
    buffer_size: int
    aim: int


def stream_chunk(mode: Mode, block: int) -> int:
    """The frames that a server renders at a time for a client whose device asks for `block`. In hybrid mode more than
    that is not heard, and local mode may become hybrid."""
    return block if mode == "remote" else max(block, HYBRID_CHUNK)


def tuned(offset: Span, buffer_size: Span, rate: int, chunk: int, round_trip: float, jitter: float) -> Tuning:
    """What settings come to on a network of this round trip (p99) and jitter (p99.9 less p50), in seconds.

    The jitter of both ways is room between OFFSET and the slack; where BUFFER_SIZE is auto it is a part of it.
    """
    trip_frames, least_room = to_frames(round_trip, rate), to_frames(LEAST_SECONDS, rate)
    jitter_frames = max(to_frames(jitter, rate), least_room)
    if buffer_size.auto:
        least = least_room + 2 * chunk
        aim = max(least, round(SLACK_SHARE * jitter_frames) + 2 * chunk)
        buffer_frames = aim + jitter_frames
        if not offset.auto:
            buffer_frames = max(least, min(buffer_frames, offset.frames(rate) - trip_frames - 3 * chunk))
    else:
        buffer_frames = buffer_size.frames(rate)
    if buffer_size.auto or offset.auto:
        aim = max(buffer_frames - jitter_frames, round(LEAST_AIM * buffer_frames))
    else:
        aim = buffer_frames
    # two chunks are the rule; with a third none of the tails needs its fade
    needed = trip_frames + max(jitter_frames + aim, buffer_frames) + 3 * chunk
    offset_frames = needed if offset.auto else offset.frames(rate)
    return Tuning(offset_frames, buffer_frames, aim)


def least_reach(offset: int, rate: int, chunk: int) -> int:
    """The frames that every key must be able to play from what is held, to knit at this OFFSET."""
    return offset + 2 * chunk + ramp(rate)


def most_offset(reach: int, rate: int, chunk: int) -> int:
    """The largest OFFSET that knits where every key can play so much."""
    return reach - least_reach(0, rate, chunk)
