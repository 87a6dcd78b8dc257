"""Weights from data: many epochs of small steps in a compiled kernel, or L-BFGS over the loss and its gradient.

Rows are met in the order in which scikit-learn would meet them, and training ends where it would end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.utils import shuffle

from symnet.estimator.network import Network
from symnet.estimator.optimizers import Adjustable, optimizer_of
from symnet.estimator.parameters import Diverged, ParameterProblem
from symnet.pipeline import gradients, lower
from symnet.train.data import kernel_view
from symnet.train.kernel import Kernel, Request

Array = NDArray[Any]
USUAL = 200  # rows of a batch
PAYS = 1e11  # operations from which on a kernel for certain sizes saves more time than it takes to make


@dataclass(frozen=True)
class Sample:
    """Data to learn from: rows, their targets, and how much each counts."""

    x: Array
    y: Array
    weight: Array

    def __len__(self) -> int:
        return len(self.x)

    def counted(self) -> Sample:
        """The rows that count at all."""
        rows = self.weight > 0
        return self if rows.all() else Sample(self.x[rows], self.y[rows], self.weight[rows])


def capacity(batch_size: int, count: int) -> int:
    """How many rows a kernel has room for: the same for all data that fit in one batch of the usual size."""
    return batch_size if batch_size <= max(count, USUAL) else max(USUAL, 1 << (count - 1).bit_length())


@dataclass
class Training:
    """A network under training: its kernel and where it stands; `memory` is what `partial_fit` goes on from."""

    given: Any
    net: Network
    numbers: Mapping[sp.Symbol, int]
    values: dict[str, Array]
    sample: Sample
    epochs: int
    done: int = 0
    rate: float = 0.0
    seed: int = 0
    kernel: Kernel = field(init=False)

    def __post_init__(self) -> None:
        auto = self.given.batch_size == "auto"
        self.batch = capacity(USUAL if auto else int(self.given.batch_size), len(self.sample))
        optimizer = optimizer_of(self.given)
        self.kernel = Kernel(self.request(optimizer))
        self.kernel.adopt(self.values, {})
        self.kernel.memory[:] = optimizer.numbers(self.given)
        self.rate = self.rate or float(self.given.learning_rate_init)
        data = self.net.data(self.sample.x, self.sample.y, self.sample.weight, self.given)
        self.arrays = [kernel_view(array) for array in data.values()]

    def request(self, optimizer: Adjustable) -> Request:
        """A kernel for all sizes, or one for just these where there is so much to do that making it pays."""
        weights = sum(value.size for value in self.values.values())
        work = 6.0 * weights * len(self.sample) * self.epochs
        own = work > PAYS or not self.net.layers
        closed, opened = (self.numbers, {}) if own else ({}, self.numbers)
        dtype = str(self.sample.x.dtype)
        return Request(self.net.parts, optimizer, closed, self.batch, dtype, gradients, lower, open=opened)

    def epoch(self, rows: Array) -> float:
        """Every batch of the rows once; the mean loss."""
        kernel, steps = self.kernel, -(-len(rows) // self.batch)
        kernel.sums[:], kernel.memory[0] = 0, self.rate
        at = 0
        while at < steps:
            at += self.slice(rows, at, kernel.until(at, steps))
        return float(kernel.sums[0] / kernel.sums[-1])

    def slice(self, rows: Array, at: int, last: int) -> int:
        """As many steps as fit in a tenth of a second."""
        done = self.kernel.steps(self.arrays, rows, at, last, self.done, self.seed)
        self.done += done
        if done < last - at:
            raise Diverged(
                f"the loss is not finite at step {self.done + 1}",
                "scale the data, for example with StandardScaler, or take a smaller learning_rate_init",
            )
        return done

    # -- going on later

    @property
    def memory(self) -> dict[str, Any]:
        """The state of the optimizer, by parameter."""
        states = {name: np.stack([part.copy() for part in self.states(name)]) for name in self.kernel.plan.params}
        return {"states": states, "done": self.done, "rate": self.rate}

    def restore(self, memory: Mapping[str, Any] | None) -> None:
        """Go on from a state, unless it is that of another optimizer."""
        kinds = len(self.kernel.plan.states)
        if memory is None or any(len(found) != kinds for found in memory["states"].values()):
            return
        for name, found in memory["states"].items():
            for part, value in zip(self.states(name), found, strict=True):
                part[...] = value
        self.done, self.rate = memory["done"], memory["rate"]

    def states(self, name: str) -> list[Array]:
        """What the optimizer remembers of a parameter, as views."""
        plan, size = self.kernel.plan, self.values[name].size
        starts = [at * plan.theta + plan.params[name][0] for at in range(len(plan.states))]
        return [self.kernel.state[at : at + size] for at in starts]


def order(given: Any, count: int, before: Array, random: np.random.RandomState) -> Array:
    """The order of an epoch's rows, mixed anew from the one before."""
    return np.asarray(shuffle(before, random_state=random), np.int64) if given.shuffle else before


# -- L-BFGS


def lbfgs(given: Any, net: Network, values: dict[str, Array], sample: Sample) -> tuple[float, int, bool]:
    """Minimise the loss over all data at once; the loss, the number of iterations, and whether it had converged."""
    if net.parts.masks or net.parts.held:
        raise ParameterProblem("solver='lbfgs' with layers that differ in training", "take solver='adam'")
    params = list(net.parts.params)
    slopes = net.slopes(str(sample.x.dtype))
    data = net.data(sample.x, sample.y, sample.weight, given)
    ends = np.cumsum([values[p.name].size for p in params])

    def unpacked(flat: Array) -> dict[str, Array]:
        pieces = np.split(flat, ends[:-1])
        return {p.name: v.reshape(values[p.name].shape) for p, v in zip(params, pieces, strict=True)}

    def loss(flat: Array) -> tuple[float, Array]:
        found, *by = slopes({**data, **unpacked(flat)})
        return float(found), np.concatenate([np.ravel(g) for g in by]).astype(float)

    start = np.concatenate([values[p.name].ravel() for p in params]).astype(float)
    options = {"maxfun": given.max_fun, "maxiter": given.max_iter, "gtol": given.tol}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    if not np.isfinite(found.fun) or not np.isfinite(found.x).all():
        raise Diverged("the loss is not finite", "scale the data, for example with StandardScaler")
    for name, value in unpacked(found.x).items():
        values[name] = value.astype(sample.x.dtype)
    return float(found.fun), min(int(found.nit), int(given.max_iter)), bool(found.success)
