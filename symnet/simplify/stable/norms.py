"""The slope of a norm is 0 at 0, also where the norm is typed as a root.

    x[i]/sqrt(Sum_j x[j]**2)   ->   [Sum_j x[j]**2 > 0]*x[i]/sqrt(Sum_j x[j]**2)

An entry is never larger than the norm, so the quotient is bounded, and 0/0 is taken for 0. What else is divided by a
norm stays as it is.
"""

from __future__ import annotations

import sympy as sp

from symnet.core.expr import Bracket, Reduce
from symnet.simplify.stable.book import Book


def zero_at_zero(product: sp.Mul, book: Book) -> sp.Expr:
    """A product with an entry over its norm, gated."""
    for factor in product.args:
        total = squares(factor, book)
        if total is None or Bracket(total > 0) in product.args:
            continue
        definition = book.definition(total.args[0].node)
        assert definition is not None, "it was looked at"
        formula = definition.at(total.indices)
        if any(_is_entry(other, formula) for other in product.args if other is not factor):
            return Bracket(total > 0) * product
    return product


def squares(factor: sp.Expr, book: Book) -> sp.Indexed | None:
    """The sum of squares whose root a factor divides by."""
    if not isinstance(factor, sp.Pow) or not factor.exp.is_negative or not isinstance(factor.base, sp.Indexed):
        return None
    total, power = factor.base, factor.exp
    if power.is_Integer:  # by a named norm
        root = book.formula_at(total)
        if not isinstance(root, sp.Pow) or not isinstance(root.base, sp.Indexed):
            return None
        total, power = root.base, root.exp
    if 2 * power % 2 != 1:
        return None
    definition = book.definition(total.args[0].node)
    formula = None if definition is None else definition.formula
    return total if isinstance(formula, Reduce) and formula.op == "sum" and _root(formula.body) is not None else None


def _root(body: sp.Expr) -> sp.Expr | None:
    """What is squared."""
    return body.base if isinstance(body, sp.Pow) and body.exp == 2 else None


def _is_entry(factor: sp.Expr, total: Reduce) -> bool:
    """Whether a factor is one of what is squared and added up, or its negative."""
    free = {bound: sp.Wild(f"w{at}") for at, (bound, _) in enumerate(total.bound)}
    entry = _root(total.body)
    assert entry is not None, "a sum of squares"
    pattern = entry.xreplace(free)
    return any(side.match(pattern) is not None for side in (factor, -factor) if side.func is pattern.func)
