"""The job that every peer does: networks, data, first parameters and the order of the samples.

A ReLU network (without hidden layers: logistic regression), softmax cross entropy of integer labels, plain SGD with
a rate of 0.01, float32, minibatches gathered by a new permutation every epoch. All peers start at the same parameters
and meet the samples in the same order unless they insist on their own; they are not asked for the value of the loss.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

RATE = 0.01
NETWORKS: dict[str, tuple[int, ...]] = {
    "8-16-16-4": (8, 16, 16, 4),
    "64-64-32-10": (64, 64, 32, 10),
    "784-256-128-10": (784, 256, 128, 10),
    "784-1024-512-10": (784, 1024, 512, 10),
    "784-10": (784, 10),
    "784-6x512-10": (784, *6 * (512,), 10),
}
BATCHES = (1, 32, 128, 512, 4096)
Parameters = list[np.ndarray]


@dataclass
class Run:
    """A prepared peer: call it to do that many steps; `parameters` gives W1, b1, W2, ... as they are now."""

    advance: Callable[[int], None]
    parameters: Callable[[], Parameters] | None = None

    def __call__(self, steps: int) -> None:
        self.advance(steps)


def threads() -> int:
    """How many threads this process was given, by `measure.py`."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


def rows(batch: int) -> int:
    """The size of the data set."""
    return max(4096, 4 * batch)


def data(widths: Sequence[int], batch: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal inputs, and the labels that a linear teacher gives them."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((rows(batch), widths[0]), dtype=np.float32)
    teacher = draw.standard_normal((widths[0], widths[-1]), dtype=np.float32)
    return x, np.argmax(x @ teacher, axis=1).astype(np.int64)


def first_parameters(widths: Sequence[int], seed: int) -> Parameters:
    """He's normal weights and zero biases: W1, b1, W2, b2, ..."""
    draw = np.random.default_rng(seed)
    found: Parameters = []
    for fan_in, fan_out in pairwise(widths):
        found.append(draw.standard_normal((fan_in, fan_out), dtype=np.float32) * np.float32(np.sqrt(2 / fan_in)))
        found.append(np.zeros(fan_out, dtype=np.float32))
    return found


class Order:
    """The samples of each step: slices of a permutation that every epoch draws anew; every run starts an epoch."""

    def __init__(self, size: int, batch: int, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        self.size, self.batch, self.per_epoch = size, batch, size // batch

    def epochs(self, steps: int) -> Iterator[np.ndarray]:
        """`steps` rows of `batch` numbers in all, an array for each epoch; the last one may end early."""
        for done in range(0, steps, self.per_epoch):
            taken = min(self.per_epoch, steps - done)
            yield self.draw.permutation(self.size)[: taken * self.batch].reshape(taken, self.batch)


def loss(parameters: Parameters, x: np.ndarray, y: np.ndarray) -> float:
    """The mean cross entropy, in float64: what shows that a peer learned, and as much as the others."""
    h = x.astype(np.float64)
    for layer in range(0, len(parameters), 2):
        h = (h if layer == 0 else np.maximum(h, 0)) @ parameters[layer] + parameters[layer + 1]
    top = h.max(axis=1)
    log_sum = top + np.log(np.exp(h - top[:, None]).sum(axis=1))
    return float(np.mean(log_sum - h[np.arange(len(y)), y]))


def flops(widths: Sequence[int], batch: int) -> int:
    """Multiplications and additions of a step's matrix products; the data's own slope is not needed."""
    products = [fan_in * fan_out for fan_in, fan_out in pairwise(widths)]
    return 2 * batch * (3 * sum(products) - products[0])
