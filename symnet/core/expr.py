"""The nodes of a formula that SymPy does not have, and how to rename indices in one.

    Bracket(condition)          Iverson's [condition]: 1 where it holds, else 0, and a *strong* zero: what a
                                false bracket multiplies counts as 0 even where it is undefined
    Reduce(op, body, bound)     Sum, Max, Min, Prod or ArgMax of a body over bound indices

A `Reduce` names its bound indices canonically (`_0`, `_1`, ..., higher than those of any reduction inside),
so two of them are equal exactly when they differ in the names of bound indices only, and no substitution
of user indices can be captured:

    >>> a, b, i = sp.symbols("a b i", integer=True); x = sp.IndexedBase("x")
    >>> Reduce("sum", x[i, a], [(a, 3)]) == Reduce("sum", x[i, b], [(b, 3)])
    True

Never build on `Sum.diff`, `subs` or `cse`: they know nothing of bound indices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import permutations
from typing import Any, TypeVar

import sympy as sp
from sympy.core.containers import Tuple
from sympy.core.symbol import Str
from sympy.logic.boolalg import Boolean, BooleanFalse, BooleanTrue

Bound = tuple[sp.Symbol, sp.Expr]
E = TypeVar("E", bound=sp.Basic)
OPS = ("sum", "max", "min", "prod", "argmax")


COMPARISONS = {">": sp.Gt, ">=": sp.Ge, "<": sp.Lt, "<=": sp.Le, "==": sp.Eq, "!=": sp.Ne}
_SIGNS = {relation: sign for sign, relation in COMPARISONS.items()}


class Bracket(sp.Expr):  # type: ignore[misc]
    """Iverson's bracket: 1 where the condition holds, else 0. A conjunction is a product of brackets.

    A comparison is held as (sign, left, right), so that renaming inside does not ask SymPy to decide it again.
    """

    is_real = True
    is_nonnegative = True
    is_integer = True
    is_commutative = True
    _op_priority = 10.0

    def __new__(cls, condition: Boolean | Str, *sides: sp.Expr) -> sp.Expr:
        if sides:
            return cls._compare(condition, *sides)
        condition = sp.sympify(condition, strict=True)
        if isinstance(condition, BooleanTrue):
            return sp.S.One
        if isinstance(condition, BooleanFalse):
            return sp.S.Zero
        if isinstance(condition, sp.And):
            return sp.Mul(*[cls(part) for part in condition.args])
        if type(condition) in _SIGNS:
            return cls._compare(Str(_SIGNS[type(condition)]), condition.lhs, condition.rhs)
        return sp.Expr.__new__(cls, condition)

    @classmethod
    def _compare(cls, sign: Str, left: sp.Expr, right: sp.Expr) -> sp.Expr:
        if left == right or (left.is_Number and right.is_Number):
            return sp.S.One if COMPARISONS[sign.name](left, right) else sp.S.Zero
        if sign.name == "==" and _is_place(left) and _is_place(right):
            return sp.KroneckerDelta(left, right)
        return sp.Expr.__new__(cls, sign, left, right)

    @property
    def condition(self) -> Boolean:
        if len(self.args) == 1:
            return self.args[0]
        return COMPARISONS[self.args[0].name](self.args[1], self.args[2], evaluate=False)

    def _eval_power(self, exponent: sp.Expr) -> sp.Expr | None:
        return self if exponent.is_positive else None

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        return sp.S.Zero

    def _sympystr(self, printer: Any) -> str:
        if len(self.args) == 1:
            return f"[{printer.doprint(self.args[0])}]"
        return f"[{printer.doprint(self.args[1])} {self.args[0].name} {printer.doprint(self.args[2])}]"


def _is_place(expr: sp.Expr) -> bool:
    return bool(expr.is_integer) and not expr.atoms(sp.Function)


class Reduce(sp.Expr):  # type: ignore[misc]
    """A reduction over bound indices, equal to any other that differs in their names only."""

    is_commutative = True
    is_real = True
    _op_priority = 10.0

    def __new__(cls, op: str | Str, body: sp.Expr, bound: Iterable[Any]) -> sp.Expr:
        op = op.name if isinstance(op, Str) else op
        assert op in OPS, op
        pairs = [(b, sp.sympify(e)) for b, e in bound]
        if not pairs:
            return body
        body, pairs = _canonical(sp.sympify(body), pairs)
        return sp.Expr.__new__(cls, Str(op), body, Tuple(*[Tuple(*pair) for pair in pairs]))

    @property
    def op(self) -> str:
        return self.args[0].name  # type: ignore[no-any-return]

    @property
    def body(self) -> sp.Expr:
        return self.args[1]

    @property
    def bound(self) -> tuple[Bound, ...]:
        return tuple((pair[0], pair[1]) for pair in self.args[2])

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        inner: set[sp.Symbol] = self.body.free_symbols - {b for b, _ in self.bound}
        return inner.union(*(extent.free_symbols for _, extent in self.bound))

    def open(self) -> tuple[sp.Expr, tuple[Bound, ...]]:
        """The body and bound indices under fresh names, safe to take apart."""
        fresh = {b: sp.Dummy(f"i{b.name}", integer=True) for b, _ in self.bound}
        return self.body.xreplace(fresh), tuple((fresh[b], extent) for b, extent in self.bound)

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.op in ("sum", "max", "prod", "argmax") and self.body.is_nonnegative else None

    def _eval_is_positive(self) -> bool | None:
        return True if self.op != "argmax" and self.body.is_positive else None

    def _eval_is_integer(self) -> bool | None:
        return True if self.op == "argmax" else None

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        assert symbol not in self.free_symbols, "reductions are hoisted before differentiation"
        return sp.S.Zero

    def _sympystr(self, printer: Any) -> str:
        names = ", ".join(str(b) for b, _ in self.bound)
        return f"{self.op.capitalize()}[{names}]({printer.doprint(self.body)})"


def _canonical(body: sp.Expr, pairs: list[Bound]) -> tuple[sp.Expr, list[Bound]]:
    """Bound indices in canonical order and under canonical names."""
    base = 1 + max((int(b.name[1:]) for r in body.atoms(Reduce) for b, _ in r.bound), default=-1)
    names = [sp.Symbol(f"_{base + i}", integer=True) for i in range(len(pairs))]
    if len(pairs) == 1:
        (old, extent), name = pairs[0], names[0]
        return (body if old == name else body.xreplace({old: name})), [(name, extent)]
    fresh = {b: sp.Dummy(integer=True) for b, _ in pairs}
    body = body.xreplace(fresh)
    pairs = [(fresh[b], extent) for b, extent in pairs]
    groups = _ordered_groups(body, pairs)
    best: tuple[str, sp.Expr, list[Bound]] | None = None
    for order in _orders(groups):
        mapping = {b: name for (b, _), name in zip(order, names, strict=True)}
        candidate = body.xreplace(mapping)
        bound = [(mapping[b], extent) for b, extent in order]
        if all(len(g) == 1 for g in groups):
            return candidate, bound
        text = str(candidate)
        if best is None or text < best[0]:
            best = (text, candidate, bound)
    assert best is not None
    return best[1], best[2]


def _ordered_groups(body: sp.Expr, pairs: list[Bound]) -> list[list[Bound]]:
    """Bound indices sorted by how they occur; those that nothing tells apart share a group."""
    everyone = {b for b, _ in pairs}
    leaves = [a for a in body.atoms(sp.Indexed, Bracket, sp.KroneckerDelta, Reduce) if a.free_symbols & everyone]
    leaves = leaves or [body]
    keyed: dict[tuple[str, ...], list[Bound]] = {}
    for b, extent in pairs:
        key = (str(extent), *sorted(_outline(leaf, b, everyone) for leaf in leaves if b in leaf.free_symbols))
        keyed.setdefault(key, []).append((b, extent))
    return [keyed[key] for key in sorted(keyed)]


def _outline(expr: sp.Basic, star: sp.Symbol, others: set[sp.Symbol]) -> str:
    """An expression as text with one bound index marked and the others blinded, in an order that no name decides."""
    if expr in others:
        return "*" if expr == star else "?"
    if not expr.args:
        return str(expr)
    parts = [_outline(arg, star, others) for arg in expr.args]
    if isinstance(expr, (sp.Add, sp.Mul, sp.KroneckerDelta)):
        parts.sort()
    return f"{type(expr).__name__}({','.join(parts)})"


def _orders(groups: list[list[Bound]]) -> Iterator[list[Bound]]:
    if not groups:
        yield []
        return
    for rest in _orders(groups[1:]):
        for first in permutations(groups[0]):
            yield [*first, *rest]


def reindex(expr: sp.Expr, mapping: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """Rename or replace free indices; bound ones are canonical and never meet."""
    mapping = {old: new for old, new in mapping.items() if old != new}
    return expr.xreplace(mapping) if mapping else expr


def total(body: sp.Expr, bound: Iterable[Bound]) -> sp.Expr:
    """Sum of a body, with what trivially comes out: unused indices count, constant factors leave."""
    bound = list(bound)
    body = reindex(sp.sympify(body), {b: sp.S.Zero for b, extent in bound if extent == 1})
    if body == 0 or not bound:
        return body
    symbols = body.free_symbols
    factor = sp.Mul(*[extent for b, extent in bound if b not in symbols])
    used = [(b, extent) for b, extent in bound if b in symbols]
    if not used:
        return factor * body
    names = {b for b, _ in used}
    outside: list[sp.Expr] = []
    inside: list[sp.Expr] = []
    for part in sp.Mul.make_args(body):
        (inside if part.free_symbols & names else outside).append(part)
    inner = sp.Mul(*inside)
    if isinstance(inner, Reduce) and inner.op == "sum":
        inner, further = inner.open()
        used = [*used, *further]
    return sp.Mul(factor, *outside, Reduce("sum", inner, used))


def reduction(op: str, body: sp.Expr, bound: Iterable[Bound]) -> sp.Expr:
    """A reduction of any kind; sums through `total`."""
    return total(body, bound) if op == "sum" else Reduce(op, body, bound)


def transform(expr: sp.Expr, rule: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
    """Apply `rule` to every node, leaves first; bodies of reductions are opened and closed around it."""
    if not expr.args or isinstance(expr, (sp.Indexed, sp.KroneckerDelta, Bracket)):
        return rule(expr)
    if isinstance(expr, Reduce):
        body, bound = expr.open()
        changed = transform(body, rule)
        return rule(expr if changed == body else reduction(expr.op, changed, bound))
    args = [transform(arg, rule) if isinstance(arg, sp.Expr) else arg for arg in expr.args]
    if any(new is not old for new, old in zip(args, expr.args, strict=True)):
        expr = expr.func(*args)
    return rule(expr)


def reads(expr: sp.Basic) -> list[sp.Indexed]:
    """The distinct reads in an expression, in a fixed order."""
    return sorted(expr.atoms(sp.Indexed), key=sp.default_sort_key)


def by_text(exprs: Iterable[E]) -> list[E]:
    """Expressions by their text, and where this is the same by the tensors and indices that they are about."""
    found: dict[str, list[E]] = {}
    for expr in exprs:
        found.setdefault(str(expr), []).append(expr)
    return [e for text in sorted(found) for e in sorted(found[text], key=sp.default_sort_key)]


def where(condition: Any, yes: Any, no: Any) -> sp.Expr:
    """`yes` where the condition holds, else `no`, as brackets; the other branch gives no value and no gradient.

    A number stands for the condition that it is positive, as a mask does.
    """
    condition = sp.sympify(condition)
    if isinstance(condition, sp.Expr):
        condition = condition.condition if isinstance(condition, Bracket) else sp.Gt(condition, 0)
    return Bracket(condition) * sp.sympify(yes) + Bracket(sp.Not(condition)) * sp.sympify(no)


def operations(expr: sp.Basic) -> int:
    """How much a reader has to take in: operations, functions and reductions, weighted."""
    if isinstance(expr, sp.Indexed) or not expr.args:
        return 0
    if isinstance(expr, Reduce):
        return 6 + 2 * len(expr.bound) + operations(expr.body)
    inner = sum(operations(arg) for arg in expr.args)
    if isinstance(expr, sp.Add):
        return inner + len(expr.args) - 1
    if isinstance(expr, sp.Mul):
        inverses = sum(1 for arg in expr.args if isinstance(arg, sp.Pow) and arg.exp == -1)
        sign = int(expr.args[0] == -1)
        return inner + len(expr.args) - 1 - sign - min(inverses, len(expr.args) - 1 - sign)
    if isinstance(expr, sp.Pow):
        return inner + (1 if expr.exp in (2, -1) else 2)
    if isinstance(expr, (Bracket, sp.KroneckerDelta)):
        return inner + 1
    return inner + 3


class Slope(sp.Expr):  # type: ignore[misc]
    """`d L / d z[n,k]`, the question a derivation begins with; it has no formula of its own."""

    is_real = True
    is_commutative = True

    def __new__(cls, root: sp.Expr, by: sp.Expr) -> Slope:
        obj: Slope = sp.Expr.__new__(cls, root, by)
        return obj

    def _sympystr(self, printer: Any) -> str:
        return f"d {printer.doprint(self.args[0])} / d {printer.doprint(self.args[1])}"
