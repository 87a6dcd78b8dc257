"""Tensors as users hold them: scalars stand for themselves, sizes are read off, nothing can be changed."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symnet as sn
from symnet.errors import FormulaProblem, KindProblem, NameProblem, RangeProblem, ShapeProblem

N, D = sn.dims("N D")
n, d = sn.indices("n d")
x, w, lam = sn.input("x", (N, D)), sn.param("w", (D,)), sn.param("lam", ())
X = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize("compare", [lambda: lam > x[n, d], lambda: x[n, d] < lam], ids=["left", "right"])
def test_a_scalar_tensor_is_compared_as_itself(compare):
    q = sn.define("q", (n, d), sn.where(compare(), 1, 0))
    assert sn.text(q) == "q[n,d] = [lam > x[n,d]]"
    np.testing.assert_array_equal(sn.evaluate(q, {"x": X, "lam": 2.5}), X < 2.5)


@pytest.mark.parametrize("gone", [x - x, 0 * x, x / x, x**0, sn.eq(x, x)], ids=["x-x", "0*x", "x/x", "x**0", "x=x"])
def test_sizes_are_read_off_values_that_fold_away(gone):
    assert sn.evaluate(gone, {"x": X}).shape == (2, 3)


def test_a_tensor_cannot_be_changed():
    with pytest.raises(AttributeError, match="x is immutable"):
        x.name = "y"


def test_absolute_value_and_plus_are_operators():
    np.testing.assert_array_equal(sn.evaluate(abs(-x), {"x": X}), X)
    assert +x is x


def test_a_mask_is_a_condition():
    m = sn.input("m", (D,), kind="mask")
    picked = sn.define("picked", d, sn.where(m[d], w[d], 0))
    np.testing.assert_array_equal(sn.evaluate(picked, {"m": [1, 0, 1], "w": [5.0, 6, 7]}), [5, 0, 7])


@pytest.mark.parametrize(
    ("act", "error", "says"),
    [
        (lambda: sn.sum(x, axis=(0, 0)), ShapeProblem, "stands once"),
        (lambda: sn.sum(x, axis="a"), ShapeProblem, "axis='a' of x"),
        (lambda: sn.param("a", (2, 2), init=np.ones(3)), ShapeProblem, r"\(2, 2\).*\(3,\)"),
        (lambda: sn.input("a", None), RangeProblem, "None is no shape"),
        (lambda: sn.dims(3), NameProblem, "3"),
        (lambda: sn.define("g", d, sp.atan(w[d])), FormulaProblem, "atan is no function of the language"),
        (lambda: bool(x), FormulaProblem, "no truth value"),
        (lambda: sn.elementwise(lambda a, c=2: a * c), FormulaProblem, "defaults"),
        (lambda: sn.evaluate(sn.input("y", (N, 2), kind="onehot") + 0, {"y": np.ones((2, 2))}), KindProblem, "row 1"),
    ],
)
def test_misuse_is_refused_by_name(act, error, says):
    with pytest.raises(error, match=says):
        act()


def test_slope_of_softsign_is_one_square():
    x = sn.input("x", ("N",))
    n = sn.indices("n")
    loss = sn.define("L", (), sn.sum(x[n] / (1 + abs(x[n])), n))
    assert sn.text(sn.grad(loss, x)) == "x_bar[n] = 1/(1 + abs(x[n]))**2"
