"""What a sample costs, by the name of a loss.

A network ends in scores z. A loss speaks of z itself, of probabilities p (softmax or sigmoid of z), of their logarithms
l, or of values v; `HEADS` says which. The cost of a sample sums its outputs, so that several outputs or labels weigh
as much as one each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from symnet.declare import functions as fn
from symnet.declare import losses
from symnet.declare.notation import bind
from symnet.declare.tensor import Tensor, define
from symnet.errors import ShapeProblem
from symnet.estimator.parameters import ParameterProblem, meant
from symnet.train.weighted import reweighted

Loss = str | Callable[..., Tensor]
SOFTMAX, LOGISTIC, IDENTITY, EXP = "softmax", "logistic", "identity", "exp"
# by kind of output: the loss, and what it is a loss of
CLASSES: dict[str, tuple[Callable[..., Tensor], str]] = {
    **dict.fromkeys(("log_loss", "softmax_cross_entropy"), (losses.softmax_cross_entropy, "z")),
    "cross_entropy": (losses.cross_entropy, "p"),
    "nll": (losses.nll, "l"),
    "focal": (losses.focal, "z"),
    "kl_divergence": (losses.kl_divergence, "p"),
}
LABELS: dict[str, tuple[Callable[..., Tensor], str]] = {
    **dict.fromkeys(("log_loss", "bce_with_logits", "softmax_cross_entropy"), (losses.bce_with_logits, "z")),
    **dict.fromkeys(("cross_entropy", "binary_cross_entropy"), (losses.binary_cross_entropy, "p")),
    "focal": (losses.focal, "z"),
    **{name: (getattr(losses, name), "z") for name in ("hinge", "squared_hinge", "perceptron")},
    **{name: (getattr(losses, name), "p") for name in ("squared_error", "mse", "mae", "huber", "log_cosh")},
}
VALUES: dict[str, tuple[Callable[..., Tensor], str]] = {
    **{name: (getattr(losses, name), "z") for name in ("squared_error", "mse", "mae", "huber", "log_cosh")},
    **dict.fromkeys(("poisson", "poisson_nll"), (losses.poisson_nll, "z")),
}
BY_OUTPUT = {SOFTMAX: CLASSES, LOGISTIC: LABELS, IDENTITY: VALUES, EXP: VALUES}
SUMMED = ("squared_error",)  # a sample costs the sum of its outputs already


def link(z: Tensor, output: str) -> Tensor:
    """What a network with scores z predicts."""
    if output == IDENTITY:
        return z
    made: Tensor = {SOFTMAX: fn.softmax, LOGISTIC: fn.sigmoid, EXP: fn.exp}[output](z)
    return made


def output_of(loss: Loss, usual: str) -> str:
    """Rates are exponentials of scores; all else ends as usual."""
    return EXP if usual == IDENTITY and loss in ("poisson", "poisson_nll") else usual


def cost_of(loss: Loss, z: Tensor, y: Tensor, output: str) -> Tensor:
    """The cost of each sample, or what a user's own loss gives: that, or a scalar that is a mean over the samples."""
    if callable(loss):
        return own_cost(loss, link(z, output) if output == EXP else z, y)
    table = BY_OUTPUT[output]
    if loss not in table:
        raise unknown_loss(loss, output)
    rule, of = table[loss]
    v = {"z": lambda: z, "p": lambda: link(z, output), "l": lambda: fn.log_softmax(z)}[of]()
    cost: Tensor = rule(v, y, reduction="none")
    if output == SOFTMAX or loss in SUMMED or z.shape[-1] == 1:
        return cost
    n = cost.indices
    return define("cost", n, cost.read(*n) * z.shape[-1])


def own_cost(loss: Callable[..., Tensor], v: Tensor, y: Tensor) -> Tensor:
    """The tensor that a user's own loss makes."""
    made = loss(v, y)
    if not isinstance(made, Tensor) or made.rank > 1 or (made.rank and made.shape[0] != v.shape[0]):
        found = repr(made) if isinstance(made, Tensor) else type(made).__name__
        raise ShapeProblem(
            f"a loss gave {found}", "it takes the scores and the targets, and gives a scalar or a cost for each sample"
        )
    return made


def unknown_loss(loss: Any, output: str) -> ParameterProblem:
    known = sorted(BY_OUTPUT[output])
    hint = f"{meant(loss, known)}there are {', '.join(known)}, or a function of the scores and the targets"
    return ParameterProblem(f"there is no loss {loss!r} for such targets", hint)


def weighted_mean(cost: Tensor, w: Tensor, alpha: Tensor, penalised: Sequence[Tensor]) -> Tensor:
    """(Sum_n w[n]*cost[n] + alpha/2*Sum W^2) / Sum_n w[n]; a scalar cost has its samples weighted inside."""
    size, n = w.shape[0], w.indices[0]
    total = bind("sum", w.read(n), (n, size))
    counted = define("fit.total", (), total).read()
    if cost.rank:
        met = bind("sum", w.read(n) * cost.read(n), (n, size)) / counted
    else:
        met = reweighted(cost, define("fit.share", (n,), w.read(n) * size / counted), size).read()
    if not penalised:
        return define("fit.loss", (), met)
    # the sum over samples stands at the root: what a loss averages over first is its sample axis
    return define("fit.loss", (), met + alpha.read() * penalty(penalised) / (2 * total))


def penalty(penalised: Sequence[Tensor]) -> sp.Expr:
    """Sum W^2 over all of them."""
    parts = [bind("sum", W.read(*W.indices) ** 2, *zip(W.indices, W.shape, strict=True)) for W in penalised]
    return sp.Add(*[define(f"fit.{W.name}", (), part).read() for W, part in zip(penalised, parts, strict=True)])
