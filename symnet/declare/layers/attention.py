"""Attention; heads are an index h, queries stand at t and keys at s.

    q[n,h,t,e] := Sum_d x[n,t,d]*Wq[d,h,e] + bq[h,e]                          k and v alike, at s
    scores[n,h,t,s]  := Sum_e q[n,h,t,e]*k[n,h,s,e] / sqrt(E)
    weights[n,h,t,s] := [allowed] exp(scores[n,h,t,s]) / Sum_r [allowed] exp(scores[n,h,t,r])
    context[n,h,t,e] := Sum_s weights[n,h,t,s]*v[n,h,s,e]
    h[n,t,d] := Sum_{h,e} context[n,h,t,e]*Wo[h,e,d] + bo[d]

Allowed is s <= t when causal, and mask > 0 where a mask is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symnet.core.definition import shape_text
from symnet.core.index import as_dim, indices
from symnet.declare.functions import exp, sum_, where
from symnet.declare.layers.base import Layer, check_rank
from symnet.declare.tensor import Tensor
from symnet.errors import KindProblem, ShapeProblem

n, t, s, r, d, h, e, f = indices("n t s r d h e f")
Allowed = Callable[[sp.Symbol], Any]


class MultiHeadAttention(Layer):
    """`heads` heads over queries (N, T, D) and keys and values (N, S, ...); `mask` is 1 where a key counts."""

    def __init__(self, heads: Any, causal: bool = False, bias: bool = True, name: str | None = None) -> None:
        super().__init__(name)
        self.heads, self.causal, self.bias = as_dim(heads), causal, bias

    def __call__(
        self, q: Tensor, k: Tensor | None = None, v: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        self.enter(q, "N T D")
        k = q if k is None else k
        v = k if v is None else v
        width = self.head_width(q)
        allowed = self.allowed(q, self.fitting(q, k, v), mask)
        query, key, value = (self.project(*pair, width) for pair in (("q", q, t), ("k", k, s), ("v", v, s)))
        product = sum_(query[n, h, t, e] * key[n, h, s, e], e)
        scores = self.define("scores", (n, h, t, s), product / sp.sqrt(width))
        weights = self.define("weights", (n, h, t, s), self.shares(scores, allowed))
        context = self.define("context", (n, h, t, e), sum_(weights[n, h, t, s] * value[n, h, s, e], s))
        return self.output(context, q.shape[2])

    def head_width(self, q: Tensor) -> sp.Expr:
        """D over heads, which must come out even."""
        width = q.shape[2] / self.heads
        if width.is_integer is False:
            raise ShapeProblem(
                f"{self.name}: the width {q.shape[2]} of {q.name} does not divide into {self.heads} heads",
                "the last axis of q is a multiple of heads",
            )
        return width

    def fitting(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """The keys, once it is sure that q, k and v belong together."""
        for x in (k, v):
            check_rank(self.name, x, "N S D")
            if x.shape[0] != q.shape[0] or x.shape[1] != k.shape[1]:
                raise ShapeProblem(
                    f"{self.name}: {x!r} does not fit the queries {q!r} and keys {k!r}",
                    "q is (N, T, D); k and v are (N, S, ...) with the same N and S",
                )
        if self.causal and k.shape[1] != q.shape[1]:
            raise ShapeProblem(
                f"{self.name} is causal, but has {q.shape[1]} queries and {k.shape[1]} keys",
                "causal attention needs equally many",
            )
        return k

    def project(self, key: str, x: Tensor, place: sp.Symbol, width: sp.Expr) -> Tensor:
        """`<key>[n,h,t,e]`, the projection of x to every head."""
        fan = (x.shape[2], self.heads * width)
        W = self.weight(f"W{key}", (x.shape[2], self.heads, width), None, fan)
        formula = sum_(x[n, place, d] * W[d, h, e], d)
        if self.bias:
            formula += self.weight(f"b{key}", (self.heads, width), "zeros")[h, e]
        return self.define(key, (n, h, place, e), formula)

    def allowed(self, q: Tensor, k: Tensor, mask: Tensor | None) -> Allowed:
        """Which keys a query may look at, as a condition on the key's index."""
        if mask is not None and mask.kind != "mask":
            raise KindProblem(f"{self.name}: {mask.name} is of kind {mask.kind!r}", "declare the mask with kind='mask'")
        shapes = ((q.shape[0], k.shape[1]), (*q.shape[:2], k.shape[1]))
        if mask is not None and mask.shape not in shapes:
            raise ShapeProblem(
                f"{self.name}: the mask {mask!r} fits neither {shape_text(shapes[0])} nor {shape_text(shapes[1])}",
                "a mask has an entry for each sample and key, or for each sample, query and key",
            )

        def condition(key: sp.Symbol) -> Any:
            read = None if mask is None else mask.read(*((n, key) if mask.rank == 2 else (n, t, key)))
            return sp.And(*([key <= t] if self.causal else []), *([] if read is None else [read > 0]))

        return condition

    def shares(self, scores: Tensor, allowed: Allowed) -> sp.Expr:
        """The exponentials of what is allowed, over their sum."""
        own, other = (where(allowed(key), exp(scores[n, h, t, key]), 0) for key in (s, r))
        return own / sum_(other, (r, scores.shape[3]))

    def output(self, context: Tensor, width: sp.Expr) -> Tensor:
        """The heads joined by Wo."""
        heads, size = context.shape[1], context.shape[3]
        W = self.weight("Wo", (heads, size, width), None, (heads * size, width))
        formula = sum_(context[n, h, t, e] * W[h, e, d], h, e)
        if self.bias:
            formula += self.weight("bo", (width,))[d]
        return self.define("h", (n, t, d), formula)
