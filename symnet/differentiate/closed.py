"""Derivatives in terms of what is known already: a function's own value, and the logistic function.

The slope of a formula f is rewritten with the value v = f(...) where that takes fewer operations:

    tanh(a)              slope 1 - v**2
    exp(z)/S             slope v by z, -v/S by S
    1/(1 + exp(-a))      slope v*(1 - v)
    (x - m)/sqrt(w + e)  slope -v/(2*(w + e)) by w

No function is named here but the logistic one, which is what a Moebius function of an exponential is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from symnet.core.algebra import absorb_sign, best_form, cheapest, exponentials, in_kernel, invert_moebius
from symnet.core.expr import Bracket, operations
from symnet.declare.elementwise import Elementwise
from symnet.declare.functions import sigmoid

MANY = 60
SIGMOID: type[Elementwise] = sigmoid.scalar  # type: ignore[attr-defined]


def in_own_value(body: sp.Expr, slope: sp.Expr, value: sp.Symbol) -> sp.Expr:
    """The cheapest of the slope's forms with the body's value known as `value`."""
    forms = [best_form(form) for form in _own_value_forms(body, slope, value)]
    return cheapest(forms)


def _own_value_forms(body: sp.Expr, slope: sp.Expr, value: sp.Symbol) -> Iterator[sp.Expr]:
    yield slope
    yield logistic(slope)
    if operations(body):
        yield slope.xreplace({body: value})
    solved = solve_monomial(body, value)
    if solved is not None:
        yield sp.expand_mul(solved.apply(slope))
    expanded = body.replace(lambda e: isinstance(e, Elementwise), lambda e: e.expanded())
    inverse = invert_moebius(expanded, value) if slope.atoms(sp.exp) else None
    if inverse is not None:
        yield from _through_kernel(slope, *inverse)


def _through_kernel(slope: sp.Expr, argument: sp.Expr, q: int, solution: sp.Expr) -> Iterator[sp.Expr]:
    """The slope with the kernel's powers replaced by what the value says they are."""
    kernel = sp.Dummy("E", positive=True)
    held, names = _held(in_kernel(slope, argument, kernel))
    rational = sp.together(held)
    top, bottom = sp.fraction(rational)
    if top.is_polynomial(kernel) and bottom.is_polynomial(kernel):
        power = sp.Dummy("F", positive=True)
        rest = sp.powdenest(rational.xreplace({kernel: power ** sp.Rational(1, q)}), force=True)
        yield absorb_sign(sp.factor(rest.xreplace({power: solution}))).xreplace(names)


def _held(expr: sp.Expr) -> tuple[sp.Expr, dict[sp.Expr, sp.Expr]]:
    """The exponentials as symbols, and what these mean.

    To algebra exp(-u) is 1/exp(u), and a sum with it a fraction: it would be written with exp(u), which overflows.
    """
    exponents = sorted(expr.atoms(sp.exp), key=sp.default_sort_key)
    names = {e: sp.Dummy("e", positive=True) for e in exponents}
    return expr.xreplace(names), {symbol: e for e, symbol in names.items()}


@dataclass(frozen=True)
class Monomial:
    """`gates * kernel = value`: a kernel behind brackets in terms of a name."""

    kernel: sp.Expr
    gates: tuple[sp.Expr, ...]
    value: sp.Expr

    def apply(self, expr: sp.Expr) -> sp.Expr:
        """The kernel by its value, wherever it stands behind its brackets."""
        if not self.gates:
            return expr.xreplace({self.kernel: self.value})
        return expr.replace(lambda e: isinstance(e, sp.Mul) and self.kernel in e.args, self._product)

    def _product(self, product: sp.Mul) -> sp.Expr:
        if not set(self.gates) <= set(product.args):
            return product
        rest = [a for a in product.args if a != self.kernel and a not in self.gates]
        return sp.Mul(self.value, *rest)


def solve_monomial(body: sp.Expr, value: sp.Expr) -> Monomial | None:
    """For a product whose other factors are all denominators: its one kernel in terms of the value.

    `exp(z)/S` gives `exp(z) = value*S`. Solving never divides by anything that was not divided by before.
    """
    if not isinstance(body, sp.Mul):
        return None
    gates = tuple(f for f in body.args if isinstance(f, Bracket))
    factors = [f for f in body.args if not isinstance(f, Bracket)]
    kernels = [f for f in factors if is_kernel(f) and not others_depend(f, body, f)]
    others = [f for f in factors if f not in kernels]
    if len(kernels) != 1 or not any(o.free_symbols or o.atoms(sp.Indexed) for o in others):
        return None
    if not all(o.is_number or (isinstance(o, sp.Pow) and o.exp.is_negative) for o in others):
        return None
    return Monomial(kernels[0], gates, value / sp.Mul(*others))


def is_kernel(factor: sp.Expr) -> bool:
    return factor.is_Add or (isinstance(factor, (sp.Function, sp.exp)) and not isinstance(factor, sp.KroneckerDelta))


def others_depend(base: sp.Expr, body: sp.Expr, factor: sp.Expr) -> bool:
    """Whether the kernel occurs again elsewhere in the product."""
    return any(arg.has(base) for arg in body.args if arg is not factor)


def logistic(expr: sp.Expr) -> sp.Expr:
    """Exponentials that stand in denominators written with the logistic function, where that is shorter.

    With s = sigmoid(u) every rational function of exp(u) is one of s: exp(u) = s/(1 - s). What is left must not divide
    by s where it did not before: s becomes 0 where exp(u) is only small.
    """
    exact_kernels = {a for p in expr.atoms(sp.Pow) if p.exp.is_negative and p.base.is_Add for a in exponentials(p.base)}
    arguments = exact_kernels | {f.args[0] for f in expr.atoms(SIGMOID) if operations(expr) > 3}
    for argument in sorted(arguments, key=sp.default_sort_key) if operations(expr) <= MANY else ():
        expr = cheapest((expr, _in_logistic(expr, argument)))
    return expr


def _in_logistic(expr: sp.Expr, argument: sp.Expr) -> sp.Expr:
    kernel, value = sp.Dummy("E", positive=True), sp.Dummy("s", positive=True)
    known = {SIGMOID(argument): value, SIGMOID(-argument): 1 - value}
    held, names = _held(in_kernel(expr.xreplace(known), argument, kernel))
    rational = held.xreplace({kernel: value / (1 - value)})
    try:
        forms = [absorb_sign(sp.factor(r)) for r in (rational, rational.xreplace({value: 1 - value}))]
    except sp.PolynomialError:
        return expr
    meant = (SIGMOID(argument), SIGMOID(-argument))
    found = [best_form(form).xreplace({**names, value: s}) for form, s in zip(forms, meant, strict=True)]
    divided = _divisors(expr, meant)
    return cheapest([expr, *(form for form in found if _divisors(form, meant) <= divided)])


def _divisors(expr: sp.Expr, functions: tuple[sp.Expr, ...]) -> int:
    """How often is divided by one of some functions."""
    powers = [p for p in sp.preorder_traversal(expr) if isinstance(p, sp.Pow) and p.exp.is_negative]
    return sum(1 for p in powers if p.base.has(*functions))
