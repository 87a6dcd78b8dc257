"""Model files as models."""

from __future__ import annotations

from pathlib import Path

from symnet.errors import Diagnostic, ModelFileError, SymnetError
from symnet.spec.model_file import read_model
from symnet.spec.specification import ModelSpec
from symnet.train.model import Model


def load_model(path: str | Path) -> Model:
    """The model that a file declares; raises `ModelFileError` with everything that is wrong with it."""
    return model_of(read_model(path))


def model_of(spec: ModelSpec) -> Model:
    """A specification as a model; a loss that cannot be trained is a mistake at `loss:`."""
    try:
        return Model(spec.loss, outputs=spec.outputs, metrics=spec.metrics, name=spec.name)
    except SymnetError as error:
        marks = tuple(mark for key, mark in spec.marks.items() if key == "loss")
        line, col = (marks[0].line, marks[0].col) if marks else (None, None)
        found = Diagnostic(error.code, error.message, "error", spec.file, line, col, error.hint, marks)
        raise ModelFileError([found]) from None
