"""Where the law promises mix(E), worked out from the events, the packets and what is held alone."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tests.support.reference import ENDLESS, NEVER, Note, Recording, Reference
from tests.support.sinc import HALF, ONE, Positions

Mask = NDArray[np.bool_]

MIRROR = 3
"""Ramps: a hole is filled with the mirror image of what was at most so long ago."""


def covered(reference: Reference, before: Positions, flowing: Mask, held: Mapping[Recording, int | None]) -> Mask:
    """Where the client must sound as `reference.mix`, from position 0 on for as long as `before` tells.

    `before`: the seq up to which all events were in full effect in the packet that was played there, -1 without one;
    `flowing`: where it was played in full; `held`: the frames of each recording that the client has, None is all.
    A late note's delay counts as known to the client: where it was not yet, nothing is promised.
    """
    missing, lacking = np.zeros(len(before), np.bool_), np.zeros(len(before), np.bool_)
    for note in reference.notes:
        # Of a note that the server plays alone nothing is played here, whatever is held.
        lacks = _lacks(reference, note, before, held[note.recording] if note.cut or note.reach else 0)
        lacking |= lacks
        missing |= lacks & ~(flowing & _streamed(reference, note, before))
    mirrored = MIRROR * reference.ramp  # a hole's filling may outlast it
    for start in np.flatnonzero(np.diff((before < 0).astype(int), prepend=0) > 0):
        if (lacking | missing)[max(0, start - mirrored) : start + 1].any():
            missing[start : start + mirrored] = True
    n = np.arange(len(before))
    last = np.maximum.accumulate(np.where(lacking, n, -ENDLESS))
    return ~missing & (flowing | (n - last > mirrored))


def _lacks(reference: Reference, note: Note, before: Positions, held: int | None) -> Mask:
    """Where the client cannot play a note as it is in mix(E), or as it may be in the packet there."""
    out, recording = np.zeros(len(before), np.bool_), note.recording
    if held is None or held >= recording.whole:
        return out
    bends = (bend.seq for bend in reference.channels[note.channel].bends if bend.seq > note.seq)
    known = sorted({note.seq, note.off_seq, note.stolen_seq, *bends} - {NEVER})
    for heard, more in pairwise((*known, NEVER)):
        first, end = reference.life(note, heard)
        n = np.arange(first, max(first, min(end, len(before))))
        may = (before[n] >= 0) & (before[n] < more) | (more == NEVER)
        phase, step = reference.motion(note, n, heard)
        limit = held - HALF - -(-reference.ramp * np.maximum(ONE, step) // ONE)
        out[n] |= may & (phase >> 32 >= limit)
    return out


def _streamed(reference: Reference, note: Note, before: Positions) -> Mask:
    """Where the packet has a note as it is in mix(E)."""
    channel = reference.channels[note.channel]
    shaped = {(note.seq, note.on), (note.off_seq, note.off), (note.stolen_seq, note.stolen)}
    for line in channel.lines.values():
        shaped |= {(change.seq, change.position) for change in line if change.seq > note.seq}
    shaped |= {(bend.seq, bend.position) for bend in channel.bends if bend.seq > note.seq}
    seqs, positions = zip(*sorted(shaped), strict=True)
    clock = np.arange(len(before)) - note.lag
    acts = list(map(note.acts, seqs, positions))  # grows with the seq
    needs = np.array((NEVER, *seqs))[np.searchsorted(acts, clock, side="right")]
    return np.asarray((clock - note.on >= note.cut) & (before >= needs))
