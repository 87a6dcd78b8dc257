"""Values given from outside: as arrays of the right rank and kind, and the sizes that they say.

A value that breaks what was declared is refused by name, with its row: the formulas rest on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.core.definition import Node, Program, shape_text
from symnet.core.inside import Claim, guarded_reads, label_range
from symnet.errors import KindProblem, RangeProblem, ShapeProblem, ValueProblem

Array = NDArray[Any]
LabelRanges = Mapping[Node, tuple[sp.Expr, sp.Expr]]
ROWS = 1e-6
KIND_HINTS = {
    "onehot": "each row holds a single 1 and zeros",
    "mask": "a mask holds zeros and ones",
    "simplex": "each row sums to 1",
    "positive": "every entry is above 0",
}


def read_values(program: Program, values: Mapping[str, Any], complex_step: bool = False) -> dict[Node, Array]:
    """Values of the inputs as arrays of the right rank; missing ones are named."""
    inputs = program.inputs()
    missing = [node.name for node in inputs if node.name not in values]
    if missing:
        raise ValueProblem(
            f"no value was given for {', '.join(missing)}", f"given: {', '.join(map(str, values)) or 'nothing'}"
        )
    result = {}
    for node in inputs:
        array = as_array(node.name, values[node.name])
        if array.dtype == object or array.dtype.kind in "USV":
            raise ValueProblem(f"{node.name} needs numbers, but was given {array.dtype}")
        if array.ndim != node.rank:
            raise ShapeProblem(f"{node.name} has shape {shape_text(node.shape)}, but was given {array.shape}")
        result[node] = as_labels(node, array) if node.kind == "label" else as_numbers(array, complex_step)
    return result


def as_array(name: str, value: Any) -> Array:
    """A value as an array; ragged rows are refused by name."""
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueProblem(f"the value of {name} is no array: its rows have unequal lengths") from None


def bystanders(program: Program, values: Mapping[str, Any]) -> dict[Node, Array]:
    """Inputs of what the outputs were derived from, whose values say sizes even where they are not read."""
    roots: dict[Node, None] = {}
    todo = [*program.outputs, *program]
    while todo:
        node = todo.pop()
        found = [node.info[key] for key in ("root", "adjoint_of") if key in node.info]
        found += node.info.get("operands", ())
        todo += [other for other in found if other not in roots]
        roots.update(dict.fromkeys(found))
    nodes = [node for node in Program.of(roots).inputs() if node.name in values] if roots else []
    return {node: array for node in nodes if (array := np.asarray(values[node.name])).ndim == node.rank}


def check_kind(node: Node, array: Array) -> None:
    """Values that break the kind that was declared are refused: the formulas rest on it."""
    if array.dtype.kind not in "biufc" or array.ndim != node.rank:
        return
    bits = (array == 0) | (array == 1)
    broken = {
        "onehot": ~bits if node.rank == 0 else ~bits | (abs(array.sum(axis=-1, keepdims=True) - 1) > ROWS),
        "mask": ~bits,
        "simplex": abs(array.sum(axis=-1, keepdims=True) - 1) > ROWS if node.kind == "simplex" else bits,
        "positive": np.real(array) <= 0,
    }.get(node.kind)
    if broken is not None and np.any(broken):
        place = ", ".join(str(i + 1) for i in np.argwhere(broken)[0])
        raise KindProblem(
            f"{node.name} was declared {node.kind}, but its value at row {place} is not", KIND_HINTS[node.kind]
        )


def as_numbers(array: Array, complex_step: bool) -> Array:
    return array.astype(complex if complex_step or np.iscomplexobj(array) else float)


def as_labels(node: Node, array: Array) -> Array:
    """Labels as integers; anything else is refused."""
    labels = np.real(array)
    if not np.all(np.equal(np.mod(labels, 1), 0)):
        raise ValueProblem(
            f"{node.name} holds labels, but was given {labels.ravel()[np.argmax(labels.ravel() % 1 != 0)]}"
        )
    return labels.astype(np.int64)


def label_ranges(program: Program) -> LabelRanges:
    """For each label tensor that is read in a place: the first label allowed, and one after the last.

    Behind a condition on the label itself, it only has to be one of the axis.
    """
    found: dict[Node, tuple[sp.Expr, sp.Expr]] = {}
    for definition_of, definition in program.definitions.items():
        box = dict(zip(definition.indices, definition_of.shape, strict=True))
        for read, ranges, gates in guarded_reads(definition.formula, box):
            for axis, place in enumerate(read.indices):
                for label in place.atoms(sp.Indexed):
                    allowed = label_range(read, axis, label, ranges)
                    if allowed is None or any(gate.has(label) for gate in gates):
                        allowed = sp.S.Zero, read.args[0].node.shape[axis]
                    first, end = found.get(label.args[0].node, allowed)
                    found[label.args[0].node] = sp.Max(first, allowed[0]), sp.Min(end, allowed[1])
    return found


def allowed_labels(node: Node, sizes: Mapping[sp.Symbol, int], ranges: LabelRanges) -> tuple[int, int] | None:
    """The first label allowed and one after the last, by the classes of a tensor and by the axes that it is read on."""
    first, end = ranges.get(node, (sp.S.Zero, sp.oo))
    end = sp.Min(end, node.info.get("classes", sp.oo))
    if node.kind != "label" or end == sp.oo:
        return None
    return concrete(first, sizes, node.name), concrete(end, sizes, node.name)


def check_labels(node: Node, array: Array, sizes: Mapping[sp.Symbol, int], ranges: LabelRanges | None = None) -> None:
    """Labels outside their classes, or outside an axis, are refused by row, before anything reads memory by them."""
    allowed = allowed_labels(node, sizes, ranges or {})
    if allowed is None:
        return
    first, end = allowed
    bad = np.argwhere((array < first) | (array >= end))
    if len(bad):
        place = ", ".join(map(str, bad[0] + 1))
        raise RangeProblem(f"label {array[tuple(bad[0])]} at row {place} of {node.name}: allowed {first}..{end - 1}")


def solve_sizes(given: Mapping[Node, Array]) -> dict[sp.Symbol, int]:
    """Sizes of the dims from the shapes of the values, each axis agreeing with all others."""
    sizes: dict[sp.Symbol, tuple[int, str]] = {}
    for node, array in given.items():
        for dim, size in zip(node.shape, array.shape, strict=True):
            if not isinstance(dim, sp.Symbol):
                continue
            known = sizes.setdefault(dim, (size, node.name))
            if known[0] != size:
                raise ShapeProblem(f"{dim} is {known[0]} in {known[1]}, but {size} in {node.name} {array.shape}")
    found = {dim: size for dim, (size, _) in sizes.items()}
    for node, array in given.items():
        for dim, size in zip(node.shape, array.shape, strict=True):
            if concrete(dim, found, node.name) != size:
                raise ShapeProblem(f"{node.name} has shape {shape_text(node.shape)}, but was given {array.shape}")
    return found


def check_places(claims: Iterable[tuple[str, Claim]], sizes: Mapping[sp.Symbol, int]) -> None:
    """What sizes decide of the places that formulas read: outside of an axis nothing may be read."""
    for name, claim in claims:
        counts = [concrete(extent, sizes, name) for extent in claim.ranges.values()]
        numbers = {dim: concrete(dim, sizes, name) for dim in claim.dims}
        grid = dict(zip(claim.ranges, np.ogrid[tuple(slice(n) for n in counts)], strict=True))
        if np.any(claim.broken({**numbers, **grid})):
            extent = concrete(claim.extent, sizes, name)
            at = ", ".join(f"{dim} = {size}" for dim, size in sorted(numbers.items(), key=str))
            raise RangeProblem(
                f"{name} reads {claim.read}, but with {at} the place {claim.place} leaves the axis of {extent} entries",
                "guard the read with sn.where, or give values of other sizes",
            )


def concrete(dim: sp.Expr, sizes: Mapping[sp.Symbol, int], name: str) -> int:
    """A dim as a number."""
    value = dim.xreplace({s: sp.Integer(v) for s, v in sizes.items()})
    if not value.is_Integer:
        unknown = ", ".join(sorted(map(str, value.free_symbols)))
        raise ShapeProblem(f"the size {unknown} of {name} is not known", "give a value whose shape says it")
    return int(value)
