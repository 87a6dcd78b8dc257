"""What an optimizer's rule is written in: reads at one entry of the parameters, and definitions made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import sympy as sp

from symnet.declare.tensor import Tensor, define, suggest


@lru_cache(maxsize=256)
def shared_scalar(name: str, formula: sp.Expr) -> Tensor:
    """A rank-0 definition of the step; parameters that are updated one by one share those that are equal."""
    return define(name, (), formula)


class Step:
    """One step as a rule sees it: `w` and `g` at one entry, `t` the number of the step, `lr` its learning rate."""

    def __init__(self, w: Tensor, g: Tensor, t: Tensor, given: Mapping[str, Tensor], common: Iterable[str]) -> None:
        self.parameter, self.gradient, self.counter, self.given = w, g, t, given
        self.common = frozenset(common)  # states of all entries together
        self.places = w.indices
        self.made: dict[str, Tensor] = {}
        self.w, self.g, self.t = w.read(*self.places), g.read(*self.places), t.read()
        self.lr: sp.Expr = sp.S.Zero

    def state(self, name: str) -> sp.Expr:
        """A state before the step."""
        return self.given[name].read(*(() if name in self.common else self.places))

    def next(self, name: str, formula: sp.Expr) -> sp.Expr:
        """A state after the step, by its formula."""
        given = self.given[name]
        if name in self.common:
            self.made[name] = shared_scalar(f"{given.name}_next", formula)
            return self.made[name].read()
        self.made[name] = self.next_of(given, formula)
        return self.made[name].read(*self.places)

    def next_of(self, given: Tensor, formula: sp.Expr) -> Tensor:
        """`<name>_next`, what a tensor becomes."""
        return define(f"{given.name}_next", self.places, formula, self.parameter.shape)

    def scalar(self, name: str, formula: sp.Expr) -> sp.Expr:
        """A rank-0 definition of t, the learning rate and common states, named beside t."""
        scope, dot, _ = self.counter.name.rpartition(".")
        return shared_scalar(scope + dot + name, formula).read()

    def entry(self, name: str, formula: sp.Expr) -> sp.Expr:
        """An intermediate result of each entry; its name is a suggestion, and is lost where it is used once."""
        if isinstance(formula, sp.Indexed):
            return formula
        return suggest(name, self.places, formula, self.parameter.shape).read(*self.places)
