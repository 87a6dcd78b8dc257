"""Formulas as text: what people would have typed, and meaning what the formula means."""

from __future__ import annotations

import math
import random

import pytest
import sympy as sp
from formulas import CASES, IDS, K, N, d, formula, j, k, n, p, x, y, z

import symnet as sn
from symnet.core.definition import Definition, Program
from symnet.show.text import text_definition, text_expr, text_program


@pytest.mark.parametrize(("scope", "given", "text", "latex"), CASES, ids=IDS)
def test_text_reads_as_people_write(scope, given, text, latex):
    assert text_expr(formula(given), scope) == text


def test_binders_and_sums_are_accepted_as_users_write_them():
    assert text_expr(sn.sum(x[n, d], d), (n,)) == "sum_d x[n,d]"
    assert text_expr(sp.Sum(x[n, d], (d, 0, x.shape[1] - 1)), (n,)) == "sum_d x[n,d]"


def test_definition_has_both_sides():
    assert text_definition(z, Definition((n, k), (p[n, k] - y[n, k]) / N)) == "z[n,k] = (p[n,k] - y[n,k])/N"
    assert text_definition(sn.param("L", ()), Definition((), sp.S.One)) == "L = 1"


def test_display_names_replace_names():
    assert text_expr(p[n, k] - y[n, k], (n, k), names={p: "softmax"}) == "softmax[n,k] - y[n,k]"


def test_unicode_is_asked_for():
    text = text_expr(formula(sn.sum(x[n, d] ** 2 * sn.delta(d, n), d)), (n,), unicode=True)
    assert text == "Σ_d δ(n,d)·x[n,d]²"


def test_program_is_closed_and_hides_what_has_no_name():
    W, b = sn.param("W", ("D", "K")), sn.param("b", ("K",))
    hot = sn.input("y", ("N", "K"), kind="onehot")
    a = sn.define("z", (n, k), sn.sum(x[n, d] * W[d, k], d) + b[k])
    q = sn.define("p", (n, k), sn.exp(a[n, k]) / sn.sum(sn.exp(a[n, j]), j))
    loss = sn.define("L", (), -sn.mean(sn.sum(hot[n, k] * sn.log(q[n, k]), k), n))
    assert text_program(Program.of([loss, *sn.grad(loss, [a, W, b])])).splitlines() == [
        "z[n,k] = sum_d x[n,d]*W[d,k] + b[k]",
        "p[n,k] = exp(z[n,k])/sum_j exp(z[n,j])",
        "L = -(1/N)*sum_{n,k} y[n,k]*log(p[n,k])",
        "z_bar[n,k] = (p[n,k] - y[n,k])/N",
        "W_bar[d,k] = (1/N)*sum_n x[n,d]*(p[n,k] - y[n,k])",
        "b_bar[k] = (1/N)*sum_n (p[n,k] - y[n,k])",
    ]


def test_names_given_by_the_compiler_are_told_apart():
    a = sn.param("a", ("N",))
    program = Program.of([sn.sum(sn.exp(a + 1) * 2)])
    assert text_program(program).splitlines() == [
        "t_1[n] = 1 + a[n]",
        "exp[n] = exp(t_1[n])",
        "t_2[n] = 2*exp[n]",
        "t_3 = sum_n t_2[n]",
    ]


def random_formula(choose: random.Random, depth: int) -> sp.Expr:
    """A random scalar formula over reads of p, y and z, small numbers and a dim."""
    if depth == 0 or choose.random() < 0.15:
        number = sp.Rational(choose.choice([1, 2, 3, -1, -2]), choose.choice([1, 1, 2, 3, 5, 10]))
        return choose.choice([p[n, k], y[n, k], z[n, k], p[n, k], z[n, k], K, number])
    a, b = random_formula(choose, depth - 1), random_formula(choose, depth - 1)
    kinds = [a + b, a + b, a - b, a * b, a * b, sp.tanh(a), sn.sigmoid(a), sp.exp(random_formula(choose, 1) / 2)]
    kinds += [a / b, a ** choose.choice([2, 3, -1, -2])] if a != 0 != b else []
    return choose.choice(kinds)


VALUES = {"p": 0.7, "y": -1.3, "z": 0.4}


def meaning(expr: sp.Expr) -> float:
    known = {read: sp.Rational(str(VALUES[read.args[0].name])) for read in expr.atoms(sp.Indexed)}
    plain = expr.xreplace({**known, K: sp.Integer(4)})
    return float(plain.replace(lambda e: hasattr(e, "expanded"), lambda e: e.expanded()).evalf(25))


@pytest.mark.parametrize("seed", range(150))
def test_text_means_what_the_formula_means(seed):
    expr = random_formula(random.Random(seed), 4)
    if expr.has(sp.zoo, sp.nan):
        pytest.skip("divides by zero")
    reads = {name: {(0, 0): value} for name, value in VALUES.items()}
    functions = {"exp": math.exp, "tanh": math.tanh, "sqrt": math.sqrt, "sigmoid": lambda v: 1 / (1 + math.exp(-v))}
    found = eval(text_expr(expr, (n, k)), {}, {**reads, **functions, "K": 4, "n": 0, "k": 0})
    assert found == pytest.approx(meaning(expr), rel=1e-9)
