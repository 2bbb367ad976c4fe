"""What voices read of the bank next, so that it can be fetched before they do where the bank is a file."""

from collections.abc import Iterable, Iterator, Sequence

from netaudio.sampler.instrument import Instrument
from netaudio.sampler.interpolator import TAPS
from netaudio.sampler.motion import AFTER
from netaudio.sampler.pitch import CENT, ratio
from netaudio.sampler.region import Region
from netaudio.sampler.voice import Voice
from netaudio.sampler.voices import Score

BLOCK = 8192
"""Frames, 64 KB: what is fetched is counted in blocks of the bank, so that voices share what they read."""

Extent = tuple[int, int]
"""(first, end) in the bank, end exclusive."""


def reads(score: Score, voice: Voice, position: int, until: int) -> list[Extent]:
    """What a voice reads between two positions, however its channel is bent meanwhile."""
    position = max(position, reads_from(voice))
    if until <= position:
        return []
    first = score.phase(voice, position) >> 32
    fast = max(ratio(CENT * score.channels[voice.channel].most_bent), score.automation.highest_bend(voice.channel))
    count = ((until - position) * voice.region.ratio >> 32) * fast >> 32
    return spans(voice.region, first, count + 1)


def reads_from(voice: Voice) -> int:
    """The position before which a voice reads nothing."""
    return voice.begin + voice.cut


def spans(region: Region, first: int, count: int) -> list[Extent]:
    """What is read of a region from a frame of its recording on, `count` frames and the taps around them."""
    first, end = max(first, 0) - TAPS, first + count + TAPS
    if region.loop is None:
        found = [(min(first, region.length), min(end, region.length + TAPS))]
    else:
        start, turn = region.loop[0], region.loop[1] + AFTER
        found = [(first, min(end, turn + TAPS))]
        if end > turn:
            found.append((start, min(start + end - turn + TAPS, turn)))
    return [(max(0, region.address + a), region.address + b) for a, b in found if a < b]


def heads(instruments: Iterable[Instrument], frames: int) -> list[int]:
    """The blocks of the beginnings of all recordings, at the highest pitch at which they are played, in order."""
    regions = {region for instrument in instruments for region in instrument.regions}
    wanted = (spans(region, 0, frames * region.ratio >> 32) for region in regions)
    return sorted({0}.union(*map(blocks, wanted)))


def blocks(wanted: Iterable[Extent]) -> Iterator[int]:
    """The blocks that spans touch."""
    for first, end in wanted:
        yield from range(first // BLOCK, (end - 1) // BLOCK + 1)


def runs(found: Sequence[int]) -> Iterator[Extent]:
    """Blocks, in order, as spans as long as they can be."""
    for at, block in enumerate(found):
        if not at or found[at - 1] != block - 1:
            first = block
        if at + 1 == len(found) or found[at + 1] != block + 1:
            yield first * BLOCK, (block + 1) * BLOCK
