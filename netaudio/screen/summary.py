"""What a player is told at the end of a run."""

from netaudio.screen.report import Report
from netaudio.units import to_ms


def summary(report: Report) -> str:
    """What a player wants to know of a run, in a few lines."""
    frames, packets, margin, rate = report.frames, report.packets, report.knit_margin_frames, report.rate
    networked = packets.received > 0
    carried = f", {margin.notes} of them carried on by the server" if margin.notes else ""
    lines = [f"{_counted(report.notes, 'note')} in {frames.played / rate:.0f} s{carried}"]
    if networked:
        lines.append(f"  round trip    {report.round_trip_ms.p50 or 0:.1f} ms, OFFSET {report.offset_ms:.0f} ms")
    if margin.min is not None:
        lines.append(f"  knit margin   {to_ms(margin.min, rate):.0f} ms at the least")
    uncovered = 0 if report.stream_gaps else frames.uncovered - frames.missing
    if networked:
        lines += [
            f"  streamed      {100 * frames.streamed / max(1, frames.played):.0f} % of the time",
            f"  packets       {packets.received} received, {packets.lost} lost"
            + (f" ({packets.recovered} recovered)" if packets.recovered else "")
            + f", {packets.late} late",
            f"  late notes    {report.late_notes}, missing {to_ms(frames.missing, rate):.0f} ms"
            + (f", uncovered {to_ms(uncovered, rate):.0f} ms more (see --held)" if uncovered else ""),
        ]
    if report.stream_gaps:
        lines.append(f"  stream        absent {_counted(report.stream_gaps, 'time')}")
    if report.xruns:
        lines.append(f"  xruns         {report.xruns}: this computer was busy; a larger --chunk-size is safer")
    if report.device_losses:
        lines.append(f"  sound device  gone {_counted(report.device_losses, 'time')}")
    if report.recording:
        lines.append(f"  recorded in   {report.recording}")
    return "\n".join(lines + _advice(report))


def _advice(report: Report) -> list[str]:
    """What would have helped, where the figures tell: not where there was no stream for a while."""
    packets, auto, advice = report.packets, report.auto, list[str]()
    if report.stream_gaps:
        return []
    if report.late_notes and "OFFSET" not in auto:
        advice.append("  notes came late: try a larger --offset, or --offset auto")
    here = packets.lost <= packets.recovered and not packets.late
    if report.frames.missing and not here and "BUFFER_SIZE" not in auto:
        advice.append("  packets came late or not at all: try a larger --buffer-size, or auto")
    return advice


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
