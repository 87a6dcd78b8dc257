"""Texts and whole numbers as labels, labels as one-hot rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.declare.tensor import Tensor
from symnet.spec.sources.delimited import Columns, is_number
from symnet.spec.sources.problems import Found, listed, shown, suggestion
from symnet.spec.sources.wanted import Want

Array = NDArray[Any]
WHOLE = re.compile(r"[-+]?\d{1,18}(\.0*)?")


@dataclass(frozen=True)
class Labels:
    """Labels, and the names of their classes where they were text."""

    values: NDArray[np.int64]
    classes: tuple[str, ...] = ()


def class_count(want: Want) -> int | None:
    """How many classes were declared, where that is a number."""
    return class_count_of(want.tensor)


def class_count_of(tensor: Tensor) -> int | None:
    """How many classes a tensor of labels or one-hot rows was declared with, where that is a number."""
    size = tensor.shape[-1] if tensor.kind == "onehot" else tensor.info.get("classes")
    return int(size) if isinstance(size, sp.Integer) else None


def labels_of(want: Want, columns: Columns, known: tuple[str, ...], found: Found) -> Labels:
    """Columns of categories as labels: by known classes, as whole numbers, or by their sorted order."""
    texts = [columns.texts[name] for name in want.names]
    distinct = sorted(set().union(*texts))
    numbers = all(WHOLE.fullmatch(text) for text in distinct)
    if known and not (numbers and set(distinct) - set(known)):
        return Labels(np.stack([by_class(name, columns, known, found) for name in want.names], 1), known)
    if numbers:
        values = np.stack([whole(name, columns, class_count(want), found) for name in want.names], 1)
        return Labels(values)
    if all(map(is_number, distinct)):
        for name in want.names:
            not_whole(name, columns, found)
    check_count(want, distinct, found)
    place = {text: at for at, text in enumerate(distinct)}
    return Labels(np.stack([np.array([place[t] for t in column], np.int64) for column in texts], 1), tuple(distinct))


def not_whole(name: str, columns: Columns, found: Found) -> None:
    """Numbers with a fraction are no labels."""
    for row, cell in enumerate(columns.texts[name]):
        if not WHOLE.fullmatch(cell):
            text = f"row {row + 1}, column {name!r}: {shown(cell)} is no label"
            found.add("E0407", text, "labels are whole numbers from 0, or texts", columns.line(row))


def check_count(want: Want, distinct: Sequence[str], found: Found) -> None:
    """Categories must be as many as the classes that were declared."""
    declared = class_count(want)
    if declared is not None and declared != len(distinct) and not found.diagnostics:
        text = f"{', '.join(map(repr, want.names))} holds {len(distinct)} categories ({listed(distinct)})"
        found.add("E0407", f"{text}, but {want.name} has {declared} classes", f"declare {len(distinct)} classes")


def by_class(name: str, columns: Columns, known: Sequence[str], found: Found) -> NDArray[np.int64]:
    """Labels by the classes that training met."""
    place = {text: at for at, text in enumerate(known)}
    values = np.array([place.get(text, -1) for text in columns.texts[name]], np.int64)
    for row in np.flatnonzero(values < 0):
        cell = columns.texts[name][row]
        text = f"row {row + 1}, column {name!r}: {shown(cell)} is none of the classes"
        found.add("E0407", text, suggestion(cell, known), columns.line(int(row)))
    return np.maximum(values, 0)


def whole(name: str, columns: Columns, limit: int | None, found: Found) -> NDArray[np.int64]:
    """Whole numbers as labels, within their range."""
    values = np.array([int(text.partition(".")[0]) for text in columns.texts[name]], np.int64)
    for row in out_of_range(values, limit):
        text = f"row {row + 1}, column {name!r}: label {values[row]}: allowed {allowed(limit)}"
        found.add("E0407", text, "labels count from 0", columns.line(int(row)))
    return values


def out_of_range(values: Array, limit: int | None) -> NDArray[np.int64]:
    return np.flatnonzero((values < 0) | (values >= (np.iinfo(np.int64).max if limit is None else limit)))


def allowed(limit: int | None) -> str:
    return "0 and more" if limit is None else f"0..{limit - 1}"


def one_hot(values: NDArray[np.int64], count: int) -> Array:
    """Rows with a single one."""
    made = np.zeros((*values.shape, count), np.float32)
    np.put_along_axis(made, values[..., None], 1, axis=-1)
    return made
