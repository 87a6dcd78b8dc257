"""Which reads lie inside of their axes: proved for all sizes, refuted, or left to sizes."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symnet as sn
from symnet.core.inside import claims
from symnet.errors import RangeProblem

T, S = sn.dims("T S")
I, K, N, J = sn.indices("i k n j")
X = sn.input("X", (T,))
ROWS = sn.input("ROWS", ("N", T))
LABEL = sn.input("LABEL", ("N",), kind="label")
RANGES = {I: T, K: sp.Integer(3), J: S}

CASES = {
    "plain": (X[I], True),
    "after a beginning": (sn.where(I > 0, X[I - 1], 0), True),
    "in the other branch": (sn.where(I < 1, 0, X[I - 1]), True),
    "not the first": (sn.where(sp.Ne(I, 0), X[I - 1], 0), True),
    "not the last": (sn.where(sp.Ne(I, T - 1), X[I + 1], 0), True),
    "far behind": (sn.where(I >= 100, X[I - 100], 0), True),
    "both sides": (sn.where(sp.And(I > 0, I < T - 1), X[I - 1] + X[I + 1], 0), True),
    "a window": (sn.where(sp.And(I + K >= 1, I + K <= T), X[I + K - 1], 0), True),
    "backwards": (X[T - 1 - I], True),
    "the wrong side": (sn.where(I > 0, X[I + 1], 0), False),
    "far outside": (sn.where(I > 0, X[I + 10**9], 0), False),
    "half of a window": (sn.where(I + K >= 1, X[I + K - 1], 0), False),
    "a condition on values": (sn.where(X[I] > 0, X[I + 1], 0), False),
    "either condition": (sn.where(sp.Or(I > 0, I < 3), X[I - 1], 0), False),
    "one too far": (X[T - I], False),
    "enough for long ones": (sn.where(I < 5, X[I + 3], 0), None),
    "another dim": (X[J], None),
    "a remainder": (X[sp.Mod(I + 5, T)], None),
}


@pytest.mark.parametrize("name", CASES)
def test_claim_of_a_read(name):
    formula, expected = CASES[name]
    found = {claim.holds() for claim in claims(formula, RANGES)}
    assert expected in found
    assert False not in found or expected is False


def test_definition_says_which_condition_is_not_enough():
    h = sn.tensor("h", (T,))
    with pytest.raises(RangeProblem, match=r"h reads h\[i \+ 1\], but \[i > 0\] does not keep i \+ 1 inside"):
        sn.define(h, (I,), sn.where(I > 0, h[I + 1], 0) + X[I])


def test_sizes_decide_when_they_are_known():
    y = sn.tensor("y", (2,))
    sn.define(y, (J,), X[J + 3])
    f = sn.function(y, dtype="float64")
    assert f(X=np.arange(5.0)).tolist() == [3.0, 4.0]
    with pytest.raises(RangeProblem, match=r"with T = 4 the place j \+ 3 leaves the axis of 4 entries"):
        f(X=np.arange(4.0))


def test_training_meets_sizes_before_a_kernel_does():
    w, y = sn.param("w", (2,)), sn.tensor("y", ("N", 2))
    sn.define(y, (N, J), ROWS[N, J + 3] * w[J])
    run = sn.Model((y**2).mean()).compile(seed=0)
    run.fit({"ROWS": np.ones((8, 5))}, batch_size=4, progress=False)
    again = sn.Model((y**2).mean()).compile(seed=0)
    with pytest.raises(RangeProblem, match=r"y reads ROWS\[n,j \+ 3\], but with T = 4"):
        again.fit({"ROWS": np.ones((8, 4))}, batch_size=4, progress=False)


PLACES = {
    "last step": (lambda: ROWS[N, LABEL[N] - 1], [5, 1], [0, 1], "0 at row 1 of LABEL: allowed 1..5"),
    "one ahead": (lambda: ROWS[N, LABEL[N] + 1], [3, 0], [4, 0], "4 at row 1 of LABEL: allowed 0..3"),
    "some ahead": (lambda: sn.sum(ROWS[N, LABEL[N] + K], (K, 3)), [2, 0], [2, 3], "3 at row 2 of LABEL: allowed 0..2"),
    "some behind": (lambda: sn.sum(ROWS[N, LABEL[N] - K], (K, 3)), [4, 2], [4, 1], "1 at row 2 of LABEL: allowed 2..4"),
    "from the end": (lambda: ROWS[N, T - 1 - LABEL[N]], [4, 0], [5, 0], "5 at row 1 of LABEL: allowed 0..4"),
}


@pytest.mark.parametrize("name", PLACES)
def test_labels_keep_places_inside(name):
    formula, good, bad, message = PLACES[name]
    y = sn.define("y", N, formula())
    f, rows = sn.function(y, dtype="float64"), np.arange(10.0).reshape(2, 5)
    assert f(ROWS=rows, LABEL=good) == pytest.approx(sn.evaluate(y, {"ROWS": rows, "LABEL": good}))
    with pytest.raises(RangeProblem, match=message):
        f(ROWS=rows, LABEL=bad)


def test_a_condition_on_a_label_stands_for_its_place():
    y = sn.tensor("y", ("N", T))
    sn.define(y, (N, I), sn.where(LABEL[N] > I, ROWS[N, LABEL[N] - 1 - I], 0))
    found = sn.function(y)(ROWS=np.arange(10.0).reshape(2, 5), LABEL=[4, 3])
    assert found.tolist() == [[3, 2, 1, 0, 0], [7, 6, 5, 0, 0]]
