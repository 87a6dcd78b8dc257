"""What may be computed for some samples at a time, and that it then is what it is for all at once."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.core.definition import Program
from symnet.errors import ValueProblem
from symnet.train.asking import CHUNK
from symnet.train.rowwise import parts_by_rows
from symnet.train.step import eval_program, parts_of

N, T = sn.dims("N T")
n, m, k, d, t = sn.indices("n m k d t")
x = sn.input("x", ("N", 3))
y = sn.input("y", ("N",))
ids = sn.input("ids", ("N",), kind="label", classes=3)
A = sn.input("A", ("N", "N"))
w = sn.param("w", (3,), init="ones")
v = (x @ w).named("v")
a = sn.input("a", ("N", "T"))
h = sn.tensor("h", ("N", "T"))
sn.define(h, (n, t), sn.tanh(a[n, t] + sn.where(t > 0, h[n, t - 1], 0)))
g = sn.tensor("g", ("N", "T"))
sn.define(g, (n, t), sn.where(n > 0, g[n - 1, t], 0) + a[n, t])
s = sn.tensor("s", ("T",))
sn.define(s, t, sn.where(t > 0, s[t - 1], 0) / 2 + sn.mean(a[n, t], n))
by_hand = sn.define("e", k, sn.sum(x[n, k] ** 2, n) / N)

CASES = {
    "row": (v, "rows"),
    "softmax-of-a-row": (sn.softmax(x), "rows"),
    "layer": (sn.layers.Dense(4, activation="relu", name="rw")(x), "rows"),
    "label-of-the-row": (sn.define("r", n, w[ids[n]]), "rows"),
    "entry-by-label": (sn.define("r", n, x[n, ids[n]]), "rows"),
    "constant-row": (sn.define("r", n, w[0], shape=("N",)), "rows"),
    "recurrence-in-a-row": (h, "rows"),
    "class-of-a-row": (sn.argmax(x, axis=1), "rows"),
    "of-parameters": (sn.sum(w**2), "fixed"),
    "mean": (sn.mean(v), "mean"),
    "mean-by-hand": (by_hand, "mean"),
    "mean-of-means": (sn.mean(by_hand), "mean"),
    "loss": (sn.losses.mse(v, y), "mean"),
    "loss-and-penalty": (sn.losses.mse(v, y) + sn.regularisers.l2(w, 0.1), "mean"),
    "loss-over-time": (sn.mean(a), "mean"),
    "two-losses": (0.5 * sn.losses.mse(v, y) - sn.losses.mae(v, y), "mean"),
    "accuracy": (sn.metrics.accuracy(x, ids), "mean"),
    "recurrence-of-means": (s, "mean"),
    "centred": (v - sn.mean(v), "whole"),
    "softmax-over-samples": (sn.softmax(v, axis=0), "whole"),
    "sum": (sn.sum(v), "whole"),
    "loss-by-sum": (sn.losses.mse(v, y, reduction="sum"), "whole"),
    "root-of-a-mean": (sn.sqrt(sn.losses.mse(v, y)), "whole"),
    "product-of-means": (sn.losses.mse(v, y) * sn.losses.mae(v, y), "whole"),
    "maximum": (sn.max(v), "whole"),
    "mean-and-sum": (sn.mean(v) + sn.sum(v), "whole"),
    "divided-twice": (sn.mean(v) / N, "whole"),
    "number-of-samples": (sn.define("r", n, v[n] / N), "whole"),
    "place-of-the-sample": (sn.define("r", n, v[n] * n), "whole"),
    "another-row": (sn.define("r", n, v[0], shape=("N",)), "whole"),
    "row-before": (sn.define("r", n, sn.where(n > 0, v[n - 1], 0), shape=("N",)), "whole"),
    "first-row": (sn.define("r", (), v[0]), "whole"),
    "rows-by-rows": (sn.define("r", (n, m), v[n] * v[m]), "whole"),
    "pairs": (sn.define("r", (), sn.mean(v[n] * v[m], n, m)), "whole"),
    "graph": (sn.define("r", n, sn.sum(A[n, m] * v[m], m)), "whole"),
    "recurrence-over-samples": (g, "whole"),
    "row-of-a-whole": (sn.softmax(v, axis=0) ** 2, "whole"),
    "mean-of-a-whole": (sn.mean(sn.softmax(v, axis=0)), "whole"),
    "mean-looked-up": (sn.define("r", n, by_hand[ids[n]]), "whole"),
}


@pytest.mark.parametrize(("tensor", "kind"), CASES.values(), ids=CASES)
def test_what_may_be_cut_is_told_by_its_formula(tensor, kind):
    assert parts_by_rows(Program.of([tensor]), N)[tensor] == kind


images, steps = sn.input("images", ("N", 3, 6, 6)), sn.input("steps", ("N", 6, 5))
words = sn.input("words", ("N", 6), kind="label", classes=9)
table = sn.input("table", ("N", 4))
LAYERS = {
    "conv": (lambda: sn.layers.Conv2d(4, 3, padding=1), images),
    "pool": (lambda: sn.layers.MaxPool2d(2), images),
    "lstm": (lambda: sn.layers.LSTM(4), steps),
    "gru": (lambda: sn.layers.GRU(4, return_sequences=True), steps),
    "attention": (lambda: sn.layers.MultiHeadAttention(1, causal=True), steps),
    "layer-norm": (lambda: sn.layers.LayerNorm(), steps),
    "embedding": (lambda: sn.layers.Embedding(9, 4), words),
    "batch-norm": (lambda: sn.layers.BatchNorm(), table),
    "dropout": (lambda: sn.layers.Dropout(0.5), table),
}


@pytest.mark.parametrize(("layer", "given"), LAYERS.values(), ids=LAYERS)
def test_layers_that_are_not_trained_work_row_by_row(layer, given):
    out = layer()(given)
    loss = sn.mean((out * sn.param("scale", ())) ** 2)
    kinds = parts_by_rows(eval_program([loss, out], parts_of(loss, [], [out])), N)
    assert (kinds[loss], kinds[out]) == ("mean", "rows")


classes, target = sn.input("classes", ("N", 4)), sn.input("target", ("N", 4), kind="onehot")
NEEDS_MORE = {"gaussian_nll": lambda p, y: sn.losses.gaussian_nll(p, y, p)}


@pytest.mark.parametrize("name", [name for name in sn.losses.__all__ if name[0].islower()])
def test_losses_are_means_over_the_rows(name):
    loss = NEEDS_MORE.get(name, getattr(sn.losses, name))(classes, target)
    assert parts_by_rows(Program.of([loss]), N)[loss] == "mean"


ROWS = 2 * CHUNK + 17
X = np.random.default_rng(0).normal(size=(ROWS, 3))
V = X.sum(1)
Y = V + np.arange(ROWS) / ROWS
OUTPUTS = {
    "v": (v, V),
    "centred": (v - sn.mean(v), V - V.mean()),
    "colmean": (sn.mean(x, axis=0), X.mean(0)),
    "total": (sn.sum(v), V.sum()),
    "mean": (sn.mean(v), V.mean()),
    "soft": (sn.softmax(v, axis=0), np.exp(V) / np.exp(V).sum()),
    "w": (sn.define("twice", k, 2 * w[k]), [2, 2, 2]),
}


def model(outputs=(), metrics=(), reduction="mean"):
    own = {name: OUTPUTS[name][0] for name in outputs}
    return sn.Model(sn.losses.mse(v, y, reduction=reduction), outputs=own, metrics=metrics)


@pytest.mark.parametrize("name", OUTPUTS)
def test_predictions_for_many_rows_are_those_for_all_at_once(name):
    found = model([name]).compile(dtype="float64").predict({"x": X})[name]
    np.testing.assert_allclose(found, OUTPUTS[name][1], rtol=1e-12, atol=1e-12)


def test_measures_of_many_rows_are_those_of_all_at_once():
    root = sn.sqrt(sn.losses.mse(v, y)).named("rmse")
    worst = sn.define("worst", (), sn.max(sn.abs(v[n] - y[n]), n))
    run = model(metrics=[root, worst], reduction="sum").compile(dtype="float64")
    error = V - Y
    for rows in (None, np.arange(5, ROWS)):
        own = error if rows is None else error[rows]
        found = run.evaluate({"x": X, "y": Y}, rows=rows)
        expected = {"loss": (own**2).sum(), "rmse": np.sqrt((own**2).mean()), "worst": np.abs(own).max()}
        assert found == pytest.approx(expected, rel=1e-12)


def test_samples_by_samples_are_read_at_the_rows_that_are_asked_for():
    loss = sn.define("L", (), sn.mean((sn.define("av", n, sn.sum(A[n, m] * v[m], m))[n] - y[n]) ** 2, n))
    run = sn.Model(loss).compile(dtype="float64")
    square = np.random.default_rng(1).normal(size=(9, 9))
    rows = np.array([1, 4, 5])
    found = run.evaluate({"x": X[:9], "y": Y[:9], "A": square}, rows=rows)["loss"]
    assert found == pytest.approx(((square[np.ix_(rows, rows)] @ V[rows] - Y[rows]) ** 2).mean())


@pytest.mark.parametrize(("rows", "words"), [([100], "no row 100"), ([], "no rows"), ([-1], "no row -1")])
def test_rows_that_are_not_there_are_refused(rows, words):
    with pytest.raises(ValueProblem, match=words):
        model().compile().evaluate({"x": X[:9], "y": Y[:9]}, rows=rows)
