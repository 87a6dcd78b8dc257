"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symnet.declare.notation import as_formula
from symnet.declare.optimizers.base import Optimizer, States, decayed
from symnet.declare.optimizers.rule import Step
from symnet.errors import ValueProblem


@dataclass(frozen=True, repr=False)
class SGD(Optimizer):
    """d := g + weight_decay w;  u' := momentum u + d;  w' := w - lr u', or with `nesterov` w - lr (d + momentum u')."""

    lr: Any = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and self.momentum == 0:
            raise ValueProblem("SGD: nesterov without momentum", "give a momentum above 0, for example 0.9")

    def states(self) -> States:
        return () if self.momentum == 0 else (("u", 0.0),)

    def rule(self, s: Step) -> sp.Expr:
        d = decayed(s, self.weight_decay)
        if self.momentum == 0:
            return s.w - s.lr * d
        mu = as_formula(self.momentum)
        u = s.next("u", mu * s.state("u") + d)
        return s.w - s.lr * (d + mu * u if self.nesterov else u)
