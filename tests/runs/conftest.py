"""Runs that several tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from flowers_model import trained, written


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file with its data."""
    return written(tmp_path_factory.mktemp("flowers"))


@pytest.fixture(scope="session")
def run(model: Path) -> Path:
    """The folder of a finished training; nobody changes it."""
    trained(model, model.parent / "run")
    return model.parent / "run"
