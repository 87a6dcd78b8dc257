"""The network of an estimator: declared once for all sizes, with what trains it and what asks it.

    h1[n,k] := activation(Sum_d x[n,d]*W1[d,k] + b1[k]),  ...,  z[n,k] := Sum_j h[n,j]*W[j,k] + b[k],  p := link(z)

Sizes, the number of samples, the strength of the regularisation and the numbers of the optimizer are given when it
runs, so one declaration serves every fit that differs in those only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.core.definition import Node
from symnet.core.index import dims
from symnet.declare.functions import sigmoid
from symnet.declare.layers.base import ENTRYWISE
from symnet.declare.tensor import Tensor, input_tensor, param
from symnet.estimator.losses import IDENTITY, SOFTMAX, Loss, cost_of, link, weighted_mean
from symnet.estimator.parameters import ParameterProblem, meant
from symnet.pipeline import gradients, lower
from symnet.run.function import Function
from symnet.train.model import Model
from symnet.train.step import Parts, eval_program

Array = NDArray[Any]
Activation = str | Callable[[Any], Any]
N = dims("N")
ALPHA, WEIGHT = "fit.alpha", "fit.weight"
CHUNK = 4096
# scikit-learn's names of activations beside those of the layers
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"identity": lambda z: z, "logistic": sigmoid, **ENTRYWISE}


@dataclass(frozen=True)
class Design:
    """What a network is declared from; equal designs are one network."""

    output: str
    loss: Loss
    activation: Activation
    depth: int


@dataclass
class Network:
    """A declared network: what it minimises, what it predicts, and the names of its inputs."""

    loss: Tensor
    predicted: Tensor
    x: Tensor
    y: Tensor
    output: str
    layers: tuple[tuple[str, str], ...] = ()  # names of weights and biases
    sizes: tuple[sp.Symbol, ...] = ()  # of the layers, inputs and outputs among them
    functions: dict[tuple[str, str], Function] = field(default_factory=dict)

    @cached_property
    def model(self) -> Model:
        return Model(self.loss, outputs={"predicted": self.predicted})

    @property
    def parts(self) -> Parts:
        return self.model.parts

    @property
    def stored(self) -> list[Node]:
        """Everything that a fitted estimator has to keep."""
        return [*self.parts.params, *self.parts.held]

    def data(self, x: Array, y: Array, weight: Array, given: Any) -> dict[str, Array]:
        """What a training kernel reads, by name."""
        real = x.dtype
        found = {WEIGHT: weight.astype(real), ALPHA: np.array(given.alpha, real)}
        found |= {self.x.name: self.rows(x), self.y.name: self.targets(y, real, given.n_outputs_)}
        return {node.name: found[node.name] for node in self.parts.data}

    def rows(self, x: Array) -> Array:
        """Rows of columns in the shape of the input."""
        return np.ascontiguousarray(x if self.x.rank == 2 else x.reshape(len(x), *map(int, self.x.shape[1:])))

    def targets(self, y: Array, real: Any, count: int) -> Array:
        """Numbers of classes, or rows of values, in the shape of the target."""
        if self.y.kind == "label":
            return np.ascontiguousarray(y.reshape(len(y)), np.int64)
        if y.ndim == 1:
            y = np.eye(count)[y]
        return np.ascontiguousarray(y if self.y.rank == 2 else y[:, 0], real)

    def predict(self, x: Array, values: dict[str, Array]) -> Array:
        """What the network makes of rows of data."""
        function = self._function("predicted", str(x.dtype))
        given = {node.name: values[node.name] for node in function.inputs if node.name in values}
        x = self.rows(x)
        chunks = (x[at : at + CHUNK] for at in range(0, len(x), CHUNK))
        return np.concatenate([function({**given, self.x.name: rows}) for rows in chunks])

    def slopes(self, dtype: str) -> Function:
        """The loss and its gradient by every parameter."""
        return self._function("slopes", dtype)

    def _function(self, what: str, dtype: str) -> Function:
        if (what, dtype) not in self.functions:
            asked = [self.loss, *gradients(self.loss, self.parts.params)] if what == "slopes" else self.predicted
            program = None if what == "slopes" else eval_program([self.predicted], self.parts)
            self.functions[what, dtype] = Function(asked, dtype, lambda p: lower(p), program)
        return self.functions[what, dtype]


@lru_cache(maxsize=128)
def network(design: Design) -> Network:
    """The fully connected network of a design."""
    sizes = tuple(dims(f"D{at}") for at in range(design.depth + 2))
    x, y = input_tensor("x", (N, sizes[0])), target(design.output, sizes[-1])
    activation = activation_of(design.activation)
    layers, h = [], x
    for at in range(1, len(sizes)):
        W, b = param(f"W{at}", sizes[at - 1 : at + 1]), param(f"b{at}", (sizes[at],))
        layers.append((W, b))
        h = h @ W + b
        h = activation(h).named(f"h{at}") if at <= design.depth else h.named("z")
    cost = cost_of(design.loss, h, y, design.output)
    loss = minimised(cost, [W for W, _ in layers])
    names = tuple((W.name, b.name) for W, b in layers)
    return Network(loss, link(h, design.output), x, y, design.output, names, sizes)


def target(output: str, size: Any) -> Tensor:
    """Targets as a loss sees them: labels of classes, rows of yes and no, or rows of values."""
    if output == SOFTMAX:
        return input_tensor("y", (N,), kind="label", classes=size)
    return input_tensor("y", (N, size), kind="real" if output in (IDENTITY, "exp") else "mask")


def minimised(cost: Tensor, penalised: Sequence[Tensor], batch: sp.Symbol = N) -> Tensor:
    """The weighted mean of what samples cost, with the penalty of large weights."""
    weight, alpha = input_tensor(WEIGHT, (batch,)), input_tensor(ALPHA, ())
    return weighted_mean(cost, weight, alpha, penalised)


def activation_of(activation: Activation) -> Callable[[Any], Any]:
    """An activation by its name, scikit-learn's or symnet's, or a user's own."""
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        hint = f"{meant(activation, ACTIVATIONS)}there are {', '.join(ACTIVATIONS)}, or a function of tensors"
        raise ParameterProblem(f"there is no activation {activation!r}", hint)
    return ACTIVATIONS[activation]
