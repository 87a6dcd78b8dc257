"""How symnet's time grows: a training step with batch, width and depth, and compiling with depth.

    python benchmarks/training/growth.py [--quick]

One process, one thread, float32, ReLU layers under softmax cross entropy. A step's time is the best of many short
windows. `ratio` is the time over that of linear growth of the work from the row above: 1 is linear, less is better.
Compiling counts deriving, scheduling, emitting and Numba, with an empty cache, and how many functions hold the equal
loops that layers share.
"""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
import time
from collections.abc import Sequence

from measure import limit

GROWTH: dict[str, list[tuple[tuple[int, ...], int]]] = {
    "batch": [((256, 256, 10), batch) for batch in (128, 512, 2048, 8192)],
    "width": [((width, width, width, 10), 256) for width in (256, 512, 1024)],
    "depth": [((128, *layers * (128,), 10), 256) for layers in (2, 8, 32)],
}
WINDOW, WINDOWS = 0.02, 25


def step_and_compile(widths: Sequence[int], batch: int) -> tuple[float, float, str]:
    """Seconds of a step, seconds of making its kernel, and the kernel's source."""
    jobs, peer, sn = (importlib.import_module(name) for name in ("jobs", "symnet_peer", "symnet"))
    view = importlib.import_module("symnet.train.loop").kernel_view
    order = importlib.import_module("symnet.train.rows").order
    x, y = jobs.data(widths, batch, 0)
    run = peer.model(widths).compile(sn.optim.SGD(jobs.RATE), dtype="float32")
    before = time.perf_counter()
    run.fit({"x": x[:batch], "t": y[:batch]}, epochs=1, batch_size=batch, progress=False)
    compiling = time.perf_counter() - before
    kernel, arrays, rows = run._latest, [view(x), view(y)], order(0, 0, len(x), True)

    def window(steps: int) -> float:
        start = time.perf_counter()
        kernel.steps(arrays, rows, 0, steps, 0, 0)
        return (time.perf_counter() - start) / steps

    steps = max(1, min(len(x) // batch, int(WINDOW / window(1))))
    return min(window(steps) for _ in range(WINDOWS)), compiling, kernel.source


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out the largest of each")
    chosen = parser.parse_args()
    limit(1)
    flops = importlib.import_module("jobs").flops
    print(
        f"{'grows':>6}  {'network':>22}  {'batch':>6}  {'us a step':>10}  {'GFLOP/s':>8}  {'ratio':>5}"
        "  compile s  shared"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SYMNET_CACHE_DIR"] = folder
        for what, cells in GROWTH.items():
            before: tuple[float, float] | None = None
            for widths, batch in cells[:-1] if chosen.quick else cells:
                seconds, compiling, source = step_and_compile(widths, batch)
                work = flops(widths, batch)
                ratio = f"{seconds / before[0] / (work / before[1]):5.2f}" if before else "    -"
                name = f"{widths[0]}-{len(widths) - 2}x{widths[1]}-{widths[-1]}"
                print(
                    f"{what:>6}  {name:>22}  {batch:>6}  {1e6 * seconds:>10.1f}  {work / seconds / 1e9:>8.1f}  {ratio}"
                    f"  {compiling:>9.2f}  {source.count('def part_'):>6}",
                    flush=True,
                )
                before = seconds, work


if __name__ == "__main__":
    main()
