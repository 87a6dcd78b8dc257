"""Definitions made on the way: anonymous, and equal ones are one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy as sp

from symnet.core.definition import Definition, Node, Program, canonical_key
from symnet.core.expr import Bracket
from symnet.core.expr import where as where_expr


@dataclass
class Book:
    """The definitions as the user gave them, and those that stabilising adds."""

    program: Program
    made: dict[Node, Definition] = field(default_factory=dict)
    shared: dict[tuple[object, ...], Node] = field(default_factory=dict)

    def definition(self, node: Node) -> Definition | None:
        return self.made.get(node) or self.program.definitions.get(node)

    def formula_at(self, read: sp.Expr) -> sp.Expr | None:
        """What a read stands for: the formula of a definition without a reduction."""
        definition = self.definition(read.args[0].node)
        return None if definition is None else definition.at(read.indices)

    def node(self, name: str, indices: Sequence[sp.Symbol], shape: Sequence[sp.Expr], formula: sp.Expr) -> Node:
        """An anonymous tensor with this formula; the same one for equal formulas."""
        definition = Definition(tuple(indices), formula)
        node = Node(name, tuple(shape), auto=True, anonymous=True)
        known = self.shared.setdefault(canonical_key(node, definition), node)
        if known is node:
            self.made[node] = definition
        return known

    def has(self, node: Node, definition: Definition) -> bool:
        """Whether a tensor of this shape and formula was made."""
        return canonical_key(node, definition) in self.shared


def where(conditions: Sequence[sp.Basic], yes: sp.Expr, no: sp.Expr) -> sp.Expr:
    """`yes` where all conditions hold, else `no`."""
    return where_expr(sp.And(*conditions), yes, no) if conditions else yes


def condition_of(gate: sp.Expr) -> sp.Basic:
    """When a 0/1 factor is 1."""
    if isinstance(gate, sp.KroneckerDelta):
        return sp.Eq(*gate.args, evaluate=False)
    return gate.condition if isinstance(gate, Bracket) else sp.Gt(gate, 0)


def is_bit(factor: sp.Expr) -> bool:
    """A factor that is 0 or 1."""
    if isinstance(factor, (Bracket, sp.KroneckerDelta)):
        return True
    return isinstance(factor, sp.Indexed) and factor.args[0].node.kind in ("mask", "onehot")
