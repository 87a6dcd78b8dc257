"""Trained runs asked: predictions as a table, and how good they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnet.errors import RunProblem, ValueProblem
from symnet.runs.division import blamed
from symnet.runs.folder import moments_in
from symnet.runs.opened import OpenedRun
from symnet.spec.sources import load_inputs
from symnet.spec.sources.labels import class_count_of
from symnet.train.checkpoint import replace

Array = NDArray[Any]
PREDICTED = "predicted"


@dataclass(frozen=True)
class Table:
    """Predictions: a column for each entry of a row, and the outputs as whole arrays by name."""

    columns: dict[str, Array]
    outputs: dict[str, Array]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return max((len(column) for column in self.columns.values()), default=0)


def predict(run: OpenedRun, data: Path | None = None) -> Table:
    """What a trained model says of data; of the data it was trained on where no file is given."""
    place = run.place
    found = load_inputs(
        run.spec,
        run.spec.data,
        place.base,
        run.classes,
        moments_in(run.facts),
        place.override if data is None else data,
    )
    with blamed(found.source):
        outputs = run.run.predict(found.arrays)
    return tabled(run, outputs, found.count)


def evaluate(run: OpenedRun, data: Path | None = None) -> dict[str, float]:
    """Loss and metrics: on a file, else on the rows held out for testing, else on those of validation, else on all."""
    found = run.dataset(data)
    rows = None if data is not None else held_out(run, found.count)[1]
    with blamed(found.source):
        return run.run.evaluate(found.arrays, rows=rows)


def held_out(run: OpenedRun, count: int) -> tuple[str, NDArray[np.int64]]:
    """The rows that `evaluate` takes where no file is given, and what they are called."""
    division = run.division(count)
    for what in ("test", "validation"):
        if len(rows := getattr(division, what)):
            return what, rows
    return "training", division.train


# -- tables


def tabled(run: OpenedRun, outputs: Mapping[str, Any], count: int) -> Table:
    """Outputs as columns: p_0, p_1, ... or the names of the classes, and the class that is likeliest."""
    arrays = {name: np.asarray(value) for name, value in outputs.items()}
    rows = {name: array for name, array in arrays.items() if array.ndim and len(array) == count}
    named = {name: class_names(run, array) for name, array in rows.items()}
    scores = [name for name, classes in named.items() if classes is not None]
    columns: dict[str, Array] = {}
    for name, array in rows.items():
        classes = named[name] if len(scores) == 1 else None
        columns |= entries(name, array, classes or ())
    for name in scores:
        title = PREDICTED if len(scores) == 1 else f"{name}_{PREDICTED}"
        columns |= entries(title, likeliest(rows[name], named[name] or ()), ())
    if not columns:
        raise ValueProblem("no output of this model has a row for each sample", "name one under outputs:")
    return Table(columns, {**arrays, **({PREDICTED: columns[PREDICTED]} if PREDICTED in columns else {})})


def class_names(run: OpenedRun, array: Array) -> tuple[str, ...] | None:
    """The classes that the last axis of an output runs over; empty where they have no names, None where it does not."""
    targets = [name for name, role in run.spec.roles.items() if role == "target"]
    for name in targets:
        tensor, classes = run.spec.tensors[name], run.classes.get(name, ())
        if tensor.kind not in ("label", "onehot") or array.ndim != tensor.rank + (tensor.kind == "label"):
            continue
        count = len(classes) or class_count_of(tensor) or (array.shape[-1] if array.shape[-1] > 1 else 0)
        if count == array.shape[-1]:
            return classes
    return None


def likeliest(array: Array, classes: tuple[str, ...]) -> Array:
    """The class with the largest entry, by its name where it has one."""
    places = array.argmax(-1)
    return np.asarray(np.array(classes)[places] if classes else places)


def entries(name: str, array: Array, classes: tuple[str, ...]) -> dict[str, Array]:
    """A column for each entry of a row."""
    if array.ndim == 1:
        return {name: array}
    if array.ndim == 2 and classes:
        return {known: array[:, at] for at, known in enumerate(classes)}
    flat = array.reshape(len(array), -1)
    places = product(*map(range, array.shape[1:]))
    return {"_".join(map(str, (name, *place))): flat[:, at] for at, place in enumerate(places)}


def write_table(table: Table, path: Path) -> None:
    """Predictions as a CSV file, or as an archive of arrays; missing folders are made."""
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in (".csv", ".npz"):
        raise RunProblem(f"predictions cannot be written as {ending or path.name!r}", "name a .csv or a .npz file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, table_text(table).encode() if ending == ".csv" else archived(table))
    except OSError as wrong:
        raise RunProblem(f"{path} cannot be written: {wrong.strerror}", "choose another place for it") from None


def table_text(table: Table) -> str:
    """The columns as CSV; numbers have as many digits as they need to be read back."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(zip(*(column.astype(str) for column in table.columns.values()), strict=True))
    return text.getvalue()


def archived(table: Table) -> bytes:
    content = io.BytesIO()
    np.savez(content, **table.outputs)  # type: ignore[arg-type]
    return content.getvalue()
