"""Sums whose terms nearly cancel, by what is left of them."""

from __future__ import annotations

import sympy as sp

from symnet.simplify.stable.heads import Softplus


def opposite_exponentials(expr: sp.Expr) -> sp.Expr:
    """c*exp(u) + c*exp(-u) is 2*c*cosh(u), and with a minus 2*c*sinh(u)."""
    for term in expr.args:
        kernel = next((f for f in sp.Mul.make_args(term) if isinstance(f, sp.exp)), None)
        if kernel is None:
            continue
        rest = sp.Mul(*[f for f in sp.Mul.make_args(term) if f is not kernel])
        for sign, head in ((1, sp.cosh), (-1, sp.sinh)):
            partner = sign * rest * sp.exp(-kernel.args[0])
            if partner in expr.args:
                others = [t for t in expr.args if t not in (term, partner)]
                return sp.Add(2 * rest * head(kernel.args[0]), *others)
    return expr


def roots(expr: sp.Expr) -> sp.Expr:
    """c*(sqrt(a) - b) is c*(a - b**2)/(sqrt(a) + b), where a - b**2 is shorter."""
    for term in expr.args:
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, sp.Pow) and factor.exp == sp.S.Half:
                for other in expr.args:
                    found = None if other is term else _rooted(term / factor, factor, other)
                    if found is not None:
                        return sp.Add(found, *[t for t in expr.args if t not in (term, other)])
    return expr


def _rooted(scale: sp.Expr, root: sp.Expr, other: sp.Expr) -> sp.Expr | None:
    b = -other / scale
    if not b.is_nonnegative or not (root + b).is_positive:
        return None
    left = sp.expand_mul(root.base - b**2)
    terms = len(sp.Add.make_args(root.base)) + len(sp.Add.make_args(b**2))
    return scale * left / (root + b) if len(sp.Add.make_args(left)) < terms - 1 else None


def softplus_less_its_argument(expr: sp.Expr) -> sp.Expr:
    """c*softplus(u) - c*u is c*softplus(-u), and c*softplus(u) - c*softplus(-u) is c*u."""
    for term in expr.args:
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, Softplus):
                scale = term / factor
                mirrored = -scale * Softplus(-factor.args[0])
                if mirrored in expr.args:
                    return sp.Add(scale * factor.args[0], *[t for t in expr.args if t not in (term, mirrored)])
                wanted = set(sp.Add.make_args(sp.expand_mul(-scale * factor.args[0])))
                if wanted <= set(expr.args):
                    return sp.Add(
                        scale * Softplus(-factor.args[0]), *[t for t in expr.args if t not in (term, *wanted)]
                    )
    return expr
