"""The nodes of a formula: reductions equal modulo names, no capture, brackets as strong zeros."""

from __future__ import annotations

import itertools

import pytest
import sympy as sp

import symnet as sn
from symnet.core.definition import Definition, Program, write_out
from symnet.core.expr import Bracket, Reduce, operations, reindex, total, transform
from symnet.core.normal import normalise

a, b, c, i, j = sn.indices("a b c i j")
x, w = sn.input("x", ("N", "N")), sn.input("w", ("N",))
N = sn.dims("N")


def test_reductions_are_equal_modulo_names_and_order_of_bound_indices():
    for first, second in itertools.permutations((a, b)):
        assert Reduce("sum", x[first, i] * w[second], [(first, N), (second, N)]) == Reduce(
            "sum", x[b, i] * w[a], [(a, N), (b, N)]
        )


@pytest.mark.parametrize(
    ("left", "right"),
    [(x[a, b] * w[a], x[b, a] * w[a]), (x[a, i], x[i, a]), (w[a], 2 * w[a])],
    ids=["transposed", "other place", "factor"],
)
def test_different_reductions_stay_different(left, right):
    bound = [(a, N), (b, N)]
    assert Reduce("sum", left, bound) != Reduce("sum", right, bound)


def test_indistinguishable_indices_have_one_canonical_form():
    one = Reduce("sum", x[a, b] * x[b, c] * x[c, a], [(a, N), (b, N), (c, N)])
    for p, q, r in itertools.permutations((a, b, c)):
        assert Reduce("sum", x[p, q] * x[q, r] * x[r, p], [(a, N), (b, N), (c, N)]) == one


def test_substitution_is_not_captured():
    inner = Reduce("sum", x[i, a], [(a, N)])
    outer = Reduce("sum", reindex(inner, {i: b}) * w[b], [(b, N)])
    assert outer == Reduce("sum", w[j] * Reduce("sum", x[j, i], [(i, N)]), [(j, N)])


def test_writing_a_sum_into_a_sum_keeps_them_apart():
    s = sn.define("s", i, sn.sum(x[i, j], j))
    body = Reduce("sum", s[a] * w[a], [(a, N)])
    written = write_out(body, lambda read: s.definition.at(read.indices) if read.node is s else None)
    assert written == Reduce("sum", w[a] * Reduce("sum", x[a, b], [(b, N)]), [(a, N)])


def test_total_takes_out_what_does_not_depend_on_the_index():
    assert total(w[i] * x[i, a], [(a, N)]) == w[i] * Reduce("sum", x[i, a], [(a, N)])
    assert total(w[i], [(a, N)]) == N * w[i]
    assert total(w[a], [(a, sp.Integer(1))]) == w[0]
    assert total(sp.S.Zero, [(a, N)]) == 0


def test_nested_sums_become_one():
    assert total(total(x[a, b], [(b, N)]), [(a, N)]) == Reduce("sum", x[a, b], [(a, N), (b, N)])


def test_a_conjunction_is_a_product_of_brackets():
    assert Bracket((i > 0) & (i < N)) == Bracket(i > 0) * Bracket(i < N)
    assert Bracket(i > 0) ** 2 == Bracket(i > 0)
    assert Bracket(sp.true) == 1
    assert Bracket(sp.false) == 0
    assert Bracket(sp.Eq(i, j)) == sp.KroneckerDelta(i, j)


def test_bracket_decides_what_has_become_a_number():
    assert Bracket(i > 2).xreplace({i: sp.Integer(3)}) == 1
    assert Bracket(i > 2).xreplace({i: sp.Integer(2)}) == 0


def test_transform_reaches_inside_reductions():
    found = transform(Reduce("sum", sp.exp(x[i, a]), [(a, N)]), lambda e: e.args[0] if isinstance(e, sp.exp) else e)
    assert found == Reduce("sum", x[i, a], [(a, N)])


@pytest.mark.parametrize(
    ("expr", "count"),
    [(w[i] - w[j], 1), ((w[i] - w[j]) / N, 2), (-w[i], 0), (w[i] ** 2, 1), (1 - w[i] ** 2, 2), (2 * w[i] * w[j], 2)],
    ids=str,
)
def test_operations_count_as_a_reader_would(expr, count):
    assert operations(expr) == count


def test_a_guard_goes_with_the_sum_whose_reads_it_guards():
    T = sn.dims("T")
    h, U = sn.tensor("h", ("N", T)), sn.param("U", ("N", "N"))
    t, k = sn.indices("t k")
    sn.define(h, (k, t), sn.where(t > 0, sn.sum(h[j, t - 1] * U[j, k], j), 1))
    flat = normalise(Program.of([h]))
    hidden = next(d for node, d in flat.definitions.items() if node.anonymous)
    assert isinstance(hidden, Definition)
    assert "[" in str(hidden.formula.body)
    assert Bracket(t > 0) in hidden.formula.body.args
