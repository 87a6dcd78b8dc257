"""From the start of a process to the end of its first training step, cold and warm: seconds.

    python benchmarks/training/startup.py --python-of-peers peers/bin/python

Every run is a process of its own, timed from outside. Cold: with empty caches of compiled code. Warm: the second
process that has these caches. Python's own bytecode and the disk's cache are warm in both.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from servers import HERE, PEERS, environment, python_of

VARIANTS = {variant: peer for peer, provided in PEERS.items() for variant in provided if peer != "gemms"}
CACHES = {
    "SYMNET_CACHE_DIR": "symnet",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "JAX_COMPILATION_CACHE_DIR": "jax",
    "XDG_CACHE_HOME": "cache",
}
CHILD = """
import importlib, sys, time
peer, variant, threads, batch, *widths = sys.argv[1:]
import measure
measure.limit(int(threads))
import jobs
widths, batch = list(map(int, widths)), int(batch)
run = importlib.import_module(peer + "_peer").VARIANTS[variant](widths, batch, *jobs.data(widths, batch, 0), 0)
run(1)
print("first step at", time.time())
"""


def caches(folder: Path) -> dict[str, str]:
    """An environment in which all compiled code is kept below the folder."""
    below = {name: str(folder / part) for name, part in CACHES.items()}
    return {**below, "PYTENSOR_FLAGS": f"base_compiledir={folder / 'pytensor'}"}


def first_step(variant: str, python: str, folder: Path, job: list[str]) -> float:
    """Seconds from the start of a process to the end of its first step."""
    command = [python, "-c", CHILD, VARIANTS[variant], variant, *job]
    known = environment(VARIANTS[variant])
    paths = os.pathsep.join(filter(None, [str(HERE), known.get("PYTHONPATH")]))
    start = time.time()
    done = subprocess.run(
        command, env={**known, **caches(folder), "PYTHONPATH": paths}, check=True, capture_output=True, text=True
    )
    return float(done.stdout.rpartition("first step at")[2]) - start


def measure(variant: str, python: str, repeat: int, job: list[str]) -> dict[str, float]:
    """The median of some pairs of a cold process and the warm one behind it."""
    cold, warm = [], []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as folder:
            cold.append(first_step(variant, python, Path(folder), job))
            warm.append(first_step(variant, python, Path(folder), job))
    return {"cold": statistics.median(cold), "warm": statistics.median(warm)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME")
    parser.add_argument("--widths", nargs="+", default=["64", "64", "32", "10"], metavar="UNITS")
    parser.add_argument("--batch", default="32")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--repeat", type=int, default=3, help="pairs of processes; their medians count")
    parser.add_argument("--python-of-peers", default=sys.executable, metavar="PATH", help="a Python that has the peers")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    chosen = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for variant in chosen.variants:
        python = python_of(VARIANTS[variant], chosen.python_of_peers)
        try:
            found[variant] = measure(variant, python, chosen.repeat, [chosen.threads, chosen.batch, *chosen.widths])
        except subprocess.CalledProcessError as error:
            last = error.stderr.strip().rpartition("\n")[2]
            print(f"left out: {variant}: {last}", file=sys.stderr)
            continue
        if not chosen.json:
            print(
                f"{variant:>20}  cold {found[variant]['cold']:6.2f} s  warm {found[variant]['warm']:6.2f} s", flush=True
            )
    if chosen.json:
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
