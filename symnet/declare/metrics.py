"""Metrics: how good predictions are, as the mean over samples, so that batches can be averaged by their sizes.

    accuracy         1/N Sum_n [argmax_k p[n, k] = class of y[n]]
    top_k            1/N Sum_n [fewer than k entries of p[n] are larger than that of the class]
    binary_accuracy  the mean of [p > threshold] = [y > 1/2] over all entries
    mse, mae         the mean of (v - y)^2, of |v - y|

Classes are along the last axis of p; y says them by labels, with one axis less, or by rows, one-hot or not. Every
metric is a tensor of rank 0 that bears the metric's name; `.named("...")` gives it another. A loss is a metric too,
under a name of its own.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symnet.core.definition import shape_text
from symnet.core.expr import Bracket, where
from symnet.declare.losses.classes import Classes
from symnet.declare.losses.cost import Cost, Pairs, check_tensors, entrywise, over, same_shape
from symnet.declare.notation import as_formula, bind
from symnet.declare.tensor import Tensor, unnamed_tensor
from symnet.errors import FormulaProblem, ShapeProblem

__all__ = ["accuracy", "binary_accuracy", "mae", "mse", "top_k"]


def accuracy(p: Tensor, y: Tensor, threshold: Any = 0.5) -> Tensor:
    """The share of samples whose largest entry is at the class of y.

    A prediction of one entry says yes or no: above the threshold or not, as in `binary_accuracy`; so does each entry
    where y is a mask, or labels of the shape of p. Where p holds labels, they are compared with those of y.
    """
    check_tensors("accuracy", p, y)
    if p.kind != "label" and is_binary(p, y):
        return yes_or_no("accuracy", p, y, threshold)
    pairs, guess, true = guesses(p, y)
    places = [i for i, _ in pairs]
    right = 1 - Bracket(sp.Ne(guess.read(*places), true.read(*places)))
    return Cost(right, pairs).reduced("mean", None, "accuracy")


def guesses(p: Tensor, y: Tensor) -> tuple[Pairs, Tensor, Tensor]:
    """Samples, and the class of each by p and by y."""
    if p.kind != "label":
        classes = Classes(p, y).checked("accuracy")
        return classes.samples, largest("guess", p), true_class(y)
    true = true_class(y)
    same_shape("accuracy", p, true)
    return list(zip(p.indices, p.shape, strict=True)), p, true


def true_class(y: Tensor) -> Tensor:
    """The class that a label says, or the largest entry of a row."""
    return y if y.kind == "label" else largest("true", y)


def largest(name: str, x: Tensor) -> Tensor:
    """Where the largest entry of each row is."""
    *places, k = x.indices
    return unnamed_tensor(
        name, places, bind("argmax", x.read(*x.indices), (k, x.shape[-1])), x.shape[:-1], kind="label"
    )


def is_binary(p: Tensor, y: Tensor) -> bool:
    """Whether an entry of p stands alone and is no score of one class among several."""
    return p.rank < 2 or p.shape[-1] == 1 or y.kind == "mask" or (y.kind == "label" and y.shape == p.shape)


def binary_accuracy(p: Tensor, y: Tensor, threshold: Any = 0.5) -> Tensor:
    """The share of entries of p that are above the threshold where y is 1, and not above it where y is 0."""
    check_tensors("binary_accuracy", p, y)
    return yes_or_no("binary_accuracy", p, y, threshold)


def yes_or_no(name: str, p: Tensor, y: Tensor, threshold: Any) -> Tensor:
    """The mean over all entries; y may leave out a last axis of length 1."""
    pairs = list(zip(p.indices, p.shape, strict=True))
    if y.shape != p.shape and y.shape != p.shape[: -1 if p.shape[-1:] == (1,) else None]:
        raise ShapeProblem(
            f"{name}: {p!r} against {y!r}", f"give one target for each entry of p, of shape {shape_text(p.shape)}"
        )
    score, target = p.read(*p.indices), y.read(*p.indices[: y.rank])
    above = score > as_formula(threshold)
    right = where(target > sp.S.Half, Bracket(above), Bracket(sp.Not(above)))
    return Cost(over("mean", right, pairs[1:]), pairs[:1]).reduced("mean", None, name)


def top_k(p: Tensor, y: Tensor, k: int = 5) -> Tensor:
    """The share of samples with fewer than k entries larger than that of the class; named top_5 for k = 5."""
    if isinstance(k, bool) or not isinstance(k, (int, sp.Integer)) or k < 1:
        raise FormulaProblem(f"top_k: k is {k!r}", "k is a whole number, 1 or more")
    classes = Classes(p, y).checked("top_k")
    places = [i for i, _ in classes.samples]
    score = p.read(*places, true_class(y).read(*places))
    larger = over("sum", Bracket(p.read(*p.indices) > score), [classes.row])
    return Cost(Bracket(larger < k), classes.samples).reduced("mean", None, f"top_{k}")


def mse(v: Tensor, y: Tensor) -> Tensor:
    """The mean of (v - y)^2."""
    return entrywise("mse", "mean", lambda a, b: (a - b) ** 2, v, y).reduced("mean", None, "mse")


def mae(v: Tensor, y: Tensor) -> Tensor:
    """The mean of |v - y|."""
    return entrywise("mae", "mean", lambda a, b: sp.Abs(a - b), v, y).reduced("mean", None, "mae")
