"""What a definition costs to compute, at nominal sizes: the measure by which rewritings are chosen.

A reduction counts once over its own free indices, since it becomes a definition of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

import sympy as sp

from symnet.core.definition import Definition, Node
from symnet.core.expr import Bracket, Reduce

NOMINAL = 16
FUNCTION = 10

Sizes = Mapping[sp.Symbol, int]


def nominal(extent: sp.Expr) -> int:
    """A size to reckon with: numbers as they are, names as 16."""
    value = extent.xreplace({s: sp.Integer(NOMINAL) for s in extent.free_symbols})
    return max(1, int(value)) if value.is_Integer else NOMINAL


def flops(node: Node, definition: Definition) -> int:
    """Operations to compute a definition once, each part over the indices that it depends on, equal parts once."""
    sizes = {i: nominal(extent) for i, extent in zip(definition.indices, node.shape, strict=True)}
    counted: set[sp.Expr] = set()
    return prod(sizes.values()) + _count(definition.formula, sizes, counted)


def _box(symbols: Iterable[sp.Basic], sizes: Sizes) -> int:
    return prod(sizes[s] for s in symbols if s in sizes)


def _count(expr: sp.Expr, sizes: Sizes, counted: set[sp.Expr]) -> int:
    if isinstance(expr, sp.Indexed) or not expr.args or expr in counted:
        return 0
    counted.add(expr)
    if isinstance(expr, Reduce):
        own = {**sizes, **{b: nominal(extent) for b, extent in expr.bound}}
        return _box(expr.body.free_symbols, own) + _count(expr.body, own, counted)
    inner = sum(_count(arg, sizes, counted) for arg in expr.args if isinstance(arg, sp.Expr))
    if isinstance(expr, (sp.Add, sp.Mul)):
        return inner + _combine(expr, sizes)
    box = _box(expr.free_symbols, sizes)
    if isinstance(expr, sp.Pow):
        return inner + box * (FUNCTION if not expr.exp.is_Integer else 1)
    return inner + box * (1 if isinstance(expr, (Bracket, sp.KroneckerDelta)) else FUNCTION)


def _combine(expr: sp.Expr, sizes: Sizes) -> int:
    """An n-ary sum or product, parts with few indices first; a minus sign is free."""
    args = [arg for arg in expr.args if arg != -1]
    free = sorted((arg.free_symbols & set(sizes) for arg in args), key=lambda f: (_box(f, sizes), sorted(map(str, f))))
    seen, cost = set(free[0]), 0
    for symbols in free[1:]:
        seen |= symbols
        cost += _box(seen, sizes)
    return cost
