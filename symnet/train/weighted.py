"""A loss whose samples count differently."""

from __future__ import annotations

import sympy as sp

from symnet.core.expr import Reduce, transform
from symnet.declare.tensor import Tensor, define


def reweighted(loss: Tensor, weight: Tensor, batch: sp.Symbol) -> Tensor:
    """The loss with each sum over samples weighted; scalars that it is made of likewise."""
    if loss.definition is None or loss.rank:
        return loss
    inner = {r: r.args[0].node for r in loss.definition.formula.atoms(sp.Indexed) if not r.args[0].node.rank}
    formula = loss.definition.formula.xreplace({r: reweighted(n, weight, batch).read() for r, n in inner.items()})

    def weigh(expr: sp.Expr) -> sp.Expr:
        if not isinstance(expr, Reduce) or expr.op != "sum" or batch not in [e for _, e in expr.bound]:
            return expr
        body, bound = expr.open()
        sample = next(b for b, e in bound if e == batch)
        return Reduce("sum", body * weight.read(sample), bound)

    return define(f"weighted_{loss.name}".replace(".", "_"), (), transform(formula, weigh))
