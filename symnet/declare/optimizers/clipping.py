r"""Gradients that are too large, cut down before the rule sees them.

by value    g[p] cut to [-c, c]
by norm     g[p]*min(1, c/(||g|| + 1e-6)),    ||g|| = sqrt(Sum g[p]^2) over all parameters together
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symnet.declare import functions as fn
from symnet.declare.notation import as_formula, bind
from symnet.declare.optimizers.rule import Step
from symnet.declare.tensor import define

SMALL = sp.Rational(1, 10**6)


def clip_by_value(s: Step, bound: Any) -> sp.Expr:
    """Each entry of the gradient cut to [-bound, bound]."""
    bound = as_formula(bound)
    clipped: sp.Expr = fn.clip(s.g, -bound, bound)
    return s.entry(f"{s.gradient.name}_clipped", clipped)


def clip_by_norm(s: Step, bound: Any) -> sp.Expr:
    """The gradient, scaled down where its norm is larger than the bound."""
    bound, name = as_formula(bound), s.gradient.name
    pairs = list(zip(s.places, s.parameter.shape, strict=True))
    squares = bind("sum", s.g**2, *pairs) if pairs else s.g**2
    norm = define(f"{name}_norm", (), sp.sqrt(squares)).read() + SMALL
    scale = define(f"{name}_scale", (), fn.where(norm > bound, bound / norm, 1))
    return scale.read() * s.g
