"""Which sums of products are matrix products, from index sets and strides alone.

    C[m,n] = Sum_k A[m,k]*B[k,n]      in any transposition, with batch axes, with several indices in each place

`matrix_product` is a pure function: it gives the layout of a call to BLAS, or the reason why there is none. A group of
indices counts as one where it is stored without gaps in the same order in each operand; what does not fit becomes a
loop around the call.

    >>> layout = matrix_product(C, A, B)          # with A = Operand(("n", "d"), (D, 1)) and so on
    >>> layout.loops, layout.m, layout.n, layout.k
    ((), ('n',), ('k',), ('d',))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import sympy as sp


@dataclass(frozen=True)
class Operand:
    """A tensor as a matrix product sees it: the stride of each index that it is read at."""

    strides: Mapping[sp.Symbol, sp.Expr]

    def order(self) -> list[sp.Symbol]:
        return list(self.strides)


@dataclass(frozen=True)
class Refusal:
    """Why something is no matrix product."""

    why: str

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True)
class Layout:
    """Loops around a call, and the indices that are its rows, columns and inner axis, each group outermost first."""

    loops: tuple[sp.Symbol, ...]
    m: tuple[sp.Symbol, ...]
    n: tuple[sp.Symbol, ...]
    k: tuple[sp.Symbol, ...]
    adding: bool  # whether a loop runs over a summed index, so that calls add up


def matrix_product(
    target: Operand, left: Operand, right: Operand, extents: Mapping[sp.Symbol, sp.Expr]
) -> Layout | Refusal:
    """How to compute `target = Sum left*right` by matrix products, or why not."""
    held = [set(o.strides) for o in (target, left, right)]
    if held[0] - held[1] - held[2]:
        return Refusal("an index of the result is in neither operand")
    summed = [i for i in left.order() if i not in held[0]]
    if not summed or set(summed) != held[2] - held[0]:
        return Refusal("no index is summed over both operands")
    batch = [i for i in target.order() if i in held[1] and i in held[2]]
    rows = [i for i in target.order() if i in held[1] and i not in batch]
    columns = [i for i in target.order() if i in held[2] and i not in batch]
    if not rows and not columns:
        return Refusal("a product of two vectors for each entry: a loop does as well")
    loops, adding = list(batch), False
    loops += _uncollapsed(rows, (target, left), extents)
    loops += _uncollapsed(columns, (target, right), extents)
    lost = _uncollapsed(summed, (left, right), extents)
    loops, adding = loops + lost, bool(lost)
    for name, operand, groups in (
        ("the result", target, (rows, columns)),
        ("the left operand", left, (rows, summed)),
        ("the right operand", right, (summed, columns)),
    ):
        ends = [operand.strides[g[-1]] for g in groups if g]
        if len(ends) == 2 and sp.S.One not in ends:
            return Refusal(f"{name} is contiguous along neither axis")
    return Layout(tuple(loops), tuple(rows), tuple(columns), tuple(summed), adding)


def _uncollapsed(
    group: list[sp.Symbol], operands: tuple[Operand, ...], extents: Mapping[sp.Symbol, sp.Expr]
) -> list[sp.Symbol]:
    """What must be looped over: the front of a group, taken off until the rest is one axis in all operands."""
    loops = []
    while len(group) > 1 and not all(_is_one_axis(group, operand, extents) for operand in operands):
        loops.append(group.pop(0))
    return loops


def _is_one_axis(group: list[sp.Symbol], operand: Operand, extents: Mapping[sp.Symbol, sp.Expr]) -> bool:
    """Whether walking the indices in this order is walking memory with one stride."""
    return all(
        sp.expand(operand.strides[outer] - operand.strides[inner] * extents[inner]) == 0
        for outer, inner in pairwise(group)
    )
