"""What NetAudio promises on a machine that has the time for it: nothing late, nothing lost, and hardly ever a frame
that sounds otherwise. The tests judge what holds on a busy one, too."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netaudio.sampler.pitch import ONE
from netaudio.sampler.region import needed
from netaudio.timing.latency_budget import HYBRID_CHUNK
from tests.support.programs import BUFFER, OFFSET, RATE, Result, Timed, difference
from tests.support.reference import Reference
from tests.support.songs import RAMP, reference


def excused(score: Reference, count: int, covered: int, window: int) -> NDArray[np.bool_]:
    """The frames in which a client that holds `covered` frames of each sample may sound otherwise: so long
    after an event that shapes a note, where that note is older than what is held of it. A note that was
    stolen is silent after its ramp, but not in packets that have not heard of it."""
    mask = np.zeros(count, np.bool_)
    for note in score.notes:
        first, last = score.life(note)
        lines = score.channels[note.channel].lines.values()
        events = [note.off, note.stolen, *(change.position for line in lines for change in line)]
        for at in (at for at in events if first <= at < last):
            mask[max(at, first + covered) : at + window] = True
    return mask


def overlap(spans: Iterable[Sequence[int]], mask: NDArray[np.bool_]) -> list[Sequence[int]]:
    """Of the spans those that reach out of the mask."""
    return [span for span in spans if not mask[max(0, span[0]) : span[1]].all()]


def window(report: Mapping[str, Any]) -> int:
    """Frames from an event to the last that the server may have made without it, with its ramp: round trip,
    BUFFER_SIZE and 3 chunks."""
    return int(report["round_trip_ms"]["max"] * RATE / 1000) + BUFFER + 3 * int(report["chunk_size"]) + RAMP


def unharmed(result: Result) -> None:
    report = result.report
    figures = report["late_notes"], report["packets"]["lost"], report["frames"]["missing"]
    assert figures == (0, 0, 0), result.figures()


def whole(result: Result, local: Result) -> None:
    """Hybrid with whole samples held: local on every frame."""
    unharmed(result)
    assert result.spans == [] and result.report["frames"]["uncovered"] == 0, result.figures()
    assert difference(result.sound, local.sound) <= 1, result.figures()
    assert result.report["knit_margin_frames"]["min"] > 0, result.figures()


def heads(result: Result, local: Result, song: Timed) -> None:
    """Hybrid with heads alone: local but for a moment after what shapes a note that is older than its head."""
    unharmed(result)
    frames, reach = result.report["frames"], OFFSET + 2 * HYBRID_CHUNK + RAMP
    assert result.report["held_frames"] == needed(reach, ONE, RATE)
    assert frames["streamed"] > 0.5 * frames["played"], result.figures()
    assert difference(result.sound, local.sound, result.spans) <= 1, result.figures()
    may = excused(reference(song), len(local.sound) + RATE, reach - RAMP, window(result.report))
    assert overlap(result.spans, may) == [], result.figures()
    assert may.mean() < 0.6  # and so the rest is worth the name


def blocked(result: Result, local: Result, song: Timed) -> None:
    """Hybrid without UDP: the promise that heads keep with it is broken, or it was not tried."""
    try:
        heads(result, local, song)
    except AssertionError:
        return
    raise AssertionError("without UDP it cannot have been kept")


def remote(result: Result, local: Result) -> None:
    unharmed(result)
    assert result.spans == [], result.figures()
    assert difference(result.sound, local.sound, delay=OFFSET) <= 1, result.figures()


def full_house(result: Result, song: Timed, mode: str) -> None:
    """Of each of five players."""
    unharmed(result)
    score, count = reference(song), len(result.sound) + RATE
    may = excused(score, count, result.report["held_frames"] - RAMP, window(result.report))
    assert overlap(result.spans, may) == [], result.figures()
    assert result.spans == [] or mode == "hybrid", result.figures()


def back_again(result: Result, song: Timed, away: int) -> None:
    """Of a client that had no server at the frame `away`, and was left while it played on."""
    count = len(result.sound)
    end = next(end for first, end in result.spans if first <= away < end)
    after = [span for span in result.spans if end + RAMP <= span[0] and span[1] < count]
    may = excused(reference(song), count, result.report["held_frames"] - RAMP, window(result.report))
    assert overlap(after, may) == [], result.figures()


def amid_garbage(result: Result) -> None:
    unharmed(result)
    assert result.spans == [] and "lost the server" not in result.text, result.figures()
