"""Random values for everything that a network is given, at the sizes of its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import symnet as sn
from symnet.core.definition import Program
from symnet.run.reference import concrete, evaluate, solve_sizes

Values = dict[str, Any]


def drawn(out: sn.Tensor, data: Mapping[str, Any], seed: int = 0) -> Values:
    """The data, and normal values for each parameter and state (positive ones for variances)."""
    rng = np.random.default_rng(seed)
    inputs = Program.of([out]).inputs()
    sizes = solve_sizes({node: np.asarray(data[node.name]) for node in inputs if node.name in data})
    values: Values = dict(data)
    for node in inputs:
        if node.name not in values:
            draw = rng.normal(size=[concrete(size, sizes, node.name) for size in node.shape])
            values[node.name] = np.abs(draw) + 0.5 if node.name.endswith("var") else draw
    return values


def computed(out: sn.Tensor, data: Mapping[str, Any], seed: int = 0) -> tuple[Any, Values]:
    """The value of a tensor at drawn parameters, and all values that it was computed from."""
    values = drawn(out, data, seed)
    return evaluate(out, values), values
