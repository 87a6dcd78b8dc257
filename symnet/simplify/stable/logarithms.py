"""Logarithms of exponentials and exponentials of logarithms: neither is taken where the other undoes it."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from symnet.simplify.stable.complements import even
from symnet.simplify.stable.heads import Expm1, Log1p, LogCosh, NormalCdf, Sech2, Sigmoid, Softplus, is_gate
from symnet.simplify.stable.quotients import exponential_term, two_exponentials

ROOT2 = sp.sqrt(2)


def known_log(factor: sp.Expr) -> sp.Expr | None:
    """The logarithm of a factor that has a stable one."""
    base, count = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
    if isinstance(base, sp.exp):
        return count * base.args[0]
    if isinstance(base, Sigmoid):
        return -count * Softplus(-base.args[0])
    if isinstance(base, sp.cosh):
        return count * even(LogCosh, base.args[0])
    return -2 * count * even(LogCosh, base.args[0]) if isinstance(base, Sech2) else None


def log_of_product(expr: sp.Expr) -> sp.Expr:
    """log(a*b) is log(a) + log(b), where one of them is known to be positive and to have a stable logarithm."""
    return split_log(expr, known_log)


def split_log(expr: sp.Expr, known: Callable[[sp.Expr], sp.Expr | None]) -> sp.Expr:
    factors = sp.Mul.make_args(expr.args[0])
    if any(is_gate(f) for f in factors):
        return expr
    logs = [known(f) for f in factors]
    if all(found is None for found in logs):
        return expr
    rest = sp.Mul(*[f for f, found in zip(factors, logs, strict=True) if found is None])
    return sp.Add(sp.log(rest), *[found for found in logs if found is not None])


def log_of_power(expr: sp.Expr) -> sp.Expr:
    """log(b**q) is q*log(b), but for even powers of what may be negative."""
    base = expr.args[0]
    if not isinstance(base, sp.Pow) or not base.exp.is_Rational or isinstance(base.base, sp.exp):
        return expr
    return base.exp * sp.log(base.base) if base.base.is_positive or not base.exp.is_even else expr


def log_of_sum(expr: sp.Expr) -> sp.Expr:
    """log(exp(v) + exp(w)) is v + softplus(w - v), and log(1 + w) is log1p(w)."""
    found = two_exponentials(expr.args[0])
    if found is not None and (found[0] == 1 or found[0] == found[2]):
        a, v, b, w = found
        return sp.log(a) + v + Softplus(sp.expand_mul(w - v) + sp.log(b / a))
    total = expr.args[0]
    return Log1p(total - 1) if isinstance(total, sp.Add) and sp.S.One in total.args else expr


def known_log1p(expr: sp.Expr) -> sp.Expr:
    """log1p of an exponential, of minus a logistic function, of expm1."""
    inner = expr.args[0]
    term = exponential_term(inner)
    if term is not None and term[1] != 0:
        return Softplus(term[1] + sp.log(term[0]))
    if isinstance(-inner, Sigmoid):
        return -Softplus((-inner).args[0])
    return inner.args[0] if isinstance(inner, Expm1) else expr


def exponential_of_log(expr: sp.Expr) -> sp.Expr:
    """exp(n*softplus(u) + ...) without the logarithm."""
    for term in sp.Add.make_args(expr.args[0]):
        count, inner = term.as_coeff_Mul()
        if not count.is_Integer or not isinstance(inner, (Softplus, Log1p)):
            continue
        rest = sp.exp(expr.args[0] - term)
        if isinstance(inner, Log1p):
            return rest * (1 + inner.args[0]) ** count
        u = inner.args[0]
        return rest * ((1 + sp.exp(u)) ** count if count > 0 else Sigmoid(-u) ** -count)
    return expr


def normal_tail(expr: sp.Expr) -> sp.Expr:
    """erfc(x/sqrt(2)) is twice a tail of the normal distribution."""
    argument = expr.args[0]
    scaled = sp.expand_mul(argument * ROOT2)
    return 2 * NormalCdf(-scaled) if argument.has(ROOT2) and not scaled.has(ROOT2) else expr
