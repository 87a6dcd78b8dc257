"""Built-in sets: generated ones, and those that come with scikit-learn where it is installed."""

from __future__ import annotations

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
    return learned(name)


def learned(name: str) -> Builtin:
    """A set that comes with scikit-learn."""
    if find_spec("sklearn") is None:
        raise MissingPart(
            f"the set {name!r} comes with scikit-learn, which is not installed",
            "pip install 'symnet[sklearn]', or take one of " + ", ".join(GENERATED),
        )
    bunch = getattr(import_module("sklearn.datasets"), f"load_{name}")()
    data, target = np.asarray(bunch["data"]), np.asarray(bunch["target"])
    columns = {str(column): data[:, at] for at, column in enumerate(bunch["feature_names"])}
    given = {"data": data, "target": target, **columns}
    names = np.asarray(bunch.get("target_names", []))
    classes = tuple(map(str, names)) if names.dtype.kind == "U" else ()
    return Builtin(Arrays(Path(name), tuple(given), given=given), classes)
