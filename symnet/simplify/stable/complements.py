"""What one plus or minus a function is, without the sum: `1 + scale*f = value`, a row of the table per identity.

1 - sigmoid(u) = sigmoid(-u)      1 - tanh(u)**2 = sech2(u)      exp(u) - 1 = expm1(u)      1 + erf(u) = erfc(-u)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import sympy as sp

from symnet.declare.elementwise import Elementwise
from symnet.simplify.stable.heads import Expm1, NormalCdf, Sech2, Sigmoid

Complement = tuple[sp.Expr, sp.Expr]  # (scale, value of 1 + scale*f)
Lazy = tuple[sp.Expr, Callable[[], sp.Expr]]  # the same, with a value that is made when it is wanted


@dataclass(frozen=True)
class Identity:
    """`1 + scale * head(u)**power = value(u)`."""

    head: type[sp.Basic]
    power: int
    scale: int
    value: Callable[[sp.Expr], sp.Expr]


IDENTITIES: tuple[Identity, ...] = (
    Identity(Sigmoid, 1, -1, lambda u: Sigmoid(-u)),
    Identity(Sigmoid, 1, -2, lambda u: -sp.tanh(u / 2)),
    Identity(NormalCdf, 1, -1, lambda u: NormalCdf(-u)),
    Identity(NormalCdf, 1, -2, lambda u: -sp.erf(u / sp.sqrt(2))),
    Identity(sp.tanh, 1, -1, lambda u: 2 * Sigmoid(-2 * u)),
    Identity(sp.tanh, 1, 1, lambda u: 2 * Sigmoid(2 * u)),
    Identity(sp.tanh, 2, -1, lambda u: even(Sech2, u)),
    Identity(Sech2, 1, -1, lambda u: sp.tanh(u) ** 2),
    Identity(sp.erf, 1, -1, lambda u: sp.erfc(u)),
    Identity(sp.erf, 1, 1, lambda u: sp.erfc(-u)),
    Identity(sp.erfc, 1, -1, lambda u: sp.erf(u)),
    Identity(sp.exp, 1, -1, lambda u: -Expm1(u)),
    Identity(sp.cos, 1, -1, lambda u: 2 * sp.sin(u / 2) ** 2),
    Identity(sp.cos, 2, -1, lambda u: sp.sin(u) ** 2),
    Identity(sp.sin, 2, -1, lambda u: sp.cos(u) ** 2),
    Identity(sp.cosh, 1, -1, lambda u: -2 * sp.sinh(u / 2) ** 2),
)


def even(head: type[Elementwise], argument: sp.Expr) -> sp.Expr:
    """An even function, its argument without a sign: so that equal values look equal."""
    return head(-argument if argument.could_extract_minus_sign() else argument)


def complements(factor: sp.Expr) -> Iterator[Complement]:
    """Every identity that a factor takes part in."""
    base, power = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
    for identity in IDENTITIES:
        if isinstance(base, identity.head) and power == identity.power:
            yield sp.Integer(identity.scale), identity.value(base.args[0])


def pieces(term: sp.Expr) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """The ways to take one factor out of a product: (factor, the rest); of a power also the base alone."""
    factors = sp.Mul.make_args(term)
    for place, factor in enumerate(factors):
        rest = [f for p, f in enumerate(factors) if p != place]
        if factor.is_number:
            continue
        yield factor, sp.Mul(*rest)
        if isinstance(factor, sp.Pow) and factor.exp.is_Integer and factor.exp > 1:
            yield factor.base, sp.Mul(factor.base ** (factor.exp - 1), *rest)


def known_complements(factor: sp.Expr) -> Iterator[Lazy]:
    for scale, value in complements(factor):
        yield scale, partial(_same, value)


def _same(value: sp.Expr) -> sp.Expr:
    return value


def complete(expr: sp.Add, known: Callable[[sp.Expr], Iterator[Lazy]] = known_complements) -> sp.Expr:
    """`c + scale*c*f` in a sum by c*(1 + scale*f), where that is known; again until no two terms pair."""
    terms = list(expr.args)
    while (found := _pair(terms, known)) is not None:
        term, partner, value = found
        terms = [t for t in terms if t is not term and t is not partner]
        joined = sp.Add(*terms, value)
        terms = list(sp.Add.make_args(joined))
    return sp.Add(*terms) if len(terms) != len(expr.args) or set(terms) != set(expr.args) else expr


def _pair(terms: list[sp.Expr], known: Callable[[sp.Expr], Iterator[Lazy]]) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    for term in terms:
        for factor, rest in pieces(term):
            for scale, value in known(factor):
                partner = next((t for t in terms if t == rest / scale), None)
                if partner is not None:
                    return term, partner, partner * value()
    return None
