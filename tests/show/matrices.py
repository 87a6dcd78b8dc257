"""Matrix trees evaluated with NumPy: every value is two-dimensional, a column for a vector, 1 by 1 for a scalar."""

from __future__ import annotations

from functools import reduce

import numpy as np
import sympy as sp

from symnet.declare.elementwise import Elementwise
from symnet.run.reference import COMPARE, FUNCTIONS
from symnet.show import matrix_tree as mt


def value(tree: mt.Tree, values: dict, sizes: dict) -> np.ndarray:
    """The tree at the given values; products must conform and entrywise operations must have equal shapes."""
    match tree:
        case mt.Scalar(expr):
            return np.full((1, 1), number(expr, values, sizes))
        case mt.Leaf(node):
            return np.asarray(values[node.name], float).reshape([*np.shape(values[node.name]), 1, 1][:2])
        case mt.Ones(size):
            return np.ones((int(size.subs(sizes)), 1))
        case mt.Identity(size):
            return np.eye(int(size.subs(sizes)))
    parts = [value(part, values, sizes) for part in tree.parts()]
    return combine(tree, parts)


def combine(tree: mt.Tree, parts: list[np.ndarray]) -> np.ndarray:
    """One operation of the tree on values."""
    first = parts[0]
    match tree:
        case mt.Transpose():
            return first.T
        case mt.MatMul():
            return reduce(np.matmul, parts)
        case mt.Add():
            return reduce(np.add, alike(parts))
        case mt.Hadamard():
            return reduce(np.multiply, alike(parts))
        case mt.Scale():
            assert all(p.shape == (1, 1) for p in parts[:-1])
            return reduce(np.multiply, parts)
        case mt.Power(_, exponent):
            return first ** float(exponent)
        case mt.Apply(function):
            return applied(function, alike(parts))
        case mt.Compare(relation):
            return COMPARE[relation.__name__](*parts).astype(float)
        case mt.Diag():
            assert first.shape[1] == 1
            return np.diag(first[:, 0])
        case mt.Diagonal():
            return np.diag(first)[:, None]
        case mt.Trace():
            assert first.shape[0] == first.shape[1]
            return np.trace(first).reshape(1, 1)
        case mt.Inner():
            return np.sum(np.multiply(*alike(parts))).reshape(1, 1)
        case mt.Norm():
            return np.sum(first**2).reshape(1, 1)
    raise AssertionError(tree)


def alike(parts: list[np.ndarray]) -> list[np.ndarray]:
    assert len({p.shape for p in parts}) == 1, [p.shape for p in parts]
    return parts


def applied(function: type, parts: list[np.ndarray]) -> np.ndarray:
    if function.__name__ in FUNCTIONS:
        return FUNCTIONS[function.__name__](*parts)
    assert issubclass(function, Elementwise)
    symbols = sp.symbols(f"a:{len(parts)}", real=True)
    formula = function(*symbols).expanded()
    entries = zip(*map(np.ravel, parts), strict=True)
    values = [formula.subs(dict(zip(symbols, entry, strict=True))).doit() for entry in entries]
    return np.array(values, float).reshape(parts[0].shape)


def number(expr: sp.Expr, values: dict, sizes: dict) -> float:
    reads = {read: sp.Float(float(values[read.args[0].name]), 17) for read in expr.atoms(sp.Indexed)}
    return float(expr.xreplace(reads).subs(sizes))
