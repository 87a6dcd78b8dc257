"""The normal form that every later pass relies on: at most one reduction per definition, at its root.

    p[n,k] := exp(z[n,k]) / Sum_j exp(z[n,j])      becomes      s[n]   := Sum_j exp(z[n,j])
                                                                p[n,k] := exp(z[n,k]) / s[n]

Reductions inside a formula become anonymous definitions of their own; equal ones (modulo names of indices)
become one. A bracket of indices in front of a reduction goes with it, since it may guard its reads.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symnet.core.definition import Definition, Node, Program, canonical_key
from symnet.core.expr import Bound, Bracket, Reduce
from symnet.core.graph import definition_order


class Hoister:
    """Hoists the reductions of one program; equal ones are shared."""

    def __init__(self) -> None:
        self.shared: dict[tuple[object, ...], Node] = {}
        self.made: dict[Node, Definition] = {}

    def definition(self, definition: Definition, shape: Sequence[sp.Expr]) -> Definition:
        """A definition in normal form; what was hoisted out of it is in `made`."""
        formula = definition.formula
        scope = list(zip(definition.indices, shape, strict=True))
        if not isinstance(formula, Reduce):
            return Definition(definition.indices, self.hoist(formula, scope, ()))
        body, bound = formula.open()
        inner = self.hoist(body, [*scope, *bound], ())
        return Definition(definition.indices, Reduce(formula.op, inner, bound))

    def hoist(self, expr: sp.Expr, scope: list[Bound], guards: tuple[sp.Expr, ...]) -> sp.Expr:
        if isinstance(expr, Reduce):
            return self.named(expr, scope, guards)
        if not expr.args or isinstance(expr, sp.Indexed) or not expr.atoms(Reduce):
            return expr
        if isinstance(expr, sp.Mul):
            guards = (*guards, *(arg for arg in expr.args if is_index_guard(arg)))
        args = [self.hoist(arg, scope, guards) if isinstance(arg, sp.Basic) else arg for arg in expr.args]
        return expr.func(*args)

    def named(self, reduce: Reduce, scope: list[Bound], guards: tuple[sp.Expr, ...]) -> sp.Expr:
        """The anonymous tensor that stands for a reduction, made at its first use."""
        free = reduce.free_symbols
        own = [guard for guard in guards if guard.free_symbols & free]
        body, bound = reduce.open()
        inner = self.hoist(sp.Mul(*own, body), [*scope, *bound], ())
        formula = Reduce(reduce.op, inner, bound)
        free = formula.free_symbols
        held = [(i, extent) for i, extent in scope if i in free]
        definition = Definition(tuple(i for i, _ in held), formula)
        facts = {"nonnegative": True} if formula.is_nonnegative else {}
        facts = {"positive": True} if formula.is_positive else facts
        node = Node("s", tuple(e for _, e in held), definition=None, auto=True, anonymous=True, facts=facts)
        key = canonical_key(node, definition)
        if key not in self.shared:
            self.shared[key] = node
            self.made[node] = definition
        return self.shared[key].read(*definition.indices)


def is_index_guard(factor: sp.Expr) -> bool:
    """A bracket whose condition speaks of indices and dims only."""
    return isinstance(factor, (Bracket, sp.KroneckerDelta)) and not factor.atoms(sp.Indexed)


def normalise(program: Program) -> Program:
    """Every definition of the program in normal form, in dependency order."""
    hoister = Hoister()
    flat = {node: hoister.definition(d, node.shape) for node, d in program.definitions.items()}
    return definition_order({**flat, **hoister.made}, program.outputs)


def inline_anonymous(expr: sp.Expr, program: Program) -> sp.Expr:
    """A formula with anonymous tensors written out again, for showing and for keeping."""
    while True:
        hidden = {r for r in expr.atoms(sp.Indexed) if r.args[0].node.anonymous and r.args[0].node in program}
        if not hidden:
            return expr
        expr = expr.xreplace({r: program[r.args[0].node].at(r.indices) for r in hidden})
