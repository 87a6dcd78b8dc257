"""Training steps of symnet and of its peers, in turn: microseconds a step.

    python benchmarks/training/run.py --python-of-peers peers/bin/python [--quick] [--update-readme]

Each peer lives in a server of its own (`measure.py`), and only one computes at a time: repetition by repetition they
take turns, so that a machine that slows down slows them all down. A cell is a network, a batch size and a number of
threads; the number of steps of a repetition is chosen for each variant so that it takes about `--seconds`, in whole
epochs where they are short enough. The median repetition counts; compiling is not in it, but kept as `first`. The
results go to a JSON file after every cell, and with `--show` a table is made of one that is there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import report
from jobs import BATCHES, NETWORKS, flops, rows
from servers import PEERS, ROOT, PeerError, Server, Servers

RESULTS = ROOT / "benchmarks" / "results" / "training.json"
VARIANTS = [variant for provided in PEERS.values() for variant in provided]
QUICK = [("8-16-16-4", 1), ("64-64-32-10", 32), ("784-256-128-10", 128), ("784-10", 32)]
QUICK_WITHOUT = ("torch-compile", "torch-compile-step")  # they compile for half a minute
PAUSE = 0.05  # seconds in which the threads of the one before fall asleep
Cell = tuple[str, int, int]


# -- one cell


def steps_for(server: Server, variant: str, batch: int, seconds: float) -> int:
    """How many steps take so long; whole epochs, where an epoch takes at most four times as long."""
    steps = 1
    while True:
        server.ask("run", variant=variant, steps=steps)  # a new number of steps may compile
        taken = server.ask("run", variant=variant, steps=steps)["seconds"]
        if taken > seconds / 8 or steps >= 1 << 20:
            break
        steps *= 4
    epoch, wanted = rows(batch) // batch, max(1, round(seconds * steps / taken))
    if epoch * taken / steps <= 4 * seconds:
        wanted = max(1, round(wanted / epoch)) * epoch
    server.ask("run", variant=variant, steps=wanted)
    return wanted


def prepare(servers: Servers, cell: Cell, seconds: float) -> dict[str, dict[str, Any]]:
    """First calls and numbers of steps, of all variants that can do the job."""
    network, batch, _ = cell
    ready: dict[str, dict[str, Any]] = {}
    for variant, server in servers.items():
        try:
            first = server.ask("prepare", variant=variant, widths=NETWORKS[network], batch=batch)["first"]
            ready[variant] = {"first": first, "steps": steps_for(server, variant, batch, seconds)}
        except PeerError as error:
            print(f"left out of {network} at {batch}: {variant}: {error}", file=sys.stderr)
    return ready


def repetitions(servers: Servers, ready: dict[str, dict[str, Any]], repeat: int) -> dict[str, list[dict[str, float]]]:
    """The runs of each variant: one after the other, there and back."""
    found: dict[str, list[dict[str, float]]] = {variant: [] for variant in ready}
    for turn in range(repeat):
        for variant in list(found)[:: -1 if turn % 2 else 1]:
            time.sleep(PAUSE)
            try:
                found[variant].append(servers[variant].ask("run", variant=variant, steps=ready[variant]["steps"]))
            except PeerError as error:
                print(f"left out: {variant}: {error}", file=sys.stderr)
                del found[variant]
    return found


def row(
    cell: Cell, variant: str, ready: dict[str, Any], runs: list[dict[str, float]], loss: float | None
) -> report.Row:
    """What there is to say of a variant in a cell; times in microseconds a step, but `first` in seconds."""
    network, batch, threads = cell
    us = [1e6 * run["seconds"] / ready["steps"] for run in runs]
    return {
        "network": network,
        "batch": batch,
        "threads": threads,
        "variant": variant,
        "us": statistics.median(us),
        "best": min(us),
        "worst": max(us),
        "cpu": statistics.median(1e6 * run["cpu"] / ready["steps"] for run in runs),
        "gflops": flops(NETWORKS[network], batch) / statistics.median(us) / 1e3,
        "first": ready["first"],
        "steps": ready["steps"],
        "loss": loss,
    }


def measure(servers: Servers, cell: Cell, repeat: int, seconds: float) -> list[report.Row]:
    """The rows of a cell."""
    ready = prepare(servers, cell, seconds)
    found = repetitions(servers, ready, repeat)
    losses = {variant: servers[variant].ask("loss", variant=variant)["loss"] for variant in found}
    return [row(cell, variant, ready[variant], found[variant], losses[variant]) for variant in found]


# -- all of them


def cells(chosen: argparse.Namespace, threads: int) -> list[Cell]:
    if chosen.quick:
        return [(network, batch, threads) for network, batch in QUICK]
    return [(network, batch, threads) for network in chosen.networks for batch in chosen.batches]


def variants(chosen: argparse.Namespace) -> list[str]:
    """The names given may be of peers or of single variants."""
    named = {variant for name in chosen.peers for variant in PEERS.get(name, ())} | set(chosen.peers)
    return [variant for variant in VARIANTS if variant in named and not (chosen.quick and variant in QUICK_WITHOUT)]


def compare(chosen: argparse.Namespace) -> dict[str, Any]:
    """All cells, written down as they come."""
    settings = {"repeat": chosen.repeat, "seconds": chosen.seconds, "load": os.getloadavg()[0]}
    results: dict[str, Any] = {"machine": report.machine(), "settings": settings, "versions": {}, "rows": []}
    for threads in chosen.threads:
        with Servers(variants(chosen), chosen.python_of_peers, threads) as servers:
            results["versions"].update(servers.versions)
            for cell in cells(chosen, threads):
                measured = measure(servers, cell, chosen.repeat, chosen.seconds)
                results["rows"] = report.with_ratios(results["rows"] + measured)
                print(report.text_table(measured), end="\n\n", file=sys.stderr, flush=True)
                chosen.output.parent.mkdir(parents=True, exist_ok=True)
                chosen.output.write_text(json.dumps(results, indent=1) + "\n")
    return results


def shown(chosen: argparse.Namespace) -> dict[str, Any]:
    """What was measured before, of the networks, batches, threads and peers that are asked for."""
    results = json.loads(chosen.output.read_text())
    asked = {cell for threads in chosen.threads for cell in cells(chosen, threads)}
    kept = [row for row in results["rows"] if report.cell_of(row) in asked and row["variant"] in variants(chosen)]
    return {**results, "rows": report.with_ratios(kept)}


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), metavar="NAME")
    parser.add_argument("--batches", nargs="+", type=int, default=list(BATCHES), metavar="SIZE")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], metavar="COUNT")
    parser.add_argument("--peers", nargs="+", choices=[*PEERS, *VARIANTS], default=list(PEERS), metavar="NAME")
    parser.add_argument("--repeat", type=int, default=9, help="repetitions of each variant; their median counts")
    parser.add_argument("--seconds", type=float, default=0.2, help="about how long a repetition takes")
    parser.add_argument("--python-of-peers", default=sys.executable, metavar="PATH", help="a Python that has the peers")
    parser.add_argument("--quick", action="store_true", help="four cells, and nothing that compiles for long")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="JSON")
    parser.add_argument("--show", action="store_true", help="measure nothing: choose from what --output holds")
    parser.add_argument("--update-readme", action="store_true", help="put the table into README.md")
    return parser.parse_args(given)


def main() -> None:
    chosen = arguments()
    results = shown(chosen) if chosen.show else compare(chosen)
    print(report.text_table(results["rows"]), report.about(results), sep="\n\n")
    if chosen.update_readme:
        report.update_readme(ROOT / "README.md", results)


if __name__ == "__main__":
    main()
