"""How long it takes to declare a network and to derive and simplify all of its gradients.

    python benchmarks/derive.py [--runs 3] [--json]

An MLP of L tanh layers for L = 2, 8, 32, 128, and a causal transformer of 1, 4, 12 pre-norm blocks (width 16, 4 heads,
feed-forward 32, 10 classes per token); batch and time are symbols. Each run has a process of its own, so that nothing
is remembered from another, and the best of a few counts. `ms a layer` is the whole time over the number of layers,
`more` what a further layer costs beyond the row above, and `ratio` the whole time over that of linear growth from the
smallest network: 1 is linear, less is better. Importing symnet is measured likewise, by its median.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import symnet as sn
from symnet.core.definition import Program
from symnet.declare import layers as L
from symnet.declare import losses

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEADS, HIDDEN, CLASSES = 16, 4, 32, 10
SIZES = {"mlp": (2, 8, 32, 128), "transformer": (1, 4, 12)}
IMPORTS = 9
COLUMNS = ("network", "layers", "tensors", "declare s", "derive s", "total s", "ms a layer", "more", "ratio")


# -- the networks


def mlp(layers: int) -> Any:
    """The loss of an MLP: `layers` dense layers, tanh between them."""
    x, y = sn.input("x", ("N", WIDTH)), sn.input("y", ("N",), kind="label", classes=CLASSES)
    hidden = [L.Dense(WIDTH, "tanh") for _ in range(layers - 1)]
    return losses.softmax_cross_entropy(L.Sequential(*hidden, L.Dense(CLASSES))(x), y)


def transformer(blocks: int) -> Any:
    """The loss of a transformer: a class for each token."""
    x, y = sn.input("x", ("N", "T", WIDTH)), sn.input("y", ("N", "T"), kind="label", classes=CLASSES)
    parts: list[Any] = []
    for _ in range(blocks):
        parts.append(L.Residual(L.LayerNorm(), L.MultiHeadAttention(HEADS, causal=True)))
        parts.append(L.Residual(L.LayerNorm(), L.Dense(HIDDEN, "gelu"), L.Dense(WIDTH)))
    return losses.softmax_cross_entropy(L.Sequential(*parts, L.LayerNorm(), L.Dense(CLASSES))(x), y)


NETWORKS: dict[str, Callable[[int], Any]] = {"mlp": mlp, "transformer": transformer}


# -- one run, in a process of its own


def measure(network: str, layers: int) -> dict[str, float]:
    """Seconds to declare, and to derive and simplify the gradients of all parameters."""
    start = time.perf_counter()
    loss = NETWORKS[network](layers)
    declared = time.perf_counter()
    wrt = [node for node in Program.of([loss]).inputs() if node.role == "param"]
    sn.grad(loss, wrt)
    derived = time.perf_counter()
    return {"tensors": len(wrt), "declare": declared - start, "derive": derived - declared, "total": derived - start}


def fresh(*arguments: str) -> str:
    """What a new Python prints."""
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


# -- all of them


def rows(runs: int) -> Iterator[dict[str, Any]]:
    """The best run of each network at each size."""
    for network, sizes in SIZES.items():
        known: list[dict[str, Any]] = []
        for layers in sizes:
            found = [json.loads(fresh(__file__, "--one", network, str(layers))) for _ in range(runs)]
            best = min(found, key=lambda run: run["total"])
            known.append({"network": network, "layers": layers, **best})
            yield {**known[-1], **growth(known)}


def growth(known: list[dict[str, Any]]) -> dict[str, float]:
    """What a layer costs: in all, beyond the row before, and against the first row."""
    first, before, last = known[0], known[-2] if len(known) > 1 else {"layers": 0, "total": 0.0}, known[-1]
    return {
        "per_layer": last["total"] / last["layers"],
        "more": (last["total"] - before["total"]) / (last["layers"] - before["layers"]),
        "ratio": last["total"] / last["layers"] * first["layers"] / first["total"],
    }


def import_seconds() -> dict[str, float]:
    """The median time of `import symnet` in processes of their own."""
    code = "import time; s = time.perf_counter(); import symnet; print(time.perf_counter() - s)"
    found = [float(fresh("-c", code)) for _ in range(IMPORTS)]
    return {"median": statistics.median(found), "best": min(found), "runs": IMPORTS}


def machine() -> dict[str, Any]:
    return {
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "sympy": fresh("-c", "import sympy; print(sympy.__version__)").strip(),
        "symnet": fresh("-c", "import symnet; print(symnet.__version__)").strip(),
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


# -- printing


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["network"],
        str(row["layers"]),
        str(row["tensors"]),
        f"{row['declare']:.3f}",
        f"{row['derive']:.3f}",
        f"{row['total']:.3f}",
        f"{1000 * row['per_layer']:.1f}",
        f"{1000 * row['more']:.1f}",
        f"{row['ratio']:.2f}",
    )


def table(found: list[dict[str, Any]]) -> str:
    lines = [COLUMNS, *map(cells, found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="processes for each row; the best counts")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    parser.add_argument("--one", nargs=2, metavar=("NETWORK", "LAYERS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measure(chosen.one[0], int(chosen.one[1]))))
        return
    found = {"machine": machine(), "import": import_seconds(), "runs": chosen.runs, "rows": list(rows(chosen.runs))}
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    print(", ".join(f"{key} {value}" for key, value in found["machine"].items()))
    print(f"import symnet: {found['import']['median']:.3f} s (median of {IMPORTS} processes)")
    print(f"best of {chosen.runs} processes a row\n\n{table(found['rows'])}")


if __name__ == "__main__":
    main()
