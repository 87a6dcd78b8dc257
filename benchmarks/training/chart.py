"""The chart of a comparison: how many times as fast as the fastest peer symnet trains, cell by cell.

python benchmarks/training/chart.py [--results benchmarks/results/training.json] [--output docs/speed.svg]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import report
from matplotlib import pyplot
from servers import ROOT

INK, QUIET, AHEAD, BEHIND = "#1f2933", "#9aa5b1", "#2f6f9f", "#b4532a"


def ahead(rows: list[report.Row], threads: int) -> list[tuple[str, float, str]]:
    """A label for each cell, the fastest peer's time over symnet's, and the peer's name."""
    found = []
    cells: dict[tuple[str, int, int], list[report.Row]] = {}
    for row in rows:
        cells.setdefault(report.cell_of(row), []).append(row)
    for (network, batch, used), cell in cells.items():
        ours = next((row for row in cell if row["variant"] == "symnet"), None)
        best = report.fastest_peer(cell)
        if used == threads and ours is not None and best is not None:
            found.append((f"{network}  at {batch}", best["us"] / ours["us"], best["variant"]))
    return found


def drawn(results: dict[str, Any], threads: int) -> Any:
    """Bars from 1, the fastest peer's speed, on a scale on which twice and half are as far."""
    cells = ahead(results["rows"], threads)[::-1]
    mpl.rcParams.update({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9, "svg.hashsalt": "symnet"})
    figure, axes = pyplot.subplots(figsize=(7.2, 0.26 * len(cells) + 1.1))
    for at, (_, ratio, peer) in enumerate(cells):
        axes.barh(at, ratio - 1, left=1, height=0.62, color=AHEAD if ratio >= 1 else BEHIND)
        text = f" {ratio:.2f}x  " if ratio >= 1 else f"  {ratio:.2f}x "
        axes.annotate(text, (ratio, at), va="center", ha="left" if ratio >= 1 else "right", color=INK)
        axes.annotate(peer, (1.0, at), xycoords=("axes fraction", "data"), va="center", ha="left", color=QUIET,
                      xytext=(6, 0), textcoords="offset points")  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_xticks([0.5, 1, 2, 4, 8], ["0.5x", "1x", "2x", "4x", "8x"])
    axes.set_xlim(0.45, max([8.0, *(ratio * 1.4 for _, ratio, _ in cells)]))
    axes.set_yticks(range(len(cells)), [label for label, _, _ in cells], color=INK)
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title("symnet against the fastest peer of each row (named on the right), one training step", loc="left",
                   fontsize=9.5, color=INK)  # fmt: skip
    figure.tight_layout()
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results" / "training.json")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "speed.svg")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    figure = drawn(json.loads(chosen.results.read_text()), chosen.threads)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(chosen.output, metadata={"Date": None}, bbox_inches="tight", transparent=False, facecolor="white")


if __name__ == "__main__":
    main()
