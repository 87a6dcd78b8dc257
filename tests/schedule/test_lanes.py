"""Short rows: their samples become the inner loop, where there are enough of them."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symnet as sn
from symnet.schedule.lanes import in_lanes, is_short
from symnet.schedule.units import FREE, SUMMED, Axis, Job

N, K, D = sn.dims("N K D")
n, k, d = sn.indices("n k d")
x = sn.input("x", (N, K))
CAPACITY = {N: sp.Integer(64), K: sp.Integer(4), D: sp.Integer(40)}


def job(*extents: sp.Expr, op: str = "sum") -> Job:
    indices = {N: n, K: k, D: d}
    axes = tuple(Axis(indices[e], e, SUMMED if e in (K, D) else FREE) for e in extents)
    node = sn.tensor("s", (N,))
    return Job(node, axes, op, (n,), sp.exp(x[n, k]))


@pytest.mark.parametrize(
    ("extents", "op", "short"),
    [
        pytest.param((N, K), "sum", True, id="four entries"),
        pytest.param((N, D), "sum", False, id="forty entries"),
        pytest.param((N, K, K), "sum", False, id="sixteen entries"),
        pytest.param((N,), "sum", False, id="no row"),
        pytest.param((K,), "sum", False, id="no samples"),
        pytest.param((N, K), "argmax", False, id="argmax"),
    ],
)
def test_rows_are_short(extents: tuple[sp.Expr, ...], op: str, short: bool) -> None:
    assert is_short(job(*extents, op=op), N, CAPACITY) is short


def test_samples_become_the_inner_loop() -> None:
    turned = in_lanes(job(N, K), N)
    assert [axis.extent for axis in turned.axes] == [K, N]
    assert turned.in_lanes


def classifier(classes: int) -> sn.Model:
    z = sn.layers.Dense(classes, name="out")(sn.input("x", ("N", 20)))
    return sn.Model(sn.losses.softmax_cross_entropy(z, sn.input("t", ("N",), kind="label", classes=classes)))


def schedule_of(classes: int, batch_size: int) -> str:
    run = classifier(classes).compile(sn.optim.SGD(0.1))
    run.numbers[run.model.parts.batch] = batch_size
    return str(run._request(run.model.parts, batch_size).emitted()[0].schedules)


def test_a_softmax_of_few_classes_runs_over_samples_inside() -> None:
    assert "loop     4 x N" in schedule_of(4, 64)
    assert "loop     4 x N" not in schedule_of(4, 16), "too few samples to fill a vector"
    assert "loop     40 x N" not in schedule_of(40, 64), "a row of forty fills vectors by itself"


@pytest.mark.parametrize("rows", [64, 37], ids=["whole batches", "a short last batch"])
def test_training_is_what_numpy_makes_of_it(rows: int) -> None:
    run = classifier(5).compile(sn.optim.SGD(0.5), dtype="float64", seed=3)
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(rows, 20)), rng.integers(0, 5, rows)
    run.fit({"x": X, "t": T}, epochs=0, batch_size=32, progress=False)
    W, b = run.params["out.W"].copy(), run.params["out.b"].copy()
    run.fit({"x": X, "t": T}, epochs=2, batch_size=32, shuffle=False, progress=False)
    for _ in range(2):
        for start in range(0, rows, 32):
            part, labels = X[start : start + 32], T[start : start + 32]
            z = part @ W + b
            e = np.exp(z - z.max(1, keepdims=True))
            slope = (e / e.sum(1, keepdims=True) - np.eye(5)[labels]) / len(part)
            W, b = W - 0.5 * part.T @ slope, b - 0.5 * slope.sum(0)
    np.testing.assert_allclose(run.params["out.W"], W, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(run.params["out.b"], b, rtol=1e-12, atol=1e-14)
