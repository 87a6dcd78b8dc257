"""Inputs whose sample axis is not the first, or is there twice: kernels find the rows that were asked for."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.train.rows import split

T, N, K, D = sn.indices("t n k d")
RNG = np.random.default_rng(0)
COLUMNS = RNG.normal(size=(3, 10))


def columns():
    """A model whose samples are columns; its loss by NumPy is the mean square of their sums."""
    x, w = sn.input("x", ("T", "N")), sn.param("w", ("T",), init="ones")
    s = sn.define("s", N, sn.sum(x[T, N] * w[T], T))
    return sn.Model(sn.define("L", (), sn.mean(s[N] ** 2, N))).compile(sn.optim.SGD(0.0), dtype="float64")


def loss_of(data):
    return np.mean(data.sum(axis=0) ** 2)


@pytest.mark.parametrize("rows", [None, range(10), [0, 1, 2, 3], [9, 8], [3, 3, 1, 1]], ids=str)
def test_samples_in_columns(rows):
    given = None if rows is None else np.array(rows)
    fit = columns().fit({"x": COLUMNS}, batch_size=2, shuffle=False, progress=False, rows=given)
    assert fit["loss"] == pytest.approx([loss_of(COLUMNS if rows is None else COLUMNS[:, given])], rel=1e-12)


def test_samples_in_columns_are_held_out():
    fit = columns().fit({"x": COLUMNS}, batch_size=2, progress=False, validation=0.3)
    train, held = split(10, 0.3, 0)
    assert fit["loss"] == pytest.approx([loss_of(COLUMNS[:, train])], rel=1e-12)
    assert fit["val_loss"] == pytest.approx([loss_of(COLUMNS[:, held])], rel=1e-12)


@pytest.mark.parametrize("rows", [range(6), [4, 1, 2]], ids=str)
def test_samples_by_samples(rows):
    x, a, w = sn.input("x", ("N", 2)), sn.input("a", ("N", "N")), sn.param("w", (2,), init="ones")
    s = sn.define("s", N, sn.sum(a[N, K] * x[K, D] * w[D], K, D))
    run = sn.Model(sn.define("L", (), sn.mean(s[N] ** 2, N))).compile(sn.optim.SGD(0.0), dtype="float64")
    rows = np.array(rows)
    graph, points = RNG.normal(size=(6, 6)), RNG.normal(size=(6, 2))
    fit = run.fit({"x": points, "a": graph}, batch_size=6, shuffle=False, progress=False, rows=rows)
    true = np.mean((graph[np.ix_(rows, rows)] @ points[rows].sum(axis=1)) ** 2)
    assert fit["loss"] == pytest.approx([true], rel=1e-12)
    assert run.evaluate({"x": points, "a": graph}, rows=rows)["loss"] == pytest.approx(true, rel=1e-12)
