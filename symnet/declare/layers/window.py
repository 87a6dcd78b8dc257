"""A window that slides along an axis: position i and offset u meet at `stride*i + dilation*u - padding`.

    positions = floor((extent + 2*padding - dilation*(size - 1) - 1)/stride) + 1

What is read outside the axis counts as 0, behind a guard that stands there only if there is padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.logic.boolalg import Boolean

from symnet.declare.functions import where
from symnet.declare.layers.base import positive_int
from symnet.declare.tensor import Tensor
from symnet.errors import ShapeProblem

Sizes = int | Sequence[int]


@dataclass(frozen=True)
class Window:
    """One axis of a sliding window."""

    size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def span(self) -> int:
        return self.dilation * (self.size - 1) + 1

    def positions(self, who: str, extent: sp.Expr) -> sp.Expr:
        """How often it fits; a floor only where a stride needs one."""
        room = extent + 2 * self.padding - self.span
        if room.is_negative:
            raise ShapeProblem(
                f"{who}: a window of {self.span} does not fit an axis of {extent} with padding {self.padding}",
                "take a smaller kernel or dilation, or more padding",
            )
        return (room if self.stride == 1 else sp.floor(room / self.stride)) + 1

    def place(self, i: sp.Symbol, u: sp.Symbol) -> sp.Expr:
        return self.stride * i + self.dilation * u - self.padding

    def inside(self, i: sp.Symbol, u: sp.Symbol, extent: sp.Expr) -> list[Boolean]:
        """What must hold for the place to lie on the axis; nothing where there is no padding."""
        place = self.place(i, u)
        return [place >= 0, place <= extent - 1] if self.padding else []


def windows(who: str, rank: int, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes = 1) -> tuple[Window, ...]:
    """A window for each axis; one number stands for all of them."""
    sizes = per_axis(who, "kernel", rank, size)
    strides = per_axis(who, "stride", rank, stride)
    paddings = per_axis(who, "padding", rank, padding, least=0)
    dilations = per_axis(who, "dilation", rank, dilation)
    return tuple(map(Window, sizes, strides, paddings, dilations))


def per_axis(who: str, what: str, rank: int, value: Sizes, least: int = 1) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, Sequence) else (value,) * rank
    if len(values) != rank:
        raise ShapeProblem(f"{who}: {what} has {len(values)} entries for {rank} axes", "give one, or one for each axis")
    return tuple(positive_int(who, what, v, least) for v in values)


def guarded_read(x: Tensor, places: Sequence[sp.Expr], inside: Sequence[Boolean]) -> sp.Expr:
    """The read where it lies inside, else 0."""
    read = x.read(*places)
    return where(sp.And(*inside), read, 0) if inside else read
