"""The loop over epochs: orders of rows, slices of a tenth of a second, progress, checkpoints, Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from symnet.core.definition import Program
from symnet.errors import TrainingProblem
from symnet.pipeline import lower
from symnet.run.function import Function
from symnet.train.data import Prepared, kernel_view
from symnet.train.history import History
from symnet.train.kernel import Kernel
from symnet.train.rows import order

Array = NDArray[Any]
SLICE = 0.12  # seconds between two looks at the outside world


class Trainee(Protocol):
    """What is trained, as the loop sees it."""

    model: Any
    dtype: str
    history: History
    seed: int
    epoch: int
    done: int
    place: dict[str, Any]
    values: dict[str, Array]
    numbers: dict[Any, int]

    def evaluate(self, data: Mapping[Any, Any]) -> dict[str, float]: ...

    def checkpoint(self, folder: Path, place: Mapping[str, Any]) -> None: ...


class Fit:
    """One call of fit: where it stands, and what it does between slices."""

    def __init__(
        self,
        run: Trainee,
        kernel: Kernel,
        data: Prepared,
        rows: Array,
        batch_size: int,
        epochs: int,
        shuffle: bool,
        progress: bool,
        held_out: Mapping[str, Any] | None,
        stopping: Any,
    ) -> None:
        self.owner, self.kernel, self.data, self.rows = run, kernel, data, rows
        self.batch_size, self.epochs, self.shuffle = batch_size, epochs, shuffle
        self.progress = progress and sys.stderr.isatty()
        self.held_out, self.stopping = held_out, stopping
        self.arrays = [kernel_view(array) for array in data.arrays.values()]
        self.per_epoch = -(-len(rows) // batch_size)
        self.pace = 1
        self.folder: Path | None = None
        self.interrupted = False

    def keep(self, folder: Path, seconds: float, steps: int | None) -> None:
        """Write checkpoints to a folder while training."""
        self.folder, self.seconds, self.every = folder, seconds, steps
        self.written, self.written_at = time.perf_counter(), self.owner.done

    def run(self) -> History:
        """Train the epochs; what an interrupted fit had done of them counts."""
        place, self.owner.place = self.owner.place, {}
        begun = int(place.get("epochs_done", 0)) if place else 0
        at, sums = int(place.get("at", 0)), place.get("sums")
        with self.watching():
            for number in range(begun, self.epochs):
                if self.epoch(number, at, sums):
                    break
                at, sums = 0, None
        if self.interrupted:
            raise KeyboardInterrupt
        self.best_restored()
        return self.owner.history

    def epoch(self, number: int, at: int, sums: list[float] | None) -> bool:
        """One epoch from step `at` on; whether to stop after it."""
        run, kernel = self.owner, self.kernel
        rows = self.rows[order(run.seed, run.epoch, len(self.rows), self.shuffle)]
        kernel.sums[:] = 0 if sums is None else sums
        begun = time.perf_counter()
        while at < self.per_epoch:
            at += self.slice(rows, at)
            self.between(number, at)
            if self.interrupted:
                return True
        run.epoch += 1
        means = kernel.sums[:-1] / kernel.sums[-1]
        found = {name: float(v) for name, v in zip(("loss", *run.model.metrics), means, strict=True)}
        if self.held_out is not None:
            found |= {f"val_{name}": value for name, value in run.evaluate(self.held_out).items()}
        run.history.add(**found, seconds=time.perf_counter() - begun)
        self.told(number, found)
        self.save(number + 1, 0, force=True)
        return bool(self.stopping is not None and self.stopped(found))

    def slice(self, rows: Array, at: int) -> int:
        """As many steps as fit in a tenth of a second."""
        run, kernel = self.owner, self.kernel
        last = min(at + self.pace, self.per_epoch)
        before = time.perf_counter()
        done = kernel.steps(self.arrays, rows, at, last, run.done, run.seed)
        spent = time.perf_counter() - before
        run.done += done
        if done < last - at:
            self.failed(rows, at + done)
        self.pace = max(1, min(int(done * SLICE / max(spent, 1e-7)), 8 * self.pace if spent < SLICE / 8 else 10**9))
        return done

    def between(self, number: int, at: int) -> None:
        if self.progress:
            share = at / self.per_epoch
            loss = self.kernel.sums[0] / max(self.kernel.sums[-1], 1)
            sys.stderr.write(f"\repoch {number + 1}/{self.epochs}  {share:4.0%}  loss {loss:.4g} ")
            sys.stderr.flush()
        self.save(number, at, force=self.interrupted)

    def told(self, number: int, found: Mapping[str, float]) -> None:
        if self.progress:
            text = "  ".join(f"{name} {value:.4g}" for name, value in found.items())
            sys.stderr.write(f"\repoch {number + 1}/{self.epochs}  {text}\n")

    def save(self, number: int, at: int, force: bool) -> None:
        """A checkpoint, when it is time for one."""
        if self.folder is None:
            return
        run = self.owner
        due = (
            run.done - self.written_at >= self.every
            if self.every
            else time.perf_counter() - self.written >= self.seconds
        )
        if not (due or force):
            return
        run.checkpoint(self.folder, {"epochs_done": number, "at": at, "sums": self.kernel.sums.tolist()})
        self.written, self.written_at = time.perf_counter(), run.done

    def stopped(self, found: Mapping[str, float]) -> bool:
        run = self.owner
        return bool(
            self.stopping.update(self.stopping.value_of(found), lambda: {n: a.copy() for n, a in run.values.items()})
        )

    def best_restored(self) -> None:
        """The parameters of the best epoch, where early stopping keeps them."""
        if self.stopping is not None and self.stopping.restore_best and self.stopping.best_snapshot is not None:
            for name, array in self.stopping.best_snapshot.items():
                self.owner.values[name][...] = array

    # -- what can go wrong

    def failed(self, rows: Array, at: int) -> None:
        """A loss that is not finite: name the step and the first tensor that is bad."""
        run, parts = self.owner, self.owner.model.parts
        chosen = rows[at * self.batch_size : (at + 1) * self.batch_size]
        values: dict[str, Any] = dict(run.values)
        for node, array in self.data.arrays.items():
            axes = [a for a, s in enumerate(node.shape) if s == parts.batch]
            values[node.name] = np.take(array, chosen, axis=axes[0]) if axes else array
        for mask in parts.masks:
            shape = [len(chosen) if s == parts.batch else int(s.xreplace(run.numbers)) for s in mask.shape]
            values[mask.name] = np.ones(shape)
        culprit = first_bad(Program.of([run.model.loss]), values, run.dtype)
        raise TrainingProblem(
            f"the loss is not finite at step {run.done + 1} (epoch {run.epoch + 1}): {culprit}",
            "a smaller learning rate, clip_norm=1.0 in the optimizer, or scaled inputs often help",
        )

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Ctrl-C only raises a flag, so that a step is never left half done; a second one stops at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def noted(*_: Any) -> None:
            if self.interrupted:
                signal.signal(signal.SIGINT, before)
                raise KeyboardInterrupt
            self.interrupted = True

        signal.signal(signal.SIGINT, noted)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def first_bad(program: Program, values: Mapping[str, Any], dtype: str) -> str:
    """The first tensor, in the order of computation, that holds a NaN or an infinity."""
    for node in program.inputs():
        if not np.isfinite(np.asarray(values[node.name], float)).all():
            return f"{node.name} holds values that are not finite already"
    tensors = [node for node in program if not node.anonymous]
    for node, found in zip(tensors, Function(tensors, dtype, lower)(values), strict=True):
        bad = np.argwhere(~np.isfinite(np.asarray(found)))
        if len(bad):
            at = ", ".join(str(int(i)) for i in bad[0])
            place = f"[{at}]" if at else ""
            return f"{node.name}{place} = {np.asarray(found)[tuple(bad[0])]} is the first value that is not finite"
    return "no tensor of the forward pass is; the sum itself overflowed"
