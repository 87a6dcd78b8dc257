"""A server that runs one peer: JSON lines in, JSON lines out.

    python measure.py torch_peer --threads 1

Its Python is the one that has the peer. The threads are fixed before the peer is imported; one thread is also one core.
It does only what it is asked, so that whoever asks can let several servers take turns:

    {"op": "prepare", "variant": "torch", "widths": [8, 4], "batch": 32, "seed": 0}    {"first": seconds}
    {"op": "run", "variant": "torch", "steps": 1000}                     {"seconds": wall, "cpu": of all threads}
    {"op": "loss", "variant": "torch"}                                   {"loss": over the whole data set, or null}
    {"op": "about"}                                                      {"variants": [...], "versions": {...}}

`first` is the time to build the network and do the first steps, compilation included. A failure answers {"error": why}.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any, TextIO

PACKAGES = ("symnet", "torch", "jax", "pytensor", "scikit-learn", "numpy", "scipy", "numba")
FIRST_STEPS = 4


def limit(threads: int) -> None:
    """Give this process so many threads, and with one thread a single core; before anything heavy is imported."""
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA", "NUMEXPR"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


class Server:
    """The prepared runs of one peer, by variant."""

    def __init__(self, peer: str) -> None:
        self.jobs = importlib.import_module("jobs")
        self.variants: dict[str, Callable[..., Any]] = importlib.import_module(peer).VARIANTS
        self.runs: dict[str, Any] = {}
        self.data: tuple[Any, Any] = (None, None)

    def about(self) -> dict[str, Any]:
        return {"variants": list(self.variants), "versions": versions()}

    def prepare(self, variant: str, widths: list[int], batch: int, seed: int = 0) -> dict[str, Any]:
        self.runs.pop(variant, None)
        self.data = self.jobs.data(widths, batch, seed)
        start = time.perf_counter()
        self.runs[variant] = self.variants[variant](widths, batch, *self.data, seed)
        self.runs[variant](FIRST_STEPS)
        return {"first": time.perf_counter() - start}

    def run(self, variant: str, steps: int) -> dict[str, Any]:
        run = self.runs[variant]
        start, cpu = time.perf_counter(), time.process_time()
        run(steps)
        return {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}

    def loss(self, variant: str) -> dict[str, Any]:
        parameters = self.runs[variant].parameters
        return {"loss": None if parameters is None else self.jobs.loss(parameters(), *self.data)}

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        known = {"about": self.about, "prepare": self.prepare, "run": self.run, "loss": self.loss}
        try:
            return known[question.pop("op")](**question)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}


def own_stdout() -> TextIO:
    """The answers' channel; what a peer prints goes to stderr."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return channel


def answering(peer: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What answers questions; where the peer cannot be imported, with the reason why."""
    try:
        return Server(peer).answer
    except Exception as error:
        reason = {"error": f"{type(error).__name__}: {error}"}
        return lambda question: reason


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("peer", help="a module beside this file, such as torch_peer")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    channel = own_stdout()
    limit(chosen.threads)
    answer = answering(chosen.peer)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=channel, flush=True)


if __name__ == "__main__":
    main()
