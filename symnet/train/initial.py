"""How parameters and states begin.

Each draws from a stream of its own, keyed by seed and name: one parameter more leaves the others as they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite, prod, sqrt
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.core.definition import Node
from symnet.declare.tensor import INITS
from symnet.errors import KindProblem, ShapeProblem, ValueProblem
from symnet.run.values import check_kind, concrete
from symnet.train.chance import stream

Array = NDArray[np.float64]
Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape, float, float], Any]
CALL = re.compile(r"(normal|uniform|constant)\(([^()]*)\)")
ARGUMENTS = {"normal": ("std",), "uniform": ("a", "b"), "constant": ("c",)}


def initial(node: Node, shape: Shape, seed: int, numbers: Mapping[sp.Symbol, int] | None = None) -> Array:
    """The initial value of a parameter or state; `numbers` are the sizes that fans may speak of."""
    value = _given(node, shape) if _is_value(node.info.get("init")) else _drawn(node, shape, seed, numbers or {})
    check_kind(node, value)
    return value


def fans(node: Node, shape: Shape, numbers: Mapping[sp.Symbol, int]) -> tuple[int, int]:
    """How many values meet in an entry of the product and how many an input reaches: declared, or by the shape."""
    by_shape = shape_fans(shape)
    declared = [node.info.get(key) for key in ("fan_in", "fan_out")]
    found = [f if d is None else concrete(d, numbers, node.name) for d, f in zip(declared, by_shape, strict=True)]
    return found[0], found[1]


def shape_fans(shape: Shape) -> tuple[int, int]:
    """Rows in and columns out; with three axes the last goes out; with more: channels out, channels in, field."""
    if len(shape) < 2:
        return prod(shape), 1
    if len(shape) < 4:
        return prod(shape[:-1]), shape[-1]
    return prod(shape[1:]), shape[0] * prod(shape[2:])


# -- values that were given


def _is_value(init: Any) -> bool:
    return init is not None and not isinstance(init, str)


def _given(node: Node, shape: Shape) -> Array:
    """A copy of a given value; a number fills the shape."""
    value = _as_floats(node.name, node.info["init"])
    if value.shape not in ((), shape):
        raise ShapeProblem(
            f"{node.name} has shape {shape}, but its initial value {value.shape}",
            "give one number, or one for each entry",
        )
    if not np.all(np.isfinite(value)):
        raise ValueProblem(f"the initial value of {node.name} is not finite everywhere", "give it finite numbers")
    return np.broadcast_to(value, shape).copy()


def _as_floats(name: str, init: Any) -> Array:
    try:
        return np.asarray(init, dtype=np.float64)
    except (TypeError, ValueError):
        raise KindProblem(
            f"{name}: {init!r} is no initial value", "give the name of an initialiser, a number or an array"
        ) from None


# -- values that are drawn


def _drawn(node: Node, shape: Shape, seed: int, numbers: Mapping[sp.Symbol, int]) -> Array:
    init = node.info.get("init") or ("glorot_uniform" if len(shape) >= 2 else "zeros")
    generator = stream("initial", int(seed), node.name)
    if init == "orthogonal":
        return orthogonal(node.name, generator, shape)
    if init in DRAWN:
        fan_in, fan_out = fans(node, shape, numbers)
        return np.asarray(DRAWN[init](generator, shape, max(fan_in, 1), max(fan_in + fan_out, 1)), np.float64)
    return _called(node.name, init, generator, shape)


def _uniform(generator: np.random.Generator, shape: Shape, limit: float) -> Any:
    return generator.uniform(-limit, limit, shape)


DRAWN: dict[str, Draw] = {
    "glorot_uniform": lambda g, shape, into, both: _uniform(g, shape, sqrt(6 / both)),
    "glorot_normal": lambda g, shape, into, both: g.normal(0, sqrt(2 / both), shape),
    "he_uniform": lambda g, shape, into, both: _uniform(g, shape, sqrt(6 / into)),
    "he_normal": lambda g, shape, into, both: g.normal(0, sqrt(2 / into), shape),
    "lecun_normal": lambda g, shape, into, both: g.normal(0, sqrt(1 / into), shape),
    "zeros": lambda g, shape, into, both: np.zeros(shape),
    "ones": lambda g, shape, into, both: np.ones(shape),
}


def orthogonal(name: str, generator: np.random.Generator, shape: Shape) -> Array:
    """Orthonormal rows or columns, whichever are fewer, of the matrix of the first axis against the others."""
    if len(shape) < 2:
        raise ShapeProblem(f"{name} has shape {shape}, but orthogonal needs two axes or more", "take normal(0.02)")
    rows, columns = shape[0], prod(shape[1:])
    q, r = np.linalg.qr(generator.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return np.ascontiguousarray(q if rows >= columns else q.T).reshape(shape)


def _called(name: str, init: str, generator: np.random.Generator, shape: Shape) -> Array:
    """`normal(std)`, `uniform(a,b)` and `constant(c)`."""
    what, numbers = parse_call(name, init)
    if what == "constant":
        return np.full(shape, numbers[0])
    if what == "normal":
        return np.asarray(generator.normal(0, numbers[0], shape))
    return np.asarray(generator.uniform(numbers[0], numbers[1], shape))


def parse_call(name: str, init: str) -> tuple[str, tuple[float, ...]]:
    """An initialiser with numbers: which, and its numbers."""
    found = CALL.fullmatch(init.replace(" ", ""))
    if found is None:
        known = f"there are {', '.join(INITS)}, normal(std), uniform(a,b), constant(c)"
        raise KindProblem(f"{name}: there is no initialiser {init!r}", known)
    what, numbers = found[1], _finite(found[2])
    if (
        len(numbers) != len(ARGUMENTS[what])
        or (what == "normal" and numbers[0] < 0)
        or list(numbers) != sorted(numbers)
    ):
        wanted = {"normal": "std is 0 or more", "uniform": "a is at most b", "constant": "c is a number"}[what]
        raise KindProblem(f"{name}: {init!r} has no meaning", f"{what}({','.join(ARGUMENTS[what])}), where {wanted}")
    return what, numbers


def _finite(text: str) -> tuple[float, ...]:
    """Numbers between commas; none at all when one of them is no finite number."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        return ()
    return numbers if all(map(isfinite, numbers)) else ()
