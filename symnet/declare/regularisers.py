"""Regularisers: what large weights cost.

    l1           s Sum |W|
    l2           s/2 Sum W^2
    elastic_net  s (ratio Sum |W| + (1 - ratio)/2 Sum W^2)

`reduction="sum"` is meant here unless told: "mean" divides by the number of entries, "none" leaves them.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symnet.declare.losses.cost import Cost
from symnet.declare.notation import as_formula
from symnet.declare.tensor import Tensor


def penalty(name: str, W: Tensor, entry: sp.Expr, reduction: str) -> Tensor:
    """The cost of every entry, reduced over all of them."""
    return Cost(entry, list(zip(W.indices, W.shape, strict=True))).reduced(reduction, None, name)


def l1(W: Tensor, s: Any = 1, *, reduction: str = "sum") -> Tensor:
    """s Sum |W|"""
    return penalty("l1", W, as_formula(s) * sp.Abs(W.read(*W.indices)), reduction)


def l2(W: Tensor, s: Any = 1, *, reduction: str = "sum") -> Tensor:
    """s/2 Sum W^2"""
    return penalty("l2", W, as_formula(s) * W.read(*W.indices) ** 2 / 2, reduction)


def elastic_net(W: Tensor, s: Any = 1, ratio: Any = sp.S.Half, *, reduction: str = "sum") -> Tensor:
    """s (ratio Sum |W| + (1 - ratio)/2 Sum W^2)"""
    read, share = W.read(*W.indices), as_formula(ratio)
    entry = as_formula(s) * (share * sp.Abs(read) + (1 - share) * read**2 / 2)
    return penalty("elastic_net", W, entry, reduction)
