"""Elimination of Kronecker deltas from a sum, by exact integer algebra.

    Sum over b of body * [left = right] ...

Each equation is solved for a bound index with coefficient +-1, whose place the solution then takes; a bracket
remains where the solution may leave the index's range. Where only a larger coefficient is left, a bracket asks
for divisibility. Where no bound index can be solved for, the delta stays: between free indices it is a mask,
at a label it is a scatter.

    Sum_{i,u} out[i]*w[u]*[a = i + u]   ->   Sum_u [0 <= a - u < I] out[a - u]*w[u]

>>> a, i, u = sp.symbols("a i u", integer=True)
>>> eliminate([(a, i + u)], [(i, sp.Integer(6)), (u, sp.Integer(3))], {a: sp.Integer(8)}).values
{i: a - u}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symnet.core.expr import Bound, Bracket, Reduce, reindex, total
from symnet.core.index import decide

Equation = tuple[sp.Expr, sp.Expr]


@dataclass(frozen=True)
class Elimination:
    """What became of the deltas: `values` of the solved indices, `bound` ones left, and factors that remain."""

    values: dict[sp.Symbol, sp.Expr]
    bound: tuple[Bound, ...]
    factor: sp.Expr


def eliminate(equations: Sequence[Equation], bound: Sequence[Bound], free: Mapping[sp.Symbol, sp.Expr]) -> Elimination:
    """Solve as many of the equations as possible for bound indices."""
    ranges = {**free, **dict(bound)}
    left = dict(bound)
    values: dict[sp.Symbol, sp.Expr] = {}
    factors: list[sp.Expr] = []
    todo = [(sp.sympify(a), sp.sympify(b)) for a, b in equations]
    while todo:
        choice = _best(todo, left)
        if choice is None:
            break
        place, symbol, coefficient = choice
        one, other = todo.pop(place)
        rest = sp.expand(coefficient * symbol - (one - other))
        value, divisible = _quotient(rest, coefficient)
        factors = [reindex(f, {symbol: value}) for f in factors]
        factors += [divisible, *_within(value, left.pop(symbol), ranges)]
        values = {s: reindex(v, {symbol: value}) for s, v in values.items()} | {symbol: value}
        todo = [(reindex(a, {symbol: value}), reindex(b, {symbol: value})) for a, b in todo]
    factors += [_kept(a, b, ranges) for a, b in todo]
    return Elimination(values, tuple(left.items()), sp.Mul(*factors))


def _best(equations: Sequence[Equation], left: Mapping[sp.Symbol, sp.Expr]) -> tuple[int, sp.Symbol, int] | None:
    """The equation and index that solve most simply: a plain name, then coefficient one, then the longest range."""
    found = []
    for place, (one, other) in enumerate(equations):
        terms = sp.Add.make_args(sp.expand(one - other))
        for rank, symbol in enumerate(left):
            coefficient = _coefficient(symbol, terms)
            if coefficient:
                extent = left[symbol]
                size = int(extent) if extent.is_Integer else 1 << 30
                plain = len(terms) > 2 or not (one == symbol or other == symbol)
                found.append(((abs(coefficient) != 1, plain, -size, rank, place), (place, symbol, coefficient)))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _coefficient(symbol: sp.Symbol, terms: Sequence[sp.Expr]) -> int:
    """The integer coefficient of an index that occurs in one term only, plainly; else 0."""
    holding = [t for t in terms if symbol in t.free_symbols]
    if len(holding) != 1:
        return 0
    coefficient, factor = holding[0].as_coeff_Mul()
    return int(coefficient) if factor == symbol and coefficient.is_Integer else 0


def _quotient(rest: sp.Expr, coefficient: int) -> tuple[sp.Expr, sp.Expr]:
    """`rest / coefficient` as an index, and the bracket that it divides."""
    if abs(coefficient) == 1:
        return sp.expand(rest * coefficient), sp.S.One
    value, size = (rest, coefficient) if coefficient > 0 else (sp.expand(-rest), -coefficient)
    return sp.floor(value / size), Bracket(sp.Eq(sp.Mod(value, size), 0))


def _within(value: sp.Expr, extent: sp.Expr, ranges: Mapping[sp.Symbol, sp.Expr]) -> list[sp.Expr]:
    """Brackets that keep a solution inside the range of the index it stands for; labels are in range."""
    if isinstance(value, sp.Indexed):
        return []
    numerator = value
    if isinstance(value, sp.floor):
        top, size = sp.fraction(value.args[0])
        numerator, extent = top, extent * size
    return [bracket(sp.Ge(numerator, 0), ranges), bracket(sp.Lt(numerator, extent), ranges)]


def bracket(condition: sp.logic.boolalg.Boolean, ranges: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """A bracket, or 1 or 0 where the ranges decide it."""
    settled = decide(condition, ranges)
    return Bracket(condition) if settled is None else sp.Integer(int(settled))


def _kept(a: sp.Expr, b: sp.Expr, ranges: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    if a == b:
        return sp.S.One
    if decide(sp.Eq(a, b), ranges) is False:
        return sp.S.Zero
    return sp.KroneckerDelta(a, b)


def sum_with(
    body: sp.Expr, equations: Sequence[Equation], bound: Sequence[Bound], free: Mapping[sp.Symbol, sp.Expr]
) -> sp.Expr:
    """`Sum over bound of body * [equations]`, with the deltas eliminated."""
    solved = eliminate(equations, bound, free)
    result = total(settle(solved.factor * reindex(body, solved.values), {**free, **dict(bound)}), solved.bound)
    gone = set(solved.values)
    assert not gone & result.free_symbols, f"eliminated index left in {result}"
    return result


def settle(expr: sp.Expr, ranges: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """Brackets and deltas outside reductions decided where the ranges allow it."""
    if isinstance(expr, Bracket):
        return bracket(expr.condition, ranges)
    if isinstance(expr, sp.KroneckerDelta):
        return _kept(expr.args[0], expr.args[1], ranges)
    if not expr.args or isinstance(expr, (sp.Indexed, Reduce)) or not expr.atoms(Bracket, sp.KroneckerDelta):
        return expr
    return expr.func(*[settle(arg, ranges) if isinstance(arg, sp.Expr) else arg for arg in expr.args])
