"""The scalar functions that a stabilised program is made of, and everything else written with them.

difference(a, b)   a - b, kept together: in (z - m) - log(S) no other order of the terms keeps the digits
sech2(x)           1 - tanh(x)**2, without the difference
normal_cdf(x)      (1 + erf(x/sqrt(2)))/2: the tail of erfc is steep, and rounding x/sqrt(2) alone costs 50 ulp at -10
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symnet.core.expr import Bracket
from symnet.declare.elementwise import Elementwise, scalar_function
from symnet.declare.functions import expm1, log1p, log_cosh, log_sigmoid, sigmoid, softplus


def _scalar(function: Any) -> type[Elementwise]:
    return function.scalar  # type: ignore[no-any-return]


@scalar_function
def difference(a: Any, b: Any) -> Any:
    """a - b, rounded before anything is added to it"""
    return a - b


@scalar_function
def sech2(x: Any) -> Any:
    """1 - tanh(x)**2"""
    return 4 / (sp.exp(x) + sp.exp(-x)) ** 2


@scalar_function
def normal_cdf(x: Any) -> Any:
    """the normal distribution function"""
    return sp.erfc(-x / sp.sqrt(2)) / 2


Difference, Sech2, NormalCdf = difference, sech2, normal_cdf
Sigmoid, Softplus, LogSigmoid, LogCosh = (_scalar(f) for f in (sigmoid, softplus, log_sigmoid, log_cosh))
Log1p, Expm1 = _scalar(log1p), _scalar(expm1)

OWN: tuple[type[Elementwise], ...] = (
    Difference,
    Sech2,
    NormalCdf,
    Sigmoid,
    Softplus,
    LogSigmoid,
    LogCosh,
    Log1p,
    Expm1,
)
# every function that a stabilised formula may hold, by the name of its class
HEADS = frozenset(("exp", "log", "tanh", "erf", "erfc", "sin", "cos", "Abs", "sign", "floor", "Mod", "KroneckerDelta"))
HEADS |= {head.__name__ for head in OWN}


def less(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """a - b, kept together unless there is nothing to take off."""
    return a if b == 0 else Difference(a, b)


def rebuilt(expr: sp.Basic, visit: Callable[[sp.Expr], sp.Expr]) -> sp.Basic:
    """The same node over visited arguments; comparisons are not decided again."""
    if isinstance(expr, sp.Indexed) or not expr.args:
        return expr
    args = [visited(arg, visit) for arg in expr.args]
    if all(new is old for new, old in zip(args, expr.args, strict=True)):
        return expr
    if isinstance(expr, sp.core.relational.Relational):
        return expr.func(*args, evaluate=False)
    return expr.func(*args)


def visited(arg: sp.Basic, visit: Callable[[sp.Expr], sp.Expr]) -> sp.Basic:
    """Formulas are visited; conditions are gone through to the formulas that they compare."""
    if isinstance(arg, sp.Expr):
        return visit(arg)
    return rebuilt(arg, visit) if isinstance(arg, sp.logic.boolalg.Boolean) else arg


def is_own(expr: sp.Basic) -> bool:
    """Whether a function has code of its own; by class, for a user's function may have the same name."""
    return isinstance(expr, OWN)


def expand_library(expr: sp.Expr) -> sp.Expr:
    """Named functions other than the heads, by their formulas."""
    result = rebuilt(expr, expand_library)
    if isinstance(result, Elementwise) and not is_own(result):
        return expand_library(result.expanded())
    return result


def lower(expr: sp.Expr) -> sp.Expr:
    """SymPy's functions that are no heads, by heads: no term of these sums cancels another."""
    result = rebuilt(expr, lower)
    if isinstance(result, sp.sinh):
        return (Expm1(result.args[0]) - Expm1(-result.args[0])) / 2
    if isinstance(result, sp.cosh):
        return (sp.exp(result.args[0]) + sp.exp(-result.args[0])) / 2
    if isinstance(result, sp.tan):
        return sp.sin(result.args[0]) / sp.cos(result.args[0])
    return result


def is_gate(factor: sp.Basic) -> bool:
    """A factor that is a strong zero where it does not hold."""
    return isinstance(factor, (Bracket, sp.KroneckerDelta))
