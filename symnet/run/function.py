"""`sn.function`: tensors as a compiled function of NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.core.definition import Node, Program
from symnet.core.inside import Claim, open_claims
from symnet.core.verify import check_names
from symnet.emit.module import FunctionModule, function_module
from symnet.emit.scalar import is_whole_node
from symnet.errors import ValueProblem
from symnet.run.compile import Compiled, load
from symnet.run.values import (
    LabelRanges,
    bystanders,
    check_kind,
    check_labels,
    check_places,
    concrete,
    label_ranges,
    read_values,
    solve_sizes,
)

Array = NDArray[Any]
DTYPES = ("float32", "float64")


class Function:
    """Tensors compiled. Call it with values by name; sizes are read off them.

    `f.source` is the emitted module, `f.schedule` what runs and why, `f.save(path)` writes the module.
    """

    def __init__(
        self, outputs: Any, dtype: str, lower: Callable[[Program], Program], declared: Program | None = None
    ) -> None:
        if dtype not in DTYPES:
            raise ValueProblem(f"dtype={dtype!r} is not known", "there are 'float32' and 'float64'")
        self._asked = outputs
        self._outputs = _listed(outputs)
        self._lower = lower
        self._given = declared
        self.dtype = dtype

    @cached_property
    def _declared(self) -> Program:
        declared = Program.of(self._outputs) if self._given is None else self._given
        check_names(declared)
        return declared

    @cached_property
    def _label_ranges(self) -> LabelRanges:
        return label_ranges(self._declared)

    @cached_property
    def _open_claims(self) -> list[tuple[str, Claim]]:
        return open_claims(self._declared)

    @cached_property
    def _module(self) -> FunctionModule:
        return function_module(self._lower(self._declared), self._outputs, self.dtype, self._declared)

    @cached_property
    def _compiled(self) -> Compiled:
        return load(self._module.source)

    @property
    def inputs(self) -> list[Node]:
        """What has to be given."""
        return list(self._module.inputs)

    @property
    def source(self) -> str:
        """The emitted module."""
        return self._module.source

    @property
    def schedule(self) -> Any:
        """What runs, in order, over which memory, and why."""
        return self._module.schedule

    def save(self, path: str | Path) -> None:
        """Write the emitted module to a file."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.source)

    def __call__(self, values: Mapping[Any, Any] | None = None, **named: Any) -> Any:
        given = {k.name if isinstance(k, Node) else k: v for k, v in {**(values or {}), **named}.items()}
        arrays = read_values(self._declared, given)
        sizes = solve_sizes({**bystanders(self._declared, given), **arrays})
        for node, array in arrays.items():
            if np.iscomplexobj(array):
                raise ValueProblem(f"{node.name} holds complex numbers", "kernels compute with real ones: give .real")
            check_kind(node, array)
            check_labels(node, array, sizes, self._label_ranges)
        check_places(self._open_claims, sizes)
        found = self._run(arrays, sizes)
        results = [found[node] for node in self._outputs]
        if isinstance(self._asked, Mapping):
            return dict(zip(self._asked, results, strict=True))
        return results if isinstance(self._asked, (list, tuple)) else results[0]

    def _run(self, given: Mapping[Node, Array], sizes: Mapping[sp.Symbol, int]) -> dict[Node, Any]:
        module = self._module
        real = np.dtype(self.dtype)
        arrays = [self._argument(node, given[node], real) for node in module.inputs]
        made = {n: np.empty([concrete(s, sizes, n.name) for s in n.shape], _dtype(n, real)) for n in module.arrays}
        scalars = np.zeros(len(module.scalars))
        memory = module.schedule.memory
        lengths = {name: concrete(sp.sympify(size), sizes, "the work array") for name, size in memory.sizes.items()}
        ws, near, wi = np.empty(lengths["ws"], real), np.empty(lengths["near"], real), np.empty(lengths["wi"], np.int64)
        numbers = [concrete(s, sizes, str(s)) for s in module.sizes]
        self._compiled.kernel(*arrays, *(a.ravel() for a in made.values()), scalars, ws, near, wi, *numbers)
        found: dict[Node, Any] = {n: np.array(given[n], _dtype(n, real))[()] for n in self._outputs if n in given}
        found |= made
        for node, value in zip(module.scalars, scalars, strict=True):
            found[node] = int(value) if is_whole_node(node) else float(value)
        return found

    def _argument(self, node: Node, array: Array, real: Any) -> Any:
        if not node.rank:
            return int(array) if is_whole_node(node) else float(array)
        return np.ascontiguousarray(array, _dtype(node, real)).ravel()


def _dtype(node: Node, real: Any) -> Any:
    return np.int64 if is_whole_node(node) else real


def _listed(outputs: Any) -> list[Node]:
    if isinstance(outputs, Mapping):
        return list(outputs.values())
    found: Sequence[Any] = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return list(found)
