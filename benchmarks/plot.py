"""The figures as a picture."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.mixing import CHUNK

OURS, OTHERS, LIMIT = "#1f6f8b", "#c9c3b5", "#8a8578"


def draw(found: dict[str, Any], path: Path) -> None:
    """Write a picture of what `python -m benchmarks` found."""
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(2, 1, 1))
    _mixing(left, found["mixing"])
    _voices(middle, found["voices"])
    _chunks(right, found["chunks"])
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def _mixing(axes: Any, mixing: dict[str, Any]) -> None:
    chunk, clients = str(CHUNK), str(max(mixing["clients"]))
    items = sorted(mixing["ns"][chunk][clients].items(), key=lambda item: -item[1])
    names, ns = zip(*items, strict=True)
    colors = [
        OURS if name.startswith("NetAudio") else LIMIT if name.startswith("C loop") else OTHERS for name in names
    ]
    bars = axes.barh(names, ns, color=colors)
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set_xlabel("ns for each frame of a voice")
    axes.set_title(f"Mixing {clients} × {mixing['voices']} voices, {chunk} frames", fontsize=10)


def _voices(axes: Any, runs: list[dict[str, Any]]) -> None:
    axes.plot([run["voices"] for run in runs], [run["cpu % per client"] for run in runs], "o-", color=OURS)
    axes.set_xticks([run["voices"] for run in runs])
    axes.set_xlabel("voices of each client")
    axes.set_ylabel("% of the server's core for each client")
    axes.set_ylim(0, 1.2 * max(run["cpu % per client"] for run in runs))
    axes.set_title(f"{runs[0]['clients']} clients, {runs[0]['chunk']} frames", fontsize=10)


def _chunks(axes: Any, runs: list[dict[str, Any]]) -> None:
    axes.plot([run["chunk"] for run in runs], [run["cpu % per client"] for run in runs], "o-", color=OURS)
    axes.set_xscale("log", base=2)
    axes.set_xticks([run["chunk"] for run in runs], [str(run["chunk"]) for run in runs])
    axes.set_xlabel("frames in a chunk")
    axes.set_ylim(0, 1.2 * max(run["cpu % per client"] for run in runs))
    axes.set_title(f"{runs[0]['clients']} × {runs[0]['voices']} voices", fontsize=10)
