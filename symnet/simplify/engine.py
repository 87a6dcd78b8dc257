"""Applying the table until nothing changes, and the trace of what fired."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symnet.core.definition import Node
from symnet.simplify.context import Scope
from symnet.simplify.rules import RULES

ROUNDS = 12


@dataclass(frozen=True)
class Step:
    """One line of a derivation: `node[indices]` was `before`, is `after`, by `rule`, because of `because`."""

    node: Node
    indices: tuple[sp.Symbol, ...]
    rule: str
    before: sp.Expr
    after: sp.Expr
    because: str


@dataclass(frozen=True)
class Rewrite:
    """A formula before and after one rule."""

    rule: str
    before: sp.Expr
    after: sp.Expr
    because: str


def simplify(expr: sp.Expr, scope: Scope) -> tuple[sp.Expr, list[Rewrite]]:
    """The formula when no rule changes it any more, and what was done to it."""
    done: list[Rewrite] = []
    for _ in range(ROUNDS):
        start = expr
        for rule in RULES:
            after = rule.apply(expr, scope)
            if after != expr:
                done.append(Rewrite(rule.name, expr, after, rule.why))
                expr = after
        if expr == start:
            return expr, done
    raise AssertionError(f"rules went in circles on {start}: {[r.rule for r in done[-6:]]}")
