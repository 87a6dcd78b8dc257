"""Lion: the sign of a mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symnet.declare.notation import as_formula
from symnet.declare.optimizers.base import Optimizer, States, kept
from symnet.declare.optimizers.rule import Step


@dataclass(frozen=True, repr=False)
class Lion(Optimizer):
    """w' := (1 - lr weight_decay) w - lr sign(beta1 m + (1 - beta1) g);  m' := beta2 m + (1 - beta2) g."""

    lr: Any = 1e-4
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0

    def states(self) -> States:
        return (("m", 0.0),)

    def rule(self, s: Step) -> sp.Expr:
        b1, b2, m, g = as_formula(self.beta1), as_formula(self.beta2), s.state("m"), s.entry("d", s.g)
        s.next("m", b2 * m + (1 - b2) * g)
        return kept(s, self.weight_decay) - s.lr * sp.sign(b1 * m + (1 - b1) * g)
