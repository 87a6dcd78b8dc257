"""Trained runs asked: predictions as a table, and how good they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, product
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
Entries = list[tuple[str, Array]]
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


def tabled(run: OpenedRun, outputs: Mapping[str, Any], samples: int) -> Table:
    """Outputs as columns: p_0, p_1, ... or the names of the classes, and the class that is likeliest."""
    arrays = {name: np.asarray(value) for name, value in outputs.items()}
    rows = {name: array for name, array in arrays.items() if array.ndim and len(array) == samples}
    named = {name: class_names(run, array) for name, array in rows.items()}
    titles = titled([name for name, classes in named.items() if classes is not None], arrays)
    said = {title: likeliest(rows[name], named[name] or ()) for name, title in titles.items()}
    answers = dict(pair for title, array in said.items() for pair in entries(title, array, ()))
    parts = {name: entries(name, array, named[name] or ()) for name, array in rows.items()}
    if len(titles) == 1:
        (scores,) = titles
        parts[scores] = by_classes(scores, named[scores] or (), parts, answers)
    columns: dict[str, Array] = {}
    for title, column in chain(*parts.values()):
        columns[free([title], {*columns, *answers})] = column
    columns |= answers
    if not columns:
        raise ValueProblem("no output of this model has a row for each sample", "name one under outputs:")
    return Table(columns, {**arrays, **(said if len(said) == 1 else {})})


def titled(scores: Sequence[str], outputs: Collection[str]) -> dict[str, str]:
    """What the likeliest class by each output is called: predicted, or p_predicted where that says something else."""
    short = [PREDICTED] if len(scores) == 1 else []
    return {name: free([*short, f"{name}_{PREDICTED}"], outputs) for name in scores}


def by_classes(scores: str, classes: Sequence[str], parts: Mapping[str, Entries], answers: Collection[str]) -> Entries:
    """The columns of the only output that has classes, by their names alone where no other column has such a name."""
    own = parts[scores]
    others = {title for name, found in parts.items() if name != scores for title, _ in found}
    alone = len({*classes} - others - {*answers}) == len(own)
    return [(name, column) for name, (_, column) in zip(classes, own, strict=True)] if alone else own


def free(names: Sequence[str], taken: Collection[str]) -> str:
    """The first name that is not taken; where all are, the last with as many lines behind it as that needs."""
    longer = (names[-1] + "_" * number for number in count(1))
    return next(name for name in chain(names, longer) if name not in taken)


def class_names(run: OpenedRun, array: Array) -> tuple[str, ...] | None:
    """The classes that the last axis of an output runs over; empty where they have no names, None where it does not."""
    targets = [name for name, role in run.spec.roles.items() if role == "target"]
    for name in targets:
        tensor, classes = run.spec.tensors[name], run.classes.get(name, ())
        if tensor.kind not in ("label", "onehot") or array.ndim != tensor.rank + (tensor.kind == "label"):
            continue
        number = len(classes) or class_count_of(tensor) or (array.shape[-1] if array.shape[-1] > 1 else 0)
        if number == array.shape[-1]:
            return classes
    return None


def likeliest(array: Array, classes: tuple[str, ...]) -> Array:
    """The class with the largest entry, by its name where it has one."""
    places = array.argmax(-1)
    return np.asarray(np.array(classes)[places] if classes else places)


def entries(name: str, array: Array, classes: Sequence[str]) -> Entries:
    """A column for each entry of a row: p_0_1, or with the names of the classes that the last axis runs over."""
    axes = [[str(place) for place in range(size)] for size in array.shape[1:]]
    if axes and classes:
        axes[-1] = [*classes]
    flat = array.reshape(len(array), -1)
    return [("_".join((name, *place)), flat[:, at]) for at, place in enumerate(product(*axes))]


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
