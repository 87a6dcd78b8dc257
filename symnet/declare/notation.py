"""Index notation: from what a user writes to a canonical definition.

    define("z", (n, k), sum(x[n, d]*W[d, k], d) + b[k])

Ranges come from plain reads: `x[n, d]` says that n runs over the first axis of x. Two axes that disagree,
an index on the right only, and a bound index that shadows a free one are errors that name both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp
from sympy.core.containers import Tuple
from sympy.core.symbol import Str

from symnet.core.definition import Definition, Read, shape_text
from symnet.core.expr import Bracket, Reduce, reduction, where
from symnet.core.index import RangedIndex, as_dim, bounds
from symnet.core.inside import Claim, claims
from symnet.errors import FormulaProblem, IndexProblem, KindProblem, RangeProblem, ShapeProblem

Ranges = dict[sp.Symbol, sp.Expr]


KNOWN = frozenset(
    (
        "exp",
        "log",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "erf",
        "erfc",
        "Abs",
        "sign",
        "floor",
        "Mod",
        "Max",
        "Min",
    )
) | {"KroneckerDelta", "Heaviside"}


class Binder(sp.Expr):  # type: ignore[misc]
    """A reduction as the user wrote it, with the user's names for the bound indices."""

    is_real = True
    is_commutative = True

    def __new__(cls, op: str | Str, body: sp.Expr, *bound: Any) -> Binder:
        pairs = [Tuple(*pair) for pair in bound]
        obj: Binder = sp.Expr.__new__(cls, op if isinstance(op, Str) else Str(op), body, *pairs)
        return obj

    @property
    def body(self) -> sp.Expr:
        return self.args[1]

    @property
    def bound(self) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
        return tuple((pair[0], pair[1]) for pair in self.args[2:])

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        return self.body.free_symbols - {b for b, _ in self.bound}  # type: ignore[no-any-return]

    def _sympystr(self, printer: Any) -> str:
        names = ", ".join(str(b) for b, _ in self.bound)
        return f"{self.args[0].name}({printer.doprint(self.body)}, {names})"


def bind(op: str, body: Any, *bound: Any) -> Binder:
    """A reduction over the given indices; each is a symbol, or a pair of a symbol and an extent."""
    body = as_formula(body)
    pairs = [b if isinstance(b, (tuple, Tuple)) else (b, None) for b in bound]
    for symbol, _ in pairs:
        if not isinstance(symbol, sp.Symbol):
            raise FormulaProblem(f"{op} runs over indices, but was given {symbol!r}", 'declare it: sn.indices("j")')
    ranges = plain_ranges(body)
    return Binder(op, body, *[(s, _extent(s, e, ranges, f"{op} over {s}")) for s, e in pairs])


def _extent(symbol: sp.Symbol, given: Any, ranges: Ranges, where_: str) -> sp.Expr:
    if given is not None:
        return as_dim(given)
    if isinstance(symbol, RangedIndex):
        return symbol.extent
    if symbol in ranges:
        return ranges[symbol]
    raise RangeProblem(
        f"the range of index '{symbol}' is not known ({where_}): no tensor is read with it alone on an axis",
        f'say it: sn.index("{symbol}", size), or ({symbol}, size) in the reduction, or shape= in define',
    )


def as_formula(value: Any) -> sp.Expr:
    """A number, a SymPy expression or a scalar tensor as an expression; conditions count as 0 and 1."""
    if isinstance(value, bool):
        return sp.Integer(int(value))
    if isinstance(value, float):
        return exact(value)
    try:
        expr = sp.sympify(value, strict=True)
    except sp.SympifyError:
        raise FormulaProblem(f"{value!r} cannot stand in a formula") from None
    if isinstance(expr, sp.logic.boolalg.Boolean) and not isinstance(expr, sp.Expr):
        return Bracket(expr)
    if not isinstance(expr, sp.Expr):
        raise FormulaProblem(f"{value!r} cannot stand in a formula", "formulas are scalars: read tensors with indices")
    if expr.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.I):
        raise FormulaProblem(
            f"{expr} is no finite real number", "look for a division by zero or a root of a negative number"
        )
    return expr


def exact(value: float) -> sp.Expr:
    """A float as the rational that its shortest decimal spelling means."""
    if value != value or abs(value) == float("inf"):
        raise FormulaProblem(f"{value} is no finite real number")
    return sp.Rational(repr(float(value)))


def plain_ranges(expr: sp.Basic) -> Ranges:
    """Ranges of the free indices that stand alone on an axis, checked against each other."""
    found: dict[sp.Symbol, tuple[sp.Expr, str]] = {}
    _gather_ranges(expr, found)
    return {symbol: extent for symbol, (extent, _) in found.items()}


def _gather_ranges(expr: sp.Basic, found: dict[sp.Symbol, tuple[sp.Expr, str]]) -> None:
    if isinstance(expr, Binder):
        inner: dict[sp.Symbol, tuple[sp.Expr, str]] = {}
        _gather_ranges(expr.body, inner)
        for symbol, (extent, name) in inner.items():
            own = dict(expr.bound).get(symbol)
            if own is None:
                _agree(symbol, extent, name, found)
            elif own != extent:
                raise IndexProblem(f"index '{symbol}' of {name} runs over {extent}, but over {own} where it is bound")
        return
    if isinstance(expr, sp.Indexed):
        shape = expr.args[0].shape or ()
        for place, extent in zip(expr.indices, shape, strict=False):
            if isinstance(place, sp.Symbol) and not place.is_positive:
                _agree(place, extent, expr.args[0].name, found)
    for arg in expr.args:
        _gather_ranges(arg, found)


def _agree(symbol: sp.Symbol, extent: sp.Expr, name: str, found: dict[sp.Symbol, tuple[sp.Expr, str]]) -> None:
    known = found.setdefault(symbol, (extent, name))
    if known[0] != extent:
        raise IndexProblem(
            f"index '{symbol}' of {known[1]} runs over {known[0]}, but of {name} over {extent}",
            "give one of them another index, or the same dim",
        )


def canonical(expr: sp.Basic) -> sp.Basic:
    """A user's expression in symnet's own nodes: canonical reductions, brackets, exact numbers."""
    if isinstance(expr, Binder):
        return reduction(expr.args[0].name, canonical(expr.body), expr.bound)
    if isinstance(expr, (sp.Sum, sp.Product)):
        return _from_sympy_sum(expr)
    if isinstance(expr, sp.Float):
        return exact(float(expr))
    if not expr.args or isinstance(expr, (sp.Indexed, Reduce)):
        return expr
    if isinstance(expr, sp.Piecewise):
        return _from_piecewise(expr)
    if isinstance(expr, sp.Function) and not (type(expr).__name__ in KNOWN or hasattr(expr, "expanded")):
        raise FormulaProblem(
            f"{type(expr).__name__} is no function of the language", "write it with others, or use @sn.elementwise"
        )
    args = [canonical(arg) for arg in expr.args]
    if isinstance(expr, (sp.Max, sp.Min)):
        return _extreme(args, 1 if isinstance(expr, sp.Max) else -1)
    if isinstance(expr, sp.Heaviside):
        raise FormulaProblem("Heaviside has no agreed value at 0", "write sn.where(x > 0, 1, 0)")
    if any(new is not old for new, old in zip(args, expr.args, strict=True)):
        return expr.func(*args)
    return expr


def _from_sympy_sum(expr: sp.Sum | sp.Product) -> sp.Expr:
    body = expr.function
    bound = []
    for symbol, low, high in expr.limits:
        body = body.xreplace({symbol: symbol + low}) if low != 0 else body
        bound.append((symbol, high - low + 1))
    return reduction("sum" if isinstance(expr, sp.Sum) else "prod", canonical(body), bound)


def _from_piecewise(expr: sp.Piecewise) -> sp.Expr:
    result: sp.Expr = sp.S.Zero
    for value, condition in reversed(expr.args):
        result = where(condition, canonical(value), result)
    return result


def _extreme(values: Sequence[sp.Expr], sign: int) -> sp.Expr:
    """The larger (or smaller) of several values; where they tie, half of each: so the gradient is shared."""
    result = values[0]
    for value in values[1:]:
        difference = sign * (result - value)
        result = (
            Bracket(difference > 0) * result
            + Bracket(difference < 0) * value
            + Bracket(sp.Eq(difference, 0)) * (result + value) / 2
        )
    return result


def maximum_of(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    return _extreme([a, b], 1)


def minimum_of(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    return _extreme([a, b], -1)


def make_definition(
    name: str, indices: Iterable[sp.Symbol], formula: Any, shape: Sequence[sp.Expr] | None
) -> tuple[Definition, tuple[sp.Expr, ...]]:
    """The canonical definition of a tensor and its shape, or an error that says what does not fit."""
    indices = tuple(indices)
    raw = as_formula(formula)
    _check_left(name, indices, shape)
    _check_binders(name, raw, set(indices))
    ranges = plain_ranges(raw)
    if shape is None:
        shape = tuple(_extent(i, None, ranges, f"in {name}") for i in indices)
    for i, extent in zip(indices, shape, strict=True):
        if ranges.get(i, extent) != extent:
            raise IndexProblem(
                f"index '{i}' runs over {ranges[i]} on the right, but {name} has {extent} there",
                "the shape of the left side and the axes read on the right must agree",
            )
    known = dict(zip(indices, shape, strict=True))
    _check_symbols(name, raw, known)
    check_reads(name, raw, known)
    return Definition(indices, canonical(raw)), tuple(shape)


def _check_left(name: str, indices: tuple[sp.Symbol, ...], shape: Sequence[sp.Expr] | None) -> None:
    for i in indices:
        if not isinstance(i, sp.Symbol):
            raise IndexProblem(f"{name}: {i!r} cannot stand on the left; only indices can", 'sn.indices("n k")')
    if len(set(indices)) != len(indices):
        raise IndexProblem(f"{name}: an index stands twice on the left: {', '.join(map(str, indices))}")
    if shape is not None and len(shape) != len(indices):
        raise ShapeProblem(f"{name} has shape {shape_text(shape)}, but {len(indices)} indices on the left")


def _check_binders(name: str, expr: sp.Basic, taken: set[sp.Symbol]) -> None:
    if isinstance(expr, Binder):
        for symbol, _ in expr.bound:
            if symbol in taken:
                raise IndexProblem(
                    f"{name}: index '{symbol}' is bound by {expr.args[0].name}, but is in use outside it as well",
                    f"give the bound one another name, for example {symbol}2",
                )
        taken = taken | {symbol for symbol, _ in expr.bound}
    for arg in expr.args:
        _check_binders(name, arg, taken)


def _check_symbols(name: str, raw: sp.Expr, known: Ranges) -> None:
    for symbol in sorted(raw.free_symbols - set(known), key=str):
        if symbol.is_integer and symbol.is_positive:
            continue  # a dim counts as a number
        if symbol.is_integer:
            raise IndexProblem(
                f"index '{symbol}' stands on the right of {name} only",
                f"sum over it, sn.sum(..., {symbol}), or put it on the left; there is no implicit summation",
            )
        raise FormulaProblem(
            f"symbol '{symbol}' in {name} is neither a tensor, an index nor a dim",
            f'declare it: sn.param("{symbol}", ()) or sn.input("{symbol}", ())',
        )


def check_reads(name: str, expr: sp.Basic, ranges: Ranges) -> None:
    """No read may lie outside its axis for all sizes, where the conditions on indices in front of it hold."""
    for read in sorted(expr.atoms(sp.Indexed), key=str):
        for place, extent in zip(read.indices, read.args[0].shape, strict=True):
            _check_labels(name, read, place, extent)
    for claim in claims(expr, ranges):
        if claim.holds() is False:
            raise RangeProblem(
                f"{name} reads {claim.read}, {_outside(claim)} the axis from 0 to {claim.extent - 1}",
                "guard the read: sn.where(condition on the index, read, 0)",
            )


def _outside(claim: Claim) -> str:
    """How a place lies outside: its range, or the conditions that do not keep it inside."""
    if claim.guards:
        conditions = " and ".join(str(Bracket(guard)) for guard in claim.guards)
        return f"but {conditions} does not keep {claim.place} inside of"
    box = bounds(claim.place, claim.ranges)
    return f"where {claim.place} runs from {box[0]} to {box[1]}, but" if box else f"but {claim.place} leaves"


def _check_labels(name: str, read: Read, place: sp.Expr, extent: sp.Expr) -> None:
    for label in place.atoms(sp.Indexed):
        if label.args[0].node.kind != "label":
            raise KindProblem(
                f"{name} reads {read} at {label}, but {label.args[0].name} is of kind {label.args[0].node.kind!r}",
                "a place is an index, a number or a read of labels: declare it with kind='label'",
            )
    classes = read_classes(place)
    if classes is not None and classes != extent:
        raise IndexProblem(
            f"{name}: label {place} has {classes} classes, but the axis of {read.node.name} has {extent}"
        )


def read_classes(place: sp.Expr) -> sp.Expr | None:
    """How many classes a label read has, where it was declared."""
    if isinstance(place, sp.Indexed):
        found: sp.Expr | None = place.args[0].node.info.get("classes")
        return found
    return None


def default_indices(shape: Sequence[sp.Expr], avoid: Iterable[sp.Symbol] = ()) -> tuple[sp.Symbol, ...]:
    """Index names for a shape: n for N, d for D, otherwise i, j, k, ...; each once."""
    used = {str(s) for s in avoid}
    result = []
    for size in shape:
        first = str(size).lower() if isinstance(size, sp.Symbol) and len(str(size)) == 1 else "i"
        name = next(c for c in _candidates(first) if c not in used)
        used.add(name)
        result.append(sp.Symbol(name, integer=True))
    return tuple(result)


def _candidates(first: str) -> Iterable[str]:
    yield first
    yield from (c for c in "ijklmnpqrstuvabcdfgh" if c != first)
    number = 1
    while True:
        yield f"{first}{number}"
        number += 1


def sign_facts(formula: sp.Expr) -> dict[str, bool]:
    """What SymPy can tell of the sign of a formula, carried on by the tensor's reads."""
    if formula.is_positive:
        return {"positive": True}
    return {"nonnegative": True} if formula.is_nonnegative else {}
