"""What the tests share: random values by kind, derivatives by numbers, and formulas compared as formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp

import symnet as sn
from symnet.core.definition import Node, Program, write_out
from symnet.core.expr import operations

Array = np.ndarray
Values = dict[str, Any]

SIZES = {"N": 4, "D": 3, "K": 5, "H": 4, "T": 3, "M": 2, "C": 2}
STEP = 1e-20
FLOOR = 1e-6


# -- values


def draw(node: Node, sizes: Mapping[str, int], rng: np.random.Generator) -> Array:
    """Values of a tensor as its kind allows them."""
    shape = [concrete(size, sizes) for size in node.shape]
    if node.kind == "label":
        return rng.integers(0, concrete(node.info["classes"], sizes), shape)
    if node.kind == "onehot":
        return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    if node.kind == "simplex":
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    if node.kind == "mask":
        return rng.integers(0, 2, shape).astype(float)
    if node.kind == "positive":
        return rng.uniform(0.4, 2.0, shape)
    return rng.normal(size=shape)


def concrete(size: sp.Expr, sizes: Mapping[str, int]) -> int:
    return int(size.xreplace({s: sp.Integer(sizes[s.name]) for s in size.free_symbols}))


def random_values(
    outputs: Node | Iterable[Node], seed: int = 0, sizes: Mapping[str, int] = SIZES, **given: Any
) -> Values:
    """Random values of everything that the outputs need; those that are given stay."""
    rng = np.random.default_rng(seed)
    nodes = [outputs] if isinstance(outputs, Node) else list(outputs)
    drawn = {node.name: draw(node, sizes, rng) for node in Program.of(nodes).inputs()}
    return {**drawn, **given}


# -- derivatives by numbers


def difference(value: Callable[[Array], Any], at: Any, slope: Callable[[Callable[[complex], Any]], Any]) -> Array:
    """The derivative of `value` by each entry of `at`, with the entries of the value first."""
    at = np.asarray(at, dtype=float)
    columns = []
    for place in np.ndindex(at.shape):

        def moved(step: complex, place: tuple[int, ...] = place) -> Any:
            there = at.astype(complex if isinstance(step, complex) else float)
            there[place] += step
            return np.asarray(value(there))

        columns.append(slope(moved))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape((*stacked.shape[:-1], *at.shape))


def complex_slope(moved: Callable[[complex], Any]) -> Any:
    return np.imag(moved(complex(0, STEP))) / STEP


def richardson_slope(moved: Callable[[complex], Any], h: float = 2e-3) -> Any:
    """Central differences at h, h/2, h/4, extrapolated twice: an error of order h^6."""
    first = [(moved(s) - moved(-s)) / (2 * s) for s in (h, h / 2, h / 4)]
    second = [(4 * b - a) / 3 for a, b in pairwise(first)]
    return (16 * second[1] - second[0]) / 15


def complex_step(output: Node, wrt: str, values: Values) -> Array:
    """d output / d wrt by complex step: exact to rounding where every function is analytic."""
    return difference(lambda at: sn.evaluate(output, {**values, wrt: at}), values[wrt], complex_slope)


def richardson(output: Node, wrt: str, values: Values) -> Array:
    """d output / d wrt by central differences with Richardson's extrapolation."""
    return difference(lambda at: sn.evaluate(output, {**values, wrt: at}), values[wrt], richardson_slope)


def near(found: Any, wanted: Any, rtol: float = 1e-9) -> None:
    """Agreement of shapes, and of entries relative to the norm of what is wanted."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    error, size = np.linalg.norm((found - wanted).ravel()), np.linalg.norm(wanted.ravel())
    assert error <= rtol * max(size, FLOOR), f"norm-wise error {error / max(size, FLOOR):.2e}\n{found}\n{wanted}"


def check_gradient(loss: Node, wrt: Node, seed: int = 0, sizes: Mapping[str, int] = SIZES, **given: Any) -> sn.Tensor:
    """The gradient as a formula, after its values were compared with those of complex step."""
    gradient = sn.grad(loss, wrt)
    values = random_values([loss, gradient], seed, sizes, **given)
    wanted = complex_step(loss, wrt.name, values)
    assert np.any(wanted), "a zero gradient proves nothing"
    near(sn.evaluate(gradient, values), wanted)
    return gradient


# -- formulas


def formula_at(tensor: Node, indices: Iterable[sp.Symbol]) -> sp.Expr:
    """The canonical formula of a definition under other names of its indices, with adjoints written out."""

    def adjoint(read: sp.Indexed) -> sp.Expr | None:
        node = read.args[0].node
        return formula_at(node, read.indices) if "adjoint_of" in node.info else None

    return write_out(tensor.definition.at(tuple(indices)), adjoint)


def written(indices: tuple[sp.Symbol, ...], formula: Any, shape: Any = None) -> sp.Expr:
    """A formula as a person writes it, in symnet's canonical nodes."""
    return formula_at(sn.define("written", indices, formula, shape), indices)


def assert_formula(tensor: Node, indices: Any, formula: Any) -> None:
    """The tensor's formula is this one, term by term."""
    indices = indices if isinstance(indices, tuple) else (indices,)
    found, wanted = formula_at(tensor, indices), written(indices, formula, tensor.shape)
    assert found == wanted, f"{found}\nis not\n{wanted}"


def assert_short(tensor: Node, indices: Any, formula: Any, seed: int = 7, sizes: Mapping[str, int] = SIZES) -> None:
    """The tensor has the values of this formula at random points, and takes no more operations."""
    indices = indices if isinstance(indices, tuple) else (indices,)
    wanted = sn.define("written", indices, formula, tensor.shape)
    for s in (seed, seed + 1):
        values = random_values([tensor, wanted], s, sizes)
        near(sn.evaluate(tensor, values), sn.evaluate(wanted, values), 1e-11)
    found, short = formula_at(tensor, indices), formula_at(wanted, indices)
    assert operations(found) <= operations(short), f"{found}\nis longer than\n{short}"


def reads_of(formula: sp.Expr, *known: Node) -> list[Node]:
    """The tensors that a formula reads, other than the known ones."""
    nodes = {read.args[0].node for read in formula.atoms(sp.Indexed)}
    return sorted(nodes - set(known), key=lambda node: node.serial)
