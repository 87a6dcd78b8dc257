"""Tensors of a model asked for over rows of data: a few thousand rows at a time, where that gives the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from symnet.core.definition import Node
from symnet.declare.tensor import Tensor
from symnet.pipeline import lower
from symnet.run.function import Function
from symnet.train.data import Prepared, at_rows, sample_axes
from symnet.train.rowwise import WHOLE, joined, parts_by_rows
from symnet.train.step import Parts, eval_program

Array = NDArray[Any]
CHUNK = 4096


class Asked:
    """Tensors by name, compiled as they are when nothing is trained."""

    def __init__(self, tensors: Mapping[str, Tensor], parts: Parts, dtype: str) -> None:
        program = eval_program(list(tensors.values()), parts)
        by_rows = parts_by_rows(program, parts.batch)
        self.batch = parts.batch
        self.tensors = dict(tensors)
        self.function = Function(list(tensors.values()), dtype, lambda _: lower(program), program)
        self.kinds = [by_rows[tensor] for tensor in tensors.values()]
        stored = {*parts.params, *parts.held}
        self.data: list[Node] = [node for node in self.function.inputs if node not in stored]

    def over(self, prepared: Prepared, rows: Array | None, values: Mapping[str, Array]) -> dict[str, Any]:
        """Their values over some rows of data, all unless given, with these parameters."""
        count = prepared.count if rows is None else len(rows)
        step = count if WHOLE in self.kinds else CHUNK
        found, sizes = [], []
        for start in range(0, count, step):
            part = slice(start, start + step)
            chosen = part if rows is None else rows[part]
            given = {n.name: at_rows(prepared.arrays[n], sample_axes(n, self.batch), chosen) for n in self.data}
            given |= {n.name: values[n.name] for n in self.function.inputs if n.name in values}
            found.append(self.function(given))
            sizes.append(min(step, count - start))
        return {
            name: joined(kind, of_parts, sizes, sample_axes(tensor, self.batch))
            for (name, tensor), kind, of_parts in zip(
                self.tensors.items(), self.kinds, zip(*found, strict=True), strict=True
            )
        }
