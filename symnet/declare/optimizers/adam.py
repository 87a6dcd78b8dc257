"""Adam and its kin: running means m of the gradient and v of its square, both without the bias of their start.

    m' := beta1 m + (1 - beta1) g        c := sqrt(1 - beta2^t)
    v' := beta2 v + (1 - beta2) g^2      alpha := lr c/(1 - beta1^t)
    w' := w - alpha m'/(sqrt(v') + c eps)

which is w - lr (m'/(1 - beta1^t))/(sqrt(v'/(1 - beta2^t)) + eps), with one quotient and one root for each entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symnet.core.expr import where
from symnet.declare.notation import as_formula
from symnet.declare.optimizers.base import Optimizer, States, decayed, kept
from symnet.declare.optimizers.rule import Step


def moments(s: Step, g: sp.Expr, beta1: Any, beta2: Any) -> tuple[sp.Expr, sp.Expr]:
    """The next running means of g and of its square."""
    b1, b2 = as_formula(beta1), as_formula(beta2)
    m = s.next("m", b1 * s.state("m") + (1 - b1) * g)
    return m, s.next("v", b2 * s.state("v") + (1 - b2) * g**2)


@dataclass(frozen=True, repr=False)
class Adam(Optimizer):
    """w' := w - lr m^/(sqrt(v^) + eps) of unbiased running means m^ of g and v^ of g^2.

    Weight decay joins the gradient. With `amsgrad` the largest v' so far stands in place of v'.
    """

    lr: Any = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsgrad: bool = field(default=False, kw_only=True)

    def states(self) -> States:
        return (("m", 0.0), ("v", 0.0), *((("v_max", 0.0),) if self.amsgrad else ()))

    def rule(self, s: Step) -> sp.Expr:
        return s.w - self.moved(s, decayed(s, self.weight_decay))

    def moved(self, s: Step, g: sp.Expr) -> sp.Expr:
        """How far an entry moves."""
        m, v = moments(s, g, self.beta1, self.beta2)
        if self.amsgrad:
            v = s.next("v_max", where(v > s.state("v_max"), v, s.state("v_max")))
        c = s.scalar("c", sp.sqrt(1 - as_formula(self.beta2) ** s.t))
        alpha = s.scalar("alpha", s.lr * c / (1 - as_formula(self.beta1) ** s.t))
        return alpha * m / (sp.sqrt(v) + s.scalar("eps_t", as_formula(self.eps) * c))


@dataclass(frozen=True, repr=False)
class AMSGrad(Adam):
    """Adam with the largest v' so far in place of v'."""

    amsgrad: bool = field(default=True, init=False)


@dataclass(frozen=True, repr=False)
class AdamW(Adam):
    """Adam with decoupled decay: w' := (1 - lr weight_decay) w - lr m^/(sqrt(v^) + eps)."""

    weight_decay: float = 0.01

    def rule(self, s: Step) -> sp.Expr:
        return kept(s, self.weight_decay) - self.moved(s, s.g)


@dataclass(frozen=True, repr=False)
class NAdam(Optimizer):
    """Adam with Nesterov's momentum, whose weight mu_t grows with t.

    mu_t := beta1 (1 - 0.96^(t momentum_decay)/2);   product' := mu_1 ... mu_t
    w' := w - lr ((1 - mu_t)/(1 - product') g + mu_{t+1}/(1 - product' mu_{t+1}) m')/(sqrt(v^) + eps)
    """

    lr: Any = 2e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum_decay: float = 4e-3

    def states(self) -> States:
        return (("m", 0.0), ("v", 0.0))

    def scalars(self) -> States:
        return (("product", 1.0),)

    def weight(self, t: sp.Expr) -> sp.Expr:
        """mu at step t."""
        waned = sp.Rational(96, 100) ** (t * as_formula(self.momentum_decay))
        return as_formula(self.beta1) * (1 - waned / 2)

    def rule(self, s: Step) -> sp.Expr:
        g = decayed(s, self.weight_decay)
        m, v = moments(s, g, self.beta1, self.beta2)
        mu, mu_next = s.scalar("mu", self.weight(s.t)), s.scalar("mu_next", self.weight(s.t + 1))
        product = s.next("product", s.state("product") * mu)
        c = s.scalar("c", sp.sqrt(1 - as_formula(self.beta2) ** s.t))
        of_g = s.scalar("alpha_g", s.lr * c * (1 - mu) / (1 - product))
        of_m = s.scalar("alpha_m", s.lr * c * mu_next / (1 - product * mu_next))
        return s.w - (of_g * g + of_m * m) / (sp.sqrt(v) + s.scalar("eps_t", as_formula(self.eps) * c))
