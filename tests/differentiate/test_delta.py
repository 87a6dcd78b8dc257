"""Elimination of deltas: a table of sums over deltas, each worth what brute force says."""

from __future__ import annotations

import itertools

import pytest
import sympy as sp

import symnet as sn
from symnet.core.index import indices
from symnet.differentiate.delta import eliminate

a, c, i, u, v = indices("a c i u v")
labels = sn.input("t", (6,), kind="label", classes=5)

# name, equations, bound extents, free extents, values the elimination must find
TABLE = [
    ("plain", [(a, i)], {i: 6}, {a: 6}, {i: a}),
    ("shifted back", [(a, i - 1)], {i: 6}, {a: 6}, {i: a + 1}),
    ("convolution solves for the longer index", [(a, i + u)], {i: 6, u: 3}, {a: 8}, {i: a - u}),
    ("stride solves for the unit coefficient", [(a, 2 * i + u - 1)], {i: 4, u: 3}, {a: 8}, {u: a - 2 * i + 1}),
    ("dilation", [(a, i + 2 * u)], {i: 6, u: 3}, {a: 10}, {i: a - 2 * u}),
    ("negative", [(a, 5 - i)], {i: 6}, {a: 6}, {i: 5 - a}),
    ("only a stride", [(a, 2 * i)], {i: 4}, {a: 8}, {i: sp.floor(a / 2)}),
    ("stride with an offset", [(a, 3 * i + 1)], {i: 3}, {a: 10}, {i: sp.floor((a - 1) / 3)}),
    ("a diagonal", [(a, i), (c, i)], {i: 6}, {a: 6, c: 6}, {i: a}),
    ("two equations share an index", [(a, i + u), (c, u)], {i: 6, u: 3}, {a: 8, c: 3}, None),
    ("nothing to solve for", [(a, c)], {i: 4}, {a: 6, c: 6}, {}),
    ("the same place", [(a, a)], {i: 4}, {a: 6}, {}),
    ("never equal", [(a, c + 6)], {}, {a: 6, c: 6}, {}),
    ("a constant place", [(a, sp.Integer(2))], {}, {a: 6}, {}),
    ("a bound constant", [(i, sp.Integer(2))], {i: 6}, {}, {i: sp.Integer(2)}),
    ("out of range for all", [(i, sp.Integer(7))], {i: 6}, {}, {i: sp.Integer(7)}),
    ("three indices", [(a, i + u + v)], {i: 5, u: 2, v: 3}, {a: 8}, {i: a - u - v}),
    ("minus and plus", [(a, i - u)], {i: 6, u: 3}, {a: 6}, {i: a + u}),
    ("two windows", [(a, 2 * i + u), (c, 2 * v + u)], {i: 3, u: 2, v: 3}, {a: 6, c: 6}, None),
]


def number(expr, point) -> int:
    """A formula of brackets and deltas at a point."""
    value = expr.xreplace({s: sp.Integer(p) for s, p in point.items()})
    value = value.replace(lambda e: type(e).__name__ == "Bracket", lambda e: sp.Integer(int(bool(e.condition))))
    return int(sp.simplify(value))


@pytest.mark.parametrize(
    ("equations", "bound", "free", "values"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_elimination_counts_what_brute_force_counts(equations, bound, free, values):
    found = eliminate(
        equations, [(s, sp.Integer(e)) for s, e in bound.items()], {s: sp.Integer(e) for s, e in free.items()}
    )
    if values is not None:
        assert found.values == values
    weight = sum((7**place * s for place, s in enumerate(bound)), sp.Integer(1))  # a body that tells all indices apart
    for point in itertools.product(*[range(e) for e in free.values()]):
        outside = dict(zip(free, point, strict=True))
        assert _brute(equations, bound, outside, weight) == _eliminated(found, bound, outside, weight)


def _brute(equations, bound, outside, weight) -> int:
    total = 0
    for inner in itertools.product(*[range(e) for e in bound.values()]):
        at = {**outside, **dict(zip(bound, inner, strict=True))}
        if all(int(left.xreplace(at)) == int(right.xreplace(at)) for left, right in equations):
            total += int(weight.xreplace(at))
    return total


def _eliminated(found, bound, outside, weight) -> int:
    total = 0
    left = [s for s, _ in found.bound]
    for inner in itertools.product(*[range(bound[s]) for s in left]):
        at = {**outside, **dict(zip(left, inner, strict=True))}
        gate = number(found.factor, at)
        if gate:
            solved = {
                s: sp.Integer(v.xreplace({k: sp.Integer(p) for k, p in at.items()})) for s, v in found.values.items()
            }
            total += gate * int(weight.xreplace({**{k: sp.Integer(p) for k, p in at.items()}, **solved}))
    return total


def test_label_becomes_a_gather_without_a_bracket():
    found = eliminate([(i, labels[a])], [(i, sp.Integer(5))], {a: sp.Integer(6)})
    assert found.values == {i: labels[a]}
    assert found.factor == 1


def test_label_against_a_free_index_stays_as_a_scatter():
    found = eliminate([(a, labels[i])], [(i, sp.Integer(6))], {a: sp.Integer(5)})
    assert found.values == {}
    assert found.factor == sp.KroneckerDelta(a, labels[i])


def test_solution_that_cannot_leave_its_range_needs_no_bracket():
    assert eliminate([(a, i)], [(i, sp.Integer(6))], {a: sp.Integer(6)}).factor == 1


def test_symbolic_sizes_give_a_bracket_only_where_needed():
    T = sn.dims("T")
    found = eliminate([(a, i - 1)], [(i, T)], {a: T})
    assert found.values == {i: a + 1}
    assert str(found.factor) == "[a + 1 < T]"
