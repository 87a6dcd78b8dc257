"""The loop over epochs: orders of rows, slices of a tenth of a second, progress, checkpoints, Ctrl-C.

A checkpoint says where the loop stands: epochs done, the step within the epoch, sums and seconds so far, and what early
stopping has seen. With it, a resumed fit goes through the same numbers as one that was never stopped.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from symnet.core.definition import Program
from symnet.errors import Diverged, TrainingProblem
from symnet.pipeline import lower
from symnet.run.function import Function
from symnet.train.data import Prepared, at_rows, kernel_view, sample_axes, surely_finite
from symnet.train.history import History
from symnet.train.kernel import Kernel
from symnet.train.rows import order
from symnet.train.stopping import EarlyStopping

Array = NDArray[Any]
Progress = Callable[[dict[str, Any]], None]
REST = 10  # where epochs are short, training takes this many times as long as writing checkpoints


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
    best: dict[str, Array] | None

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
        measure: Callable[[], Mapping[str, float]] | None,
        stopping: EarlyStopping[Any] | None,
        on_progress: Progress | None = None,
    ) -> None:
        self.owner, self.kernel, self.data, self.rows = run, kernel, data, rows
        self.batch_size, self.epochs, self.shuffle = batch_size, epochs, shuffle
        self.measure, self.stopping, self.on_progress = measure, stopping, on_progress
        self.arrays = [kernel.apart(kernel_view(array)) for array in data.arrays.values()]
        self.per_epoch = -(-len(rows) // batch_size)
        self.all_rows = bool(np.array_equal(rows, np.arange(len(rows))))
        self.folder: Path | None = None
        self.every: int | None = None
        self.interrupted = False
        self.begun = time.perf_counter()

    def keep(self, folder: Path, seconds: float, steps: int | None) -> None:
        """Write checkpoints to a folder while training; the first one at once."""
        self.folder, self.seconds, self.every = folder, seconds, steps
        self.written, self.written_at, self.cost = time.perf_counter(), self.owner.done, 0.0

    def run(self) -> History:
        """Train the epochs; what an interrupted fit had done of them counts."""
        place = self.owner.place
        self.check_place(place)
        self.remember(place)
        self.owner.place = {}
        at, sums, number = int(place.get("at", 0)), place.get("sums"), int(place.get("epochs_done", 0))
        spent, stop = float(place.get("seconds", 0.0)), bool(place.get("stopped", False))
        if not place:
            self.save(number, 0, force=True)
        with self.watching():
            while number < self.epochs and not stop and not self.interrupted:
                self.begun = time.perf_counter() - spent
                ended = self.epoch(number, at, sums)
                if ended is None:
                    raise KeyboardInterrupt
                at, sums, spent, number, stop = 0, None, 0.0, number + 1, ended
        if self.interrupted:
            self.save(number, 0, force=True, stopped=stop)
            raise KeyboardInterrupt
        self.best_restored()
        return self.owner.history

    def check_place(self, place: Mapping[str, Any]) -> None:
        """A place in the middle of an epoch means something for the same rows and batches only."""
        now = {"rows": len(self.rows), "batch_size": self.batch_size, "shuffle": self.shuffle}
        differs = [key for key, value in now.items() if place.get("at") and place.get(key, value) != value]
        if differs:
            key = differs[0]
            raise TrainingProblem(
                f"the checkpoint stands in the middle of an epoch with {key}={place[key]}, but now {key}={now[key]}",
                "go on with the same data and options, or begin anew",
            )

    def remember(self, place: Mapping[str, Any]) -> None:
        """What early stopping had seen in this fit, and the best parameters it had met; nothing of another fit."""
        if self.stopping is not None:
            self.stopping.check_watched(self.columns())
            self.stopping.reset()
            if place.get("stopping"):
                self.stopping.resume(place["stopping"], self.owner.best)
        self.owner.best = None

    def logged(self) -> tuple[str, ...]:
        """What training itself measures."""
        return ("loss", *self.owner.model.metrics)

    def columns(self) -> tuple[str, ...]:
        """What an epoch measures, with what it measures of data that is held out."""
        return self.logged() if self.measure is None else (*self.logged(), *(f"val_{name}" for name in self.logged()))

    def epoch(self, number: int, at: int, sums: list[float] | None) -> bool | None:
        """One epoch from step `at` on; whether to stop after it, None where it was interrupted and saved midway."""
        run, kernel = self.owner, self.kernel
        rows = order(run.seed, run.epoch, len(self.rows), self.shuffle)
        rows = rows if self.all_rows else self.rows[rows]
        kernel.sums[:] = 0 if sums is None else sums
        while at < self.per_epoch:
            at += self.slice(rows, at)
            self.between(number, at)
            if self.interrupted:
                return None
        run.epoch += 1
        means = kernel.sums[:-1] / kernel.sums[-1]
        found = {name: float(v) for name, v in zip(self.logged(), means, strict=True)}
        if self.measure is not None:
            found |= {f"val_{name}": value for name, value in self.measure().items()}
        run.history.add(**found, seconds=time.perf_counter() - self.begun)
        stop = self.stopping is not None and self.stopped(found)
        self.save(number + 1, 0, force=stop or number + 1 >= self.epochs or self.rested(), stopped=stop)
        self.tell("epoch", number, run.history.last())
        return stop

    def slice(self, rows: Array, at: int) -> int:
        """As many steps as fit in a tenth of a second, and no more than until the next checkpoint."""
        run, kernel = self.owner, self.kernel
        last = kernel.until(at, self.per_epoch)
        if self.every:
            last = min(last, at + max(self.every - (run.done - self.written_at), 1))
        done = kernel.steps(self.arrays, rows, at, last, run.done, run.seed)
        run.done += done
        if done < last - at:
            self.failed(rows, at + done)
        self.check_values()
        return done

    def between(self, number: int, at: int) -> None:
        """After a slice: tell how far it is, and save where that is due."""
        sums = self.kernel.sums
        self.tell("progress", number, {"share": at / self.per_epoch, "loss": float(sums[0] / max(sums[-1], 1))})
        self.save(number, at, force=self.interrupted)

    def tell(self, event: str, number: int, values: Mapping[str, Any]) -> None:
        if self.on_progress is not None:
            head = {"event": event, "epoch": number + 1, "epochs": self.epochs, "steps": self.owner.done}
            self.on_progress({**head, **values})

    def rested(self) -> bool:
        """Whether the last checkpoint is so long ago that another costs little beside what was trained since."""
        return self.folder is not None and time.perf_counter() - self.written > REST * self.cost

    def save(self, number: int, at: int, force: bool, stopped: bool = False) -> None:
        """A checkpoint, when it is time for one."""
        if self.folder is None:
            return
        run = self.owner
        due = (
            run.done - self.written_at >= self.every
            if self.every
            else time.perf_counter() - self.written >= self.seconds
        )
        if due or force:
            run.best = None if self.stopping is None else self.stopping.best_snapshot
            before = time.perf_counter()
            run.checkpoint(self.folder, self.place(number, at, stopped))
            run.best = None
            self.written, self.written_at = time.perf_counter(), run.done
            self.cost = self.written - before

    def place(self, number: int, at: int, stopped: bool) -> dict[str, Any]:
        """Where this fit stands."""
        return {
            "epochs_done": number,
            "at": at,
            "sums": self.kernel.sums.tolist() if at else None,
            "seconds": time.perf_counter() - self.begun if at else 0.0,
            "stopping": None if self.stopping is None else self.stopping.to_facts(),
            "stopped": stopped,
            "rows": len(self.rows),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
        }

    def stopped(self, found: Mapping[str, float]) -> bool:
        """Whether early stopping has had enough."""
        run, stopping = self.owner, self.stopping
        assert stopping is not None, "somebody watches"
        return stopping.update(stopping.value_of(found), lambda: {n: a.copy() for n, a in run.values.items()})

    def best_restored(self) -> None:
        """The parameters of the best epoch, where early stopping keeps them."""
        if self.stopping is not None and self.stopping.restore_best and self.stopping.best_snapshot is not None:
            for name, array in self.stopping.best_snapshot.items():
                self.owner.values[name][...] = array

    # -- what can go wrong

    def check_values(self) -> None:
        """A loss may be finite where its slope is not: parameters and states show it, after a slice at the latest."""
        if not all(map(is_finite, self.kernel.learned())):
            run = self.owner
            bad = [name for name, value in run.values.items() if not is_finite(value)]
            what = f"{bad[0]} holds" if bad else "the optimizer's states hold"
            raise Diverged(
                f"{what} values that are not finite after step {run.done} (epoch {run.epoch + 1}): a slope was not",
                "look for a root, a logarithm or a quotient at 0, or for a learning rate that is too large",
            )

    def failed(self, rows: Array, at: int) -> None:
        """A loss that is not finite: name the step and the first tensor that is bad."""
        run, parts = self.owner, self.owner.model.parts
        chosen = rows[at * self.batch_size : (at + 1) * self.batch_size]
        values: dict[str, Any] = dict(run.values)
        for node, array in self.data.arrays.items():
            values[node.name] = at_rows(array, sample_axes(node, parts.batch), chosen)
        for mask in parts.masks:
            shape = [len(chosen) if s == parts.batch else int(s.xreplace(run.numbers)) for s in mask.shape]
            values[mask.name] = np.ones(shape)
        culprit = first_bad(Program.of([run.model.loss]), values, run.dtype)
        bad_data = [node for node in self.data.arrays if not is_finite(values[node.name])]
        raise Diverged(
            f"the loss is not finite at step {run.done + 1} (epoch {run.epoch + 1}): {culprit}",
            "drop such rows, or let formulas leave such values out"
            if bad_data
            else "a smaller learning rate, clip_norm=1.0 in the optimizer, or scaled inputs often help",
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


def is_finite(values: Any) -> bool:
    array = np.asarray(values)
    return surely_finite(array) or bool(np.isfinite(array).all())


def first_bad(program: Program, values: Mapping[str, Any], dtype: str) -> str:
    """The first tensor, in the order of computation, that holds a NaN or an infinity."""
    for node in program.inputs():
        if not is_finite(values[node.name]):
            return f"{node.name} holds values that are not finite already"
    tensors = [node for node in program if not node.anonymous]
    for node, found in zip(tensors, Function(tensors, dtype, lower)(values), strict=True):
        bad = np.argwhere(~np.isfinite(np.asarray(found)))
        if len(bad):
            at = ", ".join(str(int(i)) for i in bad[0])
            place = f"[{at}]" if at else ""
            return f"{node.name}{place} = {np.asarray(found)[tuple(bad[0])]} is the first value that is not finite"
    return "no tensor of the forward pass is; the sum itself overflowed"


def drawn_progress(event: Mapping[str, Any]) -> None:
    """Progress on a terminal, in a line that is written over."""
    head = f"\repoch {event['epoch']}/{event['epochs']}  "
    if event["event"] == "progress":
        sys.stderr.write(f"{head}{event['share']:4.0%}  loss {event['loss']:.4g} ")
        sys.stderr.flush()
    elif event["event"] == "epoch":
        shown = {k: v for k, v in event.items() if isinstance(v, float) and k != "seconds"}
        sys.stderr.write(head + "  ".join(f"{name} {value:.4g}" for name, value in shown.items()) + "\n")
