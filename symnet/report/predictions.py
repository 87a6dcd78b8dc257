"""What a trained model says of data: which output answers which target, and how well.

labels t (N,), or rows y (N, K), against p (N, K)      classes: a table of true against predicted
labels or a mask (N,) against p (N,) or (N, 1)         yes or no: two classes
numbers y against v of the same shape                  values: predicted against true, and what is left
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnet.core.definition import Node, Program
from symnet.errors import SymnetError
from symnet.report.given import Given

Array = NDArray[Any]
CLASSES, YES_NO, VALUES = "classes", "yes or no", "values"
MOST_CLASSES = 40


@dataclass(frozen=True)
class Pairing:
    """An output and the target that it answers."""

    kind: str
    name: str
    output: Node
    target: Node


@dataclass(frozen=True)
class Answers:
    """Outputs and targets of some samples, with one entry for each prediction in `true` and `predicted`."""

    pairing: Pairing
    true: Array
    predicted: Array
    classes: tuple[str, ...]
    rows: Array
    inputs: dict[str, Array]
    standard: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)

    def measured(self, name: str, row: int) -> Array:
        """A sample of an input as it was before it was standardised."""
        mean, deviation = self.standard.get(name, (np.zeros(()), np.ones(())))
        return np.asarray(self.inputs[name][row] * deviation + mean)

    @property
    def matrix(self) -> Array:
        """How often each true class (a row) was predicted as each class (a column)."""
        count = len(self.classes)
        return np.bincount(self.true * count + self.predicted, minlength=count * count).reshape(count, count)

    @property
    def share_right(self) -> float:
        return float(np.mean(self.true == self.predicted)) if len(self.true) else 0.0

    def confusions(self, most: int = 3) -> list[tuple[str, str, int]]:
        """The mistakes that were made most often: true class, predicted class, how often."""
        wrong = self.matrix * (1 - np.eye(len(self.classes), dtype=np.int64))
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        places = [divmod(int(at), len(self.classes)) for at in order]
        return [(self.classes[i], self.classes[j], int(wrong[i, j])) for i, j in places if wrong[i, j]]


def answers(given: Given) -> Answers | str:
    """What the model says of the data; or why there is nothing to show."""
    run = given.trained
    if run is None:
        return "the model has not been trained"
    if given.data is None:
        return given.no_data
    pairing = next(pairings(given), None)
    if pairing is None:
        return "no output is compared with a target of its shape"
    inputs = needed(pairing.output)
    missing = [node.name for node in (*inputs, pairing.target) if node.name not in given.data.arrays]
    if missing:
        return f"the data hold no {', '.join(missing)}"
    rows = given.rows()
    arrays = given.taken([*inputs, pairing.target], rows)
    try:
        found = run.predict({node.name: arrays[node.name] for node in inputs})[pairing.name]
    except SymnetError as error:
        return f"the model cannot be asked: {error.message}"
    return compared(given, pairing, found, arrays, rows)


def needed(output: Node) -> list[Node]:
    """The inputs that an output is computed from."""
    return [n for n in Program.of([output]).inputs() if n.role == "input" and "keep" not in n.info]


def pairings(given: Given) -> Iterator[Pairing]:
    """Outputs with the targets that they can be compared with: inputs of the loss that no output reads."""
    read = {node for output in given.model.outputs.values() for node in needed(output)}
    targets = [node for node in given.model.parts.data if node not in read]
    for name, output in given.model.outputs.items():
        for target in targets:
            kind = kind_of(output, target)
            if kind:
                yield Pairing(kind, name, output, target)


def kind_of(output: Node, target: Node) -> str:
    """How an output answers a target; empty where it does not."""
    shape, asked = output.shape, target.shape
    one = shape[:-1] if shape[-1:] == (1,) else shape
    if target.kind == "label":
        if output.rank == target.rank + 1 and shape[:-1] == asked and shape[-1] != 1:
            return CLASSES
        return YES_NO if asked in (shape, one) and target.info.get("classes", 2) == 2 else ""
    if target.kind in ("onehot", "simplex"):
        return CLASSES if shape == asked else ""
    if target.kind == "mask":
        return YES_NO if asked in (shape, one) else ""
    return VALUES if asked in (shape, one) else ""


def compared(given: Given, pairing: Pairing, found: Array, arrays: dict[str, Array], rows: Array) -> Answers | str:
    """Predictions and targets as pairs."""
    inputs = {name: array for name, array in arrays.items() if name != pairing.target.name}
    target = arrays[pairing.target.name]
    if not np.isfinite(found).all():
        return "some predictions are not finite"
    if pairing.kind == VALUES:
        true, predicted = target.reshape(-1).astype(float), found.reshape(-1).astype(float)
        return Answers(pairing, true, predicted, (), rows, inputs)
    if pairing.kind == YES_NO:
        predicted, count = (found.reshape(-1) > 0.5).astype(np.int64), 2
        true = (target.reshape(-1) > 0.5).astype(np.int64)
    else:
        predicted, count = found.argmax(-1).reshape(-1), found.shape[-1]
        true = (target if pairing.target.kind == "label" else target.argmax(-1)).reshape(-1).astype(np.int64)
    if count > MOST_CLASSES:
        return f"there are {count} classes, and a table of at most {MOST_CLASSES} can be read"
    classes = tuple(given.classes_of(pairing.target, count))
    return Answers(pairing, true, predicted, classes, rows, inputs, given.data.standard if given.data else {})
