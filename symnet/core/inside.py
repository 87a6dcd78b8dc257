"""Whether the places that formulas read lie inside of their axes: 0 <= place <= extent - 1.

A claim is made for each axis of each read, under the conditions on indices that stand in front of it. Conditions on
values guard no place. It is proved for all sizes by taking conditions away from what has to be 0 at least:

    [t > 0]*x[t-1]              t - 1 less the condition t - 1       leaves 0
    [i + k >= 2]*x[i+k-2]       i + k - 2 less i + k - 2             leaves 0

or it fails for all sizes, as [t > 0]*x[t+1] does; or sizes decide: then it is looked at again when they are known.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any

import sympy as sp
from sympy.logic.boolalg import Boolean

from symnet.core.definition import Program
from symnet.core.expr import Bracket
from symnet.core.index import Ranges, affine, bounds, nonnegative

TRIED = (11, 12, 17)  # sizes that stand for all; a claim that fails for each of them fails
POINTS = 20_000  # and no more places than these are looked at
SIGNS = {
    sp.StrictGreaterThan: operator.gt,
    sp.GreaterThan: operator.ge,
    sp.StrictLessThan: operator.lt,
    sp.LessThan: operator.le,
    sp.Eq: operator.eq,
    sp.Ne: operator.ne,
}


@dataclass(frozen=True)
class Claim:
    """A place on an axis of a read, what its indices run over, and what holds where it is read."""

    read: sp.Indexed
    axis: int
    ranges: Ranges
    guards: tuple[Boolean, ...]

    @property
    def place(self) -> sp.Expr:
        return self.read.indices[self.axis]

    @property
    def extent(self) -> sp.Expr:
        return self.read.args[0].node.shape[self.axis]

    @property
    def dims(self) -> set[sp.Symbol]:
        """The sizes that it speaks of."""
        parts = [self.place, self.extent, *self.guards, *self.ranges.values()]
        return set().union(*(part.free_symbols for part in parts)) - set(self.ranges)

    def holds(self) -> bool | None:
        """Whether it holds for all sizes (True), for none that matters (False), or sizes decide."""
        if self.ranges.get(self.place) == self.extent:
            return True
        if all(_proved(form, self.guards, self.ranges) for form in (self.place, self.extent - 1 - self.place)):
            return True
        dims = self.dims
        if len(dims) > 1:
            return False if not self.guards and self._never() else None
        failed = [self.fails(dict.fromkeys(dims, size)) for size in (TRIED if dims else TRIED[:1])]
        if all(failed):
            return False
        return True if not dims and failed == [False] else None

    def fails(self, sizes: Mapping[sp.Symbol, int]) -> bool | None:
        """Whether it is broken somewhere for some sizes; None where there are too many places to look at."""
        counts = [value(extent, sizes) for extent in self.ranges.values()]
        if reduce(operator.mul, counts, 1) > POINTS:
            return None
        points = product(*map(range, counts))
        return any(self.broken({**sizes, **dict(zip(self.ranges, point, strict=True))}) for point in points)

    def broken(self, at: Mapping[sp.Symbol, Any]) -> Any:
        """Whether the place lies outside though all conditions hold, for numbers or arrays of them."""
        place, extent = value(self.place, at), value(self.extent, at)
        return reduce(operator.and_, [truth(g, at) for g in self.guards], (place < 0) | (place >= extent))

    def _never(self) -> bool:
        box = bounds(self.place, self.ranges)
        return box is not None and (nonnegative(box[0]) is False or nonnegative(self.extent - 1 - box[1]) is False)


def open_claims(program: Program) -> list[tuple[str, Claim]]:
    """Those of a program that sizes decide, with the names of the tensors that are defined so."""
    found = []
    for node, definition in program.definitions.items():
        ranges = dict(zip(definition.indices, node.shape, strict=True))
        found += [(node.name, claim) for claim in claims(definition.formula, ranges) if claim.holds() is None]
    return found


def claims(formula: sp.Basic, ranges: Ranges) -> Iterator[Claim]:
    """What a formula takes for granted of its reads; places where labels stand are not among it."""
    for read, inner, gates in guarded_reads(formula, ranges):
        guards = tuple(c for c in map(condition, gates) if c is not None)
        for axis, place in enumerate(read.indices):
            if not place.atoms(sp.Indexed):
                yield _claim(read, axis, inner, guards)


def guarded_reads(
    formula: sp.Basic, ranges: Ranges, gates: tuple[sp.Expr, ...] = ()
) -> Iterator[tuple[sp.Indexed, Ranges, tuple[sp.Expr, ...]]]:
    """Each read, what the indices there run over, and the brackets and deltas that stand in front of it."""
    ranges = {**ranges, **dict(getattr(formula, "bound", ()))}  # a reduction, as it was typed or in normal form
    if isinstance(formula, sp.Mul):
        gates += tuple(arg for arg in formula.args if isinstance(arg, (Bracket, sp.KroneckerDelta)))
    if isinstance(formula, sp.Indexed):
        yield formula, ranges, gates
    for arg in formula.args:
        yield from guarded_reads(arg, ranges, gates)


def label_range(read: sp.Indexed, axis: int, label: sp.Indexed, ranges: Ranges) -> tuple[sp.Expr, sp.Expr] | None:
    """The labels that keep a place inside, from the first to one after the last; None where that cannot be said.

    The place is label + rest or rest - label, for a rest of indices.
    """
    place, extent = read.indices[axis], read.args[0].node.shape[axis]
    for rest, up in ((sp.expand(place - label), True), (sp.expand(place + label), False)):
        box = None if rest.atoms(sp.Indexed) else bounds(rest, ranges)
        if box is not None:
            low, high = box
            return (sp.Max(0, -low), extent - high) if up else (sp.Max(0, high - extent + 1), low + 1)
    return None


def condition(factor: sp.Expr) -> Boolean | None:
    """What a bracket or a delta says, if it speaks of indices alone."""
    if factor.atoms(sp.Indexed):
        return None
    return factor.condition if isinstance(factor, Bracket) else sp.Eq(*factor.args, evaluate=False)


def _claim(read: sp.Indexed, axis: int, ranges: Ranges, guards: tuple[Boolean, ...]) -> Claim:
    """With only those conditions and indices that have to do with the place."""
    met = read.indices[axis].free_symbols & set(ranges)
    useful: list[Boolean] = []
    while more := [g for g in guards if g not in useful and g.free_symbols & met]:
        useful += more
        met |= set().union(*(g.free_symbols for g in more)) & set(ranges)
    return Claim(read, axis, {s: extent for s, extent in ranges.items() if s in met}, tuple(useful))


# -- proofs


def _proved(form: sp.Expr, guards: tuple[Boolean, ...], ranges: Ranges, depth: int = 2) -> bool:
    """Whether a form is 0 or more wherever the guards hold, as it is, or with guards taken away from it."""
    box = bounds(form, ranges)
    if box is None:
        return False
    if nonnegative(box[0]) is True:
        return True
    known = [fact for guard in guards for fact in _facts(guard, ranges)] if depth else []
    return any(_proved(rest, guards, ranges, depth - 1) for fact in known for rest in _less(form, fact, ranges))


def _facts(guard: Boolean, ranges: Ranges) -> Iterator[sp.Expr]:
    """What is 0 or more where a comparison of whole numbers holds."""
    if not isinstance(guard, sp.core.relational.Relational):
        return
    difference = sp.expand(guard.lhs - guard.rhs)
    if isinstance(guard, (sp.StrictGreaterThan, sp.StrictLessThan, sp.GreaterThan, sp.LessThan)):
        up = isinstance(guard, (sp.StrictGreaterThan, sp.GreaterThan))
        strict = isinstance(guard, (sp.StrictGreaterThan, sp.StrictLessThan))
        yield (difference if up else -difference) - int(strict)
    elif isinstance(guard, sp.Eq):
        yield from (difference, -difference)
    elif (box := bounds(difference, ranges)) is not None:  # not equal: one off the end that it begins or ends at
        yield from (side - 1 for side, end in ((difference, box[0]), (-difference, -box[1])) if end == 0)


def _less(form: sp.Expr, fact: sp.Expr, ranges: Ranges) -> Iterator[sp.Expr]:
    """The form less as much of a fact as takes an index out of it, times a number above 0."""
    mine, its = affine(form, ranges), affine(fact, ranges)
    if mine is None or its is None:
        return
    for symbol, count in mine[0].items():
        other = its[0].get(symbol, 0)
        if count * other > 0:
            yield sp.expand(abs(other) * form - abs(count) * fact)


# -- values


def value(expr: sp.Expr, at: Mapping[sp.Symbol, Any]) -> Any:
    """An expression of indices and sizes, for whole numbers or arrays of them."""
    if isinstance(expr, sp.Symbol):
        return at[expr]
    if expr.is_number:
        return int(expr) if expr.is_Integer else float(expr)
    if isinstance(expr, sp.Add):
        return reduce(operator.add, [value(arg, at) for arg in expr.args])
    if isinstance(expr, sp.Mod):
        return value(expr.args[0], at) % value(expr.args[1], at)
    if isinstance(expr, sp.floor):
        above, below = sp.fraction(sp.together(expr.args[0]))
        return value(above, at) // value(below, at)
    if isinstance(expr, sp.Pow):
        return value(expr.base, at) ** int(expr.exp)
    assert isinstance(expr, sp.Mul), f"{expr} is no place"
    above, below = sp.fraction(expr)
    if below != 1:
        return value(above, at) / value(below, at)
    return reduce(operator.mul, [value(arg, at) for arg in expr.args])


def truth(guard: Boolean, at: Mapping[sp.Symbol, Any]) -> Any:
    """Whether a condition on indices holds."""
    if type(guard) in SIGNS:
        return SIGNS[type(guard)](value(guard.args[0], at), value(guard.args[1], at))
    if isinstance(guard, sp.Not):
        return truth(guard.args[0], at) ^ True
    join = operator.and_ if isinstance(guard, sp.And) else operator.or_
    return reduce(join, [truth(arg, at) for arg in guard.args])
