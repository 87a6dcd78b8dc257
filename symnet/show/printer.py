"""Writing formulas down: one walk over an expression, in people's order, for text and LaTeX alike.

A piece is a string with the level at which it binds; where a place demands more, brackets are put around it.

    level     example            may stand
    SUM       a + b, -a          alone, in brackets
    OPEN      max_k a            last in a sum: who knows where it ends
    PREFIX    sum_k a, log a     last in a product: it takes all that follows
    PRODUCT   a*b, a/b           in sums and products
    POWER     a**2               anywhere but under an exponent
    ATOM      a[n], f(x)         anywhere

Subclasses say how a piece looks (`join`, `ratio`, `power`, `call`, ...); how it is ordered is said here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import sympy as sp

from symnet.core.definition import Node
from symnet.core.expr import Bracket, Reduce, Slope
from symnet.declare.notation import Binder, canonical
from symnet.show.names import bound_names, index_wishes, unique_names
from symnet.show.order import (
    MASK,
    NUMBER,
    SCALAR,
    SIZE,
    Bounds,
    Quotient,
    all_negative,
    delta_places,
    factor_kind,
    is_negative,
    ordered_indices,
    quotient,
    ranges_of,
    terms,
)

SUM, OPEN, PREFIX, PRODUCT, POWER, ATOM = range(6)
FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
Env = Mapping[sp.Symbol, str]


class Piece(NamedTuple):
    """Something written down, and how tightly it holds together."""

    text: str
    level: int


class Printer:
    """The walk. `names` are display names of tensors; an environment holds the names of indices in scope."""

    primes: ClassVar[bool] = False

    def __init__(self, names: Mapping[Node, str] | None = None) -> None:
        self.names = names or {}

    def formula(self, expr: sp.Expr, scope: Sequence[sp.Symbol]) -> str:
        """A whole formula, with the indices in scope in their order."""
        expr = prepared(expr)
        return self.piece(expr, self.environment(expr, scope)).text

    def environment(self, expr: sp.Basic, scope: Sequence[sp.Symbol]) -> Env:
        """Names for the indices in scope, apart from those of dims and scalars."""
        sizes = {s.name for s in expr.free_symbols if s not in scope}
        return unique_names(scope, sizes)

    def name(self, node: Node) -> str:
        return self.names.get(node, node.name)

    def written(self, expr: sp.Basic, env: Env, level: int = SUM) -> str:
        """The expression as text, in brackets where it binds less than `level`."""
        piece = self.piece(expr, env)
        return piece.text if piece.level >= level else self.brackets(piece.text)

    def piece(self, expr: sp.Basic, env: Env) -> Piece:
        """The expression and its level, kind by kind."""
        if isinstance(expr, sp.Indexed):
            return self.read(expr, env)
        if isinstance(expr, sp.Symbol):
            return Piece(self.symbol(env.get(expr, expr.name)), ATOM)
        if isinstance(expr, sp.Add):
            return self.sum(expr, env)
        if isinstance(expr, (sp.Mul, sp.Rational, Reduce)) or _is_inverse(expr):
            return self.product(expr, env)
        if isinstance(expr, sp.Pow):
            return self.power(expr, env)
        if isinstance(expr, Bracket):
            return self.bracket(self.condition(expr.condition, env))
        if isinstance(expr, sp.KroneckerDelta):
            return self.delta_of(expr, env)
        if isinstance(expr, sp.logic.boolalg.Boolean):
            return Piece(self.condition(expr, env), SUM)
        if isinstance(expr, (sp.floor, sp.ceiling)):
            return self.rounded(type(expr).__name__, self.on_a_line(expr.args[0], env))
        if isinstance(expr, Slope):
            return self.slope(*(self.written(arg, env) for arg in expr.args))
        if expr.args:
            return self.call(expr, env)
        return Piece(self.constant(expr), ATOM)

    # -- sums and products

    def sum(self, expr: sp.Add, env: Env) -> Piece:
        text = ""
        ordered = terms(expr, tuple(env))
        for term in ordered:
            parts = quotient(term, tuple(env))
            body = self.unsigned(parts, env)
            between = (" - " if parts.negative else " + ") if text else "-" * parts.negative
            level = OPEN if term is ordered[-1] else PREFIX
            text += between + (body.text if body.level >= level else self.brackets(body.text))
        return Piece(text, SUM)

    def product(self, expr: sp.Expr, env: Env) -> Piece:
        parts = quotient(expr, tuple(env))
        piece = self.unsigned(parts, env)
        return Piece(f"-{piece.text}", SUM) if parts.negative else piece

    def unsigned(self, parts: Quotient, env: Env) -> Piece:
        return self.fraction(parts.top, parts.bottom, env) if parts.bottom else self.factors(parts.top, env)

    def factors(self, parts: Sequence[sp.Expr], env: Env) -> Piece:
        """Factors side by side; brackets around what would swallow its right neighbour."""
        if not parts:
            return Piece("1", ATOM)
        if len(parts) == 1:
            return self.single(parts[0], env)
        joined, left = ranges_of([part for part in parts if isinstance(part, Bracket)])
        kept = [part for part in parts if part in left or not isinstance(part, Bracket)]
        front = sum(factor_kind(part) < MASK for part in kept)
        pieces = [self.factor(part, env, OPEN if part is kept[-1] else PRODUCT) for part in kept]
        ranges = [self.bracket(self.between(e, bounds, env)) for e, bounds in joined.items()]
        return self.join([*pieces[:front], *ranges, *pieces[front:]])

    def between(self, expr: sp.Expr, bounds: Bounds, env: Env) -> str:
        """`low <= e < high`."""
        (below, low), (above, high) = bounds
        left = f"{self.written(low, env)} {self.relation(below)}"
        return f"{left} {self.written(expr, env)} {self.relation(above)} {self.written(high, env)}"

    def factor(self, part: sp.Expr, env: Env, level: int) -> Piece:
        piece = self.single(part, env)
        return piece if piece.level >= level else Piece(self.brackets(piece.text), ATOM)

    def single(self, part: sp.Expr, env: Env) -> Piece:
        if part.is_Rational:
            return Piece(self.number(part), ATOM)
        return self.reduction(part, env) if isinstance(part, Reduce) else self.piece(part, env)

    # -- reductions

    def reduction(self, expr: Reduce, env: Env) -> Piece:
        order = [i for i in ordered_indices(expr.body, tuple(env)) if i in dict(expr.bound)]
        order += [b for b, _ in expr.bound if b not in order]
        inner = self.bound_names(expr, order, env)
        runs = [(inner[b], None if plainly_ranged(expr, b) else self.written(dict(expr.bound)[b], env)) for b in order]
        text = self.prefix(expr.op, runs, self.written(expr.body, inner, OPEN))
        return Piece(text, PREFIX if expr.op in ("sum", "prod") else OPEN)

    def bound_names(self, expr: Reduce, order: Sequence[sp.Symbol], env: Env) -> Env:
        """The environment inside a reduction."""
        scalars = {self.name(r.args[0].node) for r in expr.atoms(sp.Indexed) if not r.indices}
        sizes = {s.name for s in expr.free_symbols if s not in env}
        tensors = {self.name(r.args[0].node) for r in expr.atoms(sp.Indexed)}
        wishes = [[name for name in index_wishes(expr, b) if name not in tensors] for b in order]
        fresh = bound_names(wishes, {*env.values(), *scalars, *sizes, *tensors}, self.primes)
        return {**env, **dict(zip(order, fresh, strict=True))}

    def delta_of(self, expr: sp.KroneckerDelta, env: Env) -> Piece:
        """A delta of plain places; an equation between longer ones stands in a bracket."""
        left, right = delta_places(expr, tuple(env))
        if all(side.is_Symbol or side.is_Integer or isinstance(side, sp.Indexed) for side in (left, right)):
            return self.delta(self.place(left, env), self.place(right, env))
        return self.bracket(f"{self.written(left, env)} = {self.written(right, env)}")

    # -- how things look

    def symbol(self, name: str) -> str:
        raise NotImplementedError

    def number(self, value: sp.Rational) -> str:
        raise NotImplementedError

    def constant(self, value: sp.Basic) -> str:
        raise NotImplementedError

    def brackets(self, text: str) -> str:
        raise NotImplementedError

    def read(self, expr: sp.Indexed, env: Env) -> Piece:
        raise NotImplementedError

    def place(self, expr: sp.Expr, env: Env) -> str:
        raise NotImplementedError

    def join(self, pieces: Sequence[Piece]) -> Piece:
        raise NotImplementedError

    def fraction(self, top: Sequence[sp.Expr], bottom: Sequence[sp.Expr], env: Env) -> Piece:
        raise NotImplementedError

    def power(self, expr: sp.Pow, env: Env) -> Piece:
        raise NotImplementedError

    def prefix(self, op: str, runs: Sequence[tuple[str, str | None]], body: str) -> str:
        raise NotImplementedError

    def call(self, expr: sp.Basic, env: Env) -> Piece:
        raise NotImplementedError

    def on_a_line(self, expr: sp.Expr, env: Env) -> str:
        """A quotient of index expressions: (n + 1)/2."""
        top, bottom = sp.fraction(sp.together(expr))
        if bottom == 1:
            return self.written(expr, env)
        return f"{self.written(top, env, PRODUCT)}/{self.written(bottom, env, POWER)}"

    def condition(self, condition: sp.Basic, env: Env) -> str:
        """A comparison, with what is negative moved to positive, or several joined."""
        if isinstance(condition, sp.core.relational.Relational):
            left, relation, right = condition.lhs, condition.rel_op, condition.rhs
            if (right.is_number and is_negative(left)) or all_negative(left):
                left, relation, right = -left, FLIPPED.get(relation, relation), -right
            return f"{self.written(left, env)} {self.relation(relation)} {self.written(right, env)}"
        return self.junction(type(condition).__name__, [self.condition(arg, env) for arg in condition.args])

    def slope(self, of: str, by: str) -> Piece:
        raise NotImplementedError

    def bracket(self, text: str) -> Piece:
        raise NotImplementedError

    def delta(self, left: str, right: str) -> Piece:
        raise NotImplementedError

    def relation(self, sign: str) -> str:
        raise NotImplementedError

    def junction(self, name: str, parts: Sequence[str]) -> str:
        raise NotImplementedError

    def rounded(self, name: str, text: str) -> Piece:
        raise NotImplementedError


def prepared(expr: sp.Expr) -> sp.Expr:
    """SymPy's sums and the user's binders as reductions."""
    return canonical(expr) if expr.has(Binder, sp.Sum, sp.Product) else expr


def plainly_ranged(expr: Reduce, symbol: sp.Symbol) -> bool:
    """Whether some tensor is read with the index alone on an axis of its length, so that its range needs no saying."""
    extent = dict(expr.bound)[symbol]
    for read in expr.body.atoms(sp.Indexed):
        if any(p == symbol and e == extent for p, e in zip(read.indices, read.args[0].shape, strict=True)):
            return True
    return False


def front_and_rest(top: Sequence[sp.Expr]) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """Numbers, sizes and scalars, which may stand in front as a fraction, and what follows."""
    front = [part for part in top if factor_kind(part) in (NUMBER, SIZE, SCALAR)]
    return front, [part for part in top if part not in front]


def is_plain(parts: Sequence[sp.Expr]) -> bool:
    """Whether there are only numbers, sizes and scalars."""
    return all(factor_kind(part) in (NUMBER, SIZE, SCALAR) for part in parts)


def _is_inverse(expr: sp.Basic) -> bool:
    return isinstance(expr, sp.Pow) and bool(expr.exp.could_extract_minus_sign())
