"""What random programs are made of: names, sizes, scalar functions, a pool of tensors, and values."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

import symnet as sn
from symnet.core.definition import Program

DIMS = ("N", "T", "D", "K", "M")
LETTERS = "abcdefghijklmnopqrstuvw"
NAMES = ("x", "W", "h", "bias", "lambda", "for", "ws", "n_N", "kernel", "real", "β", "s", "x.y", "theta", "max", "i_0")

BOUNDED = (sn.tanh, sn.sin, sn.cos, sn.erf, sn.sigmoid, sn.softsign, lambda v: 1 / (1 + v**2), lambda v: v / (1 + v**2))
SMOOTH = (
    *(sn.softplus, sn.silu, sn.gelu, sn.log_cosh, sn.log_sigmoid, sn.square, sn.mish),
    *(lambda v: sn.exp(v / 2), lambda v: sn.expm1(v / 2), lambda v: sn.cosh(v / 2), lambda v: sn.sinh(v / 3)),
    *(lambda v: sn.log(1 + v**2), lambda v: sn.sqrt(v**2 + 0.5), lambda v: sn.rsqrt(v**2 + 0.4), lambda v: v**3 / 4),
    *(lambda v: (v**2 + 1) ** sp.Rational(3, 2) / 4, lambda v: sn.log1p(v**2) + v / 3, lambda v: sn.log(sn.exp(v) + 1)),
    *(lambda v: 2**v / 3, lambda v: (v**2 + 0.3) ** sp.Rational(1, 3), lambda v: sn.exp(-(v**2)) - v, lambda v: 1 - v),
)
BENT = (
    *(sn.relu, sn.leaky_relu, sn.elu, sn.selu, sn.hard_tanh, sn.abs, lambda v: sn.clip(v, -0.6, 0.7)),
    *(lambda v: sn.maximum(v, 0.2), lambda v: sn.minimum(v, -0.1) + v, lambda v: sn.where(v > 0.3, v, sn.sin(3 * v))),
    *(
        lambda v: sn.where(v > 0.1, sn.log(v), v - 1),
        lambda v: sn.sign(v - 0.1) * v,
        lambda v: (v < 0.2) * v**2 + v / 4,
    ),
)


@dataclass
class Maker:
    """A program in the making."""

    rng: random.Random
    prefix: str = ""
    pool: list[sn.Tensor] = field(default_factory=list)
    unread: list[sn.Tensor] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    dims: tuple[sp.Symbol, ...] = ()

    def __post_init__(self) -> None:
        sizes = self.rng.sample(range(2, 7), len(DIMS))
        self.dims = sn.dims(" ".join(self.prefix + dim for dim in DIMS))
        self.sizes = {dim.name: size for dim, size in zip(self.dims, sizes, strict=True)}

    # -- tensors

    def name(self) -> str:
        free = [name for name in NAMES if name not in self.taken]
        name = self.rng.choice(free) if free and self.rng.random() < 0.5 else f"t{len(self.taken)}"
        self.taken.add(name)
        return self.prefix + name

    def size(self, extent: Any) -> int:
        return int(sp.sympify(extent).subs({dim: self.sizes[dim.name] for dim in self.dims}))

    def given(self, shape: Sequence[Any], kind: str = "real", **info: Any) -> sn.Tensor:
        if kind == "real" and self.rng.random() < 0.5:
            return sn.param(self.name(), shape)
        return sn.input(self.name(), shape, kind=kind, **info)

    def shape(self, *ranks: int) -> tuple[Any, ...]:
        return tuple(self.rng.sample(self.dims, self.rng.choice(ranks)))

    def tensor(self, *ranks: int) -> sn.Tensor:
        """One of the pool, or a new input, of one of these ranks."""
        fitting = [node for node in self.pool if node.rank in ranks]
        if fitting and self.rng.random() < 0.7:
            return self.taken_up(self.rng.choice(fitting))
        return self.shared(self.given(self.shape(*ranks)))

    def shared(self, node: sn.Tensor) -> sn.Tensor:
        """A new input, which later steps may read as well."""
        self.pool.append(node)
        return node

    def taken_up(self, node: sn.Tensor) -> sn.Tensor:
        self.unread = [other for other in self.unread if other is not node]
        return node

    def like(self, shape: Sequence[Any]) -> sn.Tensor:
        """A tensor of just this shape."""
        fitting = [node for node in self.pool if node.shape == tuple(shape)]
        if fitting and self.rng.random() < 0.6:
            return self.taken_up(self.rng.choice(fitting))
        return self.shared(self.given(shape))

    def keep(self, node: Any) -> None:
        """A result of a step; operators give a formula for a scalar."""
        node = node if isinstance(node, sn.Tensor) else self.define((), node)
        self.pool.append(node)
        self.unread.append(node)

    def indices(self, shape: Sequence[Any]) -> tuple[sp.Symbol, ...]:
        return tuple(sn.indices(letter) for letter in self.rng.sample(LETTERS, len(shape)))

    def define(self, indices: Sequence[Any], formula: Any, shape: Any = None) -> sn.Tensor:
        return sn.define(self.name(), tuple(indices), formula, shape)

    # -- scalars

    def tamed(self, value: Any) -> Any:
        """A value that may be large, made small by a bounded function."""
        return self.rng.choice(BOUNDED)(value)

    def function(self, value: Any) -> Any:
        return self.rng.choice(self.rng.choice((BOUNDED, SMOOTH, SMOOTH, BENT)))(value)

    def number(self) -> Any:
        return self.rng.choice((2, -1, 0.5, -0.75, sp.Rational(1, 3), sp.sqrt(2), 1.25))

    def guard(self, places: dict[sp.Symbol, Any]) -> Any:
        """A condition on places: one against another of the same size, or against a number."""
        one = self.rng.choice(list(places))
        twins = [other for other in places if other is not one and places[other] == places[one]]
        if twins and self.rng.random() < 0.8:
            other = self.rng.choice(twins)
            return self.rng.choice((one < other, one >= other, sn.eq(one, other), one <= other + 1))
        return self.rng.choice((one > 0, one < places[one] - 1, one >= 1, sp.Ne(one, 1), 2 * one < places[one]))

    def draw(self, node: Any, seed: int) -> np.ndarray:
        """Values by the kind of a tensor, from its name and the seed."""
        rng = np.random.default_rng([seed, zlib.crc32(node.name.removeprefix(self.prefix).encode())])
        shape = [self.size(extent) for extent in node.shape]
        if node.kind == "label":
            return rng.integers(0, self.size(node.info["classes"]), shape)
        if node.kind == "mask":
            return rng.integers(0, 2, shape).astype(float)
        if node.kind == "onehot":
            return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
        if node.kind == "simplex":
            return rng.dirichlet(np.ones(shape[-1]), shape[:-1])
        return rng.uniform(0.4, 1.8, shape) if node.kind == "positive" else rng.uniform(-1.5, 1.5, shape)

    # -- the end

    def loss(self) -> sn.Tensor:
        """What nobody read, as a scalar."""
        parts = []
        for node in self.unread:
            places = self.indices(node.shape)
            value = node[places] if places else node
            value = self.rng.choice((value, value**2, self.tamed(value), value * self.number()))
            weighed = self.rng.random() < 0.4
            if weighed and places:
                value = value * self.given(node.shape)[places]
            reduced = self.rng.choice((sn.mean, sn.sum))(value, *places) if places else value
            parts.append(reduced * self.number() if self.rng.random() < 0.3 else reduced)
        known = {size for node in Program.of(self.unread).inputs() for size in node.shape}
        unsaid = dict.fromkeys(s for node in self.pool for s in node.shape if s in self.dims and s not in known)
        for size in unsaid:  # a value that says the size
            parts.append(sn.mean(self.given((size,))[sn.indices("i")], sn.indices("i")) / 9)
        total = sn.tanh(parts[0]) * 2 + sp.Add(*parts[1:]) if len(parts) > 2 else sp.Add(*parts)
        return sn.define(f"{self.prefix}L", (), total)
