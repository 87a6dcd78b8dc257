"""One-line questions: what is declared for names that no formula defines."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.errors import LocatedError
from symnet.spec.formula import declare_expression

LEAST_SQUARES = "L = sum((sum(A[i,j]*x[j], j) - b[i])**2, i)"


def shapes(text: str) -> dict[str, str]:
    return {name: repr(tensor) for name, tensor in declare_expression(text).items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LEAST_SQUARES, ["A(I, J)", "x(J)", "b(I)", "L()"]),
        ("sum(x[n], n)/N", ["x(N)", "L()"]),
        ("q = a*exp(b) + c", ["a()", "b()", "c()", "q()"]),
        ("L = sum(x[i+u]*w[u], i=M, u=3)", ["x(X)", "w(3)", "L()"]),
        ("z[n,k] = sum(x[n,d]*W[d,k], d); L = sum(z[n,k]**2, n, k)", ["x(N, D)", "W(D, K)", "z(N, K)", "L()"]),
        ("m[s:T, t:T] = s <= t\nL = sum(m[s,t]*y[s,t], s, t)", ["y(T, T)", "m(T, T)", "L()"]),
        ("L = sum(u[i]*v[i], i) + sum(v[j]*w[j], j)", ["u(I)", "v(I)", "w(I)", "L()"]),
        ("L = sum(T[i,i], i)", ["T(I, I)", "L()"]),
        ("L = sum(X[l], l)", ["X(L2)", "L()"]),
        ("L = lambda*sum(class[i], i)", ["class(I)", "lambda()", "L()"]),
        ("h[t] = a[t] + where(t > 0, h[t-1], 0); L = sum(h[t], t)", ["a(T)", "h(T)", "L()"]),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_not_defined_is_declared_with_shapes_that_follow(text, expected):
    assert sorted(shapes(text).values()) == sorted(expected)


def test_undeclared_names_are_real_parameters():
    found = declare_expression(LEAST_SQUARES)
    assert {name: (t.role, t.kind) for name, t in found.items() if t.definition is None} == {
        "A": ("param", "real"),
        "x": ("param", "real"),
        "b": ("param", "real"),
    }


def test_what_is_read_as_a_place_is_a_label():
    found = declare_expression("p[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j); L = -mean(log(p[n,t[n]]), n)")
    assert (found["t"].role, found["t"].kind, str(found["t"].info["classes"])) == ("input", "label", "K")


def test_the_gradient_of_least_squares():
    found = declare_expression(LEAST_SQUARES)
    gradient = sn.grad(found["L"], found["x"])
    A, x, b = np.arange(6.0).reshape(3, 2), np.array([1.0, -1.0]), np.array([1.0, 0.0, 2.0])
    np.testing.assert_allclose(sn.evaluate(gradient, {"A": A, "x": x, "b": b}), 2 * A.T @ (A @ x - b))


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("", "E0211", (None, None)),
        ("L = sum(A[i,j]*x[j], j)", "E0203", (1, 11)),
        ("L = sum(A[i,j], i, j) + A[k]", "E0201", (1, 9)),
        ("L = softmx(x)", "E0102", (1, 5)),
        ("a = 1; b = 2 c", "E0207", (1, 14)),
        ("sum(x[i], i", "E0207", (1, 4)),
        ("L = x @ w", "E0206", (1, 5)),
        ("L = sin[i]", "E0206", (1, 5)),
        ("L = sum(x[i], i=0)", "E0202", (1, 17)),
        ("x[i]", "E0203", (1, 3)),
        ("sum(x[i] * y[j], i)", "E0203", (1, 14)),
        ("\n  sum(x[i]\n    * y[j], i)", "E0203", (3, 9)),
        ("L + 1", "E0205", (1, 1)),
    ],
)
def test_a_wrong_expression_is_located(text, code, place):
    with pytest.raises(LocatedError) as caught:
        declare_expression(text)
    first = caught.value.diagnostics[0]
    assert (first.code, (first.line, first.col)) == (code, place)
    assert first.file == "<expression>"


@pytest.mark.parametrize("text", ["L == 3", "a = 1; L == a"])
def test_a_comparison_in_place_of_a_definition_is_told_from_one(text):
    with pytest.raises(LocatedError, match="'='") as caught:
        declare_expression(text)
    assert [d.hint for d in caught.value.diagnostics] == ["== compares, = defines"]
