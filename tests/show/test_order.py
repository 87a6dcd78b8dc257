"""How people order terms, factors and numbers."""

from __future__ import annotations

import pytest
import sympy as sp
from formulas import A, D, K, N, T, W, b, bar, d, eps, gamma, h, i, j, k, lam, n, p, t, u, v, w, x, y, z

import symnet as sn
from symnet.core.expr import Bracket, Reduce
from symnet.show.order import chain, decimal, delta_places, factors, is_negative, quotient, ranges_of, terms
from symnet.show.text import text_expr

PRODUCT = Reduce("sum", x[n, i] * W[i, k], [(i, D)])
SUMS = [
    ("what is added first", -y[n, k] + p[n, k], ["p[n,k]", "-y[n,k]"]),
    ("one leads", 1 - v[n] ** 2, ["1", "-v[n]**2"]),
    ("one leads what is added", 1 + sp.exp(-z[n, k]), ["1", "exp(-z[n,k])"]),
    ("a number that is subtracted ends", 2 * y[n, k] - 1, ["2*y[n,k]", "-1"]),
    ("a tiny number ends", v[n] + sp.Rational(1, 100000), ["v[n]", "1e-5"]),
    ("epsilon ends", eps[()] + v[n], ["v[n]", "eps"]),
    ("most indices first", b[k] + z[n, k], ["z[n,k]", "b[k]"]),
    ("delta is subtracted", p[n, k] - sp.KroneckerDelta(n, k), ["p[n,k]", "-delta(n,k)"]),
    (
        "sums before tensors",
        lam[()] * z[n, k] + Reduce("sum", x[n, i] * W[i, k], [(i, D)]),
        ["sum_d x[n,d]*W[d,k]", "lam*z[n,k]"],
    ),
    ("short before long", y[n, k] * z[n, k] + p[n, k], ["p[n,k]", "y[n,k]*z[n,k]"]),
    ("all subtracted", -v[n] - w[n], ["-v[n]", "-w[n]"]),
    ("one term", v[n], ["v[n]"]),
]
PLACES = [
    ("number last", t - 1, "t -1"),
    ("added number", 1 + t, "t 1"),
    ("long stride first", u + 2 * j - 1, "2*j u -1"),
    ("scope before stride", 2 * u + i, "i 2*u"),
    ("scope's order", u + i, "i u"),
    ("from the end", T - 1 - t, "T -1 -t"),
    ("solved for", d + 1 - 2 * i, "d 1 -2*i"),
    ("dims", N - 1, "N -1"),
]
PRODUCTS = [
    ("numbers, dims, scalars", [v[n], lam[()], N, sp.Integer(2)], (n,), ["2", "N", "lam", "v[n]"]),
    ("sample size first", [K, N, D], (), ["N", "D", "K"]),
    ("brackets before tensors", [v[n], Bracket(n > 0)], (n,), ["[n > 0]", "v[n]"]),
    ("conditions on indices first", [Bracket(v[n] > 0), Bracket(n > 0)], (n,), ["[n > 0]", "[v[n] > 0]"]),
    ("differences after tensors", [p[n, k] - y[n, k], v[n]], (n, k), ["v[n]", "p[n,k] - y[n,k]"]),
    ("functions after differences", [sp.log(p[n, k]), 1 - y[n, k]], (n, k), ["1 - y[n,k]", "log(p[n,k])"]),
    ("1 - s after s", [1 - sn.sigmoid(v[n]), sn.sigmoid(v[n])], (n,), ["sigmoid(v[n])", "1 - sigmoid(v[n])"]),
    ("scalars in brackets first", [w[d], 1 - lam[()]], (d,), ["1 - lam", "w[d]"]),
    ("fewer indices first", [x[n, d], gamma[d]], (n, d), ["gamma[d]", "x[n,d]"]),
    ("sums last", [Reduce("sum", w[i], [(i, D)]), 1 - v[n], v[n]], (n,), ["v[n]", "1 - v[n]", "sum_d w[d]"]),
]
_0, _1 = sp.Symbol("_0", integer=True), sp.Symbol("_1", integer=True)
CHAINS = [
    ("quadratic form", [w[_1], A[_0, _1], w[_0]], (), ["w[_0]", "A[_0,_1]", "w[_1]"]),
    ("transposed product", [z[_0, k], x[_0, d]], (d, k), ["x[_0,d]", "z[_0,k]"]),
    ("product", [W[_0, k], x[n, _0]], (n, k), ["x[n,_0]", "W[_0,k]"]),
    ("backward", [W[d, _0], bar[n, _0]], (n, d), ["z_bar[n,_0]", "W[d,_0]"]),
    ("scaled", [x[_0, j], v[_0], x[_0, d]], (d, j), ["x[_0,d]", "v[_0]", "x[_0,j]"]),
    ("attention", [h[n, j, _0], h[n, t, _0]], (n, t, j), ["h[n,t,_0]", "h[n,j,_0]"]),
]
DECIMALS = [
    ("1/100000", "1e-5"),
    ("1/1000", "0.001"),
    ("1/2000", "5e-4"),
    ("9/10", "0.9"),
    ("999/1000", "0.999"),
    ("-9/10", "-0.9"),
    ("4/5", "0.8"),
    ("1/2", None),
    ("3/4", None),
    ("1/3", None),
    ("1/10", None),
    ("1/100", None),
    ("1/60000", None),
    ("7", None),
    ("8943/200000", "0.044715"),
    ("3/1000000", "3e-6"),
]


def cases(table):
    return {"argvalues": [row[1:] for row in table], "ids": [row[0] for row in table]}


def written(parts, scope=(n, k)):
    return [text_expr(part, scope) for part in parts]


@pytest.mark.parametrize(("expr", "wanted"), **cases(SUMS))
def test_terms_of_a_sum(expr, wanted):
    assert written(terms(expr, (n, k))) == wanted


@pytest.mark.parametrize(("expr", "wanted"), **cases(PLACES))
def test_terms_of_an_index_place(expr, wanted):
    assert written(terms(expr, (n, t, i, d))) == wanted.split()


@pytest.mark.parametrize(("parts", "scope", "wanted"), **cases(PRODUCTS))
def test_factors_of_a_product(parts, scope, wanted):
    assert written(factors(parts, scope), scope) == wanted
    assert written(factors(parts[::-1], scope), scope) == wanted


@pytest.mark.parametrize(("parts", "scope", "wanted"), **cases(CHAINS))
def test_chains_of_contractions(parts, scope, wanted):
    assert written(chain(parts, scope), scope) == wanted


def test_a_long_chain_keeps_its_order():
    parts = [sn.param(name, ("N",))[_0] for name in "abcdef"]
    assert chain(parts, ()) == parts


@pytest.mark.parametrize(("value", "wanted"), DECIMALS, ids=[row[0] for row in DECIMALS])
def test_decimals(value, wanted):
    assert decimal(sp.Rational(value)) == wanted


def test_quotient_has_a_sign_and_two_sides():
    parts = quotient(-3 * x[n, d] * (p[n, k] - y[n, k]) / (2 * N * v[n]), (n, d, k))
    assert parts.negative
    assert written(parts.top) == ["3", "x[n,d]", "p[n,k] - y[n,k]"]
    assert written(parts.bottom) == ["2", "N", "v[n]"]


def test_decimals_stay_above_the_bar():
    parts = quotient(sp.Rational(9, 10) * v[n] / N, (n,))
    assert written(parts.top) == ["0.9", "v[n]"]
    assert written(parts.bottom) == ["N"]


@pytest.mark.parametrize(
    ("expr", "negative"),
    [
        (-v[n], True),
        (v[n], False),
        ((-v[n] - w[n]) * x[n, d], True),
        (-(-v[n] - w[n]) * x[n, d], False),
        (v[n] - 1, False),
    ],
    ids=str,
)
def test_signs_come_out_of_brackets(expr, negative):
    assert is_negative(expr) is negative


def test_sides_of_a_delta_follow_the_scope():
    assert delta_places(sp.KroneckerDelta(j, k), (k, j)) == [k, j]
    assert delta_places(sp.KroneckerDelta(j, k), (j, k)) == [j, k]


def test_brackets_that_bound_the_same_are_joined():
    brackets = [Bracket(n - d < 3), Bracket(n - d >= 0), Bracket(t > 0)]
    joined, left = ranges_of(brackets)
    assert joined == {n - d: (("<=", sp.S.Zero), ("<", sp.Integer(3)))}
    assert left == [Bracket(t > 0)]
