"""How weights move: scikit-learn's two rules, with every number a scalar of the running kernel.

    sgd     u' := momentum u - rate g;   w' := w + u',  or with `nesterov`  w + momentum u' - rate g
    adam    w' := w - alpha m'/(sqrt(v') + eps),   alpha := rate sqrt(1 - beta2^t)/(1 - beta1^t)

A learning rate, a momentum or a beta is a scalar state that each step leaves as it is: the kernel reads it from an
array that its caller fills, so one kernel serves all values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symnet.declare.optimizers.base import Optimizer, States
from symnet.declare.optimizers.rule import Step


@dataclass(frozen=True, repr=False)
class Adjustable(Optimizer):
    """An optimizer whose numbers are given while it runs."""

    def numbers(self, given: Any) -> list[float]:
        """Their values, in the order of `scalars`, from an estimator's parameters."""
        raise NotImplementedError(type(self).__name__)

    def number(self, s: Step, name: str) -> sp.Expr:
        """A number of this step, which is the next step's as well."""
        s.next(name, s.state(name))
        return s.state(name)


@dataclass(frozen=True, repr=False)
class Velocity(Adjustable):
    """Gradient descent with momentum, where the velocity holds the learning rates at which it was gained."""

    nesterov: bool = False

    def states(self) -> States:
        return (("u", 0.0),)

    def scalars(self) -> States:
        return (("rate", 0.0), ("momentum", 0.0))

    def numbers(self, given: Any) -> list[float]:
        return [given.learning_rate_init, given.momentum]

    def rule(self, s: Step) -> sp.Expr:
        rate, mu = self.number(s, "rate"), self.number(s, "momentum")
        u = s.next("u", mu * s.state("u") - rate * s.g)
        return s.w + (mu * u - rate * s.g if self.nesterov else u)


@dataclass(frozen=True, repr=False)
class Moments(Adjustable):
    """Adam, with its small number beside the root as it is."""

    def states(self) -> States:
        return (("m", 0.0), ("v", 0.0))

    def scalars(self) -> States:
        return (("rate", 0.0), ("b1", 0.0), ("b2", 0.0), ("small", 0.0))

    def numbers(self, given: Any) -> list[float]:
        return [given.learning_rate_init, given.beta_1, given.beta_2, given.epsilon]

    def rule(self, s: Step) -> sp.Expr:
        rate, b1, b2, small = (self.number(s, name) for name, _ in self.scalars())
        m = s.next("m", b1 * s.state("m") + s.scalar("rest1", 1 - b1) * s.g)
        v = s.next("v", b2 * s.state("v") + s.scalar("rest2", 1 - b2) * s.g**2)
        alpha = s.scalar("alpha", rate * sp.sqrt(1 - b2**s.t) / (1 - b1**s.t))
        return s.w - alpha * m / (sp.sqrt(v) + small)


def optimizer_of(given: Any) -> Adjustable:
    """The rule that an estimator's parameters ask for."""
    return Moments() if given.solver == "adam" else Velocity(nesterov=given.nesterovs_momentum and given.momentum > 0)
