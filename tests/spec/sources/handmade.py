"""Specifications of models as their files would give them, made by hand."""

from __future__ import annotations

from typing import Any

import symnet as sn
from symnet.errors import Mark
from symnet.spec.specification import DataSpec, ModelSpec, TrainSpec

MARKS = {"builtin": Mark(20, 3), "file": Mark(21, 3), "inputs": Mark(22, 3), "target": Mark(23, 3)}


def spec_of(shapes: dict[str, tuple[Any, ...]], data: DataSpec | None = None, **train: Any) -> ModelSpec:
    """A specification whose tensors are `name: (role, shape, kind[, classes])`; its loss reads all of them."""
    tensors, roles = {}, {}
    for name, (role, shape, *kind) in shapes.items():
        tensors[name] = sn.input(name, shape, *kind)
        roles[name] = role
    loss = sn.define("L", (), sum(t.sum()[()] if t.rank else t[()] for t in tensors.values()))
    return ModelSpec("test", loss, {"L": loss}, (), tensors, roles, {}, TrainSpec(**train), data, "", "model.yaml", "")


def section(**options: Any) -> DataSpec:
    return DataSpec(mark=Mark(19, 1), field_marks=MARKS, **options)
