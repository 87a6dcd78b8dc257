"""The results of a comparison: the machine, the table, and the table's place in the README."""

from __future__ import annotations

import os
import platform
import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from servers import FLOOR, PEERS

BEGIN, END = "<!-- speed:begin -->", "<!-- speed:end -->"
Row = dict[str, Any]


def machine() -> dict[str, Any]:
    return {
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def cpu_name() -> str:
    """The processor's model, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "unknown"


def cell_of(row: Row) -> tuple[str, int, int]:
    return row["network"], row["batch"], row["threads"]


def fastest_peer(rows: Iterable[Row]) -> Row | None:
    """The quickest of those that train, symnet apart."""
    peers = [row for row in rows if row["variant"] not in ("symnet", *FLOOR)]
    return min(peers, key=lambda row: row["us"], default=None)


def with_ratios(rows: Sequence[Row]) -> list[Row]:
    """Each row with its time over that of the fastest peer of its cell; the rows of a cell stand together."""
    found = []
    for _, group in groupby(rows, key=cell_of):
        cell = list(group)
        best = fastest_peer(cell)
        found += [{**row, "ratio": row["us"] / best["us"] if best else None} for row in cell]
    return found


def number(value: float) -> str:
    """Three digits, and no more decimals than they need."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def columns(rows: Sequence[Row]) -> list[str]:
    """The variants that were measured, in the order of the peers."""
    met = {row["variant"] for row in rows}
    return [variant for provided in PEERS.values() for variant in provided if variant in met]


def line(cell: list[Row], variants: Sequence[str], ratios: bool) -> list[str]:
    """A network's line: microseconds of each variant, then who is fastest, and by how much symnet beats it."""
    us = {row["variant"]: row["us"] for row in cell}
    best = fastest_peer(cell)

    def entry(variant: str) -> str:
        if variant not in us:
            return ""
        return number(us[variant]) + (f" ({us[variant] / best['us']:.2f})" if ratios and best else "")

    name, batch, threads = cell_of(cell[0])
    ahead = f"{best['us'] / us['symnet']:.2f}x" if best and "symnet" in us else ""
    return [name, str(batch), str(threads), *map(entry, variants), best["variant"] if best else "", ahead]


def lines(rows: Sequence[Row], ratios: bool) -> list[list[str]]:
    variants = columns(rows)
    head = ["network", "batch", "threads", *variants, "fastest peer", "symnet is ahead"]
    return [head, *(line(list(group), variants, ratios) for _, group in groupby(rows, key=cell_of))]


def text_table(rows: Sequence[Row]) -> str:
    """For a terminal: microseconds a step, and in brackets the ratio to the fastest peer."""
    table = lines(rows, ratios=True)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table)


def markdown_table(rows: Sequence[Row]) -> str:
    head, *rest = lines(rows, ratios=False)
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rest))


def about(results: dict[str, Any]) -> str:
    """The machine and what ran on it, in a sentence."""
    met: dict[str, set[str]] = {}
    for peer in results["versions"].values():
        for name, version in peer.items():
            met.setdefault(name, set()).add(version)
    named = ", ".join(f"{name} {' and '.join(sorted(found))}" for name, found in met.items())
    place = results["machine"]
    return f"{place['cpu']}, {place['cores']} cores, {place['system']}; {named}."


def readme_part(results: dict[str, Any]) -> str:
    said = f"""Microseconds of a training step (gather of a shuffled minibatch, forward, backward, plain SGD; float32),
        median of {results["settings"]["repeat"]} runs, all in turn. {" and ".join(f"`{name}`" for name in FLOOR)} are
        the step's matrix products alone, called from Python. Measured on {about(results)}"""
    text = textwrap.fill(" ".join(said.split()), 120)
    return f"{BEGIN}\n{text}\n\n{markdown_table(results['rows'])}\n{END}"


def update_readme(readme: Path, results: dict[str, Any]) -> None:
    """Put the table between its markers."""
    before, found, rest = readme.read_text().partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise SystemExit(f"{readme}: no place for the table: it goes between {BEGIN} and {END}")
    readme.write_text(before + readme_part(results) + after)
