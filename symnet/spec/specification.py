"""What a model file says, once it is understood: a loss, its tensors, and how to train it on which data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symnet.declare.optimizers import Adam, Optimizer
from symnet.declare.tensor import Tensor
from symnet.errors import Mark


@dataclass(frozen=True)
class TrainSpec:
    """The section `train:`, with what was left out filled in."""

    optimizer: Optimizer = field(default_factory=lambda: Adam(1e-3))
    epochs: int = 10
    batch: int = 32
    seed: int = 0
    validation: float = 0.0
    dtype: str = "float32"
    threads: int = 1
    shuffle: bool = True
    early_stopping: Any = None
    class_weight: Any = None
    checkpoint_seconds: float = 5.0
    checkpoint_steps: int | None = None


@dataclass(frozen=True)
class DataSpec:
    """The section `data:`: a built-in set or a file, and which of its columns or arrays go to which tensor.

    `inputs` and `target` map tensor names to columns or array names; an empty tuple means the tensor's own name.
    `test` is the share held out for `evaluate`. `mark` is where the section stands, `field_marks` where its keys do.
    """

    builtin: str | None = None
    file: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    target: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    standardise: bool | tuple[str, ...] = False
    test: float = 0.0
    mark: Mark | None = None
    field_marks: Mapping[str, Mark] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelSpec:
    """A model file as declared things.

    `tensors` holds all by name: declared, defined, and made by layers. `roles` speaks of declared ones only.
    `expanded` is what `layers:` stand for, written as formulas. `text` and `file` are the source and its path,
    `marks` the places of its top-level keys.
    """

    name: str
    loss: Tensor
    outputs: dict[str, Tensor]
    metrics: tuple[Tensor, ...]
    tensors: dict[str, Tensor]
    roles: dict[str, str]
    dims: dict[str, Any]
    train: TrainSpec
    data: DataSpec | None
    text: str
    file: str
    expanded: str = ""
    marks: Mapping[str, Mark] = field(default_factory=dict)
