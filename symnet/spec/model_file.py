"""Model files: YAML 1.2, TOML or JSON to a `ModelSpec`, or every mistake in them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symnet.spec.specification import ModelSpec


def read_model(path: str | Path, text: str | None = None, format: str | None = None) -> ModelSpec:
    """A model file (or its text, in the named format) understood; `ModelFileError` says all that is wrong."""
    raise NotImplementedError


def json_schema() -> dict[str, Any]:
    """The JSON Schema of model files, for editors."""
    raise NotImplementedError
