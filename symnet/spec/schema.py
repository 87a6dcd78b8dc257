"""The sections of a model file as pydantic models: every unknown key is a mistake."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from symnet.core.definition import KINDS
from symnet.spec.layer_sections import LayerEntry
from symnet.spec.rules import (
    TEXT,
    Count,
    DimSize,
    Flag,
    Init,
    NotNegative,
    Positive,
    Share,
    Size,
    Text,
    Whole,
    choice,
    either,
    is_names,
    is_numbers,
    is_whole,
    rule,
)
from symnet.spec.section import Section
from symnet.spec.section_rules import ROLES, BuiltinName, Columns, Formulas, Loss, Metric, OneOptimizer, Outputs


class TensorSection(Section):
    """A tensor that data or training gives, or that a formula defines."""

    shape: list[Size] = Field(
        description="its sizes: dims, whole numbers, or sums and products of them; [] is a scalar"
    )
    role: choice("role", ROLES) | None = Field(None, description="who gives it; left out for what a formula defines")  # type: ignore[valid-type]
    kind: choice("kind", KINDS) = Field("real", description="what its values are")  # type: ignore[valid-type]
    classes: Size | None = Field(None, description="how many classes labels have: a dim or a whole number")
    init: Init | None = Field(None, description="how a parameter begins, for example glorot_uniform or normal(0.02)")


class EarlyStoppingSection(Section):
    """When to stop because nothing gets better."""

    monitor: Text = Field("val_loss", description="what is watched")
    patience: Whole = Field(5, description="for how many epochs without gain")
    min_delta: NotNegative = Field(0.0, description="what counts as a gain")
    mode: choice("mode", ("auto", "min", "max")) = Field("auto", description="whether less or more is better")  # type: ignore[valid-type]
    restore_best: Flag = Field(True, description="whether to go back to the best parameters")


class CheckpointSection(Section):
    """How often training is saved."""

    seconds: Positive | None = Field(None, description="after so many seconds")
    steps: Count | None = Field(None, description="after so many steps")


class TrainSection(Section):
    """How the model is trained."""

    optimizer: OneOptimizer = Field(
        "adam", description="how parameters change; options in a mapping, lr may be a schedule"
    )
    epochs: Count = Field(10, description="how often all samples are met")
    batch: Count = Field(32, description="how many samples make a step")
    seed: Whole = Field(0, description="what decides all chance")
    validation: Share = Field(0.0, description="the share of samples that is held out")
    dtype: choice("dtype", ("float32", "float64")) = Field("float32", description="the numbers used")  # type: ignore[valid-type]
    threads: Count = Field(1, description="how many threads work")
    shuffle: Flag = Field(True, description="whether each epoch has its own order")
    early_stopping: EarlyStoppingSection | rule(  # type: ignore[valid-type]
        lambda v: v is None or isinstance(v, bool) or is_whole(v, 0),
        "true, a number of epochs, or settings such as {patience: 5}",
        either({"type": "boolean"}, {"type": "integer"}, {"type": "null"}),
    ) = Field(None, description="stop when nothing gets better")
    class_weight: rule(  # type: ignore[valid-type]
        lambda v: v is None or v == "balanced" or (isinstance(v, list) and is_numbers(v)),
        "the word balanced, or a list with a weight for each class",
        either({"enum": ["balanced"]}, {"type": "array", "items": {"type": "number"}}, {"type": "null"}),
    ) = Field(None, description="what samples of each class weigh")
    checkpoint: CheckpointSection | None = Field(None, description="how often training is saved")


class DataSection(BaseModel):
    """Where the data comes from; further keys are options of a generated set (samples, noise, seed, ...)."""

    model_config = ConfigDict(extra="allow", strict=True)
    builtin: BuiltinName | None = Field(None, description="the name of a built-in set")
    file: Text | None = Field(None, description="a .csv, .npz, .npy or .parquet file, relative to the model file")
    inputs: dict[str, Columns] = Field(default_factory=dict, description="columns or arrays of each input")
    target: dict[str, Columns] = Field(default_factory=dict, description="columns or arrays of each target")
    standardise: rule(  # type: ignore[valid-type]
        lambda v: isinstance(v, bool) or is_names(v),
        "true, or a list of inputs",
        either({"type": "boolean"}, {"type": "array", "items": TEXT}),
    ) = Field(False, description="bring inputs to mean 0 and deviation 1")
    test: Share = Field(0.0, description="the share that is kept for `symnet evaluate`")


class ModelFile(Section):
    """A network as mathematics: sizes, tensors, formulas or layers, a loss, and how to train it."""

    symnet: rule(lambda v: v == 1 and is_whole(v), "the number 1", {"const": 1}) = Field(  # type: ignore[valid-type]
        description="the version of this format"
    )
    name: Text = Field("model", description="what the model is called")
    dims: dict[str, DimSize] = Field(default_factory=dict, description="sizes by name; batch stands for the samples")
    tensors: dict[str, TensorSection] = Field(description="what data and training give")
    formulas: Formulas | None = Field(
        None, description="definitions, one below the other: z[n,k] = sum(x[n,d]*W[d,k], d)"
    )
    layers: list[LayerEntry] | None = Field(None, description="layers, which stand for formulas")
    loss: Loss = Field(description="a scalar tensor, a formula for one, or {cross_entropy: [p, y]}")
    outputs: Outputs = Field(default_factory=list, description="what `symnet predict` writes")
    metrics: list[Metric] = Field(default_factory=list, description="what is followed while training")
    train: TrainSection = Field(
        default_factory=lambda: TrainSection.model_validate({}), description="how the model is trained"
    )
    data: DataSection | None = Field(None, description="where the data comes from")


def json_schema() -> dict[str, Any]:
    """The JSON Schema of model files, for editors."""
    schema = ModelFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "A symnet model file"}
