"""Values to check with: drawn by kind, for sizes that are given or small.

Dims without a value get distinct small sizes (5, 3, 4, 6, 7, ...), so that a swapped index cannot hide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.core.definition import Node, Program
from symnet.errors import ShapeProblem, ValueProblem

SIZES = (5, 3, 4, 6, 7, 2, 8, 9)


def random_values(program: Program, given: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """A value for every input of the program: the given ones, the others drawn from the seed."""
    inputs = program.inputs()
    unknown = set(given) - {n.name for n in inputs} - {n.name for n in program}
    if unknown:
        raise ValueProblem(
            f"no tensor is named {', '.join(sorted(unknown))}", f"there are {', '.join(n.name for n in inputs)}"
        )
    sizes = choose_sizes(inputs, given)
    generator = np.random.default_rng(seed)
    drawn = {n.name: draw(n, shape_of(n, sizes), sizes, generator, program) for n in inputs}
    return {**drawn, **{name: value for name, value in given.items() if name in drawn}}


def choose_sizes(inputs: list[Node], given: Mapping[str, Any]) -> dict[sp.Symbol, int]:
    """Sizes read off the given values, and small distinct ones for the other dims."""
    sizes: dict[sp.Symbol, int] = {}
    for node in inputs:
        if node.name in given:
            shape = np.shape(given[node.name])
            if len(shape) != node.rank:
                raise ShapeProblem(f"{node!r} was given a value of shape {shape}")
            sizes.update({d: s for d, s in zip(node.shape, shape, strict=True) if isinstance(d, sp.Symbol)})
    free = iter(s for s in (*SIZES, *range(10, 1000)) if s not in sizes.values())
    for node in inputs:
        for dim in sorted(set().union(*(d.free_symbols for d in node.shape), _class_dims(node)), key=str):
            if dim not in sizes:
                sizes[dim] = next(free)
    return sizes


def _class_dims(node: Node) -> set[sp.Symbol]:
    found: set[sp.Symbol] = node.info["classes"].free_symbols if "classes" in node.info else set()
    return found


def shape_of(node: Node, sizes: Mapping[sp.Symbol, int]) -> tuple[int, ...]:
    return tuple(int(d.xreplace({s: sp.Integer(v) for s, v in sizes.items()})) for d in node.shape)


def draw(
    node: Node, shape: tuple[int, ...], sizes: Mapping[sp.Symbol, int], generator: np.random.Generator, program: Program
) -> NDArray[Any]:
    """A value of the right kind."""
    if node.kind == "simplex":
        raw = generator.exponential(size=shape) + 0.05
        rows: NDArray[Any] = raw / raw.sum(axis=-1, keepdims=True)
        return rows
    if node.kind == "onehot":
        return np.eye(shape[-1])[generator.integers(0, shape[-1], shape[:-1])]
    if node.kind == "label":
        return generator.integers(0, label_count(node, sizes, program), shape)
    if node.kind == "mask":
        return generator.integers(0, 2, shape).astype(float)
    if node.kind == "positive":
        return generator.uniform(0.2, 2.0, shape)
    return generator.standard_normal(shape) * (0.5 if node.role == "param" else 1.0)


def label_count(node: Node, sizes: Mapping[sp.Symbol, int], program: Program) -> int:
    """How many classes a label tensor has: declared, or the length of the axis it is read on."""
    if "classes" in node.info:
        return int(node.info["classes"].xreplace({s: sp.Integer(v) for s, v in sizes.items()}))
    lengths = []
    for definition in program.definitions.values():
        for read in definition.formula.atoms(sp.Indexed):
            for place, extent in zip(read.indices, read.args[0].node.shape, strict=True):
                if isinstance(place, sp.Indexed) and place.args[0].node is node:
                    lengths.append(int(extent.xreplace({s: sp.Integer(v) for s, v in sizes.items()})))
    return min(lengths, default=2)
