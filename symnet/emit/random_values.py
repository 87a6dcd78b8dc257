"""Random values for the inputs of an emitted module, as expressions of NumPy: of the shapes and kinds declared."""

from __future__ import annotations

from collections.abc import Sequence

from symnet.core.definition import Node


def drawn(node: Node, sizes: Sequence[str], classes: str) -> str:
    """Values for a tensor of these sizes; labels are below `classes`."""
    shape, rows = shape_tuple(sizes), shape_tuple(sizes[:-1])
    if node.kind == "label":
        return f"rng.integers(0, {classes}, {shape})"
    if node.kind == "onehot":
        return f"np.eye({sizes[-1]})[rng.integers(0, {sizes[-1]}, {rows})]"
    if node.kind == "simplex":
        return f"rng.dirichlet(np.ones({sizes[-1]}), {rows})"
    if node.kind == "positive":
        return f"rng.uniform(0.5, 1.5, {shape})"
    return f"rng.integers(0, 2, {shape})" if node.kind == "mask" else f"rng.normal(size={shape})"


def shape_tuple(sizes: Sequence[str]) -> str:
    """Sizes as the text of a tuple."""
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
