"""Elementwise functions as definitions: a name and a one-line formula, and nothing else.

    @elementwise
    def sigmoid(x):
        return 1/(1 + exp(-x))

The derivative is SymPy's derivative of the formula. There is no table of derivatives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import sympy as sp

from symnet.declare.notation import as_formula, canonical
from symnet.errors import FormulaProblem


class Elementwise(sp.Function):  # type: ignore[misc]
    """A named scalar function with a formula; subclasses are made by `scalar_function`."""

    parameters: tuple[sp.Symbol, ...] = ()
    formula: sp.Expr = sp.S.Zero
    is_real = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        slopes = _slopes(self.formula, self.parameters)
        return slopes[argindex - 1].xreplace(dict(zip(self.parameters, self.args, strict=True)))

    def expanded(self) -> sp.Expr:
        """The formula at these arguments."""
        return self.formula.xreplace(dict(zip(self.parameters, self.args, strict=True)))

    def _eval_is_positive(self) -> bool | None:
        return True if self.formula.is_positive else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.formula.is_nonnegative else None


@cache
def _slopes(formula: sp.Expr, parameters: tuple[sp.Symbol, ...]) -> tuple[sp.Expr, ...]:
    """The derivative of a function's formula by each of its arguments, derived once."""
    return tuple(derivative(formula, parameter) for parameter in parameters)


def derivative(expr: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """SymPy's derivative with symnet's conventions at kinks: brackets and signs are locally constant."""
    result = sp.diff(expr, symbol)
    if result.has(sp.DiracDelta):
        result = result.replace(sp.DiracDelta, lambda *_: sp.S.Zero)
    return result.replace(lambda e: isinstance(e, sp.Mul), with_its_sign) if result.has(sp.sign) else result


def with_its_sign(product: sp.Mul) -> sp.Expr:
    """x*sign(x) is |x|, which sums can be collected with: 1 - |x|/(1 + |x|) is 1/(1 + |x|)."""
    for factor in product.args:
        if isinstance(factor, sp.sign) and factor.args[0] in product.args:
            rest = [f for f in product.args if f not in (factor, factor.args[0])]
            return sp.Mul(sp.Abs(factor.args[0]), *rest)
    return product


def scalar_function(function: Callable[..., Any]) -> type[Elementwise]:
    """The SymPy function that stands for a Python function written as a formula."""
    kinds = inspect.signature(function).parameters
    if any(p.kind is not p.POSITIONAL_OR_KEYWORD or p.default is not p.empty for p in kinds.values()):
        raise FormulaProblem(
            f"{function.__name__}{inspect.signature(function)} has arguments with defaults or without a place",
            "an elementwise function takes plain arguments: def f(x, a): return a*x",
        )
    names = list(kinds)
    parameters = tuple(sp.Symbol(f"_{name}", real=True) for name in names)
    formula = canonical(as_formula(function(*parameters)))
    if not formula.free_symbols <= set(parameters):
        raise FormulaProblem(f"{function.__name__} uses more than its arguments: {formula}")
    members = {"parameters": parameters, "formula": formula, "nargs": len(names), "__doc__": function.__doc__}
    return type(function.__name__, (Elementwise,), members)
