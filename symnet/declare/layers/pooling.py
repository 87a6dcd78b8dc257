"""The largest entry of a window, or their mean.

    MaxPool2d   h[n,c,i,j] := Max_{u,v} x[n, c, s*i+u, s*j+v]
    AvgPool2d   h[n,c,i,j] := Sum_{u,v} x[n, c, s*i+u-p, s*j+v-p] / (U*V)

Padding of a mean counts zeros. Padding of a maximum repeats the edge, which leaves every maximum as it is, since the
edge lies in the window as well; axis by axis, `rows[n,c,i,j] := x[n, c, clip(i-p, 0, H-1), j]`.
"""

from __future__ import annotations

import sympy as sp

from symnet.core.index import indices
from symnet.declare.functions import max_, sum_, where
from symnet.declare.layers.base import Layer
from symnet.declare.layers.window import Sizes, guarded_read, windows
from symnet.declare.tensor import Tensor
from symnet.errors import ShapeProblem

n, c, i, j, u, v = indices("n c i j u v")


class Pooling(Layer):
    """A window over (N, C, H, W); it moves by its own size unless told."""

    def __init__(self, size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, name: str | None = None) -> None:
        super().__init__(name)
        self.rows, self.columns = windows(self.name, 2, size, size if stride is None else stride, padding)

    def shape(self, x: Tensor) -> tuple[sp.Expr, ...]:
        height, width = x.shape[2:]
        return (*x.shape[:2], self.rows.positions(self.name, height), self.columns.positions(self.name, width))


class AvgPool2d(Pooling):
    """The mean over a window; what lies outside counts as 0."""

    def __call__(self, x: Tensor) -> Tensor:
        self.enter(x, "N C H W")
        a, b = self.rows, self.columns
        inside = a.inside(i, u, x.shape[2]) + b.inside(j, v, x.shape[3])
        read = guarded_read(x, (n, c, a.place(i, u), b.place(j, v)), inside)
        return self.define("h", (n, c, i, j), sum_(read, (u, a.size), (v, b.size)) / (a.size * b.size), self.shape(x))


class MaxPool2d(Pooling):
    """The largest entry of a window; what lies outside does not count."""

    def __init__(self, size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, name: str | None = None) -> None:
        super().__init__(size, stride, padding, name)
        for window in (self.rows, self.columns):
            if 2 * window.padding > window.size:
                raise ShapeProblem(
                    f"{self.name}: padding {window.padding} is more than half of a window of {window.size}",
                    "a window needs an entry to take the maximum of",
                )

    def __call__(self, x: Tensor) -> Tensor:
        self.enter(x, "N C H W")
        a, b, shape = self.rows, self.columns, self.shape(x)
        x = self.extended("rows", x, 2, a.padding)
        x = self.extended("columns", x, 3, b.padding)
        body = x[n, c, a.stride * i + u, b.stride * j + v]
        return self.define("h", (n, c, i, j), max_(body, (u, a.size), (v, b.size)), shape)

    def extended(self, key: str, x: Tensor, axis: int, padding: int) -> Tensor:
        """x with both edges of an axis repeated `padding` times."""
        if not padding:
            return x
        size, place = x.shape[axis], (n, c, i, j)[axis] - padding

        def at(other: sp.Expr) -> sp.Expr:
            return x.read(*(other if a == axis else s for a, s in enumerate((n, c, i, j))))

        inner = where((place >= 0) & (place < size), at(place), 0)
        formula = where(place < 0, at(sp.S.Zero), 0) + inner + where(place >= size, at(size - 1), 0)
        return self.define(key, (n, c, i, j), formula, (*x.shape[:axis], size + 2 * padding, *x.shape[axis + 1 :]))
