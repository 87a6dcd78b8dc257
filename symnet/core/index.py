"""Dims, indices, and exact integer algebra on index expressions.

An index expression is affine in indices with integer coefficients, `c_1*i_1 + ... + c_0`, where the
constant part may hold dims. Over a box of ranges `0 <= i < extent` it has exact symbolic bounds:

    >>> i, u = indices("i u"); N = dims("N")
    >>> bounds(2*i + u - 1, {i: N, u: sp.Integer(3)})
    (-1, 2*N - 1)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp
from sympy.logic.boolalg import Boolean

from symnet.errors import NameProblem, RangeProblem

Ranges = Mapping[sp.Symbol, sp.Expr]

_NAME = re.compile(r"[^\W\d]\w*\Z")


class RangedIndex(sp.Symbol):  # type: ignore[misc]
    """An index that carries its own extent, for places where no plain read gives one."""

    extent: sp.Expr

    def __new__(cls, name: str, extent: sp.Expr) -> RangedIndex:
        obj: RangedIndex = sp.Symbol.__xnew__(cls, name, integer=True)
        obj.extent = extent
        return obj

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), str(self.extent))


def split_names(names: str) -> list[str]:
    """The single names in "n d k" or "n, d, k", each checked."""
    found = names.replace(",", " ").split() if isinstance(names, str) else []
    if not found:
        raise NameProblem(f"no name was given, but {names!r}", 'write for example sn.dims("N D")')
    for name in found:
        check_name(name)
    return found


def check_name(name: str) -> None:
    """Names are Python-like words; anything else is refused."""
    if not isinstance(name, str) or not all(_NAME.match(part) for part in str(name).split(".")):
        raise NameProblem(f"{name!r} is not a name", "use letters, digits and underscores, beginning with a letter")


def _one_or_tuple(symbols: list[sp.Symbol]) -> Any:
    return symbols[0] if len(symbols) == 1 else tuple(symbols)


def dims(names: str) -> Any:
    """Symbolic sizes: positive integer symbols; one name gives the symbol, several a tuple."""
    return _one_or_tuple([sp.Symbol(name, integer=True, positive=True) for name in split_names(names)])


def indices(names: str) -> Any:
    """Index symbols: integer symbols whose ranges follow from where they stand."""
    return _one_or_tuple([sp.Symbol(name, integer=True) for name in split_names(names)])


def index(name: str, extent: int | str | sp.Expr) -> RangedIndex:
    """An index that runs from 0 to `extent - 1`, said outright."""
    check_name(name)
    return RangedIndex(name, as_dim(extent))


def as_dim(size: int | str | sp.Expr) -> sp.Expr:
    """A size given as an int, a string or a symbol, as a positive integer expression."""
    if isinstance(size, str):
        return dims(size)
    try:
        value = sp.sympify(size, strict=True)
    except sp.SympifyError:
        raise RangeProblem(f"{size!r} is no size", "a size is a positive integer or a name such as 'N'") from None
    if value.is_integer is False or value.is_positive is False or not isinstance(value, sp.Expr):
        raise RangeProblem(f"{size!r} is no size", "a size is a positive integer or a name such as 'N'")
    return value


def as_shape(shape: int | str | sp.Expr | Iterable[Any]) -> tuple[sp.Expr, ...]:
    """A shape of ints, strings and symbols as a tuple of dims."""
    if isinstance(shape, (int, str, sp.Expr)):
        shape = (shape,)
    if not isinstance(shape, Iterable):
        raise RangeProblem(
            f"{shape!r} is no shape", 'a shape is a tuple of sizes, for example ("N", 3), or () for a scalar'
        )
    return tuple(as_dim(size) for size in shape)


def affine(expr: sp.Expr, symbols: Iterable[sp.Symbol]) -> tuple[dict[sp.Symbol, int], sp.Expr] | None:
    """`expr` as (integer coefficient of each symbol, rest), or None where it is not affine in them."""
    coefficients: dict[sp.Symbol, int] = {}
    rest = []
    wanted = set(symbols)
    for term in sp.Add.make_args(sp.expand(expr) if expr.is_Mul else expr):
        held = term.free_symbols & wanted
        if not held:
            rest.append(term)
            continue
        coefficient, factor = term.as_coeff_Mul()
        if factor not in wanted or not coefficient.is_Integer:
            return None
        coefficients[factor] = coefficients.get(factor, 0) + int(coefficient)
    return {s: c for s, c in coefficients.items() if c}, sp.Add(*rest)


def bounds(expr: sp.Expr, ranges: Ranges) -> tuple[sp.Expr, sp.Expr] | None:
    """Smallest and largest value of an affine index expression over the ranges, or None."""
    parts = affine(expr, [s for s in expr.free_symbols if s in ranges])
    if parts is None or parts[1].atoms(sp.Indexed):
        return None
    low, high = [parts[1]], [parts[1]]
    for symbol, coefficient in parts[0].items():
        end = coefficient * (ranges[symbol] - 1)
        low.append(sp.S.Zero if coefficient > 0 else end)
        high.append(end if coefficient > 0 else sp.S.Zero)
    return sp.expand(sp.Add(*low)), sp.expand(sp.Add(*high))


def nonnegative(expr: sp.Expr) -> bool | None:
    """Whether an expression of dims is >= 0 for all sizes (True), for none (False), or undecided."""
    expr = sp.expand(expr)
    constant, rest = expr.as_coeff_Add()
    # every dim is at least 1: move to dim - 1 >= 0, whose coefficients then tell
    least = constant + sp.Add(*[t.as_coeff_Mul()[0] for t in sp.Add.make_args(rest)])
    signs = {bool(t.as_coeff_Mul()[0] > 0) for t in sp.Add.make_args(rest)} if rest != 0 else set()
    if signs <= {True} and least >= 0:
        return True
    if signs <= {False} and least < 0:
        return False
    return None


def decide(condition: Boolean, ranges: Ranges) -> bool | None:
    """Whether a comparison of index expressions holds everywhere (True), nowhere (False), or neither."""
    if not isinstance(condition, sp.core.relational.Relational):
        return None
    difference = condition.lhs - condition.rhs
    box = bounds(difference, ranges)
    if box is None or difference.atoms(sp.Indexed):
        return None
    low, high = box
    if difference.is_integer is not True:  # sizes such as D/2: only what needs no whole numbers
        return _decide_real(condition, low, high)
    if isinstance(condition, (sp.StrictGreaterThan, sp.GreaterThan)):
        strict = int(isinstance(condition, sp.StrictGreaterThan))
        return _always(nonnegative(low - strict), nonnegative(high - strict))
    if isinstance(condition, (sp.StrictLessThan, sp.LessThan)):
        strict = int(isinstance(condition, sp.StrictLessThan))
        return _always(nonnegative(-high - strict), nonnegative(-low - strict))
    if low == high == 0:
        return isinstance(condition, sp.Eq)
    apart = nonnegative(low - 1) is True or nonnegative(-high - 1) is True
    if isinstance(condition, sp.Eq):
        return False if apart else None
    return True if apart else None


def _decide_real(condition: Boolean, low: sp.Expr, high: sp.Expr) -> bool | None:
    if isinstance(condition, (sp.StrictLessThan, sp.LessThan)):
        low, high = -high, -low
    elif not isinstance(condition, (sp.StrictGreaterThan, sp.GreaterThan)):
        return None
    return True if nonnegative(low) is True and (low.is_positive or not _strict(condition)) else None


def _strict(condition: Boolean) -> bool:
    return isinstance(condition, (sp.StrictGreaterThan, sp.StrictLessThan))


def _always(worst: bool | None, best: bool | None) -> bool | None:
    if worst is True:
        return True
    return False if best is False else None
