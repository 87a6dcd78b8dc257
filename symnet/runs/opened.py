"""A run folder opened: its model with the parameters that training found, and its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from symnet.errors import RunProblem
from symnet.runs.division import Division, divided
from symnet.runs.folder import RunFolder, classes_in, moments_in
from symnet.runs.model_file import model_of
from symnet.runs.training_data import Place, places, training_data
from symnet.spec.model_file import read_model
from symnet.spec.sources import Dataset, read, standardised
from symnet.spec.specification import ModelSpec
from symnet.train.history import History
from symnet.train.model import Model, Run

CHANGED = "bring those back, or give a file with --data: then all of its rows are taken"


@dataclass(frozen=True)
class OpenedRun:
    """A trained run: what was declared, what was found, and how it came about."""

    folder: RunFolder
    spec: ModelSpec
    model: Model
    run: Run
    facts: dict[str, Any]
    history: History

    @property
    def place(self) -> Place:
        """Where the data of training are, if they still are what they were."""
        return places(self.spec, self.folder, self.facts)[0]

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """The names of the classes, by tensor, where they were text."""
        return classes_in(self.facts)

    def dataset(self, data: Path | None = None) -> Dataset:
        """The data of training, which must be those that they were, or of another file, as the model takes them."""
        if data is None:
            found = training_data(self.spec, self.folder, self.facts, CHANGED)[1]
        else:
            found = read(self.spec, self.spec.data, self.place.base, data, classes=self.classes)
        return standardised(found, self.spec, self.spec.data, moments=moments_in(self.facts))

    def division(self, count: int) -> Division:
        """How so many rows were divided when training began."""
        options = self.facts["options"]
        return divided(count, options["test"], options["validation"], options["seed"])


def open_run(path: str | Path) -> OpenedRun:
    """A run folder with its parameters: those that training ended with, else those of the newest checkpoint."""
    folder = RunFolder(Path(path))
    facts = folder.read_facts()
    spec = read_model(folder.model_yaml)
    model = model_of(spec)
    run = compiled(model, spec, facts["options"])
    if facts["status"] != "finished" and folder.has_checkpoints():
        run.restore(folder.checkpoints)
    elif folder.params.is_file():
        run.load(folder.params)
        run.epoch, run.done = facts["epochs"], facts["steps"]
    else:
        raise RunProblem(f"{folder.path} holds no parameters yet", "go on with --resume")
    history = History(folder.read_history())
    return OpenedRun(folder, spec, model, run, facts, history)


def compiled(model: Model, spec: ModelSpec, options: Mapping[str, Any]) -> Run:
    """The model ready for training under a run's options."""
    optimizer = spec.train.optimizer
    if options["lr"] is not None:
        optimizer = replace(optimizer, lr=options["lr"])
    run = model.compile(optimizer, dtype=spec.train.dtype, seed=options["seed"], threads=options["threads"])
    run.batch = options["batch"]
    return run
