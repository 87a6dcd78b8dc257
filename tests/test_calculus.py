"""The rows of a matrix calculus table: the value of each formula and its gradient or Jacobian, at several points."""

from __future__ import annotations

import ast
import json
import operator
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from helpers import Array, near

import symnet as sn

ROWS = json.loads((Path(__file__).parent / "data" / "calculus.json").read_text())
SEEDS = range(4)
FUNCTIONS = {name: getattr(sn, name) for name in ("log", "exp", "sin", "tanh", "sqrt", "abs")}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


class Formula:
    """A formula as text, read through `ast` and an allow-list, over declared tensors."""

    def __init__(self, text: str, tensors: dict[str, sn.Tensor]) -> None:
        self.tensors, self.text = tensors, text
        self.expr = self.read(ast.parse(text, mode="eval").body)

    def read(self, node: ast.expr) -> sp.Expr:
        match node:
            case ast.Constant(value=int(number)):
                return sp.Integer(number)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -self.read(inner)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
                return OPERATORS[type(sign)](self.read(left), self.read(right))
            case ast.Name(id=name) if name not in self.tensors:
                return sn.indices(name)
            case ast.Subscript(value=ast.Name(id=name), slice=places):
                several = places.elts if isinstance(places, ast.Tuple) else [places]
                return self.tensors[name][tuple(self.read(place) for place in several)]
            case ast.Call(func=ast.Name(id="sum"), args=[body, *indices], keywords=[]):
                return sn.sum(self.read(body), *map(self.read, indices))
            case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]):
                return FUNCTIONS[name](self.read(inner))
        raise ValueError(f"{ast.unparse(node)} is not allowed in {self.text}")

    def free_indices(self) -> tuple[sp.Symbol, ...]:
        return tuple(sorted(self.expr.free_symbols, key=str))


def numpy_value(text: str, arrays: dict[str, Array]) -> Array:
    """An expression of NumPy, of the table alone, which is trusted."""
    return np.asarray(eval(text, {"np": np, **arrays}))


def declared(row: dict) -> tuple[sn.Tensor, sn.Tensor]:
    """The row's output and the derivative it asks for."""
    tensors = {name: sn.input(name, tuple(shape)) for name, shape in row["shapes"].items()}
    formula = Formula(row["formula"], tensors)
    output = sn.define("out", formula.free_indices(), formula.expr)
    derive = sn.jacobian if row["jacobian"] else sn.grad
    return output, derive(output, tensors[row["wrt"]])


def drawn(row: dict, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    arrays = {name: rng.normal(size=shape) for name, shape in row["shapes"].items()}
    return {name: abs(a) + 0.1 if name in row["positive"] else a for name, a in arrays.items()}


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_calculus_row_has_its_value_and_its_derivative(row):
    output, derivative = declared(row)
    for seed in SEEDS:
        arrays = drawn(row, seed)
        near(sn.evaluate(output, arrays), numpy_value(row["value"], arrays), 1e-12)
        near(sn.evaluate(derivative, arrays), numpy_value(row["expected"], arrays), 1e-11)


def test_calculus_table_is_complete():
    assert len(ROWS) == 26
    assert len({row["name"] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "x.shape",
        "(lambda: 1)()",
        "sum(x[i], *i)",
        "exp(x[i], i)",
        "x[i] and 1",
        "f'{x}'",
        "x[i] // 2",
    ],
)
def test_calculus_formulas_are_read_through_an_allow_list(text):
    with pytest.raises((ValueError, KeyError)):
        Formula(text, {"x": sn.input("x", (3,))})
