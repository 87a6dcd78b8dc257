"""Products with a weight, and rows of one.

    Dense       z[n,k] := Sum_d x[n,d]*W[d,k] + b[k],   h := activation(z)
    Embedding   h[n,t,d] := W[ids[n,t], d]

Neither knows the rank of what it is given: whatever stands before the axes that are met stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symnet.core.index import as_dim
from symnet.declare.functions import sum_
from symnet.declare.layers.base import Activation, Layer, activation_of
from symnet.declare.notation import default_indices
from symnet.declare.tensor import Tensor, normal_axes
from symnet.errors import ShapeProblem


class Dense(Layer):
    """Every entry meets every unit: along the last axis, or along all of `axis` at once (a picture, for example)."""

    def __init__(
        self,
        units: Any,
        activation: Activation = None,
        bias: bool = True,
        name: str | None = None,
        *,
        axis: int | Sequence[int] = -1,
        init: Any = None,
    ) -> None:
        super().__init__(name)
        self.units, self.activation, self.bias, self.axis, self.init = as_dim(units), activation, bias, axis, init
        activation_of(self.name, activation)

    def __call__(self, x: Tensor) -> Tensor:
        self.enter(x)
        if not x.rank:
            raise ShapeProblem(f"{self.name} acts along an axis, but {x.name} is a scalar", "give it a tensor (N, D)")
        axes = normal_axes(x, self.axis)
        met = [(x.indices[a], x.shape[a]) for a in axes]
        k = unit_index(self.units, x.indices)
        left = (*(i for a, i in enumerate(x.indices) if a not in axes), k)
        width = [size for _, size in met]
        W = self.weight("W", (*width, self.units), self.init, (sp.Mul(*width), self.units))
        formula = sum_(x.read(*x.indices) * W.read(*(i for i, _ in met), k), *met)
        if self.bias:
            formula += self.weight("b", (self.units,)).read(k)
        return self.activate(self.activation, self.define("z", left, formula))


class Embedding(Layer):
    """Row `ids[...]` of a table of `vocabulary` rows."""

    def __init__(self, vocabulary: Any, units: Any, name: str | None = None, *, init: Any = None) -> None:
        super().__init__(name)
        self.vocabulary, self.units, self.init = as_dim(vocabulary), as_dim(units), init

    def __call__(self, ids: Tensor) -> Tensor:
        self.enter(ids, kind="label")
        W = self.weight("W", (self.vocabulary, self.units), self.init, (self.vocabulary, self.units))
        d = default_indices([self.units], ids.indices)[0]
        return self.define("h", (*ids.indices, d), W[ids.read(*ids.indices), d])


def unit_index(units: sp.Expr, avoid: Sequence[sp.Symbol]) -> sp.Symbol:
    """h for H; k for a number where k is free."""
    k = sp.Symbol("k", integer=True)
    return k if units.is_Integer and k not in avoid else default_indices([units], avoid)[0]
