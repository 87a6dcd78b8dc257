"""Applying the table until nothing changes, and the trace of what fired."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice

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
    """The formula when no rule changes it any more, and what was done to it.

    The rules take turns in the order of the table; it is over when each has had its turn without effect. A form
    that was left before is not gone back to.
    """
    done: list[Rewrite] = []
    seen = {expr}
    idle = 0
    for rule in islice(cycle(RULES), ROUNDS * len(RULES)):
        after = rule.apply(expr, scope)
        if after in seen:
            idle += 1
        else:
            idle = 0
            seen.add(after)
            done.append(Rewrite(rule.name, expr, after, rule.why))
            expr = after
        if idle == len(RULES):
            return expr, done
    raise AssertionError(f"rules went in circles on {expr}: {[r.rule for r in done[-6:]]}")
