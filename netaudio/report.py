"""The figures of a run, as --report writes them."""

from collections.abc import Sequence
from typing import Any

from netaudio.link import Link, SlackHistogram
from netaudio.player import ClientPlayer
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
    tally, count = player.knit.tally, link.count if link else None
    start = player.song_start or 0
    margins = sorted(tally.margins)
    slack = link.all_slacks if link else SlackHistogram()
    trips = {name: round(1000 * link.round_trip(q), 3) if link else None for name, q in TRIPS.items()}
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
        "jitter_ms": round(1000 * link.jitter, 3) if link else None,
        "slack_frames": slack.summary(),
        "knit_margin_frames": {
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
    margin, networked = figures["knit_margin_frames"]["min"], figures["packets"]["received"] > 0
    carried = ", each begun here and carried on by the server" if networked and figures["mode"] == "hybrid" else ""
    lines = [f"{figures['notes']} notes in {frames['played'] / rate:.0f} s{carried}"]
    if networked:
        lines.append(
            f"  round trip    {figures['round_trip_ms']['p50'] or 0:.1f} ms, OFFSET {figures['offset_ms']:.0f} ms"
        )
    if margin is not None:
        lines.append(f"  knit margin   {to_ms(margin, rate):.0f} ms at the least")
    if networked:
        lines += [
            f"  from the net  {100 * frames['streamed'] / max(1, frames['played']):.0f} % of the time",
            f"  packets       {packets['received']} received, {packets['lost']} lost"
            + (f" ({packets['recovered']} recovered)" if packets["recovered"] else "")
            + f", {packets['late']} late",
            f"  late notes    {figures['late_notes']}, frames missing {frames['missing']}",
        ]
    if figures["xruns"]:
        lines.append(f"  xruns         {figures['xruns']}")
    if figures["device_losses"]:
        lines.append(f"  sound device  gone {figures['device_losses']} times")
    if figures["late_notes"] or frames["missing"] or packets["lost"] > packets["recovered"]:
        lines.append("  not all was there in time: was this computer busy? Try again, or with a larger --offset")
    return "\n".join(lines)
