"""What a report is made from: a model, and of the rest what there is; for what is missing, why."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnet.core.definition import Node
from symnet.errors import RunProblem, SymnetError
from symnet.train.model import Model, Run

Array = NDArray[Any]
ROWS = 10_000  # samples that are looked at; of more, as many at even distances
NO_DATA = "no data set was given"
PACKAGES = ("symnet", "numpy", "scipy", "sympy", "numba", "llvmlite")


@dataclass(frozen=True)
class Data:
    """Arrays by tensor name, and what is known of them."""

    arrays: Mapping[str, Array]
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    count: int = 0
    source: str = ""
    digest: str = ""
    standard: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)  # mean and deviation, where taken off


@dataclass(frozen=True)
class Given:
    """Everything that a report may speak of."""

    model: Model
    spec: Any = None
    run: Run | None = None
    data: Data | None = None
    history: Mapping[str, list[Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    no_data: str = NO_DATA
    chosen: Array | None = None
    which: str = ""

    @property
    def trained(self) -> Run | None:
        """The run, where it has been trained or loaded."""
        return self.run if self.run is not None and self.run.values else None

    def rows(self) -> Array:
        """Which samples are looked at: the chosen ones, else all; of very many, some."""
        rows = np.arange(self.data.count if self.data else 0) if self.chosen is None else self.chosen
        return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), ROWS)).astype(np.int64))]

    def taken(self, nodes: list[Node], rows: Array) -> dict[str, Array]:
        """The rows of some tensors' arrays, along their sample axes."""
        assert self.data is not None
        return {node.name: self._rows(node, self.data.arrays[node.name], rows) for node in nodes}

    def _rows(self, node: Node, array: Array, rows: Array) -> Array:
        axes = [a for a, size in enumerate(node.shape) if size == self.model.parts.batch]
        return np.take(array, rows, axis=axes[0]) if axes else np.asarray(array)

    def classes_of(self, node: Node, count: int) -> list[str]:
        """The names of a target's classes, else their numbers."""
        named = self.data.classes.get(node.name, ()) if self.data else ()
        return [str(name) for name in named] if len(named) == count else [str(k) for k in range(count)]


def given(
    model: Model, spec: Any = None, run: Any = None, dataset: Any = None, history: Any = None, command: str = ""
) -> Given:
    """The arguments of a report in one form: a run may be a Run, or an opened run folder that holds one."""
    opened = run if hasattr(run, "run") else None
    trained: Run | None = opened.run if opened is not None else run
    reason, chosen, which = NO_DATA, None, ""
    if dataset is None and opened is not None:
        try:
            dataset = opened.dataset()
            chosen, which = held_out(opened, dataset.count)
        except RunProblem as error:
            reason = error.message
        except (SymnetError, OSError) as error:
            reason = f"the data could not be read: {getattr(error, 'message', error)}"
    if history is None:
        history = opened.history if opened is not None else (trained.history if trained is not None else None)
    return Given(
        model,
        spec if spec is not None or opened is None else opened.spec,
        trained,
        as_data(dataset, model),
        dict(history or {}),
        dict(opened.facts or {}) if opened is not None else {},
        command,
        reason,
        chosen,
        which,
    )


def held_out(opened: Any, count: int) -> tuple[Array | None, str]:
    """The rows of an opened run that training did not see, and what they were kept for; none where it saw all."""
    division = opened.division(count) if hasattr(opened, "division") else None
    for name, why in (("test", "kept for testing"), ("validation", "held out for validation")):
        rows = getattr(division, name, ())
        if len(rows):
            return np.asarray(rows), why
    return None, ""


def as_data(dataset: Any, model: Model) -> Data | None:
    """A data set, or a mapping from tensors or their names to arrays."""
    if dataset is None:
        return None
    if not isinstance(dataset, Mapping):
        source = str(dataset.source)
        return Data(dataset.arrays, dataset.classes, dataset.count, source, dataset.digest, dataset.standard)
    arrays = {k.name if isinstance(k, Node) else str(k): np.asarray(v) for k, v in dataset.items()}
    counts = [
        arrays[node.name].shape[axis]
        for node in model.parts.data
        if node.name in arrays
        for axis, size in enumerate(node.shape)
        if size == model.parts.batch
    ]
    return Data(arrays, {}, counts[0] if counts else 0)


def versions() -> list[tuple[str, str]]:
    """What a page was made with."""
    found = [("python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return [*found, ("machine", f"{platform.system()} {platform.machine()}")]
