"""Products over an index: the product of all others over the whole product is one over the factor left out.

    Prod_{c != b} f(c) / Prod_c f(c)  =  1/f(b)

The quotient divides by the whole product, so no factor is zero. This is what makes the logarithm of a likelihood
as easy to derive as the sum of logarithms.
"""

from __future__ import annotations

import sympy as sp

from symnet.core.expr import Bracket, Reduce, total, transform
from symnet.simplify.context import Context


def quotients_of_products(expr: sp.Expr, context: Context) -> sp.Expr:
    """Every product of others that is divided by its whole product."""
    if not any(r.op == "prod" for r in expr.atoms(Reduce)):
        return expr
    return transform(expr, lambda node: _quotient(node, context))


def _quotient(node: sp.Expr, context: Context) -> sp.Expr:
    if not isinstance(node, sp.Mul):
        return node
    inverses = [
        f for f in node.args if isinstance(f, sp.Pow) and f.exp == -1 and isinstance(f.base, (sp.Indexed, Reduce))
    ]
    for inverse in inverses:
        for factor in node.args:
            replaced = _cancel(factor, inverse, context) if isinstance(factor, Reduce) else None
            if replaced is not None:
                return sp.Mul(replaced, *[f for f in node.args if f not in (factor, inverse)])
    return node


def _cancel(factor: Reduce, inverse: sp.Pow, context: Context) -> sp.Expr | None:
    """`factor / whole`, where the factor is a product of others or a sum of terms that each hold one."""
    if factor.op == "prod":
        return _left_out(factor, _whole(inverse.base, context))
    if factor.op != "sum":
        return None
    body, bound = factor.open()
    for part in sp.Mul.make_args(body):
        found = _cancel(part, inverse, context) if isinstance(part, Reduce) else None
        if found is not None:
            return total(sp.Mul(found, *[f for f in sp.Mul.make_args(body) if f is not part]), bound)
    return None


def _whole(base: sp.Expr, context: Context) -> sp.Expr:
    """What stands in the denominator, by its definition."""
    if isinstance(base, Reduce):
        return base
    definition = context.definition(base.args[0].node)
    return base if definition is None else definition.at(base.indices)


def _left_out(others: Reduce, whole: sp.Expr) -> sp.Expr | None:
    """1/f(b) where `others` is Prod_c ([c = b] + [c != b] f(c)) and `whole` is Prod_c f(c)."""
    body, bound = others.open()
    deltas = [d for d in body.atoms(sp.KroneckerDelta) if len(bound) == 1 and bound[0][0] in d.args]
    if len(deltas) != 1:
        return None
    index = bound[0][0]
    place = next(arg for arg in deltas[0].args if arg != index)
    apart = {Bracket(sp.Ne(index, place)): sp.S.One, Bracket(sp.Ne(place, index)): sp.S.One, deltas[0]: sp.S.Zero}
    every = body.xreplace(apart)
    if Reduce("prod", every, bound) != whole:
        return None
    return 1 / every.xreplace({index: place})
