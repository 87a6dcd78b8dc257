"""Model files as models."""

from __future__ import annotations

from pathlib import Path

from symnet.spec.model_file import read_model
from symnet.spec.specification import ModelSpec
from symnet.train.model import Model


def load_model(path: str | Path) -> Model:
    """The model that a file declares; raises `ModelFileError` with everything that is wrong with it."""
    return model_of(read_model(path))


def model_of(spec: ModelSpec) -> Model:
    """A specification as a model."""
    return Model(spec.loss, outputs=spec.outputs, metrics=spec.metrics, name=spec.name)
