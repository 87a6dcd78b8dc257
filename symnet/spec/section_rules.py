"""What the larger values of a model file may be: formulas, losses, outputs, optimizers, columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from symnet.declare.optimizers.registry import OPTIMIZERS
from symnet.spec.asked import LOSSES, METRICS
from symnet.spec.functions import Function
from symnet.spec.rules import TEXT, either, is_names, is_text, rule
from symnet.spec.sources.builtin import NAMES

ROLES = ("input", "target", "param", "state")


def call_of(table: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The JSON Schema of one of a table by its name, with what each is given."""
    return {"type": "object", "properties": dict(table), "minProperties": 1, "maxProperties": 1} | CLOSED


def name_or_call(table: Mapping[str, Function]) -> Any:
    """A tensor, or a function of tensors, which may have options."""
    return rule(
        lambda v: is_text(v) or (isinstance(v, dict) and len(v) == 1),
        "a tensor's name, or one function of tensors, for example {cross_entropy: [p, y]}",
        either(TEXT, call_of({name: of_tensors(function) for name, function in table.items()})),
    )


def of_tensors(function: Function) -> dict[str, Any]:
    """`[p, y]`, or `{of: [p, y]}` with options."""
    options = {"of": TEXTS, **{key: {} for key in function.named}}
    return either(TEXTS, {"type": "object", "properties": options, "required": ["of"]} | CLOSED)


def with_options(kind: type[Any]) -> dict[str, Any]:
    """The options of an optimizer, or nothing."""
    options: dict[str, Any] = {field.name: {} for field in fields(kind) if field.init}
    return {"type": ["object", "null"], "properties": options} | CLOSED


CLOSED = {"additionalProperties": False}
TEXTS = {"type": "array", "items": TEXT}
Formulas = rule(
    lambda v: isinstance(v, str) or (isinstance(v, list) and all(isinstance(part, str) for part in v)),
    "text with a formula on each line, after `formulas: |`, or a list of formulas",
    either(TEXT, TEXTS),
)
Loss, Metric = name_or_call(LOSSES), name_or_call({**LOSSES, **METRICS})
Outputs = rule(
    lambda v: is_names(v) or v == [] or (isinstance(v, dict) and all(map(is_text, v.values()))),
    "a list of tensors, or a mapping from names to tensors",
    either(TEXT, TEXTS, {"type": "object", "additionalProperties": TEXT}),
)
Columns = rule(is_names, "a column or array, or a list of columns", either(TEXT, {**TEXTS, "minItems": 1}))
BuiltinName = rule(is_text, "a text", {"enum": list(NAMES)})
OneOptimizer = rule(
    lambda v: is_text(v) or (isinstance(v, dict) and len(v) == 1),
    "an optimizer's name, or one with options, for example {adam: {lr: 0.001}}",
    either({"enum": list(OPTIMIZERS)}, call_of({name: with_options(kind) for name, kind in OPTIMIZERS.items()})),
)
