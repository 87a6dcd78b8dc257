"""Metrics against NumPy written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.core.definition import Program
from symnet.core.verify import verify
from symnet.errors import FormulaProblem, KindProblem, ShapeProblem

M = sn.metrics
N, T, K = sn.dims("N T K")
RNG = np.random.default_rng(4)
P = RNG.dirichlet(np.ones(4), 9)
LABELS = np.where(RNG.random(9) < 0.6, P.argmax(-1), RNG.integers(0, 4, 9))
SOFT = RNG.dirichlet(np.ones(4), 9)
RIGHT = P.argmax(-1) == LABELS
SCORES, BITS = RNG.random(9), RNG.integers(0, 2, 9)


def value(metric, **values):
    assert verify(Program.of([metric])) == []
    assert metric.rank == 0
    return sn.evaluate(metric, values)


def rows(kind):
    return sn.input("y", (N, K), kind=kind)


def labels(shape=(N,), classes=4):
    return sn.input("y", shape, kind="label", classes=classes)


p = sn.input("p", (N, 4))


def test_accuracy_of_labels_and_rows():
    y = sn.input("y", (N, 4), kind="onehot")
    assert 0 < RIGHT.mean() < 1
    assert value(M.accuracy(p, labels()), p=P, y=LABELS) == pytest.approx(RIGHT.mean(), rel=1e-15)
    assert value(M.accuracy(p, y), p=P, y=np.eye(4)[LABELS]) == pytest.approx(RIGHT.mean(), rel=1e-15)
    for kind in ("simplex", "real"):
        y = sn.input("y", (N, 4), kind=kind)
        found = value(M.accuracy(p, y), p=P, y=SOFT)
        assert found == pytest.approx((P.argmax(-1) == SOFT.argmax(-1)).mean(), rel=1e-15)


def test_accuracy_of_sequences_averages_over_both_axes():
    scores, truth = RNG.normal(size=(3, 5, 4)), RNG.integers(0, 4, (3, 5))
    found = value(M.accuracy(sn.input("z", (N, T, 4)), labels((N, T))), z=scores, y=truth)
    assert found == pytest.approx((scores.argmax(-1) == truth).mean(), rel=1e-15)


def test_accuracy_of_predicted_labels():
    guess = sn.argmax(p, axis=-1)
    assert value(M.accuracy(guess, labels()), p=P, y=LABELS) == pytest.approx(RIGHT.mean(), rel=1e-15)


def test_accuracy_is_one_minus_the_zero_one_loss():
    y = labels()
    wrong = sn.losses.zero_one(p, y)
    assert value(M.accuracy(p, y), p=P, y=LABELS) == pytest.approx(1 - sn.evaluate(wrong, {"p": P, "y": LABELS}))


BINARY = {
    "real": ((N,), sn.input("y", (N,))),
    "label": ((N,), labels(classes=2)),
    "mask": ((N,), sn.input("y", (N,), kind="mask")),
    "column": ((N, 1), sn.input("y", (N, 1))),
    "column-label": ((N, 1), labels(classes=2)),
    "column-real": ((N, 1), sn.input("y", (N,))),
}


@pytest.mark.parametrize(("shape", "y"), BINARY.values(), ids=BINARY)
@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_accuracy_of_single_entries_has_a_threshold(shape, y, threshold):
    s = sn.input("s", shape)
    scores = SCORES.reshape(-1, *[1] * (s.rank - 1))
    truth = BITS.reshape(-1, *[1] * (y.rank - 1))
    wanted = ((threshold < SCORES) == (BITS == 1)).mean()
    for metric in (M.accuracy(s, y, threshold), M.binary_accuracy(s, y, threshold=threshold)):
        assert value(metric, s=scores, y=truth) == pytest.approx(wanted, rel=1e-15)


def test_accuracy_of_logits_at_zero():
    found = value(M.accuracy(sn.input("s", (N,)), labels(classes=2), threshold=0), s=SCORES - 0.5, y=BITS)
    assert found == pytest.approx(((SCORES > 0.5) == BITS).mean())


@pytest.mark.parametrize("kind", ["mask", "label"])
def test_accuracy_of_many_answers_counts_entries(kind):
    y = sn.input("y", (N, 4), kind=kind)
    truth = RNG.integers(0, 2, (9, 4))
    assert value(M.accuracy(p, y, 0.2), p=P, y=truth) == pytest.approx(((P > 0.2) == truth).mean(), rel=1e-15)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_top_k(k):
    best = np.argsort(-P, axis=-1)[:, :k]
    wanted = (best == LABELS[:, None]).any(-1).mean()
    onehot = sn.input("y", (N, 4), kind="onehot")
    assert value(M.top_k(p, labels(), k), p=P, y=LABELS) == pytest.approx(wanted, rel=1e-15)
    assert value(M.top_k(p, onehot, k), p=P, y=np.eye(4)[LABELS]) == pytest.approx(wanted, rel=1e-15)


def test_mse_and_mae():
    v, y = sn.input("v", (N, K)), sn.input("y", (N, K))
    assert value(M.mse(v, y), v=P, y=SOFT) == pytest.approx(((P - SOFT) ** 2).mean(), rel=1e-14)
    assert value(M.mae(v, y), v=P, y=SOFT) == pytest.approx(abs(P - SOFT).mean(), rel=1e-14)


METRICS = {
    "accuracy": M.accuracy(p, labels()),
    "binary_accuracy": M.binary_accuracy(p, p),
    "top_3": M.top_k(p, labels(), 3),
    "mse": M.mse(p, p),
    "mae": M.mae(p, p),
}


@pytest.mark.parametrize("name", METRICS)
def test_metrics_bear_their_names(name):
    assert METRICS[name].name == name
    assert METRICS[name].named("other").name == "other"


@pytest.mark.parametrize("name", ["accuracy", "top_3"])
def test_metrics_are_means_over_the_batch(name):
    whole = value(METRICS[name], p=P, y=LABELS)
    parts = [(len(b), value(METRICS[name], p=P[b], y=LABELS[b])) for b in np.array_split(np.arange(9), [2, 6])]
    assert sum(rows * part for rows, part in parts) / 9 == pytest.approx(whole, rel=1e-14)


def test_texts():
    assert str(sn.program(M.accuracy(p, labels()))).splitlines() == [
        "guess[n] = argmax_i p[n,i]",
        "accuracy = (1/N)*sum_n (1 - [guess[n] != y[n]])",
    ]
    assert sn.text(M.top_k(p, labels(), 2)) == "top_2 = (1/N)*sum_n [sum_i [p[n,i] > p[n,y[n]]] < 2]"


def test_mistakes_are_named():
    with pytest.raises(KindProblem, match="accuracy takes tensors"):
        M.accuracy(P, labels())
    with pytest.raises(ShapeProblem, match="accuracy"):
        M.accuracy(p, sn.input("y", (N, 3), kind="onehot"))
    with pytest.raises(ShapeProblem, match="accuracy"):
        M.accuracy(sn.argmax(p, axis=-1), sn.input("y", (K,), kind="label"))
    with pytest.raises(ShapeProblem, match="binary_accuracy"):
        M.binary_accuracy(p, sn.input("y", (N,)))
    with pytest.raises(FormulaProblem, match="k is 0"):
        M.top_k(p, labels(), 0)
    with pytest.raises(ShapeProblem, match="mse"):
        M.mse(p, sn.input("y", (N,)))
