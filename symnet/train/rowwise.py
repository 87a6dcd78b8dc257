"""Which tensors may be computed for some samples at a time, and how the parts then make the whole.

    fixed    reads nothing that has samples                      the same from any part
    rows     row n is made of row n of the data alone            parts are joined
    mean     1/N Sum_n rows[n], and what is linear in such       parts are averaged, each by its size
    whole    all else: a softmax over samples, the root of a     computed once, from all samples
             mean, a maximum, a sum, a formula that says N or n

For z[n] := x[n]*w + b the tensors z and z[n]**2 are rows, 1/N Sum_n z[n]**2 + w**2 is a mean, and the square root
of that is whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from symnet.core.definition import Definition, Node, Program
from symnet.core.expr import Reduce
from symnet.train.data import sample_axes

FIXED, ROWS, MEAN, WHOLE = "fixed", "rows", "mean", "whole"
SUM = "sum"  # inside a formula only: N times a mean


def parts_by_rows(program: Program, batch: sp.Symbol) -> dict[Node, str]:
    """How each tensor of a program is made of parts of the samples, which `batch` counts.

    All are taken for the best that their shapes allow until a formula says otherwise; what is left then holds for
    recurrences too, by induction over the order in which their entries are computed.
    """
    found = {node: _by_shape(node, batch) for node in (*program.inputs(), *program)}
    changed = True
    while changed:
        changed = False
        for node, definition in program.definitions.items():
            kind = _of_definition(node, definition, found, batch)
            changed = changed or kind != found[node]
            found[node] = kind
    return found


def joined(kind: str, values: Sequence[Any], sizes: Sequence[int], axes: Sequence[int]) -> Any:
    """The value for all samples, from the values for parts of these sizes."""
    if kind == MEAN:
        mean = np.average(values, axis=0, weights=sizes)
        return mean.astype(values[0].dtype) if mean.ndim else mean
    return np.concatenate(values, axis=axes[0]) if kind == ROWS else np.asarray(values[0])[()]


def _by_shape(node: Node, batch: sp.Symbol) -> str:
    """The best that a shape allows: a size such as 2*N cannot be cut."""
    if not any(size.has(batch) for size in node.shape):
        return FIXED
    return ROWS if [size for size in node.shape if size.has(batch)] == [batch] else WHOLE


def _of_definition(node: Node, definition: Definition, found: Mapping[Node, str], batch: sp.Symbol) -> str:
    """What a formula leaves of that."""
    if found[node] == WHOLE:
        return WHOLE
    axes = sample_axes(node, batch)
    kind = _Row(found, batch, definition.indices[axes[0]] if axes else None).kind(definition.formula)
    if axes:
        return ROWS if kind in (FIXED, ROWS) else WHOLE
    return kind if kind in (FIXED, MEAN) else WHOLE


@dataclass(frozen=True)
class _Row:
    """Expressions as they stand at one row: `sample` is its index, None outside of all rows."""

    found: Mapping[Node, str]
    batch: sp.Symbol
    sample: sp.Symbol | None

    def kind(self, expr: sp.Basic) -> str:
        """How the value of an expression is made of parts of the samples."""
        if isinstance(expr, sp.Indexed):
            return self.of_read(expr)
        if isinstance(expr, Reduce):
            return self.of_reduction(expr)
        if isinstance(expr, sp.Symbol):  # as a number: a part would count from its own first sample
            return WHOLE if expr in (self.sample, self.batch) else FIXED
        if isinstance(expr, sp.Mul):
            return self.of_product(expr)
        kinds = {self.kind(arg) for arg in expr.args}
        return _added(kinds) if isinstance(expr, sp.Add) else _together(kinds)

    def of_read(self, read: sp.Indexed) -> str:
        """Rows are read at the row at hand; the other places may be labels of that row."""
        node, places = read.args[0].node, list(read.indices)
        if self.found[node] == ROWS and places.pop(sample_axes(node, self.batch)[0]) != self.sample:
            return WHOLE
        kinds = {self.kind(place) for place in places}
        if self.found[node] == MEAN:
            return MEAN if kinds <= {FIXED} else WHOLE
        return _together({self.found[node], *kinds})

    def of_reduction(self, reduce: Reduce) -> str:
        """A sum over the samples of rows, or any reduction within a row; means may be added up."""
        body, bound = reduce.open()
        over = [(index, size) for index, size in bound if size.has(self.batch)]
        if not over:
            kind = self.kind(body)
            return kind if reduce.op == "sum" else _together({kind})
        if reduce.op != "sum" or [size for _, size in over] != [self.batch] or self.sample in body.free_symbols:
            return WHOLE
        return SUM if replace(self, sample=over[0][0]).kind(body) in (FIXED, ROWS) else WHOLE

    def of_product(self, product: sp.Mul) -> str:
        """A sum over the samples divided by their number is a mean; what is fixed may multiply either."""
        others = [arg for arg in product.args if arg != 1 / self.batch]
        kinds = [self.kind(arg) for arg in others]
        varying = [kind for kind in kinds if kind != FIXED]
        if len(others) < len(product.args):
            return MEAN if varying == [SUM] else WHOLE
        return varying[0] if len(varying) == 1 else _together(set(kinds))


def _added(kinds: set[str]) -> str:
    """The sum of several: of means and what is fixed, or of sums."""
    if MEAN in kinds and kinds <= {MEAN, FIXED}:
        return MEAN
    return SUM if kinds == {SUM} else _together(kinds)


def _together(kinds: set[str]) -> str:
    """Any function of several: rows stay rows."""
    if not kinds <= {FIXED, ROWS}:
        return WHOLE
    return ROWS if ROWS in kinds else FIXED
