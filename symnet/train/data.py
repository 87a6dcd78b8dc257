"""Data sets as the training loop reads them: checked by name and row, converted once, in blocks.

What is laid out right already is not copied, so a memory-mapped file stays one; checks look at some rows at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import DTypeLike, NDArray

from symnet.core.definition import Node, shape_text
from symnet.errors import KindProblem, RangeProblem, ShapeProblem, ValueProblem
from symnet.run.values import KIND_HINTS, LabelRanges, allowed_labels, as_array, check_kind, solve_sizes

Array = NDArray[Any]
Rows = NDArray[np.int64]
BLOCK = 1 << 20  # entries that are looked at together


@dataclass(frozen=True)
class Prepared:
    """Arrays by input, the number of samples, and the sizes they say; the sample axis itself is not among those."""

    arrays: dict[Node, Array]
    count: int
    sizes: dict[sp.Symbol, int]


def prepare(
    nodes: Sequence[Node],
    values: Mapping[Any, Any],
    real: DTypeLike,
    batch: sp.Symbol,
    *,
    allow_nonfinite: bool = False,
    known: Mapping[sp.Symbol, int] | None = None,
    label_ranges: LabelRanges | None = None,
) -> Prepared:
    """Values by name or tensor as arrays of the right layout. Sizes in `known` are settled; `label_ranges`
    say which labels the axes have that are read at them. With no input that has samples there is one sample."""
    given = _given(nodes, values)
    found = solve_sizes(given)
    _check_known(given, found, known or {})
    _check_samples(given, batch)
    sizes = {**(known or {}), **found}
    arrays = {
        node: _prepared(node, a, np.dtype(real), sizes, label_ranges or {}, allow_nonfinite)
        for node, a in given.items()
    }
    return Prepared(arrays, found.get(batch, 1), {s: n for s, n in sizes.items() if s != batch})


def at_rows(array: Array, axes: Sequence[int], rows: Any) -> Array:
    """Some rows of an array, along each of its sample axes."""
    for axis in axes:
        place: list[Any] = [slice(None)] * array.ndim
        place[axis] = rows
        array = array[tuple(place)]
    return array


def sample_axes(node: Node, batch: sp.Symbol) -> list[int]:
    return [a for a, size in enumerate(node.shape) if size == batch]


def packed(data: Prepared, rows: Rows, batch: sp.Symbol) -> tuple[Prepared, Rows]:
    """Data and rows for a kernel, which finds rows in memory by how many take part.

    Where samples are the first axis that does not matter; where they are another one, too, what takes part is copied.
    """
    inner = [node for node in data.arrays if sample_axes(node, batch) not in ([], [0])]
    if not inner or np.array_equal(rows, np.arange(data.count)):
        return data, rows
    arrays = {n: np.ascontiguousarray(at_rows(a, sample_axes(n, batch), rows)) for n, a in data.arrays.items()}
    return Prepared(arrays, len(rows), data.sizes), np.arange(len(rows))


# -- what was given


def _given(nodes: Sequence[Node], values: Mapping[Any, Any]) -> dict[Node, Array]:
    """A value for every input, of its rank; missing ones are named, surplus ones left."""
    by_name = {key.name if isinstance(key, Node) else key: value for key, value in values.items()}
    missing = [node.name for node in nodes if node.name not in by_name]
    if missing:
        given = ", ".join(map(str, by_name)) or "nothing"
        raise ValueProblem(f"no value was given for {', '.join(missing)}", f"given: {given}")
    return {node: _as_numbers(node, by_name[node.name]) for node in nodes}


def _as_numbers(node: Node, value: Any) -> Array:
    """A value as an array of numbers of the right rank."""
    array = value if isinstance(value, np.memmap) else as_array(node.name, value)
    if array.dtype.kind not in "biuf":
        raise ValueProblem(
            f"{node.name} needs real numbers, but was given {array.dtype}",
            "convert it: columns of text to labels first",
        )
    if np.ma.isMaskedArray(value) and np.ma.is_masked(value):
        raise ValueProblem(f"{node.name} holds masked entries", "fill them: .filled(...)")
    if array.ndim != node.rank:
        raise ShapeProblem(f"{node.name} has shape {shape_text(node.shape)}, but was given {array.shape}")
    return array


def _check_known(given: Mapping[Node, Array], found: Mapping[sp.Symbol, int], known: Mapping[sp.Symbol, int]) -> None:
    for size in found:
        if size in known and known[size] != found[size]:
            name, shape = next((n.name, a.shape) for n, a in given.items() if size in n.shape)
            raise ShapeProblem(
                f"{size} is {known[size]}, but {found[size]} in {name} {shape}", "sizes stay as they were first met"
            )


def _check_samples(given: Mapping[Node, Array], batch: sp.Symbol) -> None:
    for node, array in given.items():
        if not array.size:
            what = "samples" if (batch, 0) in zip(node.shape, array.shape, strict=True) else "entries"
            raise ValueProblem(f"{node.name} of shape {array.shape} holds no {what}", "give at least one row of data")


# -- one array


def _prepared(
    node: Node,
    array: Array,
    real: np.dtype[Any],
    sizes: Mapping[sp.Symbol, int],
    ranges: LabelRanges,
    allow_nonfinite: bool,
) -> Array:
    if node.kind == "label":
        _check_labels(node, array, allowed_labels(node, sizes, ranges))
        return _laid_out(node, array, np.dtype(np.int64))
    if not allow_nonfinite:
        _check_finite(node, array)
    _check_kinds(node, array)
    return _laid_out(node, array, real)


def blocks(array: Array) -> Iterator[slice]:
    """Rows in blocks of a bounded number of entries."""
    rows = len(array)
    step = max(1, BLOCK * rows // max(array.size, 1))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def _first(array: Array, wrong: Callable[[Array], Any]) -> tuple[int, ...] | None:
    """The place of the first entry that is wrong; None where there is none."""
    if not array.ndim:
        return () if wrong(array) else None
    for rows in blocks(array):
        found = wrong(array[rows])
        if np.any(found):
            place = np.argwhere(found)[0]
            return (rows.start + int(place[0]), *map(int, place[1:]))
    return None


def _where(place: Sequence[int]) -> str:
    """A place in words, counted from 1."""
    words = [str(p + 1) for p in place]
    if len(words) < 3:
        return "".join(f"{sep}{word}" for sep, word in zip((" at row ", ", column "), words, strict=False))
    return f" at row {words[0]}, entry ({', '.join(words[1:])})"


def _check_finite(node: Node, array: Array) -> None:
    if array.dtype.kind != "f":
        return
    place = _first(array, lambda block: not surely_finite(block) and ~np.isfinite(block))
    if place is not None:
        raise ValueProblem(
            f"{node.name} holds {array[place]}{_where(place)}", "drop or fill such rows, or say allow_nonfinite=True"
        )


def surely_finite(block: Array) -> bool:
    """Whether the sum of all squares is finite, which is found three times as fast; it may be too large, too."""
    if block.dtype not in (np.float32, np.float64) or not block.flags.c_contiguous:
        return False
    flat = block.reshape(-1)
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.dot(flat, flat)))


def _check_labels(node: Node, array: Array, allowed: tuple[int, int] | None) -> None:
    """Labels are whole numbers in their range, before anything reads memory by them."""
    whole = array.dtype.kind in "biu"
    place = None if whole else _first(array, lambda block: ~np.isfinite(block) | (block != np.floor(block)))
    if place is not None:
        raise ValueProblem(f"{node.name} holds labels, but was given {array[place]}{_where(place)}", "labels are whole")
    first, end = allowed or (0, np.iinfo(np.int64).max)
    place = _first(array, lambda block: (block < first) | (block >= end))
    if place is not None:
        words = f"{first}..{end - 1}" if allowed else "0 and more"
        row = f" at row {', '.join(str(p + 1) for p in place)}" if place else ""
        raise RangeProblem(f"label {int(array[place])}{row} of {node.name}: allowed {words}", "labels count from 0")


def _check_kinds(node: Node, array: Array) -> None:
    """Values that break their kind are refused with their row in the whole array."""
    if node.kind not in KIND_HINTS:
        return
    if array.ndim < 2 and (not array.ndim or node.kind in ("onehot", "simplex")):
        check_kind(node, array)
        return
    for rows in blocks(array):
        try:
            check_kind(node, array[rows])
        except KindProblem as broken:
            row = next(r for r in range(rows.start, rows.stop) if _breaks(node, array[r : r + 1]))
            text = f"{node.name} was declared {node.kind}, but its value at row {row + 1} is not"
            raise KindProblem(text, broken.hint) from None


def _breaks(node: Node, rows: Array) -> bool:
    try:
        check_kind(node, rows)
    except KindProblem:
        return True
    return False


# -- layout


def _laid_out(node: Node, array: Array, dtype: np.dtype[Any]) -> Array:
    """C-contiguous and of a type: the array itself where it is so already, else a copy made block by block."""
    if array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned:
        return array
    made = np.empty(array.shape, dtype)
    if array.dtype.kind != "f" or array.dtype.itemsize <= dtype.itemsize:
        made[...] = array
        return made
    with np.errstate(over="ignore"):
        for rows in blocks(array) if array.ndim else [...]:
            made[rows] = array[rows]
            _check_fits(node, array, made, rows)
    return made


def _check_fits(node: Node, array: Array, made: Array, rows: Any) -> None:
    """Finite numbers stay finite."""
    lost = np.isinf(made[rows]) & np.isfinite(array[rows])
    if np.any(lost):
        place = tuple(map(int, np.argwhere(lost)[0])) if array.ndim else ()
        place = (place[0] + rows.start, *place[1:]) if place else ()
        raise ValueProblem(
            f"{node.name} holds {array[place]}{_where(place)}, which is too large for {made.dtype}",
            'scale the data, or say dtype="float64"',
        )


def kernel_view(array: Array) -> Array:
    """The entries in one row, in a view that says it may be written: compiled code refuses read-only memory.

    Files that are mapped for reading are such memory. Nobody may write to the view.
    """
    flat = array.reshape(-1)
    return flat if flat.flags.writeable else np.asarray(_Unlocked(flat))


class _Unlocked:
    """Holds an array and describes its memory as writable."""

    def __init__(self, array: Array) -> None:
        self.array = array
        interface = array.__array_interface__
        self.__array_interface__ = {**interface, "data": (interface["data"][0], False)}
