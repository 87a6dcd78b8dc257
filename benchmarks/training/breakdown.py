"""Where the time goes from the start of a process to symnet's first training step, stage by stage: seconds.

    python benchmarks/training/breakdown.py [--widths 64 64 32 10] [--batch 32]

Two processes, one after the other: the first with an empty cache, the second with what the first has left, which does
not import Numba. Its own passes are told apart by its event log: typing, lowering (which holds LLVM's work on the
functions that a kernel calls), and the rest, which is mostly LLVM's on the kernel itself.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

from servers import HERE, environment

IMPORTS = ("numpy", "sympy", "symnet.train.model", "symnet.declare.layers")
STAGES = (
    *("python", "imports", "declare", "find", "import numba", "derive", "schedule and emit", "numba"),
    "load and first step",
)
Seconds = dict[str, float]


class Clock:
    """Seconds by stage; `lap` gives what has passed since the last look to a stage."""

    def __init__(self, start: float) -> None:
        self.spent: Counter[str] = Counter()
        self.last = start

    def lap(self, stage: str) -> None:
        now = time.time()
        self.spent[stage] += now - self.last
        self.last = now


# -- in the process that is measured


def passes() -> Any:
    """A listener that notes Numba's passes, the outermost ones only."""
    event = import_module("numba.core.event")

    class Passes(event.Listener):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.open: list[tuple[str, float]] = []
            self.spent: Counter[str] = Counter()

        def on_start(self, happened: Any) -> None:
            self.open.append((happened.data["name"], time.perf_counter()))

        def on_end(self, happened: Any) -> None:
            name, since = self.open.pop()
            if not self.open:
                self.spent[name.partition(" ")[0]] += time.perf_counter() - since

    listener = Passes()
    event.register("numba:run_pass", listener)
    return listener


def first_step(start: float, widths: list[int], batch: int) -> dict[str, Seconds]:
    """A first step, and the seconds of its stages."""
    clock = Clock(start)
    clock.lap("python")
    for name in IMPORTS:
        import_module(name)
    clock.lap("imports")
    jobs, peer, sn = import_module("jobs"), import_module("symnet_peer"), import_module("symnet")
    kernel = import_module("symnet.train.kernel")
    data = dict(zip(("x", "t"), jobs.data(widths, batch, 0), strict=True))
    run = peer.model(widths).compile(sn.optim.SGD(jobs.RATE), dtype="float32")
    clock.lap("declare")
    request = run._request(run.model.parts, batch)
    known = kernel.cached_file(request.key(), kernel.PLAN) is not None
    clock.lap("find")
    spent: Counter[str] = Counter()
    if not known:
        spent = passes().spent
        clock.lap("import numba")
        list(request.gradients(request.parts.loss, request.parts.params))
        clock.lap("derive")
        made = kernel.Kernel.__new__(kernel.Kernel)
        made.request = request
        made._emitted  # derives once more  # noqa: B018
        clock.lap("schedule and emit")
        clock.spent["schedule and emit"] -= clock.spent["derive"]
        made.__init__(request)  # type: ignore[misc]
        clock.lap("numba")
        run._kernels[(len(run.model.parts.data), batch, ())] = made
    run.fit({name: value[:batch] for name, value in data.items()}, epochs=1, batch_size=batch, progress=False)
    clock.lap("load and first step")
    return {"stages": dict(clock.spent), "passes": dict(spent)}


# -- from outside


def measured(folder: Path, job: list[str]) -> dict[str, Seconds]:
    known = environment("symnet")
    env = {**known, "SYMNET_CACHE_DIR": str(folder), "PYTHONPATH": os.pathsep.join([str(HERE), known["PYTHONPATH"]])}
    command = [sys.executable, str(Path(__file__)), "--child", repr(time.time()), *job]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(cold: dict[str, Seconds], warm: dict[str, Seconds]) -> str:
    lines = [f"{'':>22}  {'cold':>6}  {'warm':>6}"]
    for stage in STAGES:
        lines.append(f"{stage:>22}  {cold['stages'].get(stage, 0):6.2f}  {warm['stages'].get(stage, 0):6.2f}")
    lines.append(f"{'all':>22}  {sum(cold['stages'].values()):6.2f}  {sum(warm['stages'].values()):6.2f}")
    passes = sorted(cold["passes"].items(), key=lambda pair: -pair[1])[:4]
    lines.append("of numba: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in passes))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--widths", nargs="+", type=int, default=[64, 64, 32, 10], metavar="UNITS")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    parser.add_argument("--child", type=float, default=None, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child is not None:
        print(json.dumps(first_step(chosen.child, chosen.widths, chosen.batch)))
        return
    job = ["--batch", str(chosen.batch), "--widths", *map(str, chosen.widths)]
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = measured(Path(folder), job), measured(Path(folder), job)
    print(json.dumps({"cold": cold, "warm": warm}, indent=1) if chosen.json else table(cold, warm))


if __name__ == "__main__":
    main()
