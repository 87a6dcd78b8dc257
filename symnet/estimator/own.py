"""Networks of the user's own: a function of the tensors x and y, or a model file.

    def model(x, y):                      # x (N, D); y (N,) labels of classes, or (N, K) values
        h = sn.layers.Dense(32, "relu")(x)
        return sn.layers.Dense(10)(h)     # scores or values; or (loss, prediction); or a Model

Scores get the estimator's loss and its `alpha`. A pair, a Model and a file bring a loss of their own, which is taken
as it is. In a file x is the one input that the first output reads, y the one that only the loss reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.core.definition import Node, Program
from symnet.declare.tensor import Tensor, define, input_tensor
from symnet.errors import FormulaProblem
from symnet.estimator.losses import LOGISTIC, SOFTMAX, Loss, cost_of, link
from symnet.estimator.network import N, Network, minimised, target
from symnet.estimator.parameters import ParameterProblem, TargetProblem
from symnet.runs.model_file import model_of
from symnet.spec.model_file import read_model
from symnet.train.initial import initial
from symnet.train.model import Model
from symnet.train.step import numeric

Array = NDArray[Any]
Maker = Callable[[Tensor, Tensor], Any]


@dataclass(frozen=True)
class Source:
    """A model file as it was when it was read."""

    path: str
    text: str

    @classmethod
    def of(cls, path: Any) -> Source:
        if not isinstance(path, (str, Path)):
            raise ParameterProblem(f"model is {path!r}", "it is the path of a model file, or a function of x and y")
        try:
            return cls(str(path), Path(path).read_text())
        except OSError as problem:
            raise ParameterProblem(f"model={str(path)!r} cannot be read: {problem.strerror}", "see its path") from None


# -- networks


@lru_cache(maxsize=64)
def made_network(make: Maker, loss: Loss, output: str, features: int, outputs: int) -> Network:
    """The network that a function declares for data of such sizes."""
    x, y = input_tensor("x", (N, features)), target(output, outputs)
    made = make(x, y)
    if isinstance(made, Model):
        return complete(made.loss, first_output(made), x, y, output)
    if isinstance(made, tuple) and len(made) == 2 and all(isinstance(part, Tensor) for part in made):
        return complete(*made, x, y, output)
    if not isinstance(made, Tensor):
        raise FormulaProblem(
            f"a model gave {type(made).__name__}",
            "it gives scores or values (N, K), or a pair of a loss and a prediction, or a Model",
        )
    z = made if made.rank == 2 else in_rows(made)
    if z.shape[1] != outputs:
        raise TargetProblem(
            f"the model gives {z.shape[1]} scores or values, but the data have {outputs}", "change one of them"
        )
    weights: list[Any] = [node for node in Program.of([z]).inputs() if node.role == "param" and node.rank > 1]
    return Network(minimised(cost_of(loss, z, y, output), weights), link(z, output), x, y, output)


@lru_cache(maxsize=64)
def file_network(source: Source, output: str) -> Network:
    """The network that a model file declares."""
    model = file_model(source)
    predicted = first_output(model)
    read = [node for node in Program.of([predicted]).inputs() if node in model.parts.data]
    others = [node for node in model.parts.data if node not in read]
    if len(read) != 1 or len(others) != 1:
        names = ", ".join(node.name for node in (*read, *others))
        raise ParameterProblem(
            f"{source.path} has the inputs {names}", "an estimator needs one that is predicted from, and one target"
        )
    return complete(model.loss, predicted, read[0], others[0], output)


@lru_cache(maxsize=64)
def file_model(source: Source) -> Model:
    return model_of(read_model(source.path, source.text))


def file_output(source: Source, several: bool) -> str:
    """Whether a file's prediction is a probability of each class, or of yes."""
    predicted = first_output(file_model(source))
    return LOGISTIC if several or predicted.rank == 1 or predicted.shape[-1] == 1 else SOFTMAX


def first_output(model: Model) -> Tensor:
    if not model.outputs:
        raise ParameterProblem("the model has no outputs", "name what it predicts: outputs: [p], or outputs={'p': p}")
    return next(iter(model.outputs.values()))


def complete(loss: Tensor, predicted: Tensor, x: Node, y: Node, output: str) -> Network:
    """A network with a loss of its own, its samples weighted."""
    batch = Model(loss).parts.batch
    return Network(minimised(loss, [], batch), in_rows(predicted), x, y, output)  # type: ignore[arg-type]


def in_rows(values: Tensor) -> Tensor:
    """One value for each sample as a row of one."""
    if values.rank != 1:
        return values
    n, k = values.indices[0], sp.Symbol("k" if str(values.indices[0]) != "k" else "j", integer=True)
    return define("fit.rows", (n, k), values.read(n), (values.shape[0], 1))


# -- sizes and values


def sizes_of(net: Network, features: int, outputs: int) -> dict[sp.Symbol, int]:
    """The sizes that a network leaves open, from those of the data; others have to fit."""
    pairs = [(net.x.shape[-1], features, "columns of X")] if net.x.rank == 2 else []
    of_target = [net.y.info["classes"]] if "classes" in net.y.info else []
    for size in (*of_target, *net.y.shape[1:], *net.predicted.shape[1:]):
        pairs.append((size, outputs, "classes or columns of y"))
    if net.x.rank != 2:
        pairs.append((sp.Mul(*net.x.shape[1:]), features, "columns of X"))
    found: dict[sp.Symbol, int] = {}
    for size, given, what in pairs:
        if found.setdefault(size, given) != given or (size.is_Integer and size != given):
            raise TargetProblem(
                f"the model is for {size} {what}, but there are {given}", "change the model or the data"
            )
    return {size: value for size, value in found.items() if not size.is_Integer}


def start(net: Network, numbers: dict[sp.Symbol, int], random: np.random.RandomState, dtype: Any) -> dict[str, Array]:
    """Parameters and states as the model says that they start."""
    seed = int(random.randint(2**31 - 1))
    shapes = {node: numeric(node, numbers) for node in net.stored}
    return {node.name: initial(node, shape, seed, numbers).astype(dtype) for node, shape in shapes.items()}
