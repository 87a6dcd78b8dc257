"""Learning rates that change: each a formula of t, the number of the step, counted from 1.

    constant     lr
    step         lr factor^floor((t - 1)/every)
    exponential  lr rate^((t - 1)/every)
    cosine       floor + (lr - floor) (1 + cos(pi (t - 1)/steps))/2   up to t = steps, then floor
    warm_up      t/steps of the schedule's first rate up to t = steps, where the schedule begins

A schedule can be asked: `cosine(0.1, steps=100)(t)`, of a number or within a formula. Any function of t that gives
a formula is a schedule as well: `lr=lambda t: 0.1/sn.sqrt(t)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp

from symnet.core.expr import Bracket, where
from symnet.declare.notation import as_formula
from symnet.declare.optimizers.options import settings_text, settle


def rate_at(lr: Any, t: sp.Expr) -> sp.Expr:
    """The formula of a learning rate, which is a number or a schedule."""
    return as_formula(lr(t) if callable(lr) else lr)


@dataclass(frozen=True, repr=False)
class Schedule:
    """A learning rate by the number of the step."""

    name: ClassVar[str] = "schedule"

    def __post_init__(self) -> None:
        settle(self, self.name, schedules=self.name == "warm_up")

    def at(self, t: sp.Expr) -> sp.Expr:
        """The formula."""
        raise NotImplementedError(type(self).__name__)

    def __call__(self, t: Any) -> Any:
        """The rate of step t: a number for a number, a formula within a formula."""
        value = self.at(as_formula(t))
        return float(value) if value.is_number else value

    def __repr__(self) -> str:
        return f"{self.name}({settings_text(self)})"


@dataclass(frozen=True, repr=False)
class Constant(Schedule):
    """The same rate at every step."""

    name = "constant"
    lr: float

    def at(self, t: sp.Expr) -> sp.Expr:
        return as_formula(self.lr)


@dataclass(frozen=True, repr=False)
class StepDecay(Schedule):
    """lr factor^floor((t - 1)/every): the rate times `factor` after every so many steps."""

    name = "step"
    lr: float
    every: int
    factor: float = 0.1

    def at(self, t: sp.Expr) -> sp.Expr:
        lr, factor, half = as_formula(self.lr), as_formula(self.factor), sp.S.Half
        return lr * factor ** sp.floor((t - half) / self.every)  # half a step on, so that no rounding decides


@dataclass(frozen=True, repr=False)
class Exponential(Schedule):
    """lr rate^((t - 1)/every): the rate times `rate` in every so many steps, a little at each."""

    name = "exponential"
    lr: float
    rate: float
    every: int = 1

    def at(self, t: sp.Expr) -> sp.Expr:
        return as_formula(self.lr) * as_formula(self.rate) ** ((t - 1) / self.every)


@dataclass(frozen=True, repr=False)
class Cosine(Schedule):
    """floor + (lr - floor) (1 + cos(pi (t - 1)/steps))/2: half a wave down to `floor`, which stays."""

    name = "cosine"
    lr: float
    steps: int
    floor: float = 0.0

    def at(self, t: sp.Expr) -> sp.Expr:
        floor = as_formula(self.floor)
        height = (as_formula(self.lr) - floor) / 2
        return floor + Bracket(t <= self.steps) * height * (1 + sp.cos(sp.pi * (t - 1) / self.steps))


@dataclass(frozen=True, repr=False)
class WarmUp(Schedule):
    """t/steps of the first rate while t < steps; at t = steps the schedule begins, as if that were its first step."""

    name = "warm_up"
    lr: Any
    steps: int

    def at(self, t: sp.Expr) -> sp.Expr:
        first = rate_at(self.lr, sp.S.One)
        return where(t < self.steps, first * t / self.steps, rate_at(self.lr, t - self.steps + 1))


constant, step, exponential, cosine, warm_up = Constant, StepDecay, Exponential, Cosine, WarmUp
SCHEDULES: dict[str, type[Schedule]] = {s.name: s for s in (Constant, StepDecay, Exponential, Cosine, WarmUp)}
