"""How OFFSET, BUFFER_SIZE and HELD follow from each other and from the network."""

from typing import NamedTuple

from netaudio.score import RAMP_SECONDS
from netaudio.units import Span, to_frames

GUESS_SECONDS = 0.02  # the BUFFER_SIZE under which the network is measured
LEAST_SECONDS = 0.01


class Tuning(NamedTuple):
    """Frames."""

    offset: int
    buffer_size: int
    held: int


def tuned(
    offset: Span, buffer_size: Span, held: Span, rate: int, chunk: int, round_trip: float, jitter: float
) -> Tuning:
    """What settings come to on a network of this round trip (p50) and jitter (its p99.9 less p50), in seconds."""
    if buffer_size.auto:
        buffer_frames = to_frames(max(LEAST_SECONDS, 2 * jitter), rate) + 2 * chunk
    else:
        buffer_frames = buffer_size.frames(rate)
    if offset.auto:
        # two chunks are the rule; with a third none of the tails needs its fade
        offset_frames = to_frames(round_trip + jitter, rate) + buffer_frames + 3 * chunk
    else:
        offset_frames = offset.frames(rate)
    least = least_held(offset_frames, rate, chunk)
    return Tuning(offset_frames, buffer_frames, least if held.auto else max(least, held.frames(rate)))


def least_held(offset: int, rate: int, chunk: int) -> int:
    """The frames of each sample that must be held to knit at this OFFSET."""
    return offset + 2 * chunk + to_frames(RAMP_SECONDS, rate)
