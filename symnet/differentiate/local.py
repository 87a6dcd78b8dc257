"""The local derivative: a formula by one of its reads, through SymPy's scalar derivative.

Every distinct read in a body is taken for a real scalar and the body is differentiated by it. A reduction
other than a sum is first written as the sum it equals near the point, with weights that are locally constant:

    Max_b f(b)  =  Sum_b w(b)*f(b),   w(b) = [f(b) = m] / Sum_c [f(c) = m]      ties share equally
    Prod_b f(b) has the slope Prod_{c != b} f(c) in f(b), which is Prod/f(b) where f is positive
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy as sp
from sympy.core.symbol import Str

from symnet.core.definition import Definition, Node
from symnet.core.expr import Bound, Bracket, Reduce, reads, reduction, reindex
from symnet.declare.elementwise import derivative
from symnet.differentiate.closed import in_own_value

VALUE = sp.Symbol("v", real=True)


@dataclass(frozen=True)
class Opened:
    """A definition taken apart: its value is, to first order, Sum over bound of weight * body."""

    body: sp.Expr
    bound: tuple[Bound, ...]
    weight: sp.Expr


def opened(node: Node, definition: Definition) -> Opened:
    """A definition in normal form under fresh bound names, its reduction as a weighted sum."""
    formula = definition.formula
    if not isinstance(formula, Reduce):
        return Opened(formula, (), sp.S.One)
    body, bound = formula.open()
    if formula.op == "sum":
        return Opened(body, bound, sp.S.One)
    if formula.op in ("max", "min"):
        ties = Bracket(Str("=="), body, node.read(*definition.indices))
        return Opened(body, bound, ties / reduction("sum", ties, bound))
    if formula.op == "prod":
        others = node.read(*definition.indices) / body if body.is_positive else _product_of_others(body, bound)
        return Opened(body, bound, others)
    return Opened(sp.S.Zero, bound, sp.S.Zero)


def _product_of_others(body: sp.Expr, bound: Sequence[Bound]) -> sp.Expr:
    others = {b: sp.Dummy("c", integer=True) for b, _ in bound}
    same = sp.And(*[sp.Eq(b, c) for b, c in others.items()])
    kept = Bracket(same) + Bracket(sp.Not(same)) * reindex(body, others)
    return reduction("prod", kept, [(others[b], extent) for b, extent in bound])


@dataclass
class LocalDerivatives:
    """Partials of bodies by their reads, each shape of formula derived once in a run."""

    known: dict[tuple[sp.Expr, int], sp.Expr] = field(default_factory=dict)

    def partial(self, body: sp.Expr, read: sp.Indexed, value: sp.Expr | None = None) -> sp.Expr:
        """The derivative of a body by one of its reads, the others held fixed; `value` is the body's name."""
        found = reads(body)
        names = {r: sp.Symbol(f"r{a}", **_facts(r)) for a, r in enumerate(found)}
        key = (body.xreplace(names), found.index(read))
        if key not in self.known:
            self.known[key] = in_own_value(key[0], derivative(key[0], names[read]), VALUE)
        slope = self.known[key].xreplace({symbol: r for r, symbol in names.items()})
        return slope.xreplace({VALUE: body if value is None else value})


def _facts(read: sp.Indexed) -> dict[str, bool]:
    return {"real": True, **{k: True for k in ("positive", "nonnegative", "integer") if getattr(read, f"is_{k}")}}
