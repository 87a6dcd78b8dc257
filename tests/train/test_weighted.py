"""Weights of samples reach every sum over samples of a loss, or are refused."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.errors import TrainingProblem

n, m, k, t = sn.indices("n m k t")
x, y = sn.input("x", ("N", 3)), sn.input("y", ("N", 2))
W = sn.param("W", (3, 2), init="ones")
v = (x @ W).named("v")

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
COUNTS = rng.integers(0, 4, 20)


def by_class() -> sn.Tensor:
    e = sn.define("e", k, sn.mean((v[n, k] - y[n, k]) ** 2, n))
    return sn.define("L", (), sn.mean(e[k], k))


def gathered() -> sn.Tensor:
    c = sn.define("c", n, sn.sum((v[n, k] - y[n, k]) ** 2, k))
    return sn.define("L", (), sn.mean(c[n], n))


def spread() -> sn.Tensor:
    centre = sn.define("centre", k, sn.mean(v[n, k], n))
    return sn.define("L", (), sn.mean((v[n, k] - centre[k]) ** 2, n, k))


SPELLINGS = {
    "loss": lambda: sn.losses.mse(v, y),
    "mean": lambda: sn.mean((v - y) ** 2),
    "mean-of-means": lambda: ((v - y) ** 2).mean(axis=0).mean(),
    "other-order": lambda: ((v - y) ** 2).mean(axis=1).mean(),
    "by-class": by_class,
    "by-sample": gathered,
    "penalty": lambda: sn.losses.mse(v, y) + sn.regularisers.l2(W, 0.1),
    "root": lambda: sn.sqrt(sn.losses.mse(v, y)),
    "around-the-mean": spread,
    "pairs": lambda: sn.define("L", (), sn.mean((v[n, k] - y[m, k]) ** 2, n, m, k)),
}


def trained(loss: sn.Tensor, rows: np.ndarray, **options: object) -> np.ndarray:
    run = sn.Model(loss).compile(sn.optim.SGD(0.1), dtype="float64")
    run.fit({"x": X[rows], "y": Y[rows]}, batch_size=len(rows), shuffle=False, progress=False, **options)
    return run.params["W"]


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_whole_weights_are_repeated_rows_however_a_loss_is_spelled(spelling):
    found = trained(spelling(), np.arange(20), sample_weight=COUNTS / COUNTS.mean())
    repeated = trained(spelling(), np.repeat(np.arange(20), COUNTS))
    np.testing.assert_allclose(found, repeated, rtol=1e-12)


def running() -> sn.Tensor:
    r = sn.tensor("r", (2,))
    sn.define(r, k, sn.where(k > 0, r[k - 1], 0) + sn.mean(v[n, k] ** 2, n))
    return sn.define("L", (), sn.sum(r[k], k))


REFUSED = {
    "max": (lambda: sn.define("L", (), sn.max(v[n, k], n, k) + sn.mean(v[n, k], n, k)), "max over the samples"),
    "max-beneath": (lambda: sn.max(v, axis=0).named("top").mean() + sn.mean(v), "top takes the max over the samples"),
    "product": (lambda: sn.define("L", (), sn.prod(v[n, k] ** 2, n, k)), "prod over the samples"),
    "recurrence": (running, "in a recurrence"),
}


@pytest.mark.parametrize(("spelling", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_weighted_is_refused(spelling, words):
    with pytest.raises(TrainingProblem, match=words) as caught:
        trained(spelling(), np.arange(20), sample_weight=COUNTS)
    assert caught.value.hint


def test_moments_of_a_batch_are_not_weighted():
    """They are of the layer's input; only what the loss adds up is weighted."""
    z = sn.layers.Sequential(sn.layers.BatchNorm(name="norm"), sn.layers.Dense(2, name="d"))(x)
    runs = [sn.Model(sn.losses.mse(z, y)).compile(sn.optim.SGD(0.1), dtype="float64", seed=1) for _ in range(2)]
    for run, weight in zip(runs, (None, COUNTS + 1.0), strict=True):
        run.fit({"x": X, "y": Y}, batch_size=20, progress=False, sample_weight=weight)
    np.testing.assert_allclose(*(run.params["norm.running_mean"] for run in runs), rtol=1e-12)
    assert np.abs(runs[0].params["d.W"] - runs[1].params["d.W"]).max() > 1e-3
