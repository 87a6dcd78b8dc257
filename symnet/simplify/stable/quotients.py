"""Quotients of exponentials: what stands above and below may be infinite, their quotient is not."""

from __future__ import annotations

import sympy as sp

from symnet.core.algebra import exponentials, in_kernel, invert_moebius
from symnet.simplify.stable.complements import even
from symnet.simplify.stable.heads import Sech2, Sigmoid


def exponential_term(term: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """(c, w) for c*exp(w) with a positive number c; a positive number is c*exp(0)."""
    coefficient, rest = term.as_coeff_Mul()
    if not coefficient.is_positive:
        return None
    if rest == 1:
        return coefficient, sp.S.Zero
    return (coefficient, rest.args[0]) if isinstance(rest, sp.exp) else None


def two_exponentials(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr] | None:
    """(a, v, b, w) for a sum a*exp(v) + b*exp(w) of positive terms; v is 0 where one term is a number."""
    if not isinstance(expr, sp.Add) or len(expr.args) != 2:
        return None
    first, second = (exponential_term(term) for term in expr.args)
    if first is None or second is None:
        return None
    (a, v), (b, w) = (second, first) if second[1] == 0 else (first, second)
    return a, v, b, w


def moebius(expr: sp.Expr) -> sp.Expr:
    """(a*F + b)/(c*F + d) with F an exponential: its two limits, and the logistic function between them."""
    arguments = exponentials(expr)
    if len(arguments) != 1 or not _only_exponentials(expr):
        return expr
    inverse = invert_moebius(expr, sp.Dummy())
    if inverse is None:
        return expr
    argument, count, _ = inverse
    kernel = sp.Dummy(positive=True)
    top, bottom = sp.fraction(sp.together(in_kernel(expr, argument, kernel)))
    above, below = sp.Poly(top, kernel), sp.Poly(bottom, kernel)
    (a, b), (c, d) = ((p.coeff_monomial(kernel**count), p.coeff_monomial(1)) for p in (above, below))
    if not (d / c).is_positive or a * d == b * c:
        return expr
    return _between(b / d, a / c, count * argument + sp.log(c / d))


def _between(low: sp.Expr, high: sp.Expr, argument: sp.Expr) -> sp.Expr:
    """low*sigmoid(-argument) + high*sigmoid(argument)."""
    if low == -high:
        return high * sp.tanh(argument / 2)
    return low * Sigmoid(-argument) + high * Sigmoid(argument)


def _only_exponentials(expr: sp.Expr) -> bool:
    """Whether nothing but numbers and exponentials stand in an expression."""
    if isinstance(expr, sp.exp) or expr.is_number:
        return True
    return isinstance(expr, (sp.Add, sp.Mul, sp.Pow)) and all(_only_exponentials(arg) for arg in expr.args)


def moebius_factors(expr: sp.Expr) -> sp.Expr:
    """The rule above on those factors of a product that hold nothing but exponentials."""
    if not isinstance(expr, sp.Mul):
        return moebius(expr)
    inside = [f for f in expr.args if f.atoms(sp.exp) and _only_exponentials(f)]
    if not any(isinstance(f, sp.Pow) for f in inside):
        return expr
    found = moebius(sp.Mul(*inside))
    return expr if found == sp.Mul(*inside) else sp.Mul(found, *[f for f in expr.args if f not in inside])


def reciprocal(power: sp.Expr) -> sp.Expr:
    """1/(a + b*exp(w))**n by the logistic function."""
    found = two_exponentials(power.base) if power.exp.is_Integer and power.exp.is_negative else None
    if found is None or found[1] != 0:
        return power
    a, _, b, w = found
    return a**power.exp * Sigmoid(-w - sp.log(b / a)) ** -power.exp


def one_of_two(product: sp.Expr) -> sp.Expr:
    """exp(v)/(exp(v) + exp(w)) is sigmoid(v - w)."""
    kernel = next((f for f in product.args if isinstance(f, sp.exp)), None)
    if kernel is None:
        return product
    for factor in product.args:
        base, count = factor.as_base_exp()
        found = two_exponentials(base) if count.is_Integer and count.is_negative else None
        if found is None:
            continue
        a, v, b, w = found
        for c, own, d, other in ((a, v, b, w), (b, w, a, v)):
            left = sp.expand_mul(kernel.args[0] - own)
            if _size(left) < _size(kernel.args[0]):
                rest = [f for f in product.args if f not in (factor, kernel)]
                step = Sigmoid(sp.expand_mul(own - other) + sp.log(c / d))
                return sp.Mul(1 / c, step, sp.exp(left), base ** (count + 1), *rest)
    return product


def _size(argument: sp.Expr) -> sp.Expr:
    return sp.Add(*[abs(t.as_coeff_Mul()[0]) for t in sp.Add.make_args(argument)]) if argument != 0 else sp.S.Zero


def logistic_and_exponential(product: sp.Expr) -> sp.Expr:
    """sigmoid(u)*exp(-u) is sigmoid(-u)."""
    kernel = next((f for f in product.args if isinstance(f, sp.exp)), None)
    if kernel is None:
        return product
    for factor in product.args:
        base, count = factor.as_base_exp()
        if isinstance(base, Sigmoid) and count.is_Integer and count.is_positive:
            left = sp.expand_mul(kernel.args[0] + base.args[0])
            if _size(left) < _size(kernel.args[0]):
                rest = [f for f in product.args if f not in (factor, kernel)]
                return sp.Mul(base ** (count - 1), Sigmoid(-base.args[0]), sp.exp(left), *rest)
    return product


def hyperbolic_quotient(product: sp.Expr) -> sp.Expr:
    """sinh(u)/cosh(u) is tanh(u)."""
    for factor in product.args:
        base, count = factor.as_base_exp()
        if isinstance(base, sp.cosh) and count.is_Integer and count.is_negative:
            other = sp.sinh(base.args[0])
            if other in product.args:
                rest = [f for f in product.args if f not in (factor, other)]
                return sp.Mul(sp.tanh(base.args[0]), base ** (count + 1), *rest)
    return product


def inverse_cosh(power: sp.Expr) -> sp.Expr:
    """1/cosh(u)**2 is sech2(u)."""
    if isinstance(power.base, sp.cosh) and power.exp.is_even and power.exp.is_negative:
        return even(Sech2, power.base.args[0]) ** (-power.exp / 2)
    return power
