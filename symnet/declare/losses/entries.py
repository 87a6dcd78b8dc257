"""Losses that compare prediction and target entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symnet.declare import functions as fn
from symnet.declare.losses.cost import check_tensors, entrywise
from symnet.declare.notation import as_formula
from symnet.declare.tensor import Tensor

ZERO_ONE = ("label", "mask", "onehot")


def signed(who: str, y: Tensor) -> Callable[[sp.Expr], sp.Expr]:
    """Targets as +1 and -1: 2y - 1 of what is declared to be 0 or 1."""
    check_tensors(who, y)
    return (lambda read: 2 * read - 1) if y.kind in ZERO_ONE else (lambda read: read)


def squared_error(v: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None) -> Tensor:
    """1/2 ||v - y||^2 of each sample."""
    cost = entrywise("squared_error", "sum", lambda a, b: (a - b) ** 2 / 2, v, y)
    return cost.reduced(reduction, sample_weights)


def mse(v: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None) -> Tensor:
    """The mean of (v - y)^2."""
    return entrywise("mse", "mean", lambda a, b: (a - b) ** 2, v, y).reduced(reduction, sample_weights)


def mae(v: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None) -> Tensor:
    """The mean of |v - y|."""
    return entrywise("mae", "mean", lambda a, b: sp.Abs(a - b), v, y).reduced(reduction, sample_weights)


def huber(
    v: Tensor, y: Tensor, delta: Any = 1, *, reduction: str = "mean", sample_weights: Tensor | None = None
) -> Tensor:
    """r^2/2 where |r| <= delta, else delta (|r| - delta/2), of r = v - y."""
    bend = as_formula(delta)

    def rule(a: sp.Expr, b: sp.Expr) -> sp.Expr:
        size = sp.Abs(a - b)
        return fn.where(size <= bend, (a - b) ** 2 / 2, bend * (size - bend / 2))

    return entrywise("huber", "mean", rule, v, y).reduced(reduction, sample_weights)


def log_cosh(v: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None) -> Tensor:
    """The mean of log(cosh(v - y))."""
    return entrywise("log_cosh", "mean", lambda a, b: fn.log_cosh(a - b), v, y).reduced(reduction, sample_weights)


def binary_cross_entropy(
    p: Tensor, y: Tensor, epsilon: Any = 0, *, reduction: str = "mean", sample_weights: Tensor | None = None
) -> Tensor:
    """-(y log(p + epsilon) + (1 - y) log(1 - p + epsilon)) of probabilities p, averaged over a sample's entries."""
    eps = as_formula(epsilon)

    def rule(a: sp.Expr, b: sp.Expr) -> sp.Expr:
        return -(b * sp.log(a + eps) + (1 - b) * sp.log(1 - a + eps))

    return entrywise("binary_cross_entropy", "mean", rule, p, y).reduced(reduction, sample_weights)


log_loss = binary_cross_entropy


def bce_with_logits(z: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None) -> Tensor:
    """Binary cross entropy of sigmoid(z): softplus(z) - y z."""
    cost = entrywise("bce_with_logits", "mean", lambda a, b: fn.softplus(a) - b * a, z, y)
    return cost.reduced(reduction, sample_weights)


def hinge(f: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None) -> Tensor:
    """max(0, 1 - y f) of targets +1 and -1."""
    sign = signed("hinge", y)
    return entrywise("hinge", "mean", lambda a, b: fn.relu(1 - sign(b) * a), f, y).reduced(reduction, sample_weights)


def squared_hinge(f: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None) -> Tensor:
    """max(0, 1 - y f)^2 of targets +1 and -1."""
    sign = signed("squared_hinge", y)
    cost = entrywise("squared_hinge", "mean", lambda a, b: fn.relu(1 - sign(b) * a) ** 2, f, y)
    return cost.reduced(reduction, sample_weights)


def perceptron(f: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None) -> Tensor:
    """max(0, -y f) of targets +1 and -1."""
    sign = signed("perceptron", y)
    return entrywise("perceptron", "mean", lambda a, b: fn.relu(-sign(b) * a), f, y).reduced(reduction, sample_weights)


def gaussian_nll(
    mean: Tensor,
    y: Tensor,
    log_var: Tensor,
    *,
    full: bool = False,
    reduction: str = "mean",
    sample_weights: Tensor | None = None,
) -> Tensor:
    """(log_var + (y - mean)^2 exp(-log_var))/2, and log(2 pi)/2 where `full`."""
    constant = sp.log(2 * sp.pi) if full else sp.S.Zero

    def rule(a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr:
        return (c + (b - a) ** 2 * sp.exp(-c) + constant) / 2

    return entrywise("gaussian_nll", "mean", rule, mean, y, log_var).reduced(reduction, sample_weights)


def poisson_nll(
    log_rate: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None
) -> Tensor:
    """exp(log_rate) - y log_rate."""
    cost = entrywise("poisson_nll", "mean", lambda a, b: sp.exp(a) - b * a, log_rate, y)
    return cost.reduced(reduction, sample_weights)
