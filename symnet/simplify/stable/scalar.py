"""The scalar rules applied to a formula: library functions written out, then each node from the leaves up.

Formulas of equal shape are worked out once: reads are plain symbols here, and nothing is known of them but a sign.
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from symnet.simplify.stable.heads import expand_library, lower, rebuilt
from symnet.simplify.stable.rules import QUOTIENTS, RULES

ROUNDS = 8


def stable_scalar(expr: sp.Expr) -> sp.Expr:
    """A formula without reductions, by the scalar rules."""
    if not expr.atoms(sp.Function, sp.exp, sp.log, sp.Pow):
        return expr
    reads = list(dict.fromkeys(e for e in sp.preorder_traversal(expr) if isinstance(e, sp.Indexed)))
    names = {read: sp.Symbol(f"r{i}", **_facts(read)) for i, read in enumerate(reads)}
    plain = expr.xreplace(names)
    stable = _stable_plain(plain)
    return expr if stable == plain else stable.xreplace({symbol: read for read, symbol in names.items()})


def _facts(read: sp.Expr) -> dict[str, bool]:
    """What the rules and comparisons of places may know of a read."""
    facts = {"positive": True} if read.is_positive else {"nonnegative": True} if read.is_nonnegative else {"real": True}
    return {**facts, "integer": True} if read.is_integer else facts


@lru_cache(maxsize=4096)
def _stable_plain(expr: sp.Expr) -> sp.Expr:
    expr = expand_library(expr)
    for _ in range(ROUNDS):
        before = expr
        expr = bottom_up(quotients(expr))
        if expr == before:
            break
    return expr


def quotients(expr: sp.Expr) -> sp.Expr:
    """The rules for quotients of exponentials, from the root down: the largest quotient says most."""
    if not expr.atoms(sp.exp):
        return expr
    for rule in QUOTIENTS:
        if isinstance(expr, rule.nodes):
            after = rule.apply(expr)
            if after != expr:
                return after
    return rebuilt(expr, quotients)


def bottom_up(expr: sp.Expr) -> sp.Expr:
    return at_node(rebuilt(expr, bottom_up))


def at_node(expr: sp.Expr) -> sp.Expr:
    """The rules at one node until none changes it."""
    for _ in range(ROUNDS):
        before = expr
        for rule in RULES:
            if isinstance(expr, rule.nodes):
                expr = rule.apply(expr)
        if expr == before:
            break
    return expr


def lowered(expr: sp.Expr) -> sp.Expr:
    """The last step: heads only."""
    return lower(expr) if expr.atoms(sp.sinh, sp.cosh, sp.tan) else expr
