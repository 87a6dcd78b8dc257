"""symnet: the network declared by its layers, compiled, and trained by `fit`, which shuffles and reports the loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jobs import RATE, Run, threads

import symnet as sn


def model(widths: Sequence[int]) -> sn.Model:
    """ReLU layers, and softmax cross entropy of integer labels."""
    x = sn.input("x", ("N", widths[0]))
    t = sn.input("t", ("N",), kind="label", classes=widths[-1])
    hidden = [sn.layers.Dense(width, "relu") for width in widths[1:-1]]
    z = sn.layers.Sequential(*hidden, sn.layers.Dense(widths[-1]))(x)
    return sn.Model(sn.losses.softmax_cross_entropy(z, t), name="mlp")


def fitting(widths: Sequence[int], batch: int, x: np.ndarray, y: np.ndarray, seed: int) -> Run:
    """Whole epochs in one `fit`, and what is left of the steps in another over the first samples."""
    run = model(widths).compile(sn.optim.SGD(RATE), dtype="float32", seed=seed, threads=threads())
    per_epoch = len(x) // batch

    def fit(epochs: int, samples: int) -> None:
        run.fit({"x": x[:samples], "t": y[:samples]}, epochs=epochs, batch_size=batch, progress=False)

    def advance(steps: int) -> None:
        epochs, rest = divmod(steps, per_epoch)
        if epochs:
            fit(epochs, len(x))
        if rest:
            fit(1, rest * batch)

    return Run(advance, lambda: [np.asarray(value) for value in run.params.values()])


VARIANTS = {"symnet": fitting}
