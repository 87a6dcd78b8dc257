"""Regularisers against their sums in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.errors import SymnetError
from symnet.run.reference import evaluate

R = sn.regularisers
D, K = sn.dims("D K")
W = np.random.default_rng(2).normal(size=(3, 4))
CASES = {
    "l1": (lambda w, **o: R.l1(w, 0.5, **o), 0.5 * abs(W)),
    "l2": (lambda w, **o: R.l2(w, 0.5, **o), 0.25 * W**2),
    "elastic_net": (lambda w, **o: R.elastic_net(w, 0.5, 0.2, **o), 0.1 * abs(W) + 0.2 * W**2),
    "all-l1": (lambda w, **o: R.elastic_net(w, 2, 1, **o), 2 * abs(W)),
}


@pytest.mark.parametrize("reduction", ["usual", "sum", "mean", "none"])
@pytest.mark.parametrize(("penalty", "entries"), CASES.values(), ids=CASES)
def test_penalties_sum_over_the_weights(penalty, entries, reduction):
    options = {} if reduction == "usual" else {"reduction": reduction}
    found = evaluate(penalty(sn.param("W", (D, K)), **options), {"W": W})
    wanted = {"mean": np.mean, "none": np.asarray}.get(reduction, np.sum)(entries)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_strength_may_be_a_scalar_tensor():
    penalty = R.l2(sn.param("W", (D, K)), sn.input("lam", ()))
    assert evaluate(penalty, {"W": W, "lam": 3.0}) == pytest.approx(1.5 * (W**2).sum(), rel=1e-12)
    assert (penalty.name, str(penalty.definition.formula)) == ("l2", "lam*Sum[_0, _1](W[_0,_1]**2)/2")


def test_a_loss_and_a_penalty_add_up():
    v, y = sn.input("v", (K,)), sn.input("y", (K,))
    total = sn.losses.mse(v, y) + R.l1(v, 0.1)
    assert evaluate(total, {"v": [1.0, -3.0], "y": [0.0, 0.0]}) == pytest.approx(5.4, rel=1e-12)


def test_an_unknown_reduction_names_those_there_are():
    with pytest.raises(SymnetError, match="there is no reduction 'all'\n  hint: there are mean, sum, none"):
        R.l1(sn.param("W", (D, K)), reduction="all")
