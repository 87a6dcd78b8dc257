"""The scalar identities, a row each: what cancels or overflows on the left does not on the right.

A row applies to a single node whose arguments are stable already. Tests see each row fire on its example, and both
sides agree at random points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from symnet.simplify.stable.complements import complete
from symnet.simplify.stable.differences import opposite_exponentials, roots, softplus_less_its_argument
from symnet.simplify.stable.heads import Log1p, LogSigmoid, Softplus
from symnet.simplify.stable.logarithms import (
    exponential_of_log,
    known_log1p,
    log_of_power,
    log_of_product,
    log_of_sum,
    normal_tail,
)
from symnet.simplify.stable.quotients import (
    hyperbolic_quotient,
    inverse_cosh,
    logistic_and_exponential,
    moebius_factors,
    one_of_two,
    reciprocal,
)


@dataclass(frozen=True)
class StableRule:
    """`left = right`, because of `why`; `apply` gives the right side of a node, or the node itself."""

    name: str
    left: str
    right: str
    why: str
    nodes: tuple[type[sp.Basic], ...]
    apply: Callable[[sp.Expr], sp.Expr]


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
