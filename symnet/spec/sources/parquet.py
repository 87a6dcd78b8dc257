"""Parquet files, read by pyarrow where that is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from symnet.errors import MissingPart
from symnet.spec.sources.delimited import Columns
from symnet.spec.sources.problems import Found, file_error, shown


@dataclass(frozen=True)
class Parquet:
    """A Parquet file of which the names are known."""

    path: Path
    names: tuple[str, ...]
    file: Any
    nameless: bool = False

    @classmethod
    def open(cls, path: Path) -> Parquet:
        if find_spec("pyarrow") is None:
            raise MissingPart(
                f"{path} is a Parquet file, and pyarrow is not installed", "pip install 'symnet[parquet]', or give CSV"
            )
        arrow = import_module("pyarrow")
        try:
            file = import_module("pyarrow.parquet").ParquetFile(path, memory_map=True)
        except (arrow.ArrowException, OSError, ValueError):
            raise file_error(path, "E0402", "this is no Parquet file, or it is damaged", "take another") from None
        return cls(path, tuple(file.schema_arrow.names), file)

    def read(self, numbers: Sequence[str], texts: Sequence[str]) -> Columns:
        """The columns that are wanted as numbers and those wanted as texts."""
        arrow = import_module("pyarrow")
        try:
            table = self.file.read(columns=[*dict.fromkeys((*numbers, *texts))])
        except (arrow.ArrowException, OSError, ValueError):
            raise file_error(self.path, "E0402", "the file is damaged", "take another") from None
        if not table.num_rows:
            raise file_error(self.path, "E0411", "there are names, but no rows", "give at least one row of data")
        found = Found(self.path)
        as_numbers = {name: numbers_of(name, table.column(name), found) for name in numbers}
        as_texts = {name: texts_of(name, table.column(name), found) for name in texts}
        found.raise_any()
        return Columns(as_numbers, as_texts, None, table.num_rows)


def numbers_of(name: str, column: Any, found: Found) -> Any:
    """A column as numbers; what is missing, infinite or no number is noted."""
    types = import_module("pyarrow").types
    kind = column.type
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind)):
        hint = "to make categories of text, declare the tensor with kind: onehot or kind: label"
        found.add("E0406", f"column {name!r} holds {kind}, not numbers", hint)
        return np.zeros(len(column))
    note_missing(name, column, found)
    values = np.asarray(column.cast("float64").fill_null(0.0).to_numpy(), np.float64)
    for row in np.flatnonzero(~np.isfinite(values)):
        text = f"row {row + 1}, column {name!r}: {shown(str(values[row]))} is not finite"
        found.add("E0406", text, "fill it in, or drop the row")
    return values


def texts_of(name: str, column: Any, found: Found) -> list[str]:
    note_missing(name, column, found)
    return [str(value) for value in column.to_pylist()]


def note_missing(name: str, column: Any, found: Found) -> None:
    if column.null_count:
        for row in np.flatnonzero(np.asarray(column.is_null())):
            text = f"row {row + 1}, column {name!r}: the value is missing"
            found.add("E0405", text, "fill it in, or drop the row")
