"""From columns and arrays to one array for a tensor: of its kind, of its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.spec.sources.arrays import Arrays
from symnet.spec.sources.delimited import Columns
from symnet.spec.sources.labels import Labels, allowed, class_count, labels_of, one_hot, out_of_range
from symnet.spec.sources.problems import Found
from symnet.spec.sources.wanted import Want

Array = NDArray[Any]
Classes = Mapping[str, tuple[str, ...]]
LARGEST = 1 << 31  # entries of one-hot rows


@dataclass(frozen=True)
class Made:
    """The array of a tensor, and the names of its classes where they were text."""

    array: Array
    classes: tuple[str, ...] = ()


def takes_texts(want: Want) -> bool:
    """Whether the columns of a tensor name categories: labels, and one-hot rows made of them."""
    if want.tensor.kind == "label":
        return True
    if want.tensor.kind != "onehot" or want.tensor.rank < 2:
        return False
    return fitted(want.rest[:-1], len(want.names)) is not None and not is_one(want)


def is_one(want: Want) -> bool:
    """Whether a single column already is the whole row."""
    return want.tensor.rank == 2 and want.tensor.shape[1] == 1


def fitted(sizes: tuple[sp.Expr, ...], entries: int) -> tuple[int, ...] | None:
    """Sizes as numbers so that they hold so many entries; one of them may be unknown."""
    unknown = [size for size in sizes if not size.is_Integer]
    known = prod(int(size) for size in sizes if size.is_Integer)
    if len(unknown) > 1 or not known or entries % known or (not unknown and entries != known):
        return None
    return tuple(int(size) if size.is_Integer else entries // known for size in sizes)


# -- tables


def from_columns(want: Want, columns: Columns, classes: Classes, found: Found) -> Made:
    """A tensor's array from columns of a table."""
    if want.tensor.rank == 0:
        text = f"{want.name} is a scalar, but a column has a value for each row"
        found.add("E0408", text, "give it an axis for the samples, or its value in the model file")
        return Made(np.zeros(()))
    if takes_texts(want):
        labels = labels_of(want, columns, classes.get(want.name, ()), found)
        return from_labels(want, labels, found)
    values = np.stack([columns.numbers[name] for name in want.names], 1)
    return Made(shaped(want, values, found))


def from_labels(want: Want, labels: Labels, found: Found) -> Made:
    """Labels in a tensor's shape, as one-hot rows where it wants those."""
    onehot = want.tensor.kind == "onehot"
    values = shaped(want, labels.values, found, want.rest[:-1] if onehot else want.rest)
    if not onehot or found.diagnostics:
        return Made(values, labels.classes)
    count = class_count(want) or len(labels.classes) or int(values.max()) + 1
    if values.size * count > LARGEST:
        found.add("E0409", f"{want.name} would have {values.size} rows of {count} classes", "declare it kind: label")
        return Made(values, labels.classes)
    return Made(one_hot(values, count), labels.classes)


def shaped(want: Want, values: Array, found: Found, rest: tuple[sp.Expr, ...] | None = None) -> Array:
    """Values in rows as the tensor's rows; sizes that do not fit are noted."""
    sizes = want.rest if rest is None else rest
    entries = prod(values.shape[1:])
    fit = fitted(sizes, entries)
    if fit is None:
        what = "column" if len(want.names) == 1 else "columns"
        text = f"{want.name} has shape {want.shape}, but {len(want.names)} {what} give {entries} entries for each row"
        found.add("E0408", text, f"they come from {', '.join(want.names[:6])}")
        return values
    return values.reshape(len(values), *fit)


# -- arrays


def from_arrays(want: Want, arrays: Arrays, classes: Classes, found: Found) -> Made:
    """A tensor's array from arrays."""
    parts = [arrays.get(name) for name in want.names]
    if len(parts) > 1 and not side_by_side(want, parts, found):
        return Made(np.zeros(0))
    array = parts[0] if len(parts) == 1 else np.column_stack(parts)
    if array.dtype.kind in "US":
        return from_texts(want, array, classes, found)
    if array.dtype.kind not in "biuf":
        found.add(
            "E0406", f"{want.names[0]!r} holds {array.dtype}, not real numbers", "convert it: array.astype(float)"
        )
        return Made(np.zeros(0))
    if want.tensor.kind == "onehot" and is_labels(want, array):
        return from_whole(want, array, classes, found)
    return Made(reshaped(want, array, found), classes.get(want.name, ()))


def side_by_side(want: Want, parts: list[Array], found: Found) -> bool:
    """Whether several arrays can be columns of one."""
    rows = {len(part) if part.ndim else 0 for part in parts}
    if len(rows) > 1 or any(part.ndim not in (1, 2) for part in parts):
        shapes = ", ".join(f"{n} {p.shape}" for n, p in zip(want.names, parts, strict=True))
        text = f"{want.name}: arrays of these shapes do not stand side by side: {shapes}"
        found.add("E0408", text, "they need as many rows, and one or two axes")
        return False
    return True


def is_labels(want: Want, array: Array) -> bool:
    """Whether an array holds labels of which one-hot rows are to be made."""
    rank = want.tensor.rank
    return array.ndim == rank - 1 or (array.ndim == rank and array.shape[-1] == 1 and want.tensor.shape[-1] != 1)


def from_texts(want: Want, array: Array, classes: Classes, found: Found) -> Made:
    """Texts in an array as labels."""
    if want.tensor.kind not in ("label", "onehot"):
        text = f"{want.names[0]!r} holds texts, but {want.name} needs numbers"
        found.add("E0406", text, "to make categories of text, declare it with kind: onehot or kind: label")
        return Made(np.zeros(0))
    flat = array.reshape(len(array) if array.ndim else 1, -1).astype(str)
    names = tuple(f"{want.names[0]}[{at}]" for at in range(flat.shape[1]))
    columns = Columns({}, dict(zip(names, flat.T.tolist(), strict=True)), None, len(flat))
    split = Want(want.tensor, want.role, want.asked, names if len(names) > 1 else want.names)
    if len(names) == 1:
        columns.texts[want.names[0]] = columns.texts.pop(names[0])
    return from_labels(want, labels_of(split, columns, classes.get(want.name, ()), found), found)


def from_whole(want: Want, array: Array, classes: Classes, found: Found) -> Made:
    """Whole numbers in an array as one-hot rows."""
    values = np.asarray(array)
    wrong = np.argwhere(~np.isfinite(values) | (values != np.floor(values)))
    if len(wrong):
        text = f"{want.names[0]!r} holds {values[tuple(wrong[0])]} at row {wrong[0][0] + 1}"
        found.add("E0407", f"{text}, which is no label", f"labels are whole: {want.name} is declared onehot")
        return Made(np.zeros(0))
    limit = class_count(want)
    bad = out_of_range(values.reshape(-1), limit)
    if len(bad):
        row = int(bad[0]) // max(values.size // len(values), 1)
        text = f"{want.names[0]!r} holds the label {int(values.reshape(-1)[bad[0]])} at row {row + 1}"
        found.add("E0407", f"{text}: allowed {allowed(limit)}", "labels count from 0")
        return Made(np.zeros(0))
    return from_labels(want, Labels(values.astype(np.int64), classes.get(want.name, ())), found)


def reshaped(want: Want, array: Array, found: Found) -> Array:
    """An array as the tensor's: as it is where ranks agree, else with its rows laid out anew."""
    shape = want.tensor.shape
    if array.ndim == len(shape) and all(not s.is_Integer or s == n for s, n in zip(shape, array.shape, strict=True)):
        return array
    fit = None
    if shape and shape[0].is_Integer:
        fit = fitted(shape, array.size)
    elif shape and array.ndim:
        rest = fitted(want.rest, prod(array.shape[1:]))
        fit = None if rest is None else (len(array), *rest)
    if not shape and array.size == 1:
        fit = ()
    if fit is None or (array.ndim == len(shape) and shape and array.ndim > 1):
        text = f"{want.name} has shape {want.shape}, but {want.names[0]!r} is of shape {array.shape}"
        found.add("E0408", text, shape_hint(want, array))
        return array
    return array.reshape(fit)


def shape_hint(want: Want, array: Array) -> str:
    """What to do about an array of another shape."""
    sizes = [int(size) for size in want.rest if size.is_Integer]
    if array.ndim == want.tensor.rank and sorted(sizes) == sorted(array.shape[1:]):
        return "its axes stand in another order: numpy.moveaxis"
    return "declare the shape that the data have; a tensor's first axis runs over the rows"
