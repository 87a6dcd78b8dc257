"""Optimizers that divide by the size that gradients have had: Adagrad, RMSProp, Adadelta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symnet.declare.notation import as_formula
from symnet.declare.optimizers.base import Optimizer, States, decayed
from symnet.declare.optimizers.rule import Step


@dataclass(frozen=True, repr=False)
class Adagrad(Optimizer):
    """v' := v + g^2;  w' := w - lr g/(sqrt(v') + eps), with lr/(1 + (t - 1) lr_decay) for lr; v begins as `initial`."""

    lr: Any = 0.01
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial: float = 0.0
    eps: float = 1e-10

    def states(self) -> States:
        return (("v", self.initial),)

    def rule(self, s: Step) -> sp.Expr:
        g = decayed(s, self.weight_decay)
        v = s.next("v", s.state("v") + g**2)
        rate = s.lr
        if self.lr_decay != 0:
            rate = s.scalar("alpha", s.lr / (1 + (s.t - 1) * as_formula(self.lr_decay)))
        return s.w - rate * g / (sp.sqrt(v) + as_formula(self.eps))


@dataclass(frozen=True, repr=False)
class RMSProp(Optimizer):
    """v' := alpha v + (1 - alpha) g^2;  w' := w - lr g/(sqrt(v') + eps).

    `centered` takes the square of a running mean m off v', and with `momentum` the quotients run through
    u' := momentum u + g/(sqrt(v') + eps).
    """

    lr: Any = 0.01
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False

    def states(self) -> States:
        m = (("m", 0.0),) if self.centered else ()
        u = (("u", 0.0),) if self.momentum != 0 else ()
        return (("v", 0.0), *m, *u)

    def rule(self, s: Step) -> sp.Expr:
        g, alpha = decayed(s, self.weight_decay), as_formula(self.alpha)
        spread = s.next("v", alpha * s.state("v") + (1 - alpha) * g**2)
        if self.centered:
            spread -= s.next("m", alpha * s.state("m") + (1 - alpha) * g) ** 2
        u = g / (sp.sqrt(spread) + as_formula(self.eps))
        if self.momentum != 0:
            u = s.next("u", as_formula(self.momentum) * s.state("u") + u)
        return s.w - s.lr * u


@dataclass(frozen=True, repr=False)
class Adadelta(Optimizer):
    """Steps of the size that steps have had.

    v' := rho v + (1 - rho) g^2;  d := g sqrt(a + eps)/sqrt(v' + eps)
    a' := rho a + (1 - rho) d^2;  w' := w - lr d
    """

    lr: Any = 1.0
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0

    def states(self) -> States:
        return (("v", 0.0), ("a", 0.0))

    def rule(self, s: Step) -> sp.Expr:
        g, rho, eps = decayed(s, self.weight_decay), as_formula(self.rho), as_formula(self.eps)
        v = s.next("v", rho * s.state("v") + (1 - rho) * g**2)
        d = s.entry("delta", sp.sqrt(s.state("a") + eps) / sp.sqrt(v + eps) * g)
        s.next("a", rho * s.state("a") + (1 - rho) * d**2)
        return s.w - s.lr * d
