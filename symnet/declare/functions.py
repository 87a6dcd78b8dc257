"""The functions of the language, each a formula.

Every one works on SymPy expressions (index notation) and on tensors (array notation) alike. The primitives
exp, log, sqrt, sin, cos, tanh, cosh, sinh, erf, erfc, abs and sign are SymPy's own; everything else is written
with them. Conventions at kinks: relu'(0) = 0, |x|'(0) = 0, the two sides of maximum share a tie.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import sympy as sp

from symnet.core.definition import Node
from symnet.core.expr import Bracket
from symnet.core.expr import where as where_expr
from symnet.declare.elementwise import Elementwise, scalar_function
from symnet.declare.notation import Binder, as_formula, bind, maximum_of, minimum_of
from symnet.declare.tensor import (
    Axis,
    Tensor,
    check_tensors,
    elementwise_tensor,
    normal_axes,
    reduce_tensor,
    unnamed_tensor,
)
from symnet.errors import FormulaProblem


def lifted(rule: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A scalar rule as a function of expressions, numbers and tensors."""

    def call(*operands: Any) -> Any:
        if any(isinstance(o, Node) and o.rank for o in operands) or (
            operands and all(isinstance(o, Node) for o in operands)
        ):
            return elementwise_tensor(rule, *operands, name=name)
        return rule(*[as_formula(o) for o in operands])

    call.__name__ = call.__qualname__ = name
    call.__doc__ = getattr(rule, "__doc__", None) and str(rule.__doc__).split("\n")[0]
    return call


def elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of one's own from a one-line formula: `@sn.elementwise`."""
    scalar = scalar_function(function)
    call = wraps(function)(lifted(scalar, function.__name__))
    call.scalar = scalar  # type: ignore[attr-defined]
    return call


exp = lifted(sp.exp, "exp")
log = lifted(sp.log, "log")
sqrt = lifted(sp.sqrt, "sqrt")
sin = lifted(sp.sin, "sin")
cos = lifted(sp.cos, "cos")
tanh = lifted(sp.tanh, "tanh")
cosh = lifted(sp.cosh, "cosh")
sinh = lifted(sp.sinh, "sinh")
erf = lifted(sp.erf, "erf")
erfc = lifted(sp.erfc, "erfc")
abs_ = lifted(sp.Abs, "abs")
sign = lifted(sp.sign, "sign")
rsqrt = lifted(lambda x: x ** sp.Rational(-1, 2), "rsqrt")
square = lifted(lambda x: x**2, "square")
maximum = lifted(maximum_of, "maximum")
minimum = lifted(minimum_of, "minimum")
eq = lifted(lambda a, b: Bracket(sp.Eq(a, b)), "eq")


@elementwise
def log1p(x: Any) -> Any:
    """log(1 + x)"""
    return sp.log(1 + x)


@elementwise
def expm1(x: Any) -> Any:
    """exp(x) - 1"""
    return sp.exp(x) - 1


@elementwise
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))"""
    return 1 / (1 + sp.exp(-x))


@elementwise
def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x))"""
    return -sp.log(1 + sp.exp(-x))


@elementwise
def softplus(x: Any) -> Any:
    """log(1 + exp(x))"""
    return sp.log(1 + sp.exp(x))


@elementwise
def relu(x: Any) -> Any:
    """x where x > 0, else 0"""
    return Bracket(x > 0) * x


@elementwise
def silu(x: Any) -> Any:
    """x sigmoid(x)"""
    return x * sigmoid(x)


@elementwise
def mish(x: Any) -> Any:
    """x tanh(softplus(x))"""
    return x * sp.tanh(softplus(x))


@elementwise
def softsign(x: Any) -> Any:
    """x / (1 + |x|)"""
    return x / (1 + sp.Abs(x))


@elementwise
def hard_tanh(x: Any) -> Any:
    """x cut to [-1, 1]"""
    return where_expr(x >= 1, 1, where_expr(x <= -1, -1, x))


@elementwise
def selu(x: Any) -> Any:
    """scaled elu that keeps mean 0 and variance 1"""
    scale, alpha = sp.Rational("1.0507009873554805"), sp.Rational("1.6732632423543772")
    return scale * where_expr(x > 0, x, alpha * (sp.exp(x) - 1))


@elementwise
def gelu_exact(x: Any) -> Any:
    """x times the normal distribution function"""
    return x * (1 + sp.erf(x / sp.sqrt(2))) / 2


@elementwise
def gelu_tanh(x: Any) -> Any:
    """gelu by tanh"""
    return x * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (x + sp.Rational("0.044715") * x**3))) / 2


@elementwise
def log_cosh(x: Any) -> Any:
    """log(cosh(x))"""
    return sp.log(sp.cosh(x))


def gelu(x: Any, approximate: str = "none") -> Any:
    """x Phi(x), exactly, or by tanh with `approximate="tanh"`."""
    if approximate not in ("none", "tanh"):
        raise FormulaProblem(f"gelu: approximate={approximate!r} is not known", "there are 'none' and 'tanh'")
    return (gelu_tanh if approximate == "tanh" else gelu_exact)(x)


def leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    """x where x > 0, else slope * x."""
    return lifted(lambda v, s: where_expr(v > 0, v, s * v), "leaky_relu")(x, slope)


def elu(x: Any, alpha: Any = 1) -> Any:
    """x where x > 0, else alpha (exp(x) - 1)."""
    return lifted(lambda v, a: where_expr(v > 0, v, a * (sp.exp(v) - 1)), "elu")(x, alpha)


def clip(x: Any, low: Any, high: Any) -> Any:
    """x cut to [low, high]; slope 0 outside and 1 inside, bounds included."""
    return lifted(lambda v, a, b: where_expr(v < a, a, where_expr(v > b, b, v)), "clip")(x, low, high)


def where(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` where the condition holds, else `no`; the branch not taken gives no value and no gradient."""
    if any(isinstance(o, Node) and o.rank for o in (condition, yes, no)):
        return elementwise_tensor(where_expr, condition, yes, no, name="where")
    return where_expr(condition, as_formula(yes), as_formula(no))


def delta(i: Any, j: Any) -> sp.Expr:
    """Kronecker's delta of two places."""
    return sp.KroneckerDelta(as_formula(i), as_formula(j))


# -- reductions: (expr, *indices) in index notation, (tensor, axis=...) in array notation


def _reducer(op: str) -> Callable[..., Any]:
    def call(value: Any, *indices: Any, axis: Axis = None, keepdims: bool = False) -> Any:
        if isinstance(value, Tensor):
            if indices and not isinstance(indices[0], int):
                raise FormulaProblem(f"{op} of the tensor {value.name} over an index", f"read it: {value._example()}")
            return reduce_tensor(op, value, indices if indices else axis, keepdims)
        if not indices:
            raise FormulaProblem(f"{op} of an expression needs the indices it runs over", f"sn.{op}(expr, j)")
        if op != "mean":
            return bind(op, value, *indices)
        summed = bind("sum", value, *indices)
        return summed / sp.Mul(*[extent for _, extent in summed.bound])

    call.__name__ = call.__qualname__ = op
    call.__doc__ = f"{op} over indices of an expression, or along axes of a tensor."
    return call


sum_ = _reducer("sum")
mean = _reducer("mean")
max_ = _reducer("max")
min_ = _reducer("min")
prod = _reducer("prod")
argmax = _reducer("argmax")


def logsumexp(value: Any, *indices: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over indices or along axes."""
    if isinstance(value, Tensor):
        axes = normal_axes(value, indices if indices else axis)
        return _along(value, axes, lambda read, total: sp.log(total(sp.exp(read))), "lse", keepdims)
    return sp.log(sum_(sp.exp(as_formula(value)), *indices))


# -- along an axis


def _along(
    x: Tensor, axes: tuple[int, ...], rule: Callable[..., sp.Expr], name: str, keepdims: bool = True, keep: bool = False
) -> Tensor:
    """A definition that reads x at its own indices and sums over `axes` under other names."""
    indices = x.indices
    fresh = [sp.Symbol(f"{indices[a]}_", integer=True) for a in axes]
    places = list(indices)
    for a, other in zip(axes, fresh, strict=True):
        places[a] = other

    def total(body: sp.Expr) -> sp.Expr:
        moved = body.xreplace(dict(zip(indices, places, strict=True)))
        return Binder("sum", moved, *[(s, x.shape[a]) for s, a in zip(fresh, axes, strict=True)])

    formula = rule(x.read(*indices), total)
    if keep:
        return unnamed_tensor(name, indices, formula, x.shape)
    kept = [a for a in range(x.rank) if a not in axes]
    if keepdims:
        shape = tuple(sp.S.One if a in axes else s for a, s in enumerate(x.shape))
        return unnamed_tensor(name, indices, formula, shape)
    return unnamed_tensor(name, [indices[a] for a in kept], formula, [x.shape[a] for a in kept])


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis."""
    check_tensors("softmax", x)
    return _along(x, normal_axes(x, axis), lambda r, total: sp.exp(r) / total(sp.exp(r)), "p", keep=True)


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """x - log(sum(exp(x))) along an axis."""
    check_tensors("log_softmax", x)
    return _along(x, normal_axes(x, axis), lambda r, total: r - sp.log(total(sp.exp(r))), "log_p", keep=True)


def normalize(x: Tensor, axis: int = -1) -> Tensor:
    """x over its 2-norm along an axis; 0 where the norm is 0."""
    check_tensors("normalize", x)
    return _along(x, normal_axes(x, axis), _unit, "unit", keep=True)


def _unit(read: sp.Expr, total: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
    squares = total(read**2)
    return Bracket(squares > 0) * read / sp.sqrt(squares)


LIBRARY: tuple[type[Elementwise], ...] = tuple(
    f.scalar  # type: ignore[attr-defined]
    for f in (
        log1p,
        expm1,
        sigmoid,
        log_sigmoid,
        softplus,
        relu,
        silu,
        mish,
        softsign,
        hard_tanh,
        selu,
        gelu_exact,
        gelu_tanh,
        log_cosh,
    )
)
