"""What voices read of the bank next, so that it can be fetched before they do where the bank is a file."""

from collections.abc import Iterable, Iterator, Sequence

from netaudio.sampler.instrument import GUARD, Instrument, Sample
from netaudio.sampler.voice import Voice

BLOCK = 8192
"""Frames, 64 KB: what is fetched is counted in blocks of the bank, so that voices share what they read."""

Extent = tuple[int, int]
"""(first, end) in the bank, end exclusive."""


def reads(voice: Voice, position: int, until: int) -> list[Extent]:
    """What a voice reads in the chunks between two positions."""
    age = max(voice.age(position), voice.cut - GUARD, -GUARD)  # a chunk in which it begins reads it from before
    return spans(voice.sample, age, voice.age(until) - age)


def reads_from(voice: Voice) -> int:
    """The position before which a voice reads nothing."""
    return voice.start + voice.delay + voice.cut


def spans(sample: Sample, age: int, count: int) -> list[Extent]:
    """What is read of a sample from an age on, `count` frames in chunks of at most GUARD."""
    if count <= 0:
        return []
    if sample.loop is None:
        first = min(age, sample.held)
        found = [(first, min(first + count, sample.held + GUARD))]
    else:
        start, end = sample.loop
        first = age if age < end else start + (age - start) % (end - start)
        found = [(first, min(first + count, end + GUARD))]
        if first + count > end:
            found.append((start, min(start + first + count - end, end)))
    return [(max(0, sample.address + a), sample.address + b) for a, b in found]


def heads(instruments: Iterable[Instrument], frames: int) -> list[int]:
    """The blocks of all samples' beginnings, in order."""
    samples = {sample for instrument in instruments for sample in instrument.samples}
    return sorted({0}.union(*(blocks(spans(sample, -GUARD, GUARD + frames)) for sample in samples)))


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
