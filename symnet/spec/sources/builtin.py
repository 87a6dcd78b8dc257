"""Built-in sets: generated ones, and those that come with scikit-learn where it is installed.

Importing scikit-learn takes a second; where the names of its columns are not asked for, its files are read instead.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from symnet.errors import MissingPart
from symnet.spec.sources.arrays import Arrays
from symnet.spec.sources.generated import GENERATED, generate, trouble_with
from symnet.spec.sources.problems import section_error, suggestion
from symnet.spec.specification import DataSpec, ModelSpec

LEARN = ("digits", "iris", "wine", "breast_cancer", "diabetes")
NAMES = (*LEARN, *GENERATED)
FILES = {"digits": "digits.csv.gz", "iris": "iris.csv", "wine": "wine_data.csv", "breast_cancer": "breast_cancer.csv"}
PLAIN = ("data", "target")


@dataclass(frozen=True)
class Builtin:
    """The arrays `data` and `target`, each column of `data` under its own name, and the names of the classes."""

    arrays: Arrays
    classes: tuple[str, ...] = ()


def open_builtin(spec: ModelSpec, data: DataSpec) -> Builtin:
    """A built-in set by its name."""
    name = str(data.builtin)
    trouble = option_trouble(name, data.options)
    if trouble is not None:
        key, text, hint = trouble
        raise section_error(spec, data, "E0410", text, hint, key, "builtin")
    if name in GENERATED:
        found = generate(name, data.options)
        return Builtin(Arrays(Path(name), tuple(found), given=found))
    asked = {column for names in (*data.inputs.values(), *data.target.values()) for column in names}
    return learned(name, asked <= {*PLAIN})


def option_trouble(name: str, options: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """What of a built-in set has no meaning, if anything: the key, what is wrong, and a hint."""
    if name not in NAMES:
        return "builtin", f"there is no built-in set {name!r}", suggestion(name, NAMES)
    if name in GENERATED:
        return trouble_with(name, options)
    key = next(iter(options), None)
    return None if key is None else (key, f"{name} has no option {key!r}", "it has none")


def learned(name: str, plain: bool) -> Builtin:
    """A set that comes with scikit-learn; `plain` where `data` and `target` are enough."""
    home = find_spec("sklearn")
    if home is None:
        raise MissingPart(
            f"the set {name!r} comes with scikit-learn, which is not installed",
            "pip install 'symnet[sklearn]', or take one of " + ", ".join(GENERATED),
        )
    file = Path(str(home.origin)).parent / "datasets" / "data" / FILES.get(name, "none")
    if plain and file.is_file():
        return from_file(name, file)
    bunch = getattr(import_module("sklearn.datasets"), f"load_{name}")()
    data, target = np.asarray(bunch["data"]), np.asarray(bunch["target"])
    columns = {str(column): data[:, at] for at, column in enumerate(bunch["feature_names"])}
    given = {"data": data, "target": target, **columns}
    names = np.asarray(bunch.get("target_names", []))
    classes = tuple(map(str, names)) if names.dtype.kind == "U" else ()
    return Builtin(Arrays(Path(name), tuple(given), given=given), classes)


def from_file(name: str, file: Path) -> Builtin:
    """A set from the file that scikit-learn keeps it in: a first line of counts and classes, then rows; digits have
    rows alone."""
    with gzip.open(file, "rt") if file.suffix == ".gz" else open(file, encoding="utf-8") as text:
        head = [] if name == "digits" else text.readline().strip().split(",")
        rows = np.loadtxt(text, delimiter=",", ndmin=2)
    given = {"data": rows[:, :-1], "target": rows[:, -1].astype(np.int64)}
    return Builtin(Arrays(Path(name), PLAIN, given=given), tuple(head[2:]))
