"""Layers one after another: `Sequential(f, g)(x)` is g(f(x)), and `Residual(f, g)(x)` is x + g(f(x))."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symnet.declare.layers.base import Container, Layer
from symnet.declare.tensor import Tensor
from symnet.errors import KindProblem, ShapeProblem

Step = Callable[..., Any]


class Sequential(Container):
    """Each layer (or function of tensors) takes what the one before gave."""

    def __init__(self, *layers: Step | Sequence[Step], name: str | None = None) -> None:
        self.layers = steps(layers)
        super().__init__(self.layers, name)

    def __call__(self, x: Tensor, training: bool = True) -> Tensor:
        self.enter_any(x)
        for layer in self.layers:
            x = layer(x, training=training) if isinstance(layer, Layer) and layer.modes else layer(x)
        return x

    def enter_any(self, x: Tensor) -> None:
        self.enter(x, kind="label" if isinstance(x, Tensor) and x.kind == "label" else "")


class Residual(Sequential):
    """What the layers give, added to what they took."""

    def __call__(self, x: Tensor, training: bool = True) -> Tensor:
        y = super().__call__(x, training)
        if y.shape != x.shape:
            raise ShapeProblem(f"{self.name} adds {y!r} to {x!r}", "the layers of a Residual keep the shape")
        return self.define("h", x.indices, x.read(*x.indices) + y.read(*x.indices))


def steps(layers: Sequence[Step | Sequence[Step]]) -> tuple[Step, ...]:
    """The layers, given one by one or as a list."""
    found = [step for item in layers for step in (item if isinstance(item, (list, tuple)) else (item,))]
    for step in found:
        if not callable(step):
            raise KindProblem(f"{step!r} is no layer", "a Sequential takes layers and functions of tensors")
    return tuple(found)
