"""From what a sample costs to the loss: `1/N Sum_n cost[n]`, `Sum_n cost[n]`, or the costs themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symnet.core.definition import Node, shape_text
from symnet.declare.notation import bind
from symnet.declare.tensor import Tensor, suggest
from symnet.errors import FormulaProblem, KindProblem, ShapeProblem

Pairs = list[tuple[sp.Symbol, sp.Expr]]
Rule = Callable[..., sp.Expr]
REDUCTIONS = ("mean", "sum", "none")


@dataclass(frozen=True)
class Cost:
    """What each sample costs, and the indices and sizes that samples run over."""

    of_sample: sp.Expr
    samples: Pairs

    def reduced(self, reduction: str, sample_weights: Tensor | None, name: str = "loss") -> Tensor:
        """The loss, with the samples averaged, summed or left."""
        cost, places = self.weighted(sample_weights), [i for i, _ in self.samples]
        sizes = [size for _, size in self.samples]
        if reduction not in REDUCTIONS:
            raise FormulaProblem(f"there is no reduction {reduction!r}", f"there are {', '.join(REDUCTIONS)}")
        if reduction == "none":
            return suggest(name, places, cost, sizes)
        return suggest(name, (), over(reduction, cost, self.samples))

    def weighted(self, sample_weights: Tensor | None) -> sp.Expr:
        if sample_weights is None:
            return self.of_sample
        check_tensors("sample_weights", sample_weights)
        shape = tuple(size for _, size in self.samples)
        if sample_weights.shape != shape:
            raise ShapeProblem(
                f"the samples are {shape_text(shape)}, but their weights {sample_weights!r}", "give one weight a sample"
            )
        return self.of_sample * sample_weights.read(*[i for i, _ in self.samples])


def over(op: str, body: sp.Expr, pairs: Pairs) -> sp.Expr:
    """sum, prod or mean over indices; nothing to do where there are none."""
    if not pairs:
        return body
    reduced = bind("sum" if op == "mean" else op, body, *pairs)
    return reduced / sp.Mul(*[size for _, size in pairs]) if op == "mean" else reduced


def check_tensors(who: str, *given: Any) -> None:
    """All of them are tensors."""
    for tensor in given:
        if not isinstance(tensor, Node):
            raise KindProblem(f"{who} takes tensors, but was given {type(tensor).__name__}", "declare it: sn.input")


def entrywise(who: str, op: str, rule: Rule, v: Tensor, y: Tensor, *more: Tensor) -> Cost:
    """A sample's entries by a rule, then their mean, sum or product."""
    check_tensors(who, v, y, *more)
    for other in (y, *more):
        same_shape(who, v, other)
    pairs = list(zip(v.indices, v.shape, strict=True))
    return Cost(over(op, rule(*(x.read(*v.indices) for x in (v, y, *more))), pairs[1:]), pairs[:1])


def same_shape(who: str, v: Tensor, y: Tensor) -> None:
    if v.shape != y.shape:
        raise ShapeProblem(
            f"{who}: {v!r} against {y!r}", "prediction and target need the same shape; there is no broadcasting here"
        )
