"""Losses over classes along the last axis, of labels or of rows of targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symnet.core.expr import Bracket
from symnet.declare import functions as fn
from symnet.declare.losses.cost import Cost, Pairs, Rule, check_tensors, entrywise, over
from symnet.declare.losses.entries import signed
from symnet.declare.notation import as_formula
from symnet.declare.tensor import Tensor
from symnet.errors import KindProblem, ShapeProblem

ROWS = ("onehot", "simplex")


@dataclass(frozen=True)
class Classes:
    """Scores of classes along the last axis, beside labels or rows of targets."""

    scores: Tensor
    target: Tensor

    @property
    def by_label(self) -> bool:
        return self.target.kind == "label"

    @property
    def samples(self) -> Pairs:
        return list(zip(self.scores.indices, self.scores.shape, strict=True))[:-1]

    @property
    def row(self) -> tuple[sp.Symbol, sp.Expr]:
        return self.scores.indices[-1], self.scores.shape[-1]

    def checked(self, who: str) -> Classes:
        """The same, once it is sure that the shapes fit."""
        check_tensors(who, self.scores, self.target)
        needed = self.scores.shape[:-1] if self.by_label else self.scores.shape
        if not self.scores.rank or self.target.shape != needed:
            raise ShapeProblem(
                f"{who}: {self.scores!r} against {self.target!r} of kind {self.target.kind!r}",
                "a target has the shape of the prediction, or is declared kind='label' and has one axis less",
            )
        return self

    def met(self, rule: Rule, weights: Tensor | None = None) -> sp.Expr:
        """The rule at the labelled class, or over all classes in the proportions of the target row."""
        places = [i for i, _ in self.samples]
        if not self.by_label:
            target = self.target.read(*self.scores.indices)
            return self.summed(lambda read: target * rule(read), weights)
        label = self.target.read(*places)
        return class_weight(weights, label) * rule(self.scores.read(*places, label))

    def summed(self, rule: Rule, weights: Tensor | None = None) -> sp.Expr:
        """The rule summed over all classes."""
        entry = rule(self.scores.read(*self.scores.indices))
        return over("sum", class_weight(weights, self.row[0]) * entry, [self.row])

    def cost(self, rule: Rule, weights: Tensor | None, smoothing: Any) -> Cost:
        """What a sample costs, with a share `smoothing` of its target spread over all classes."""
        if weights is not None:
            check_tensors("weights", weights)
        if weights is not None and weights.shape != self.scores.shape[-1:]:
            raise ShapeProblem(f"class weights {weights!r} of {self.row[1]} classes", "give one weight a class")
        share, hard = as_formula(smoothing), self.met(rule, weights)
        if share == 0:
            return Cost(-hard, self.samples)
        return Cost(-(1 - share) * hard - share * self.summed(rule, weights) / self.row[1], self.samples)


def class_weight(weights: Tensor | None, place: sp.Expr) -> sp.Expr:
    return sp.S.One if weights is None else weights.read(place)


def cross_entropy(
    p: Tensor,
    y: Tensor,
    epsilon: Any = 0,
    *,
    weights: Tensor | None = None,
    label_smoothing: Any = 0,
    reduction: str = "mean",
    sample_weights: Tensor | None = None,
) -> Tensor:
    """-Sum_k y_k log(p_k + epsilon) of probabilities p, or -log p at the label; `weights` weigh the classes."""
    eps = as_formula(epsilon)
    classes = Classes(p, y).checked("cross_entropy")
    return classes.cost(lambda a: sp.log(a + eps), weights, label_smoothing).reduced(reduction, sample_weights)


def softmax_cross_entropy(
    z: Tensor,
    y: Tensor,
    *,
    weights: Tensor | None = None,
    label_smoothing: Any = 0,
    reduction: str = "mean",
    sample_weights: Tensor | None = None,
) -> Tensor:
    """Cross entropy of softmax(z), through the logarithm of a sum of exponentials."""
    Classes(z, y).checked("softmax_cross_entropy")
    classes = Classes(fn.log_softmax(z), y)
    return classes.cost(lambda a: a, weights, label_smoothing).reduced(reduction, sample_weights)


def nll(
    log_p: Tensor,
    y: Tensor,
    *,
    weights: Tensor | None = None,
    reduction: str = "mean",
    sample_weights: Tensor | None = None,
) -> Tensor:
    """-Sum_k y_k log_p_k of log-probabilities, or -log_p at the label."""
    return Classes(log_p, y).checked("nll").cost(lambda a: a, weights, 0).reduced(reduction, sample_weights)


def kl_divergence(p: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None) -> Tensor:
    """Sum_k y_k log(y_k/p_k), as -Sum_k y_k log p_k less the target's entropy; 0 log 0 is 0."""
    classes = Classes(p, y).checked("kl_divergence")
    cost = classes.cost(sp.log, None, 0)
    if classes.by_label:
        return cost.reduced(reduction, sample_weights)
    own = y.read(*p.indices)
    information = over("sum", fn.where(own > 0, own * sp.log(own), 0), [classes.row])
    return Cost(information + cost.of_sample, cost.samples).reduced(reduction, sample_weights)


# -- over classes, or entry by entry where the target is no distribution over classes


def over_classes(who: str, v: Tensor, y: Tensor) -> bool:
    """Whether y says a class: by a label, one axis less than v, or by one-hot or simplex rows."""
    check_tensors(who, v, y)
    return y.kind in ROWS or (y.kind == "label" and y.rank == v.rank - 1)


def likelihood(p: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None) -> Tensor:
    """p^y (1-p)^(1-y), multiplied over a sample's entries; over classes Prod_k p_k^y_k. To be maximised."""
    if not over_classes("likelihood", p, y):
        cost = entrywise("likelihood", "prod", lambda a, b: a**b * (1 - a) ** (1 - b), p, y)
        return cost.reduced(reduction, sample_weights)
    classes = Classes(p, y).checked("likelihood")
    if classes.by_label:
        return Cost(classes.met(lambda a: a), classes.samples).reduced(reduction, sample_weights)
    powers = p.read(*p.indices) ** y.read(*p.indices)
    return Cost(over("prod", powers, [classes.row]), classes.samples).reduced(reduction, sample_weights)


def focal(
    z: Tensor,
    y: Tensor,
    gamma: Any = 2,
    *,
    weights: Tensor | None = None,
    reduction: str = "mean",
    sample_weights: Tensor | None = None,
) -> Tensor:
    """-(1 - p_y)^gamma log p_y of logits z: softmax over classes, or sigmoid where y is no distribution."""
    power = as_formula(gamma)
    if over_classes("focal", z, y):
        Classes(z, y).checked("focal")
        classes = Classes(fn.log_softmax(z), y)
        return classes.cost(lambda a: (1 - sp.exp(a)) ** power * a, weights, 0).reduced(reduction, sample_weights)
    if weights is not None:
        raise KindProblem(f"focal: weights are for classes, but {y.name} is of kind {y.kind!r}", "declare labels")

    def rule(a: sp.Expr, b: sp.Expr) -> sp.Expr:
        hit, miss = fn.sigmoid(-a) ** power * fn.log_sigmoid(a), fn.sigmoid(a) ** power * fn.log_sigmoid(-a)
        return -b * hit - (1 - b) * miss

    return entrywise("focal", "mean", rule, z, y).reduced(reduction, sample_weights)


def zero_one(f: Tensor, y: Tensor, *, reduction: str = "mean", sample_weights: Tensor | None = None) -> Tensor:
    """1 for a wrong answer: the largest score is not that of the class, or y f <= 0. It has no gradient."""
    if not over_classes("zero_one", f, y):
        sign = signed("zero_one", y)
        cost = entrywise("zero_one", "mean", lambda a, b: Bracket(sign(b) * a <= 0), f, y)
        return cost.reduced(reduction, sample_weights)
    classes = Classes(f, y).checked("zero_one")
    guess = fn.argmax(f, axis=-1)
    true = y if classes.by_label else fn.argmax(y, axis=-1)
    places = [i for i, _ in classes.samples]
    wrong = Bracket(sp.Ne(guess.read(*places), true.read(*places)))
    return Cost(wrong, classes.samples).reduced(reduction, sample_weights)
