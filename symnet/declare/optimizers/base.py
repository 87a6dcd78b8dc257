"""What optimizers share: a rule of a few lines for one entry of the parameters, made into definitions.

A rule speaks of one entry w, its gradient g and its states, and of the number t of the step, counted from 1:

    def rule(self, s):
        u = s.next("u", mu * s.state("u") + s.g)      # u_next[p] := mu*u[p] + g[p]
        return s.w - s.lr * u                         # w_next[p] := w[p] - eta*u_next[p]

What depends on the step alone, as the learning rate eta does, is a rank-0 definition of its own (`s.scalar`), so that
it is computed once a step. It is named beside t: of a t named "step.t" it is "step.eta".

The gradient that a rule sees has been clipped by value, then by norm, then negated where the loss is maximised.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import sympy as sp

from symnet.core.definition import Node, Program, shape_text
from symnet.core.fingerprint import fingerprint
from symnet.declare.notation import as_formula
from symnet.declare.optimizers.clipping import clip_by_norm, clip_by_value
from symnet.declare.optimizers.options import NUMBERS, settings_text, settle
from symnet.declare.optimizers.rule import Step
from symnet.declare.optimizers.schedules import rate_at
from symnet.declare.tensor import Tensor, input_tensor, param
from symnet.errors import FormulaProblem, ShapeProblem

States = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Update:
    """The next parameters, the next states by name, and the learning rate of the step."""

    w: Tensor
    states: Mapping[str, Tensor]
    lr: Tensor


@dataclass(frozen=True, repr=False)
class Optimizer:
    """A way to the next parameters: hyper-parameters, and a formula of what each entry becomes."""

    lr: Any = 0.01
    clip_value: float | None = field(default=None, kw_only=True)
    clip_norm: float | None = field(default=None, kw_only=True)
    maximise: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        settle(self, type(self).__name__, schedules=True)

    def states(self) -> States:
        """What is remembered of each entry, with initial values."""
        return ()

    def scalars(self) -> States:
        """What is remembered once for all entries, with initial values."""
        return ()

    def rule(self, s: Step) -> sp.Expr:
        """What one entry becomes; next states are said by `s.next`."""
        raise NotImplementedError(type(self).__name__)

    def update(self, w: Tensor, g: Tensor, t: Tensor, states: Mapping[str, Tensor]) -> Update:
        """The definitions of one step, of parameters w with gradient g; t counts steps from 1."""
        self.check(w, g, t, states)
        s = Step(w, g, t, states, dict(self.scalars()))
        s.lr = s.scalar("eta", rate_at(self.lr, s.t))
        s.g = self.prepared(s)
        following = s.next_of(w, self.rule(s))
        return Update(following, dict(s.made), s.lr.node)

    def prepared(self, s: Step) -> sp.Expr:
        """The gradient, clipped and turned uphill as asked."""
        if self.clip_value is not None:
            s.g = clip_by_value(s, self.clip_value)
        if self.clip_norm is not None:
            s.g = clip_by_norm(s, self.clip_norm)
        return -s.g if self.maximise else s.g

    def check(self, w: Tensor, g: Tensor, t: Tensor, states: Mapping[str, Tensor]) -> None:
        """The tensors of a step have the shapes that a step needs."""
        wanted = {**dict.fromkeys(dict(self.states()), w.shape), **dict.fromkeys(dict(self.scalars()), ())}
        missing = [name for name in wanted if name not in states]
        if missing:
            raise FormulaProblem(f"{self!r} needs the states {', '.join(missing)}", "give a tensor for each")
        pairs = [(g, w.shape), (t, ()), *((states[name], shape) for name, shape in wanted.items())]
        for tensor, shape in pairs:
            if not isinstance(tensor, Node) or tensor.shape != shape:
                raise ShapeProblem(f"{self!r}: {tensor!r}, but the step needs the shape {shape_text(shape)}")

    def formulas(self, named: bool = False) -> list[Tensor]:
        """One step of parameters of P entries, for reading: next states, then next parameters.

        `named=True` writes hyper-parameters by name, beta1 in place of 0.9.
        """
        rule = self.with_names() if named else self
        size = ("P",)
        states = {name: Tensor(name, size, role="state") for name, _ in self.states()}
        states |= {name: Tensor(name, (), role="state") for name, _ in self.scalars()}
        t = input_tensor("t", (), kind="positive")
        update = rule.update(param("w", size), input_tensor("g", size), t, states)
        return [*update.states.values(), update.w]

    def signature(self) -> str:
        """What it does, whatever it is called: the formulas of a step, and what states begin with."""
        return f"{fingerprint(Program.of(self.formulas()))}\n{self.states()} {self.scalars()}"

    def with_names(self) -> Optimizer:
        """The same with scalar tensors for hyper-parameters, save those that are 0 and the learning rate."""
        result = copy.copy(self)
        for f in fields(self):
            if f.name in NUMBERS and f.name != "lr" and getattr(self, f.name):
                object.__setattr__(result, f.name, param(f.name, ()))
        return result

    def __repr__(self) -> str:
        return f"{type(self).__name__}({settings_text(self)})"


def decayed(s: Step, decay: Any) -> sp.Expr:
    """g + decay w: weight decay as the gradient of decay/2 ||w||^2."""
    return s.entry("d", s.g if decay == 0 else s.g + as_formula(decay) * s.w)


def kept(s: Step, decay: Any) -> sp.Expr:
    """(1 - lr decay) w: weight decay beside the gradient, not through it."""
    return s.w if decay == 0 else s.scalar("kappa", 1 - s.lr * as_formula(decay)) * s.w
