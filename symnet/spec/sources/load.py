"""The section `data:` as arrays by tensor name.

    spec, data -> source (a table, arrays, a built-in set) -> names -> arrays of each tensor's kind and shape

Moments for standardising are taken over the rows that train, or are those that a run was trained with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symnet.spec.sources.arrays import Arrays, open_folder, open_npy, open_npz, room
from symnet.spec.sources.assemble import Classes, Made, from_arrays, from_columns, takes_texts
from symnet.spec.sources.builtin import open_builtin
from symnet.spec.sources.dataset import Array, Dataset, Moments, digest_of_arrays, digest_of_file, digest_of_files
from symnet.spec.sources.delimited import Columns, Delimited
from symnet.spec.sources.parquet import Parquet
from symnet.spec.sources.problems import Found, file_error, section_error, suggestion
from symnet.spec.sources.wanted import Names, Want, resolved, wants
from symnet.spec.specification import DataSpec, ModelSpec

KNOWN = ".csv, .tsv, .txt, .npz, .npy, .parquet, or a folder of .npy files"
ROUNDING = 1e-14  # below so many times the mean, a deviation is that of rounding
BLOCK = 1 << 20  # entries that are standardised together


class Table(Protocol):
    """A file of columns."""

    @property
    def path(self) -> Path: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def nameless(self) -> bool: ...
    def read(self, numbers: Sequence[str], texts: Sequence[str]) -> Columns: ...


@dataclass(frozen=True)
class Opened:
    """A source before anything is read of it, and the names of its target's classes where it says them."""

    source: Table | Arrays
    classes: tuple[str, ...] = ()
    replaced: bool = False

    def names(self) -> Names:
        table = not isinstance(self.source, Arrays)
        nameless = not isinstance(self.source, Arrays) and self.source.nameless
        what = "column" if table else "array"
        return Names(self.source.path, self.source.names, what, nameless, self.replaced)


# -- the three questions


def load(spec: ModelSpec, data: DataSpec | None, base: Path, override: Path | None = None) -> Dataset:
    """Everything that a model is trained on, standardised by the moments of all rows; `override` replaces the file."""
    return standardised(read(spec, data, base, override), spec, data)


def load_inputs(
    spec: ModelSpec,
    data: DataSpec | None,
    base: Path,
    classes: Classes,
    standard: Mapping[str, Moments],
    override: Path | None = None,
) -> Dataset:
    """What a trained model is asked about, by the classes and moments of its training; targets are not read."""
    found = read(spec, data, base, override, classes=classes, predicting=True)
    return standardised(found, spec, data, moments=standard)


def read(
    spec: ModelSpec,
    data: DataSpec | None,
    base: Path,
    override: Path | None = None,
    *,
    classes: Classes | None = None,
    predicting: bool = False,
) -> Dataset:
    """The arrays as they are in their source."""
    section = data if data is not None else DataSpec()
    opened = open_source(spec, data, base, override)
    wanted = resolved(spec, section, wants(spec, section, predicting=predicting), opened.names())
    known = dict(classes or {}) or named_classes(opened, wanted)
    made = made_of_arrays(opened.source, wanted, known) if isinstance(opened.source, Arrays) else None
    if made is None:
        made = made_of_table(opened.source, wanted, known)  # type: ignore[arg-type]
    arrays = {name: one.array for name, one in made.items()}
    batched = samples(wanted)
    count = counted(opened.source.path, arrays, batched)
    found = {name: one.classes for name, one in made.items() if one.classes}
    return Dataset(arrays, found, count, str(opened.source.path), digest(opened.source, arrays), {}, batched)


# -- opening


def open_source(spec: ModelSpec, data: DataSpec | None, base: Path, override: Path | None) -> Opened:
    """The file or the built-in set that is spoken of."""
    if override is not None:
        return Opened(open_file(existing(spec, None, override)), replaced=True)
    if data is None or (data.builtin is None and data.file is None):
        hint = "write a section, for example data: {file: table.csv}, or give a file with --data"
        raise section_error(spec, data, "E0410", "the model file does not say where its data are", hint)
    if data.builtin is not None:
        found = open_builtin(spec, data)
        return Opened(found.arrays, found.classes)
    if data.options:
        key = next(iter(data.options))
        hint = suggestion(key, ("builtin", "file", "inputs", "target", "standardise", "test"))
        raise section_error(spec, data, "E0410", f"data: has no {key!r} where it names a file", hint, key)
    return Opened(open_file(existing(spec, data, base / str(data.file))))


def existing(spec: ModelSpec, data: DataSpec | None, path: Path) -> Path:
    """A path at which there is something to read."""
    if path.is_file() or path.is_dir():
        return path
    text = f"there is no file {path}" if not path.exists() else f"{path} is no file"
    near = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    close = get_close_matches(path.name, near, n=1)
    hint = f"did you mean {close[0]}?" if close else "paths in a model file are relative to it"
    if data is None:
        raise file_error(path, "E0402", text, hint if close else "paths are relative to the working directory")
    raise section_error(spec, data, "E0402", text, hint, "file")


def open_file(path: Path) -> Table | Arrays:
    """A file by the end of its name."""
    ending = path.suffix.lower()
    try:
        if path.is_dir():
            return open_folder(path)
        if ending in (".csv", ".tsv", ".txt"):
            return Delimited.open(path)
        if ending in (".npz", ".npy"):
            return open_npz(path) if ending == ".npz" else open_npy(path)
        if ending in (".parquet", ".pq"):
            return Parquet.open(path)
    except OSError as wrong:
        text = f"the file cannot be read: {wrong.strerror or wrong}"
        raise file_error(path, "E0402", text, "see who may read it") from None
    raise file_error(path, "E0402", f"files that end in {ending!r} are not known", f"known are {KNOWN}")


# -- reading


def made_of_table(table: Table, wanted: Sequence[Want], known: Classes) -> dict[str, Made]:
    texts = [name for want in wanted if takes_texts(want) for name in want.names]
    numbers = [name for want in wanted if not takes_texts(want) for name in want.names]
    columns = table.read(list(dict.fromkeys(numbers)), list(dict.fromkeys(texts)))
    found = Found(table.path)
    made = {want.name: from_columns(want, columns, known, found) for want in wanted}
    found.raise_any()
    return made


def made_of_arrays(arrays: Arrays, wanted: Sequence[Want], known: Classes) -> dict[str, Made]:
    found = Found(arrays.path)
    made = {want.name: from_arrays(want, arrays, known, found) for want in wanted}
    found.raise_any()
    return made


def named_classes(opened: Opened, wanted: Sequence[Want]) -> Classes:
    """The names of the classes that a built-in set knows, for the tensor that takes its target."""
    takes = [w for w in wanted if w.names == ("target",) and w.tensor.kind in ("label", "onehot")]
    return {want.name: opened.classes for want in takes} if opened.classes else {}


def samples(wanted: Sequence[Want]) -> frozenset[str]:
    """The tensors whose first axis is that of the samples: the symbol that stands first most often."""
    firsts = Counter(w.tensor.shape[0] for w in wanted if w.tensor.rank and isinstance(w.tensor.shape[0], sp.Symbol))
    if not firsts:
        return frozenset()
    batch = firsts.most_common(1)[0][0]
    return frozenset(w.name for w in wanted if w.tensor.rank and w.tensor.shape[0] == batch)


def counted(path: Path, arrays: Mapping[str, Array], batched: frozenset[str]) -> int:
    """How many samples there are; all tensors must agree."""
    counts = {name: len(array) for name, array in arrays.items() if name in batched}
    if not counts:
        return 1
    first, count = next(iter(counts.items()))
    other = next((name for name in counts if counts[name] != count), None)
    if other is not None:
        text = f"{first} has {count} rows, but {other} has {counts[other]}"
        raise file_error(path, "E0408", text, "each sample needs a row in both")
    if not count:
        raise file_error(path, "E0411", f"{first} holds no rows", "give at least one row of data")
    return count


def digest(source: Table | Arrays, arrays: Mapping[str, Array]) -> str:
    if not isinstance(source, Arrays):
        return digest_of_file(source.path)
    return digest_of_arrays(arrays) if source.given else digest_of_files(source.parts())


# -- standardising


def standardised(
    found: Dataset,
    spec: ModelSpec,
    data: DataSpec | None,
    rows: NDArray[np.int64] | None = None,
    moments: Mapping[str, Moments] | None = None,
) -> Dataset:
    """Inputs with mean 0 and deviation 1 where the section asks for it: by given moments, or by those of some rows."""
    names = standard_names(found, spec, data) if moments is None else [n for n in moments if n in found.arrays]
    standard: dict[str, Moments] = {}
    arrays = dict(found.arrays)
    for name in names:
        array = found.arrays[name]
        check_finite(Path(found.source), name, array)
        standard[name] = moments_of(array, rows) if moments is None else moments[name]
        made = room(Path(found.source), array, np.dtype(spec.train.dtype), f"standardising {name}")
        arrays[name] = scaled(array, standard[name], made)
    return replace(found, arrays=arrays, standard=standard)


def check_finite(path: Path, name: str, array: Array) -> None:
    """A value that is not finite would spoil all moments: it is named with its row."""
    for part in blocks(array):
        bad = np.argwhere(~np.isfinite(array[part]))
        if len(bad):
            value, row = array[part][tuple(bad[0])], part.start + int(bad[0][0]) + 1
            raise file_error(path, "E0406", f"{name} holds {value} at row {row}", "drop or fill such rows")


def standard_names(found: Dataset, spec: ModelSpec, data: DataSpec | None) -> list[str]:
    """The inputs that are standardised."""
    if data is None or not data.standardise:
        return []
    able = [name for name in found.batched if spec.roles[name] == "input" and spec.tensors[name].kind == "real"]
    if isinstance(data.standardise, bool):
        return sorted(able)
    asked: tuple[str, ...] = tuple(data.standardise)
    for name in asked:
        if name not in able:
            text = f"{name} cannot be standardised"
            hint = f"inputs of kind real with an axis of samples can: {', '.join(sorted(able)) or 'none here'}"
            raise section_error(spec, data, "E0410", text, hint, "standardise")
    return list(asked)


def blocks(array: Array) -> list[slice]:
    step = max(1, BLOCK * len(array) // max(array.size, 1))
    return [slice(at, at + step) for at in range(0, len(array), step)]


def moments_of(array: Array, rows: NDArray[np.int64] | None) -> Moments:
    """Mean and deviation of each entry over rows, in two passes; where nothing varies the deviation is 1."""
    order = np.arange(len(array)) if rows is None else np.sort(rows)
    parts = [order[part] for part in blocks(array) if len(order[part])]
    mean = sum((np.sum(array[part], 0, np.float64) for part in parts), np.zeros(())) / len(order)
    squares = sum((np.sum(np.square(array[part] - mean), 0) for part in parts), np.zeros(()))
    deviation = np.sqrt(squares / len(order))
    return np.asarray(mean), np.asarray(np.where(deviation > ROUNDING * np.abs(mean), deviation, 1.0))


def scaled(array: Array, moments: Moments, made: Array) -> Array:
    """(x - mean)/deviation in the room that was made, block by block."""
    for part in blocks(array):
        made[part] = (array[part] - moments[0]) / moments[1]
    return made
