"""What an emitted kernel can compute by itself: the scalar functions with an implementation of their own."""

from __future__ import annotations

import sympy as sp

from symnet.core.expr import Bracket, Reduce
from symnet.declare.elementwise import Elementwise
from symnet.simplify.stable.heads import Difference

# the name of the function in the expression -> its name in the emitted module
NATIVE = {
    "exp": "exp",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "log_sigmoid": "log_sigmoid",
    "softplus": "softplus",
    "log_cosh": "log_cosh",
    "sech2": "sech2",
    "normal_cdf": "normal_cdf",
    "difference": "difference",
    "erf": "erf",
    "erfc": "erfc",
    "sin": "sin",
    "cos": "cos",
}


def expand_foreign(expr: sp.Expr) -> sp.Expr:
    """Functions that kernels do not know, written by those that they know."""
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    if isinstance(expr, Reduce):
        body, bound = expr.open()
        return Reduce(expr.op, expand_foreign(body), bound)
    args = [expand_foreign(arg) if isinstance(arg, sp.Basic) else arg for arg in expr.args]
    if isinstance(expr, Elementwise) and type(expr).__name__ not in NATIVE:
        return expand_foreign(expr.func(*args).expanded())
    if isinstance(expr, (sp.cosh, sp.sinh)):
        sign = 1 if isinstance(expr, sp.cosh) else -1
        return (sp.exp(args[0]) + sign * sp.exp(-args[0])) / 2
    if isinstance(expr, sp.tan):
        return sp.sin(args[0]) / sp.cos(args[0])
    same = all(new is old for new, old in zip(args, expr.args, strict=True))
    return expr if same else expr.func(*args)


def is_call(expr: sp.Basic) -> bool:
    """Whether evaluating this costs as much as a function."""
    if isinstance(expr, sp.Pow):
        return not expr.exp.is_Integer and expr.exp not in (sp.S.Half, -sp.S.Half)
    return isinstance(expr, (sp.Function, sp.exp)) and not isinstance(
        expr, (sp.KroneckerDelta, sp.Abs, sp.sign, sp.floor, sp.Mod, Bracket, Difference)
    )
