"""Training by a model file: `symnet train`, and the same from Python.

    specification, data -> arrays -> rows divided -> moments of the rows that train -> fit -> a run folder

Everything that a resumed training needs is in its folder before the first step; it is written in pieces that are whole
or not there. What is told on the way are the lines of `train --json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from symnet.errors import Diverged, RunProblem, ValueProblem
from symnet.runs.division import Division, blamed, divided
from symnet.runs.folder import RunFolder, epoch_line, facts_of_data, finite, moments_in
from symnet.runs.model_file import model_of
from symnet.runs.opened import compiled
from symnet.runs.training_data import Place, base_of, facts_of_place, training_data
from symnet.runs.versions import versions
from symnet.spec.sources import Dataset, read, standardised
from symnet.spec.specification import ModelSpec
from symnet.train.history import History
from symnet.train.model import Run
from symnet.train.stopping import EarlyStopping, as_stopping

SCHEMA = "symnet.train/1"
Events = Callable[[dict[str, Any]], None]
SETTLED = ("batch", "lr", "seed", "threads")  # options that a resumed run cannot change
OTHER_DATA = "bring those back, or begin another run"


@dataclass(frozen=True)
class TrainResult:
    """What training led to; `unchanged` where a finished run was left as it is."""

    folder: RunFolder | None
    run: Run
    history: History
    facts: dict[str, Any]
    dataset: Dataset | None
    division: Division | None
    unchanged: bool = False

    @property
    def last(self) -> dict[str, Any]:
        """The values of the last epoch."""
        return self.history.last()


@dataclass(frozen=True)
class Job:
    """A training that is about to begin or to go on."""

    spec: ModelSpec
    folder: RunFolder | None
    dataset: Dataset
    division: Division
    facts: dict[str, Any]
    on_event: Events
    resume: bool


def train(
    spec: ModelSpec,
    out: Path | None,
    *,
    data: Path | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    lr: float | None = None,
    seed: int | None = None,
    resume: bool = False,
    threads: int | None = None,
    force: bool = False,
    on_event: Events = lambda event: None,
) -> TrainResult:
    """Train what a model file says; `out` is the run folder. Options that are given go before those of the file.

    `resume` goes on from the newest sound checkpoint of `out`; a finished run stays as it is unless more epochs are
    asked for. Ctrl-C leaves everything saved and raises KeyboardInterrupt; a loss that is not finite raises
    `Diverged`.
    """
    given = {"epochs": epochs, "batch": batch, "lr": lr, "seed": seed, "threads": threads, "data": data}
    folder = None if out is None else RunFolder(Path(out))
    if resume and folder is None:
        raise RunProblem("there is nothing to resume", "name the run's folder with --out")
    before = folder.read_facts() if resume and folder is not None else None
    options = chosen(spec, given) if before is None else agreed(spec, folder, before, given)
    if folder is not None and before is not None:
        if is_done(before, options):
            return left_alone(spec, folder, before, data, on_event)
        job = going_on(spec, folder, options, before, data, on_event)
    else:
        job = begun(spec, folder, options, on_event)
    if folder is None:
        return Training(job).result()
    if before is None:
        folder.make(force)
    with folder.locked():
        if before is None:
            folder.clear()
            folder.write_model(spec.text, Path(spec.file).suffix)
            folder.write_facts(job.facts)
        return Training(job).result()


def is_done(facts: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether a run has nothing left to do."""
    done = facts["status"] == "finished"
    return done and bool(facts["stopped_early"] or facts["epochs"] >= options["epochs"])


def left_alone(
    spec: ModelSpec, folder: RunFolder, facts: Mapping[str, Any], data: Path | None, on_event: Events
) -> TrainResult:
    """A finished run as it is; data that are given must be its own all the same."""
    if data is not None:
        training_data(spec, folder, facts, OTHER_DATA, data)
    run = compiled(model_of(spec), spec, facts["options"])
    run.load(folder.params)
    run.history.update(folder.read_history())
    on_event(outcome(folder, facts, True))
    return TrainResult(folder, run, run.history, dict(facts), None, None, True)


# -- options


def chosen(spec: ModelSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Options as given, else as the model file has them."""
    own = spec.train
    options = {
        "epochs": own.epochs,
        "batch": own.batch,
        "lr": None,
        "seed": own.seed,
        "threads": own.threads,
        "data": None,
        **{key: value for key, value in given.items() if value is not None},
        "validation": own.validation,
        "test": spec.data.test if spec.data is not None else 0.0,
    }
    if options["data"] is not None:
        options["data"] = str(Path(options["data"]).resolve())
    if options["epochs"] < 1:
        raise ValueProblem(f"epochs={options['epochs']} is no number of epochs", "it is a whole number from 1")
    return options


def agreed(
    spec: ModelSpec, folder: RunFolder | None, before: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of a run that is resumed; only the number of epochs may be another one."""
    assert folder is not None
    if not folder.has_model(spec.text):
        raise RunProblem(
            f"{spec.file} is not the model that {folder.path} was begun with",
            f"{folder.model_yaml} is; begin another run to train a changed model",
        )
    options = dict(before["options"])
    for key in SETTLED:
        if given[key] is not None and given[key] != options[key]:
            was = f"with {key}={options[key]}, not {given[key]}"
            raise RunProblem(
                f"{folder.path} was begun {was if options[key] is not None else f'without --{key}'}",
                "resume without that option, or begin another run",
            )
    if given["epochs"] is not None:
        options["epochs"] = given["epochs"]
    return options


def begun(spec: ModelSpec, folder: RunFolder | None, options: dict[str, Any], on_event: Events) -> Job:
    """Data read, divided and standardised, and what is remembered of them."""
    place = Place(base_of(spec), None if options["data"] is None else Path(options["data"]))
    raw = read(spec, spec.data, place.base, place.override)
    division = divided(raw.count, options["test"], options["validation"], options["seed"])
    with blamed(raw.source):
        dataset = standardised(raw, spec, spec.data, rows=division.train)
    facts: dict[str, Any] = {
        "status": "prepared",
        "model": spec.name,
        "file": Path(spec.file).name,
        "options": options,
        **facts_of_data(dataset),
        **facts_of_place(place, raw, folder),
        "versions": versions(),
    }
    return Job(spec, folder, dataset, division, facts, on_event, False)


def going_on(
    spec: ModelSpec,
    folder: RunFolder,
    options: dict[str, Any],
    before: Mapping[str, Any],
    data: Path | None,
    on_event: Events,
) -> Job:
    """The data of a run that goes on, wherever they are now, divided and standardised as they were."""
    place, raw = training_data(spec, folder, before, OTHER_DATA, data)
    division = divided(raw.count, options["test"], options["validation"], options["seed"])
    dataset = standardised(raw, spec, spec.data, moments=moments_in(before))
    options["data"] = None if place.override is None else str(place.override)
    facts = {**before, "options": options, **facts_of_place(place, raw, folder)}
    return Job(spec, folder, dataset, division, facts, on_event, True)


# -- training


class Training:
    """One call of `train` from the first event to the last."""

    def __init__(self, job: Job) -> None:
        self.job, self.facts = job, dict(job.facts)
        self.options = job.facts["options"]
        self.run = compiled(model_of(job.spec), job.spec, self.options)

    def result(self) -> TrainResult:
        """Train, and leave a finished folder."""
        folder = self.job.folder
        if self.job.resume and folder is not None:
            self.restore(folder)
        self.tell("start", **self.start())
        try:
            with blamed(self.job.dataset.source):
                self.fit()
        except KeyboardInterrupt:
            self.keep("interrupted", self.run.kernel_source)
            raise
        except Diverged as problem:
            self.facts["problem"] = problem.message
            self.keep("diverged", self.run.kernel_source)
            raise
        self.facts.pop("problem", None)
        self.keep("finished", self.run.source if folder is not None else "")
        job, history = self.job, self.run.history
        job.on_event(outcome(folder, self.facts, False))
        return TrainResult(folder, self.run, history, self.facts, job.dataset, job.division)

    def restore(self, folder: RunFolder) -> None:
        """Go on from the newest sound checkpoint; a run that was stopped before its first step begins anew."""
        status, steps = self.facts["status"], self.facts.get("steps")
        begun = not (status == "prepared" or (status == "interrupted" and steps == 0))
        if begun or folder.has_checkpoints():
            self.run.restore(folder.checkpoints)
        folder.write_history(self.run.history)

    def fit(self) -> None:
        job, own = self.job, self.job.spec.train
        folder = job.folder
        keeping: dict[str, Any] = {}
        if folder is not None:
            keeping = {
                "checkpoint": folder.checkpoints,
                "checkpoint_seconds": own.checkpoint_seconds,
                "checkpoint_steps": own.checkpoint_steps,
            }
        self.run.fit(
            job.dataset.arrays,
            self.options["epochs"],
            self.options["batch"],
            validation=self.options["validation"] or None,
            shuffle=own.shuffle,
            progress=False,
            class_weight=own.class_weight,
            early_stopping=fresh(own.early_stopping),
            rows=job.division.fitted,
            on_progress=self.progressed,
            **keeping,
        )

    def progressed(self, event: dict[str, Any]) -> None:
        """What the loop tells: handed on, and epochs noted in the folder."""
        folder = self.job.folder
        if folder is not None and self.facts["status"] != "running":
            self.facts["status"] = "running"
            folder.write_facts(self.facts)
        if folder is not None and event["event"] == "epoch":
            values = {k: v for k, v in event.items() if k not in ("event", "epochs", "steps")}
            values["epoch"] = self.run.history.epochs
            folder.note(epoch_line(values))
        self.tell(**event)

    def tell(self, event: str, **values: Any) -> None:
        self.job.on_event({"schema": SCHEMA, "event": event, **finite(values)})

    # -- what is said and kept

    def start(self) -> dict[str, Any]:
        division, run = self.job.division, self.run
        return {
            "model": self.job.spec.name,
            "epochs": self.options["epochs"],
            "batch": self.options["batch"],
            "rows": len(division.train),
            "validation": len(division.validation),
            "test": len(division.test),
            "resumed": self.job.resume,
            "epoch": run.epoch,
            "steps": run.done,
        }

    def keep(self, status: str, source: str) -> None:
        """Leave everything in the folder; the status comes last."""
        folder, run = self.job.folder, self.run
        self.facts |= {"epochs": run.epoch, "steps": run.done, "last": finite(run.history.last())}
        self.facts["sizes"] = {str(size): value for size, value in run.numbers.items()}
        self.facts["parameters"] = int(sum(np.size(run.params[name]) for name in run.params)) if run.values else 0
        self.facts["stopped_early"] = status == "finished" and run.epoch < self.options["epochs"]
        self.facts["status"] = status
        if folder is None or not run.values:
            return
        run.save(folder.params)
        if source:
            folder.put(folder.kernel, source)
        folder.write_history(run.history)
        folder.write_facts(self.facts)


def outcome(folder: RunFolder | None, facts: Mapping[str, Any], unchanged: bool) -> dict[str, Any]:
    """The last event: what training led to."""
    return {
        "schema": SCHEMA,
        "event": "result",
        "ok": True,
        "exit": 0,
        "out": None if folder is None else str(folder.path),
        "unchanged": unchanged,
        **{key: facts[key] for key in ("epochs", "steps", "parameters", "stopped_early", "last")},
    }


def fresh(stopping: Any) -> EarlyStopping[Any] | None:
    """Early stopping that has seen nothing yet."""
    found = as_stopping(stopping)
    return None if found is None else replace(found)
