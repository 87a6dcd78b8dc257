"""A run on disk: everything that `predict`, `evaluate`, `report` and `--resume` need.

model.yaml           the model file, byte by byte (model.toml or model.json where it was one)
params.safetensors   the parameters, by name
history.jsonl        a line for each epoch
kernel.py            the model as a module that runs by itself
run.json             versions, seed, options, where the data are and their digest, classes, moments
checkpoints/         where training stands
"""

from __future__ import annotations

import fcntl
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symnet.errors import RunProblem
from symnet.spec.sources.dataset import Dataset, Moments
from symnet.train.checkpoint import NUMBERED, replace

SCHEMA = "symnet.run/1"
STATUS = ("prepared", "running", "interrupted", "diverged", "finished")
OPTIONS: dict[str, Any] = {
    "epochs": int,
    "batch": int,
    "seed": int,
    "threads": int,
    "lr": (int, float, type(None)),
    "data": (str, type(None)),
    "validation": (int, float),
    "test": (int, float),
}
ENDINGS = (".yaml", ".toml", ".json")


@dataclass(frozen=True)
class RunFolder:
    """Where the parts of a run are."""

    path: Path

    @property
    def model_yaml(self) -> Path:
        """The model file."""
        found = [file for ending in ENDINGS if (file := self.path / f"model{ending}").is_file()]
        return found[0] if found else self.path / "model.yaml"

    @property
    def params(self) -> Path:
        return self.path / "params.safetensors"

    @property
    def history(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def kernel(self) -> Path:
        return self.path / "kernel.py"

    @property
    def facts(self) -> Path:
        return self.path / "run.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def has_checkpoints(self) -> bool:
        """Whether there is any checkpoint, sound or not."""
        return self.checkpoints.is_dir() and any(NUMBERED.fullmatch(p.name) for p in self.checkpoints.iterdir())

    # -- begin

    def make(self, force: bool) -> None:
        """Make the folder; one that holds something is refused, unless it may be replaced."""
        held = {p.name for p in self.path.iterdir()} if self.path.is_dir() else set()
        if self.facts.exists() and not force:
            raise RunProblem(f"{self.path} holds a run already", "--resume goes on with it, -f replaces it")
        own = {p.name for p in self.own()}
        other, left = sorted(held - {"checkpoints", *own}), sorted(held & own)
        if other and not self.facts.exists():
            raise RunProblem(f"{self.path} is not empty: it holds {other[0]}", "choose another folder")
        if (left or self.has_checkpoints()) and not force:
            what = left[0] if left else "checkpoints"
            raise RunProblem(f"{self.path} holds {what}, but no run.json", "choose another folder, or -f replaces it")
        with self.able():
            self.checkpoints.mkdir(parents=True, exist_ok=True)

    @property
    def home(self) -> Path:
        """Where the folder is, whatever links lead there."""
        with self.able():
            return self.path.resolve()

    @contextmanager
    def able(self) -> Iterator[None]:
        """A path that no folder can have is refused."""
        try:
            yield
        except (OSError, ValueError) as wrong:
            why = getattr(wrong, "strerror", None) or wrong
            raise RunProblem(f"{str(self.path)!r} cannot hold a run: {why}", "choose another folder") from None

    def own(self) -> list[Path]:
        """The files of a run, whether they are there or not."""
        models = [self.path / f"model{ending}" for ending in ENDINGS]
        return [self.facts, *models, self.params, self.history, self.kernel]

    def clear(self) -> None:
        """Remove the run that was here, and nothing else."""
        own = self.own()
        kept = self.checkpoints.iterdir() if self.checkpoints.is_dir() else []
        for file in (*own, *(p for p in kept if NUMBERED.fullmatch(p.name))):
            file.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time trains in a folder."""
        with open(self.checkpoints / "lock", "w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RunProblem(f"another process trains in {self.path}", "wait for it, or stop it") from None
            yield

    # -- files

    def put(self, path: Path, text: str) -> None:
        """A file of the folder, in one piece or not at all."""
        try:
            replace(path, text.encode())
        except OSError as wrong:
            raise RunProblem(f"{path} cannot be written: {wrong.strerror}", "make room, then --resume") from None

    def note(self, line: str) -> None:
        """One more line of the history."""
        try:
            with open(self.history, "a", encoding="utf-8") as handle:
                handle.write(line)
        except OSError as wrong:
            raise RunProblem(
                f"{self.history} cannot be written: {wrong.strerror}", "make room, then --resume"
            ) from None

    def write_model(self, text: str, ending: str) -> None:
        """The model file as it was read."""
        self.put(self.path / f"model{ending if ending in ENDINGS else '.yaml'}", text)

    def has_model(self, text: str) -> bool:
        """Whether a text is that of the model that this run was begun with."""
        return plain(self.model_yaml.read_bytes().decode("utf-8", "replace")) == plain(text)

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """The facts, in one piece or not at all."""
        text = json.dumps({"schema": SCHEMA, **facts}, indent=2, allow_nan=False)
        self.put(self.facts, text + "\n")

    def read_facts(self) -> dict[str, Any]:
        """The facts of a run that is there."""
        if not self.facts.is_file():
            what = "no run in it" if self.path.is_dir() else "no such folder"
            raise RunProblem(f"{self.path}: there is {what}", "a run is what symnet train leaves with --out")
        try:
            facts = json.loads(self.facts.read_text())
            check_facts(facts)
        except OSError as wrong:
            raise RunProblem(f"{self.facts} cannot be read: {wrong.strerror}", "see who may read it") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise RunProblem(f"{self.facts} is damaged", "train again, into another folder") from None
        return dict(facts)

    def write_history(self, history: Mapping[str, list[Any]]) -> None:
        """All epochs, a line for each."""
        rows = max(map(len, history.values()), default=0)
        lines = [epoch_line({"epoch": at + 1, **{k: v[at] for k, v in history.items()}}) for at in range(rows)]
        self.put(self.history, "".join(lines))

    def read_history(self) -> dict[str, list[Any]]:
        """Columns of what happened in each epoch; a line that was cut off is left out."""
        lines = self.history.read_text(errors="replace").splitlines() if self.history.is_file() else []
        rows = [row for row in map(_line, lines) if row is not None]
        keys = dict.fromkeys(key for row in rows for key in row if key != "epoch")
        return {key: [row.get(key) for row in rows] for key in keys}


def plain(text: str) -> str:
    """A text without what editors and systems do to line ends."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def epoch_line(values: Mapping[str, Any]) -> str:
    return json.dumps(finite(values)) + "\n"


def _line(text: str) -> dict[str, Any] | None:
    try:
        row = json.loads(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON has them: None for numbers that are not finite."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}


# -- facts


def facts_of_data(dataset: Dataset) -> dict[str, Any]:
    """What has to be remembered of data, besides where they are."""
    return {
        "classes": {name: list(classes) for name, classes in dataset.classes.items()},
        "standard": {
            name: {"mean": mean.tolist(), "deviation": deviation.tolist()}
            for name, (mean, deviation) in dataset.standard.items()
        },
    }


def check_facts(facts: Any) -> None:
    """Facts are what `symnet train` wrote; anything else raises what Python raises of it."""
    options, data = facts["options"], facts["data"]
    texts = [facts["base"], facts["model"], data["digest"], data["source"]]
    wrong = [name for name, kind in OPTIONS.items() if not isinstance(options[name], kind)]
    if (
        facts["schema"] != SCHEMA
        or facts["status"] not in STATUS
        or wrong
        or not all(isinstance(t, str) for t in texts)
    ):
        raise ValueError("these are no facts of a run")
    if facts["status"] == "finished":
        done = [facts["epochs"], facts["steps"], facts["parameters"], data["count"]]
        if not all(isinstance(n, int) for n in done) or not isinstance(facts["last"], dict):
            raise ValueError("these are no facts of a finished run")
        bool(facts["stopped_early"])
    classes_in(facts)
    moments_in(facts)


def classes_in(facts: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The names of classes, from facts."""
    return {name: tuple(map(str, classes)) for name, classes in facts["classes"].items()}


def moments_in(facts: Mapping[str, Any]) -> dict[str, Moments]:
    """Mean and deviation of standardised inputs, from facts."""
    return {
        name: (np.asarray(found["mean"], float), np.asarray(found["deviation"], float))
        for name, found in facts["standard"].items()
    }
