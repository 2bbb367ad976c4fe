"""The figures of a run, as --report writes them."""

from collections.abc import Sequence
from typing import Any

from netaudio.player.link import Link
from netaudio.player.player import ClientPlayer
from netaudio.player.stream_figures import SlackCount
from netaudio.units import to_ms

TRIPS = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


def report(
    player: ClientPlayer,
    link: Link | None,
    held: int | None,
    buffer_size: int,
    changes: Sequence[tuple[int, int, int]],
) -> dict[str, Any]:
    """Frames are positions of the recording, which begins with the song or else with the run. `changes` are
    those of `auto`: (position, OFFSET, BUFFER_SIZE)."""
    tally, count = player.knit.tally, link.figures.packets if link else None
    start = player.song_start or 0
    margins = sorted(tally.margins)
    slack = link.figures.slacks if link else SlackCount()
    trips = {
        name: round(1000 * link.figures.round_trips.quantile(q), 3) if link else None for name, q in TRIPS.items()
    }
    return {
        "mode": player.mode,
        "rate": player.rate,
        "chunk_size": player.rings.remote.chunk,
        "offset_frames": player.offset,
        "offset_ms": to_ms(player.offset, player.rate),
        "buffer_size_frames": buffer_size,
        "held_frames": held,
        "changes": [[position - start, offset, size] for position, offset, size in changes],
        "notes": player.notes,
        "late_notes": player.late_notes + tally.late,
        "stolen": player.score.stolen,
        "round_trip_ms": trips,
        "jitter_ms": round(1000 * link.figures.round_trips.jitter, 3) if link else None,
        "slack_frames": slack.summary(),
        "knit_margin_frames": {
            "notes": len(margins),
            "min": margins[0] if margins else None,
            "p1": margins[len(margins) // 100] if margins else None,
            "p50": margins[len(margins) // 2] if margins else None,
        },
        "packets": {
            "received": count.received if count else 0,
            "lost": count.lost if count else 0,
            "recovered": count.recovered if count else 0,
            "late": count.late if count else 0,
            "duplicate": count.duplicate if count else 0,
            "strange": count.strange if count else 0,
        },
        "frames": {
            "played": (player.song_end or player.position) - start,
            "streamed": tally.streamed,
            "uncovered": tally.uncovered,
            "missing": tally.missing,
            "concealed": tally.concealed,
        },
        "uncovered_spans": [[first - start, end - start] for first, end in tally.spans],
        "clipped": player.clipped,
    }


def summary(figures: dict[str, Any]) -> str:
    """What a player wants to know of a run, in a few lines."""
    frames, packets, rate = figures["frames"], figures["packets"], figures["rate"]
    margin, networked = figures["knit_margin_frames"], packets["received"] > 0
    carried = f", {margin['notes']} of them carried on by the server" if margin["notes"] else ""
    lines = [f"{_counted(figures['notes'], 'note')} in {frames['played'] / rate:.0f} s{carried}"]
    if networked:
        lines.append(
            f"  round trip    {figures['round_trip_ms']['p50'] or 0:.1f} ms, OFFSET {figures['offset_ms']:.0f} ms"
        )
    if margin["notes"]:
        lines.append(f"  knit margin   {to_ms(margin['min'], rate):.0f} ms at the least")
    uncovered = 0 if figures["stream_gaps"] else frames["uncovered"] - frames["missing"]
    if networked:
        lines += [
            f"  streamed      {100 * frames['streamed'] / max(1, frames['played']):.0f} % of the time",
            f"  packets       {packets['received']} received, {packets['lost']} lost"
            + (f" ({packets['recovered']} recovered)" if packets["recovered"] else "")
            + f", {packets['late']} late",
            f"  late notes    {figures['late_notes']}, missing {to_ms(frames['missing'], rate):.0f} ms"
            + (f", uncovered {to_ms(uncovered, rate):.0f} ms more (see --held)" if uncovered else ""),
        ]
    if figures["stream_gaps"]:
        lines.append(f"  stream        absent {_counted(figures['stream_gaps'], 'time')}")
    if figures["xruns"]:
        lines.append(f"  xruns         {figures['xruns']}: this computer was busy; a larger --chunk-size is safer")
    if figures["device_losses"]:
        lines.append(f"  sound device  gone {_counted(figures['device_losses'], 'time')}")
    if figures["recording"]:
        lines.append(f"  recorded in   {figures['recording']}")
    return "\n".join(lines + _advice(figures))


def _advice(figures: dict[str, Any]) -> list[str]:
    """What would have helped, where the figures tell: not where there was no stream for a while."""
    packets, auto, advice = figures["packets"], figures["auto"], list[str]()
    if figures["stream_gaps"]:
        return []
    if figures["late_notes"] and "OFFSET" not in auto:
        advice.append("  notes came late: try a larger --offset, or --offset auto")
    here = packets["lost"] <= packets["recovered"] and not packets["late"]
    if figures["frames"]["missing"] and not here and "BUFFER_SIZE" not in auto:
        advice.append("  packets came late or not at all: try a larger --buffer-size, or auto")
    return advice


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
