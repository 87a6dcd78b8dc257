"""How people order what SymPy sorts by its own lights: the terms of a sum, the factors of a product.

    -y + p               ->  p - y                     what is added before what is taken away
    -h**2 + 1            ->  1 - h**2                  a plain number leads,
    1/100000 + v         ->  v + 1e-5                  a tiny one ends,
    1 + t,  -1 + u + 2i  ->  t + 1,  2i + u - 1        and in index places every number ends
    W[d,k]*x[n,d]        ->  x[n,d]*W[d,k]             a contraction reads like a matrix product
    (p - y)*x*S/N        ->  1/N  x  (p - y)  S        numbers, sizes, scalars, brackets, tensors, then sums

Nothing is computed here: the expression that is shown is the expression that is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from math import inf

import sympy as sp

from symnet.core.expr import Bracket, Reduce, operations

Scope = Sequence[sp.Symbol]
NUMBER, SIZE, SCALAR, MASK, TENSOR, SUM, FUNCTION, LONG, REDUCTION = range(9)
TINY = sp.Rational(1, 100)
EPSILONS = ("eps", "epsilon", "varepsilon")
LONG_CHAIN = 5


@dataclass(frozen=True)
class Quotient:
    """A term as it is written: a sign, factors above the fraction bar, factors below it."""

    negative: bool
    top: tuple[sp.Expr, ...]
    bottom: tuple[sp.Expr, ...]


# -- sums


def terms(expr: sp.Expr, scope: Scope = ()) -> list[sp.Expr]:
    """The terms of a sum in people's order; anything else is one term."""
    parts = list(sp.Add.make_args(expr))
    if len(parts) == 1:
        return parts
    if not expr.atoms(sp.Indexed, sp.Function, Reduce):
        ordered = sorted(parts, key=lambda term: _place_key(term, scope))
        return _number_after_sizes(ordered)
    return sorted(parts, key=_term_key)


def _number_after_sizes(ordered: list[sp.Expr]) -> list[sp.Expr]:
    """N - 1 - n rather than N - n - 1."""
    last = ordered[-1]
    if last.is_number and ordered[0].is_Symbol and ordered[0].is_positive:
        middle = sum(not is_negative(term) for term in ordered[:-1])
        return [*ordered[:middle], last, *ordered[middle:-1]]
    return ordered


def is_negative(term: sp.Expr) -> bool:
    """Whether a term is written with a minus sign."""
    return sum(positive(factor)[0] for factor in sp.Mul.make_args(term)) % 2 == 1


def positive(factor: sp.Expr) -> tuple[bool, sp.Expr]:
    """A factor without the sign that it is written with: 2 of -2, a + b of -a - b, also where that is summed."""
    if factor.is_Rational and factor.is_negative:
        return True, -factor
    if all_negative(factor):
        return True, sp.Add(*[-term for term in factor.args])
    if isinstance(factor, Reduce) and factor.op == "sum" and is_negative(factor.body):
        return True, Reduce("sum", -factor.body, factor.bound)
    return False, factor


def all_negative(expr: sp.Expr) -> bool:
    return isinstance(expr, sp.Add) and all(is_negative(term) for term in expr.args)


def _place_key(term: sp.Expr, scope: Scope) -> tuple[object, ...]:
    """In index places: in the scope's order, then long strides first; numbers after what they are added to."""
    coefficient, rest = term.as_coeff_Mul()
    place = min((scope.index(s) for s in rest.free_symbols if s in scope), default=len(scope))
    return (is_negative(term), rest == 1, place, -abs(coefficient), str(rest))


def _term_key(term: sp.Expr) -> tuple[object, ...]:
    """Elsewhere: numbers first, then what has most indices, sums before single tensors, short before long."""
    negative = is_negative(term)
    whole = not negative and bool(term.atoms(Reduce))
    return (negative, _constant_rank(term), -len(index_symbols(term)), not whole, operations(term), str(term))


def _constant_rank(term: sp.Expr) -> int:
    """Ordinary positive numbers lead; tiny ones and what is subtracted come last."""
    if isinstance(term, sp.Indexed) and not term.indices:
        return 2 if term.args[0].name in EPSILONS else 1
    if not term.is_number:
        return 1
    return 0 if term >= TINY else 2


def index_symbols(expr: sp.Basic) -> set[sp.Symbol]:
    """The indices in an expression: its free symbols that are no sizes."""
    return {s for s in expr.free_symbols if not s.is_positive}


# -- products


def quotient(term: sp.Expr, scope: Scope = ()) -> Quotient:
    """One term as sign, numerator and denominator, each in people's order."""
    negative = False
    top: list[sp.Expr] = []
    bottom: list[sp.Expr] = []
    for part in sp.Mul.make_args(term):
        sign, factor = positive(part)
        negative ^= sign
        if factor.is_Rational:
            above, below = _split_number(factor)
            top += [above] * (above != 1)
            bottom += [below] * (below != 1)
        elif isinstance(factor, sp.Pow) and factor.exp.could_extract_minus_sign():
            bottom.append(factor.base**-factor.exp)
        else:
            top.append(factor)
    return Quotient(negative, tuple(factors(top, scope)), tuple(factors(bottom, scope)))


def _split_number(value: sp.Rational) -> tuple[sp.Expr, sp.Expr]:
    if decimal(value) is not None:
        return value, sp.S.One
    return sp.Integer(value.p), sp.Integer(value.q)


def factors(parts: Sequence[sp.Expr], scope: Scope = ()) -> list[sp.Expr]:
    """Factors in people's order: kind by kind, tensors as a chain of contractions."""
    kinds: dict[int, list[sp.Expr]] = {}
    for part in parts:
        kinds.setdefault(factor_kind(part), []).append(part)
    ordered = []
    for kind in sorted(kinds):
        group = sorted(kinds[kind], key=_factor_key)
        ordered += chain(group, scope) if kind in (TENSOR, SUM) else group
    return ordered


def _factor_key(part: sp.Expr) -> tuple[object, ...]:
    """Conditions on indices before conditions on values; the sample size N before other sizes."""
    return (bool(part.atoms(sp.Indexed)) and isinstance(part, Bracket), operations(part), str(part) != "N", str(part))


def factor_kind(factor: sp.Expr) -> int:
    """Where a factor stands in a product."""
    base = factor.base if isinstance(factor, sp.Pow) else factor
    if factor.is_number:
        return NUMBER
    if isinstance(base, Reduce):
        return REDUCTION
    if isinstance(base, (Bracket, sp.KroneckerDelta)):
        return MASK
    if not index_symbols(factor) and not factor.atoms(Reduce):
        return SCALAR if factor.atoms(sp.Indexed) else SIZE
    if isinstance(base, (sp.Indexed, sp.Symbol)):
        return TENSOR
    if not isinstance(base, sp.Add):
        return FUNCTION
    return LONG if base.atoms(sp.Function) - base.atoms(sp.KroneckerDelta) else SUM


def chain(parts: Sequence[sp.Expr], scope: Scope) -> list[sp.Expr]:
    """Factors ordered so that neighbours share an index where they can: x[n,d] W[d,k], x[i] A[i,j] x[j].

    Where nothing is summed, what has fewer indices goes first: gamma[d] x[n,d].
    """
    if not any(is_bound(s) for part in parts for s in part.free_symbols):
        return sorted(parts, key=lambda part: len(index_symbols(part)))
    if len(parts) > LONG_CHAIN:
        return list(parts)
    places = {part: list(ordered_indices(part)) for part in parts}

    orders: list[tuple[sp.Expr, ...]] = list(permutations(parts))

    def key(order: tuple[sp.Expr, ...]) -> tuple[int, list[float]]:
        links = sum(_link(places[a], places[b]) for a, b in pairwise(order))
        return (-links, _head(places[order[0]], scope))

    best = min(orders, key=key)
    return list(best)


def is_bound(symbol: sp.Symbol) -> bool:
    """Whether an index has the name that reductions give to theirs."""
    return bool(symbol.name.startswith("_"))


def _head(indices: Sequence[sp.Symbol], scope: Scope) -> list[float]:
    """The chain begins with what holds the first of the result's indices."""
    return sorted(scope.index(i) for i in indices if i in scope) or [inf]


def _link(left: Sequence[sp.Symbol], right: Sequence[sp.Symbol]) -> int:
    if not left or not right or not set(left) & set(right):
        return 0
    return 2 if left[-1] == right[0] else 1


def ordered_indices(expr: sp.Basic, scope: Scope = ()) -> Iterator[sp.Symbol]:
    """The free indices of an expression, those of its tensors first, each once, in the order in which they are read."""
    free = index_symbols(expr)
    reads = (place for read in reads_in_order(expr, scope) for place in read.indices)
    seen: dict[sp.Symbol, None] = {}
    for place in reads:
        seen.update(dict.fromkeys(s for s in _symbols_in_order(place) if s in free))
    seen.update(dict.fromkeys(sorted(free - set(seen), key=str)))
    yield from seen


def reads_in_order(expr: sp.Basic, scope: Scope = ()) -> Iterator[sp.Indexed]:
    """The reads of an expression as they are met when it is written down."""
    if isinstance(expr, sp.Indexed):
        yield expr
        for place in expr.indices:
            yield from reads_in_order(place, scope)
    elif isinstance(expr, sp.Add):
        for term in terms(expr, scope):
            yield from reads_in_order(term, scope)
    elif isinstance(expr, sp.Mul):
        parts = quotient(expr, scope)
        for factor in sorted((*parts.top, *parts.bottom), key=lambda f: factor_kind(f) == MASK):
            yield from reads_in_order(factor, scope)
    elif expr.atoms(sp.Indexed):
        for arg in expr.args:
            yield from reads_in_order(arg, scope)


def _symbols_in_order(place: sp.Expr) -> Iterator[sp.Symbol]:
    for term in terms(place):
        yield from sorted(term.free_symbols, key=str)


# -- numbers


def decimal(value: sp.Rational) -> str | None:
    """A number that people write as a decimal, so written: 0.9, 0.01..., 1e-5; None for 1/2, 1/3, 1/100, 7."""
    shift = _decimal_places(value.q)
    if not shift or not _wants_decimal(value):
        return None
    digits = str(abs(value.p) * 10**shift // value.q)
    sign = "-" if value < 0 else ""
    if len(digits) == 1 and shift > 3:
        return f"{sign}{digits}e-{shift}"
    digits = digits.rjust(shift + 1, "0")
    return f"{sign}{digits[:-shift]}.{digits[-shift:]}"


def _decimal_places(denominator: int) -> int:
    """How many digits follow the point; 0 where they would not end."""
    twos, fives = sp.multiplicity(2, denominator), sp.multiplicity(5, denominator)
    return int(max(twos, fives)) if denominator == 2**twos * 5**fives else 0


def _wants_decimal(value: sp.Rational) -> bool:
    return bool(value.q >= 1000) or (abs(value.p) != 1 and value.q % 5 == 0)


# -- deltas and brackets


def delta_places(delta: sp.KroneckerDelta, scope: Scope = ()) -> list[sp.Expr]:
    """The two sides of a delta: what is read first, then as the scope has them, then the rest."""

    def key(side: sp.Expr) -> tuple[object, ...]:
        place = scope.index(side) if side in scope else len(scope)
        return (not side.atoms(sp.Indexed), not side.is_Symbol, place, str(side))

    return sorted(delta.args[:2], key=key)


Limit = tuple[str, sp.Expr]
Bounds = tuple[Limit, Limit]


def ranges_of(brackets: Sequence[sp.Expr]) -> tuple[dict[sp.Expr, Bounds], list[sp.Expr]]:
    """Pairs `[low <= e][e < high]` joined as e -> ((<=, low), (<, high)), and the brackets that stay as they are."""
    low: dict[sp.Expr, tuple[str, sp.Expr, sp.Expr]] = {}
    high: dict[sp.Expr, tuple[str, sp.Expr, sp.Expr]] = {}
    for bracket in brackets:
        condition = bracket.condition
        if isinstance(condition, (sp.Ge, sp.Gt)):
            low.setdefault(condition.lhs, ("<" if isinstance(condition, sp.Gt) else "<=", condition.rhs, bracket))
        elif isinstance(condition, (sp.Le, sp.Lt)):
            high.setdefault(condition.lhs, (condition.rel_op, condition.rhs, bracket))
    joined = {e: (low[e][:2], high[e][:2]) for e in low if e in high}
    used = {pair[e][2] for e in joined for pair in (low, high)}
    return joined, [b for b in brackets if b not in used]
