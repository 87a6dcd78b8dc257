"""Convolution, as a sum over channels and offsets.

    z[n,o,i,j] := Sum_{c,u,v} x[n, c, s*i+d*u-p, s*j+d*v-p]*W[o,c,u,v] + b[o]

With padding p > 0 the read stands behind [0 <= s*i+d*u-p <= H-1] and so on. Groups are an index g: each takes
C/G channels in and gives O/G out, and z picks the group that its channel belongs to:

    groups[n,g,m,i,j] := Sum_{c,u,v} x[n, g*C/G+c, ...]*W[g*O/G+m, c, u, v]
    z[n,o,i,j]        := Sum_g [0 <= o-g*O/G < O/G] groups[n, g, o-g*O/G, i, j] + b[o]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symnet.core.index import as_dim, indices
from symnet.declare.functions import sum_, where
from symnet.declare.layers.base import Activation, Layer, activation_of, positive_int
from symnet.declare.layers.window import Sizes, guarded_read, windows
from symnet.declare.tensor import Tensor
from symnet.errors import ShapeProblem

n, o, c, g, m = indices("n o c g m")
OUT, OFFSET = indices("i j"), indices("u v")


class Convolution(Layer):
    """A window over `rank` axes; channels stand right behind the samples, or last."""

    rank = 2
    axes = "N C H W"
    channels_last = False

    def __init__(
        self,
        channels: Any,
        kernel: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        activation: Activation = None,
        bias: bool = True,
        name: str | None = None,
        *,
        init: Any = None,
    ) -> None:
        super().__init__(name)
        self.channels, self.activation, self.bias, self.init = as_dim(channels), activation, bias, init
        self.windows = windows(self.name, self.rank, kernel, stride, padding, dilation)
        self.groups = positive_int(self.name, "groups", groups)
        activation_of(self.name, activation)

    def __call__(self, x: Tensor) -> Tensor:
        self.enter(x, self.axes)
        extents = x.shape[1:-1] if self.channels_last else x.shape[2:]
        sizes = [w.positions(self.name, extent) for w, extent in zip(self.windows, extents, strict=True)]
        channels_in = x.shape[-1] if self.channels_last else x.shape[1]
        inner, outer = self.per_group(channels_in), self.per_group(self.channels)
        field = [w.size for w in self.windows]
        fan = (inner * sp.Mul(*field), self.channels * sp.Mul(*field))
        W = self.weight("W", (self.channels, inner, *field), self.init, fan)
        if self.groups == 1:
            formula = self.products(x, W, c, o, inner)
        elif inner == outer == 1:
            formula = self.products(x, W, o, o, inner)
        else:
            formula = self.picked(x, W, inner, outer, sizes)
        if self.bias:
            formula += self.weight("b", (self.channels,)).read(o)
        left = self.layout(n, o, OUT[: self.rank])
        shape = self.layout(x.shape[0], self.channels, sizes)
        return self.activate(self.activation, self.define("z", left, formula, shape))

    def layout(self, sample: Any, channel: Any, places: Sequence[Any]) -> tuple[Any, ...]:
        return (sample, *places, channel) if self.channels_last else (sample, channel, *places)

    def per_group(self, channels: sp.Expr) -> sp.Expr:
        if (channels / self.groups).is_integer is False:
            raise ShapeProblem(
                f"{self.name}: {channels} channels do not divide into {self.groups} groups",
                "channels in and out are multiples of groups",
            )
        return channels / self.groups

    def products(self, x: Tensor, W: Tensor, into: sp.Expr, out: sp.Expr, inner: sp.Expr) -> sp.Expr:
        """The sum over channels and offsets, x read at channel `into` and W at channel `out`."""
        extents = x.shape[1:-1] if self.channels_last else x.shape[2:]
        axes = list(zip(self.windows, OUT, OFFSET, extents, strict=False))
        places = [w.place(i, u) for w, i, u, _ in axes]
        inside = [condition for w, i, u, extent in axes for condition in w.inside(i, u, extent)]
        read = guarded_read(x, self.layout(n, into, places), inside)
        offsets = [(u, w.size) for w, _, u, _ in axes]
        if into == out:
            return sum_(read * W.read(out, 0, *[u for u, _ in offsets]), *offsets)
        return sum_(read * W.read(out, c, *[u for u, _ in offsets]), (c, inner), *offsets)

    def picked(self, x: Tensor, W: Tensor, inner: sp.Expr, outer: sp.Expr, sizes: Sequence[sp.Expr]) -> sp.Expr:
        """The products of every group, and from them the channel o."""
        left = (n, g, m, *OUT[: self.rank])
        formula = self.products(x, W, g * inner + c, g * outer + m, inner)
        each = self.define("groups", left, formula, (x.shape[0], self.groups, outer, *sizes))
        mine = (o - g * outer >= 0) & (o - g * outer < outer)
        return sum_(where(mine, each.read(n, g, o - g * outer, *OUT[: self.rank]), 0), (g, self.groups))


class Conv2d(Convolution):
    """A convolution of pictures (N, C, H, W)."""


class Conv1d(Convolution):
    """A convolution along time of sequences (N, T, D); W is (channels, D, kernel)."""

    rank = 1
    axes = "N T D"
    channels_last = True
