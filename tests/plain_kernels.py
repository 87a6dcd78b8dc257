"""Emitted kernels run as plain Python: no compiler, and every access is checked.

The text of `kernel` is what Numba would compile; the functions that it calls are Python's here. An index outside its
array, a negative one among them, is an error, and so is a number of another type than the array that it is stored in.
Work arrays and results begin as NaN, so that what is read before it is written is seen.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.special

from symnet.run.function import Function

Array = np.ndarray
POISON = -(10**12)


class Checked:
    """A flat array that is only read and written inside, and with numbers of its own type."""

    def __init__(self, array: Array) -> None:
        self.array, self.kind = array, array.dtype.type

    def place(self, index: Any) -> int:
        assert isinstance(index, (int, np.integer)), f"the index {index!r} is no whole number"
        assert 0 <= index < len(self.array), f"the index {index} is outside of {len(self.array)} entries"
        return int(index)

    def __getitem__(self, index: Any) -> Any:
        return self.array[self.place(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        fits = {np.float32: np.float32, np.float64: (float, int, np.float32, np.integer), np.int64: (int, np.integer)}[
            self.kind
        ]
        assert isinstance(value, fits), f"{type(value).__name__} is stored as {self.kind.__name__}"
        self.array[self.place(index)] = value


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


NUMPY = ("exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "sinh", "cosh", "maximum", "minimum")
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in NUMPY},
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "sigmoid": scipy.special.expit,
    "softplus": softplus,
    "log_sigmoid": lambda x: -softplus(-x),
    "log_cosh": lambda x: np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - math.log(2),
    "sech2": lambda x: 1 / np.cosh(x) ** 2,
    "difference": np.subtract,
    "apart": lambda: None,
    "unseen": lambda count: count,
    "normal_cdf": scipy.special.ndtr,
}
MATH = SimpleNamespace(**FUNCTIONS, sqrt=np.sqrt, pi=math.pi, inf=math.inf)


# fmt: off
def gemm(
    m: int, n: int, k: int, alpha: Any, a: Checked, at_a: int, row_a: int, col_a: int,
    b: Checked, at_b: int, row_b: int, col_b: int, beta: Any, c: Checked, at_c: int, row_c: int, col_c: int,
) -> None:
    # fmt: on
    """C = alpha*A@B + beta*C, entry by entry; C is not read where beta is 0."""
    for i in range(m):
        for j in range(n):
            place = at_c + i * row_c + j * col_c
            total = c.kind(0)
            for p in range(k):
                total += a[at_a + i * row_a + p * col_a] * b[at_b + p * row_b + j * col_b]
            c[place] = alpha * total if beta == 0 else alpha * total + beta * c[place]


def steps(*bounds: Any) -> Iterator[np.int64]:
    """`range` whose numbers have a type, as they have when compiled: a sum of one and a float32 is a float64."""
    return (np.int64(i) for i in range(*bounds))


class Wide(ast.NodeTransformer):
    """A number without a type is a float64, as it is when compiled."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, float):
            return node
        return ast.Call(ast.Name("wide", ast.Load()), [node], [])


def plain(source: str, real: type) -> Callable[..., None]:
    """The kernel of an emitted module as a Python function."""
    statements = ast.parse(source).body
    found = next(s for s in statements if isinstance(s, ast.FunctionDef) and s.name == "kernel")
    found.decorator_list = []
    space = {"np": np, "math": MATH, "real": real, "gemm": gemm, "wide": np.float64, **FUNCTIONS}
    if real is np.float32:
        space["range"] = steps
        found = ast.fix_missing_locations(Wide().visit(found))
    constants = [s for s in statements if isinstance(s, ast.Assign) and names_in(s.value) <= {"real"}]
    exec(compile(ast.Module([*constants, found], []), "<kernel>", "exec"), space)
    return space["kernel"]  # type: ignore[no-any-return]


def names_in(expression: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}


class PlainFunction(Function):
    """`sn.function` with its kernel run in Python."""

    @cached_property
    def _compiled(self) -> Any:
        module, real = self._module, np.dtype(self.dtype).type
        kernel = plain(module.source, real)
        first, last = len(module.inputs), len(module.inputs) + len(module.arrays)

        def run(*arguments: Any) -> None:
            for array in (*arguments[first:last], *arguments[last + 1 : last + 4]):
                array.fill(np.nan if array.dtype.kind == "f" else POISON)
            with np.errstate(all="ignore"):
                kernel(*map(typed, arguments))

        return SimpleNamespace(kernel=run)


def typed(argument: Any) -> Any:
    """An argument with the type that the kernel's signature gives it."""
    if isinstance(argument, np.ndarray):
        return Checked(argument)
    return np.float64(argument) if isinstance(argument, float) else np.int64(argument)
