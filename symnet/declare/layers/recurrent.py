"""Recurrences: tensors that read themselves one step before (or behind, when reversed).

    RNN    z := x@W + h'@U + b,  h := tanh(z)                      h' = h[n, t-1, .] where t > 0, else h0 or 0
    LSTM   i, f, o := sigmoid(a_i), sigmoid(a_f), sigmoid(a_o),  g := tanh(a_g),  each a := x@W + h'@U + b
           c := f*c' + i*g,  h := o*tanh(c)
    GRU    r, z := sigmoid(a_r), sigmoid(a_z),  n := tanh(x@Wn + bn + r*(h'@Un + bhn)),  h := (1 - z)*n + z*h'

Each gate has weights of its own (`Wi`, `Ui`, `bi`) and its sum before activation has a name (`ai`), whose adjoint is
the gate's error. What does not depend on h' needs no hoisting by hand: the normal form makes the sum over x a
definition of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symnet.core.definition import shape_text
from symnet.core.index import as_dim, indices
from symnet.declare.functions import sigmoid, sum_, tanh, where
from symnet.declare.layers.base import Container, Layer, entrywise_activation
from symnet.declare.tensor import Tensor, define, tensor, unnamed_tensor
from symnet.errors import KindProblem, ShapeProblem

n, t, d, k, j = indices("n t d k j")
PLACE = (n, t, k)


class Recurrent(Layer):
    """Sequences (N, T, D) to their last state (N, units), or to all of them."""

    def __init__(
        self,
        units: Any,
        return_sequences: bool = False,
        reverse: bool = False,
        bias: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.units, self.return_sequences = as_dim(units), return_sequences
        self.reverse, self.bias = reverse, bias

    def state(self, key: str, x: Tensor) -> Tensor:
        """A state that is named first and defined by itself later."""
        return self.keep(key, tensor(f"{self.scope}.{key}", (*x.shape[:2], self.units)))

    def before(self, state: Tensor, start: Tensor | None, unit: sp.Symbol) -> sp.Expr:
        """The state one step earlier in the layer's direction; the start, or 0, where there is none."""
        needed = (state.shape[0], self.units)
        if start is not None and start.shape != needed:
            raise ShapeProblem(
                f"{self.name} starts from {shape_text(needed)}, but {start!r} was given", "h0 and c0 are (N, units)"
            )
        step, exists = (t + 1, t < state.shape[1] - 1) if self.reverse else (t - 1, t > 0)
        return where(exists, state.read(n, step, unit), 0 if start is None else start.read(n, unit))

    def from_input(self, x: Tensor, gate: str = "") -> sp.Expr:
        """Sum_d x[n,t,d]*W[d,k] + b[k]."""
        W = self.weight(f"W{gate}", (x.shape[2], self.units), None, (x.shape[2], self.units))
        return sum_(x[n, t, d] * W[d, k], d) + self.shift(f"b{gate}")

    def from_state(self, h: Tensor, start: Tensor | None, gate: str = "") -> sp.Expr:
        """Sum_j h'[n,j]*U[j,k]."""
        U = self.weight(f"U{gate}", (self.units, self.units), None, (self.units, self.units))
        return sum_(self.before(h, start, j) * U[j, k], (j, self.units))

    def shift(self, key: str) -> sp.Expr:
        return self.weight(key, (self.units,)).read(k) if self.bias else sp.S.Zero

    def gate(self, key: str, x: Tensor, h: Tensor, start: Tensor | None, rule: Callable[[Any], Any]) -> sp.Expr:
        """A gate, as a read: `a<key>` before and `<key>` after its activation."""
        before = self.define(f"a{key}", PLACE, self.from_input(x, key) + self.from_state(h, start, key), h.shape)
        return self.define(key, PLACE, rule(before.read(*PLACE))).read(*PLACE)

    def result(self, h: Tensor) -> Tensor:
        """All states, or the one that was reached last."""
        if self.return_sequences:
            return h
        return self.define("last", (n, k), h[n, sp.S.Zero if self.reverse else h.shape[1] - 1, k])


class RNN(Recurrent):
    """h := activation(x@W + h'@U + b)."""

    def __init__(
        self,
        units: Any,
        return_sequences: bool = False,
        reverse: bool = False,
        bias: bool = True,
        name: str | None = None,
        *,
        activation: str | Callable[[Any], Any] = "tanh",
    ) -> None:
        super().__init__(units, return_sequences, reverse, bias, name)
        self.activation = entrywise_activation(self.name, activation)

    def __call__(self, x: Tensor, h0: Tensor | None = None) -> Tensor:
        self.enter(x, "N T D")
        h = self.state("h", x)
        z = self.define("z", PLACE, self.from_input(x) + self.from_state(h, h0), h.shape)
        return self.result(define(h, PLACE, self.activation(z[n, t, k])))


class LSTM(Recurrent):
    """Gates i, f, g, o, a cell c and a state h."""

    def __call__(self, x: Tensor, h0: Tensor | None = None, c0: Tensor | None = None) -> Tensor:
        self.enter(x, "N T D")
        h, c = self.state("h", x), self.state("c", x)
        rules = {"i": sigmoid, "f": sigmoid, "g": tanh, "o": sigmoid}
        i, f, g, o = (self.gate(key, x, h, h0, rule) for key, rule in rules.items())
        define(c, PLACE, f * self.before(c, c0, k) + i * g)
        return self.result(define(h, PLACE, o * tanh(c[n, t, k])))


class GRU(Recurrent):
    """Gates r and z, a candidate n, and a state h; r acts after the product with Un."""

    def __call__(self, x: Tensor, h0: Tensor | None = None) -> Tensor:
        self.enter(x, "N T D")
        h = self.state("h", x)
        r, z = (self.gate(key, x, h, h0, sigmoid) for key in "rz")
        held = self.define("hn", PLACE, self.from_state(h, h0, "n") + self.shift("bhn"), h.shape)
        before = self.define("an", PLACE, self.from_input(x, "n") + r * held[n, t, k])
        new = self.define("n", PLACE, tanh(before[n, t, k]))
        return self.result(define(h, PLACE, (1 - z) * new[n, t, k] + z * self.before(h, h0, k)))


class Bidirectional(Container):
    """Two layers of one make, one of them reversed, side by side: `Bidirectional(LSTM, 8, return_sequences=True)`."""

    def __init__(self, layer: Callable[..., Recurrent], *options: Any, name: str | None = None, **named: Any) -> None:
        self.forward = layer(*options, **named)
        if not isinstance(self.forward, Recurrent):
            given = type(self.forward).__name__
            raise KindProblem(f"Bidirectional takes RNN, LSTM or GRU, but was given {given}", "Bidirectional(LSTM, 8)")
        self.backward = layer(*options, reverse=True, **named)
        super().__init__((self.forward, self.backward), name)
        self.rename(self.name)

    def name_children(self, prefix: str) -> None:
        self.forward.rename(f"{self.name}.forward")
        self.backward.rename(f"{self.name}.backward")

    def __call__(self, x: Tensor, training: bool = True) -> Tensor:
        self.enter(x, "N T D")
        return self.keep("h", side_by_side(f"{self.scope}.h", self.forward(x), self.backward(x)))


def side_by_side(name: str, a: Tensor, b: Tensor) -> Tensor:
    """h[..., k] := a[..., k] where k < K, else b[..., k-K]: two tensors joined along their last axis."""
    *rest, last = a.indices
    width = a.shape[-1]
    formula = where(last < width, a.read(*rest, last), b.read(*rest, last - width))
    return unnamed_tensor(name, a.indices, formula, (*a.shape[:-1], width + b.shape[-1])).named(name)
