"""Built-in sets: generated ones, and those that come with scikit-learn where it is installed.

Importing scikit-learn takes a second; where the names of its columns are not asked for, its files are read instead.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from symnet.errors import MissingPart
from symnet.spec.sources.arrays import Arrays
from symnet.spec.sources.generated import GENERATED, generate, option_trouble
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
    if name in GENERATED:
        trouble = option_trouble(name, data.options)
        if trouble is not None:
            raise section_error(spec, data, "E0410", trouble[1], trouble[2], trouble[0], "builtin")
        found = generate(name, data.options)
        return Builtin(Arrays(Path(name), tuple(found), given=found))
    if name not in LEARN:
        text = f"there is no built-in set {name!r}"
        raise section_error(spec, data, "E0410", text, suggestion(name, NAMES), "builtin")
    if data.options:
        key = next(iter(data.options))
        raise section_error(spec, data, "E0410", f"{name} has no option {key!r}", "it has none", key, "builtin")
    asked = {column for names in (*data.inputs.values(), *data.target.values()) for column in names}
    return learned(name, asked <= {*PLAIN})


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
