"""What is compared: training steps by plain gradient descent on random batches, the same for everyone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symnet.checks.values import draw, shape_of
from symnet.cli.peers.arrays import Untranslatable, translated
from symnet.core.definition import Node, Program
from symnet.core.normal import normalise
from symnet.declare.optimizers import SGD
from symnet.pipeline import gradients
from symnet.train.model import Model, Run

BATCHES = 8
BLOCKS = 5  # times are the best of so many


@dataclass(frozen=True)
class Step:
    """A library's training step: (params, data) -> (loss, params); how it takes arrays, and how it gives a number."""

    call: Callable[[list[Any], list[Any]], tuple[Any, list[Any]]]
    taken: Callable[[Any], Any]
    number: Callable[[Any], float]


class Job:
    """A model with data, sizes and parameters to begin with."""

    def __init__(self, model: Model, numbers: Mapping[sp.Symbol, int], batch: int, rate: float, threads: int) -> None:
        self.model, self.rate, self.threads, self.size = model, rate, threads, batch
        parts = model.parts
        self.loss, self.params, self.data = model.loss, list(parts.params), list(parts.data)
        self.batch_symbol = parts.batch
        self.sizes = {**numbers, parts.batch: batch}
        whole = {**numbers, parts.batch: batch * BATCHES}
        generator, program = np.random.default_rng(0), Program.of([model.loss])
        drawn = {n: np.asarray(draw(n, shape_of(n, whole), whole, generator, program)) for n in self.data}
        self.arrays = {n: a if n.kind == "label" else a.astype(np.float32) for n, a in drawn.items()}
        self.run = model.compile(SGD(rate), dtype="float32", threads=threads)
        self.run.numbers.update(numbers)
        self.start = [np.array(self.run.params[n.name]) for n in self.params]

    def batch(self, at: int) -> list[Any]:
        """The arrays of a batch."""
        rows = slice(at * self.size, (at + 1) * self.size)
        return [self.rows(n, rows) for n in self.data]

    def rows(self, node: Node, rows: slice) -> Any:
        place = tuple(rows if size == self.batch_symbol else slice(None) for size in node.shape)
        return np.ascontiguousarray(self.arrays[node][place])

    def is_param(self, array: Any) -> bool:
        return any(array is start for start in self.start)

    # -- translations

    def program(self, library: Any, gradients: bool = False) -> Callable[[dict[Node, Any]], dict[Node, Any]]:
        """The loss, and for those that need them the derived gradients, in calls of a library."""
        if self.model.parts.masks:
            raise Untranslatable("dropout, which draws its own chance")
        wanted = [self.loss, *(self.slopes if gradients else [])]
        return translated(normalise(Program.of(wanted), keep=wanted), self.sizes, library)

    @property
    def slopes(self) -> list[Any]:
        if not hasattr(self, "_slopes"):
            self._slopes = gradients(self.loss, self.params)
        return self._slopes

    def loss_of(self, library: Any) -> Callable[[list[Any], list[Any]], Any]:
        """The loss as a function of parameters and data."""
        run = self.program(library)

        def loss(params: list[Any], data: list[Any]) -> Any:
            env = dict(zip(self.params, params, strict=True)) | dict(zip(self.data, data, strict=True))
            return run(env)[self.loss]

        return loss

    # -- times

    def first_loss(self) -> float:
        """The loss of the first batch at the parameters to begin with."""
        for node, start in zip(self.params, self.start, strict=True):
            self.run.params[node.name] = start
        named = dict(zip((n.name for n in self.data), self.batch(0), strict=True))
        return self.run.evaluate(named)["loss"]

    def own_time(self, seconds: float) -> float:
        """Seconds for a step of the emitted kernel, Python's share of a slice included."""
        return timed_fit(self.run, {n.name: a for n, a in self.arrays.items()}, self.size, seconds)

    def time_of(self, step: Step, seconds: float) -> tuple[float, float]:
        """A library's first loss, and its seconds for a step."""
        params = [step.taken(array) for array in self.start]
        batches = [[step.taken(array) for array in self.batch(at)] for at in range(BATCHES)]
        first = step.number(step.call(params, batches[0])[0])

        def block(count: int) -> float:
            current = params
            begun = time.perf_counter()
            for at in range(count):
                loss, current = step.call(current, batches[at % BATCHES])
            step.number(loss)
            return time.perf_counter() - begun

        once = block(BATCHES) / BATCHES
        count = max(1, int(seconds / BLOCKS / max(once, 1e-7)))
        return first, min(block(count) for _ in range(BLOCKS)) / count


def timed_fit(run: Run, data: dict[str, Any], size: int, seconds: float) -> float:
    """The same for a run: whole epochs of BATCHES steps, timed by the loop itself."""
    run.fit(data, 1, size, shuffle=False, progress=False)
    begun, best = time.perf_counter(), float("inf")
    epochs = 4
    while time.perf_counter() - begun < seconds:
        history = run.fit(data, epochs, size, shuffle=False, progress=False)
        best = min(best, sum(history["seconds"][-epochs:]) / epochs)
        epochs = min(2 * epochs, 256)
    return best / BATCHES
