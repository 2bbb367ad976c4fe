"""A report as a picture, for which matplotlib is needed: the way, slack, knit margins and losses over time."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from netaudio.errors import NetAudioError, SettingError
from netaudio.screen.report import Report, read_report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE, AREA, LIMIT, QUIET = "#1f6391", "#bcd3e3", "#c0392b", "#6b6b6b"
WIDTH, TITLE, DPI = 10.0, 0.65, 120  # inches, of height, dots per inch
MINUTES = 180  # seconds from which on the axis counts minutes
TROUBLES = {
    "lost": "packets lost", "recovered": "of these recovered", "late": "packets late", "late_notes": "notes late",
    "missing_ms": "ms missing", "xruns": "xruns",
}  # fmt: skip

Columns = dict[str, list[float]]


def plot(path: Path) -> Path:
    """Draw what --report wrote into a PNG beside it, and name that; raises SettingError, or NetAudioError
    where matplotlib is missing."""
    report = read_report(path)
    if not report.history["seconds"]:
        raise SettingError(f"{path} has nothing to draw: the session ended before it began")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise NetAudioError("a picture needs matplotlib: pip install matplotlib") from None
    figure = Figure(dpi=DPI, layout="constrained")
    draw(figure, report)
    picture = path.with_suffix(".png")
    try:
        figure.savefig(picture)
    except OSError as error:
        raise SettingError(f"cannot write the picture {picture}: {error.strerror}") from None
    return picture


def draw(figure: "Figure", report: Report) -> None:
    """A panel for each figure that is known, above one axis of time."""
    columns = {name: [math.nan if v is None else v for v in values] for name, values in report.history.items()}
    seconds = columns["seconds"]
    drawn = [panel for panel in PANELS if not all(map(math.isnan, columns[panel.column]))]
    heights = [panel.height for panel in drawn]
    figure.set_size_inches(WIDTH, TITLE + sum(heights))
    axes = figure.subplots(len(drawn), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    _title(figure, report)
    for axis, panel in zip(axes, drawn, strict=True):
        panel.paint(axis, seconds, columns)
    _time(axes[-1], seconds)


def _title(figure: "Figure", r: Report) -> None:
    packets = (
        f" · {r.packets.received} packets, {r.packets.lost} lost, {r.packets.recovered} of these recovered, "
        f"{r.packets.late} late"
    )
    figure.suptitle(
        f"NetAudio {r.mode}, OFFSET {r.offset_ms:.0f} ms, "
        f"blocks of {r.block_size} and chunks of {r.chunk_size} frames at {r.rate} Hz\n"
        f"{r.notes} notes, {r.late_notes} late{packets if r.packets.received else ''} · "
        f"{1000 * r.frames.missing / r.rate:.0f} ms missing",
        x=0.01, ha="left", fontsize=10.5,
    )  # fmt: skip


def _trip(panel: "Axes", seconds: list[float], columns: Columns) -> None:
    panel.fill_between(seconds, columns["round_trip_ms"], columns["round_trip_max_ms"], color=AREA, linewidth=0)
    panel.plot(seconds, columns["round_trip_ms"], color=LINE, linewidth=1.2)
    _limit(panel, seconds, columns["spare_ms"], "OFFSET\nallows", LIMIT)
    _name(panel, "round trip", "ms", "line: median, area: up to the longest")
    panel.set_ylim(bottom=0)


def _slack(panel: "Axes", seconds: list[float], columns: Columns) -> None:
    panel.plot(seconds, columns["slack_ms"], color=LINE, linewidth=1.2)
    _limit(panel, seconds, columns["buffer_size_ms"], "BUFFER_SIZE", QUIET)
    _limit(panel, seconds, [0.0] * len(seconds), "late", LIMIT)
    _name(panel, "slack", "ms", "how early packets were here, the least")


def _margin(panel: "Axes", seconds: list[float], columns: Columns) -> None:
    panel.vlines(seconds, 0, columns["knit_margin_ms"], color=AREA, linewidth=1.0)
    panel.plot(seconds, columns["knit_margin_ms"], ".", color=LINE, markersize=5)
    _limit(panel, seconds, [0.0] * len(seconds), "late", LIMIT)
    _name(panel, "knit margin", "ms", "how early the server's sound was there to take over a note, the least")


def _sounding(panel: "Axes", seconds: list[float], columns: Columns) -> None:
    panel.fill_between(seconds, columns["voices"], step="pre", color=AREA, linewidth=0)
    _name(panel, "sounding", "notes", "")
    panel.set_ylim(bottom=0)
    panel.locator_params(axis="y", integer=True, nbins=4)


def _name(panel: "Axes", name: str, unit: str, what: str) -> None:
    panel.set_title(name, loc="left", fontsize=9.5, fontweight="bold", pad=4)
    panel.set_title(what, loc="right", fontsize=8, color=QUIET, pad=4)
    panel.set_ylabel(unit, fontsize=8.5, color=QUIET)
    panel.grid(axis="y", color="#e6e6e6", linewidth=0.7)
    _plain(panel)


def _plain(panel: "Axes") -> None:
    panel.set_axisbelow(True)
    panel.tick_params(labelsize=8, colors=QUIET, length=3)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        panel.spines[side].set_color("#c8c8c8")


def _limit(panel: "Axes", seconds: list[float], values: list[float], name: str, colour: str) -> None:
    """A dashed line, named beside its end."""
    known = [value for value in values if not math.isnan(value)]
    if known:
        panel.plot(seconds, values, color=colour, linewidth=0.9, dashes=(5, 3), drawstyle="steps-post")
        panel.annotate(
            name, (1.0, known[-1]), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize=8, color=colour, annotation_clip=False,
        )  # fmt: skip


def _raster(panel: "Axes", seconds: list[float], columns: Columns) -> None:
    """A row for each kind of trouble, a stroke where there was some, and the sum."""
    for row, column in enumerate(TROUBLES):
        values = columns[column]
        at = [second for second, value in zip(seconds, values, strict=True) if value]
        colour = LINE if column == "recovered" else LIMIT
        panel.axhline(row, color="#e6e6e6", linewidth=0.7)
        panel.plot(at, [row] * len(at), "|", color=colour, markersize=8, markeredgewidth=1.4)
        panel.annotate(
            f"{sum(values):.0f}", (1.0, row), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=8, color=colour if at else QUIET,
        )  # fmt: skip
    panel.set_yticks(range(len(TROUBLES)), TROUBLES.values())
    panel.set_ylim(len(TROUBLES) - 0.4, -0.6)
    panel.set_title("troubles", loc="left", fontsize=9.5, fontweight="bold", pad=4)
    panel.set_title("a stroke where there was any; the sum", loc="right", fontsize=8, color=QUIET, pad=4)
    _plain(panel)
    panel.tick_params(axis="y", length=0)


def _time(panel: "Axes", seconds: list[float]) -> None:
    panel.set_xlim(min(0.0, seconds[0]), max(seconds[-1], 1.0))
    panel.set_xlabel("time, s", fontsize=8.5, color=QUIET)
    if seconds[-1] > MINUTES:
        panel.set_xlabel("time, min:s", fontsize=8.5, color=QUIET)
        step = next((s for s in (30, 60, 120, 300, 600, 1800) if seconds[-1] / s <= 12), 3600)
        marks = range(0, int(seconds[-1]) + 1, step)
        panel.set_xticks(marks, [f"{mark // 60}:{mark % 60:02}" for mark in marks])


class Panel(NamedTuple):
    column: str  # that has to be known
    height: float  # inches
    paint: Callable[["Axes", list[float], Columns], None]


PANELS = (
    Panel("round_trip_ms", 1.9, _trip),
    Panel("slack_ms", 1.9, _slack),
    Panel("knit_margin_ms", 1.9, _margin),
    Panel("seconds", 1.7, _raster),
    Panel("seconds", 0.95, _sounding),
)
