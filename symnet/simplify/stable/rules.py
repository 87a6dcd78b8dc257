"""The scalar identities, a row each: what cancels or overflows on the left does not on the right.

A row applies to a single node whose arguments are stable already. Tests see each row fire on its example, and both
sides agree at random points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from symnet.core.algebra import exponentials, in_kernel, invert_moebius
from symnet.simplify.stable.complements import complete, even
from symnet.simplify.stable.heads import (
    Expm1,
    Log1p,
    LogCosh,
    LogSigmoid,
    NormalCdf,
    Sech2,
    Sigmoid,
    Softplus,
    is_gate,
)

ROOT2 = sp.sqrt(2)


@dataclass(frozen=True)
class StableRule:
    """`left = right`, because of `why`; `apply` gives the right side of a node, or the node itself."""

    name: str
    left: str
    right: str
    why: str
    nodes: tuple[type[sp.Basic], ...]
    apply: Callable[[sp.Expr], sp.Expr]


# -- exponentials in quotients


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


# -- sums


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
    if not b.is_nonnegative:
        return None
    left = sp.expand_mul(root.base - b**2)
    terms = len(sp.Add.make_args(root.base)) + len(sp.Add.make_args(b**2))
    return scale * left / (root + b) if len(sp.Add.make_args(left)) < terms - 1 else None


def softplus_less_its_argument(expr: sp.Expr) -> sp.Expr:
    """c*softplus(u) - c*u is c*softplus(-u)."""
    for term in expr.args:
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, Softplus):
                scale = term / factor
                wanted = set(sp.Add.make_args(sp.expand_mul(-scale * factor.args[0])))
                if wanted <= set(expr.args):
                    return sp.Add(
                        scale * Softplus(-factor.args[0]), *[t for t in expr.args if t not in (term, *wanted)]
                    )
    return expr


# -- logarithms and exponentials of each other


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


QUOTIENTS: tuple[StableRule, ...] = (
    StableRule(
        "between two limits",
        "(a exp(u) + b)/(c exp(u) + d)",
        "(b/d) sigmoid(-v) + (a/c) sigmoid(v), or a tanh",
        "a Moebius function of an exponential is a logistic step; no infinity over infinity",
        (sp.Add, sp.Mul, sp.Pow),
        moebius_factors,
    ),
)
RULES: tuple[StableRule, ...] = (
    StableRule(
        "reciprocal of an exponential and one",
        "1/(1 + exp(u))",
        "sigmoid(-u)",
        "what it is multiplied by may be infinite",
        (sp.Pow,),
        reciprocal,
    ),
    StableRule(
        "one of two exponentials",
        "exp(v)/(exp(v) + exp(w))",
        "sigmoid(v - w)",
        "infinity over infinity is avoided",
        (sp.Mul,),
        one_of_two,
    ),
    StableRule("inverse square of cosh", "1/cosh(u)^2", "sech2(u)", "cosh overflows", (sp.Pow,), inverse_cosh),
    StableRule(
        "the other side of a step",
        "sigmoid(u) exp(-u)",
        "sigmoid(-u)",
        "zero times infinity is avoided",
        (sp.Mul,),
        logistic_and_exponential,
    ),
    StableRule("hyperbolic quotient", "sinh(u)/cosh(u)", "tanh(u)", "both overflow", (sp.Mul,), hyperbolic_quotient),
    StableRule("complement", "1 - f(u)", "see complements.IDENTITIES", "f may round to 1", (sp.Add,), complete),
    StableRule(
        "opposite exponentials",
        "exp(u) - exp(-u)",
        "2 sinh(u)",
        "near 0 the terms cancel",
        (sp.Add,),
        opposite_exponentials,
    ),
    StableRule(
        "difference of roots",
        "sqrt(a) - b",
        "(a - b^2)/(sqrt(a) + b)",
        "the difference is taken where it is exact",
        (sp.Add,),
        roots,
    ),
    StableRule(
        "softplus less its argument",
        "softplus(u) - u",
        "softplus(-u)",
        "for large u the two are equal but for a tail",
        (sp.Add,),
        softplus_less_its_argument,
    ),
    StableRule(
        "logarithm of a product",
        "log(exp(u) v)",
        "u + log(v)",
        "the product may overflow",
        (sp.log,),
        log_of_product,
    ),
    StableRule("logarithm of a power", "log(1/v)", "-log(v)", "the power may overflow", (sp.log,), log_of_power),
    StableRule("logarithm of a sum", "log(1 + exp(u))", "softplus(u)", "1 + v may round to 1", (sp.log,), log_of_sum),
    StableRule("log1p of a known", "log1p(exp(u))", "softplus(u)", "exp may overflow", (Log1p,), known_log1p),
    StableRule(
        "log of the logistic function",
        "log_sigmoid(u)",
        "-softplus(-u)",
        "one name for one function",
        (LogSigmoid,),
        lambda e: -Softplus(-e.args[0]),
    ),
    StableRule(
        "exponential of a logarithm",
        "exp(-softplus(u))",
        "sigmoid(-u)",
        "the logarithm would cost digits",
        (sp.exp,),
        exponential_of_log,
    ),
    StableRule(
        "tail of the normal distribution",
        "erfc(u/sqrt(2))",
        "2 normal_cdf(-u)",
        "rounding u/sqrt(2) moves the tail",
        (sp.erfc,),
        normal_tail,
    ),
)
