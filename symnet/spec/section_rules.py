"""What the larger values of a model file may be: formulas, losses, outputs, optimizers, columns."""

from __future__ import annotations

from symnet.declare.optimizers.registry import OPTIMIZERS
from symnet.spec.rules import TEXT, either, is_names, is_text, rule
from symnet.spec.sources.builtin import NAMES

ROLES = ("input", "target", "param", "state")
CALL = {"type": "object", "minProperties": 1, "maxProperties": 1}
Formulas = rule(
    lambda v: isinstance(v, str) or (isinstance(v, list) and all(isinstance(part, str) for part in v)),
    "text with a formula on each line, after `formulas: |`, or a list of formulas",
    either(TEXT, {"type": "array", "items": TEXT}),
)
NameOrCall = rule(
    lambda v: is_text(v) or (isinstance(v, dict) and len(v) == 1),
    "a tensor's name, or one function of tensors, for example {cross_entropy: [p, y]}",
    either(TEXT, CALL),
)
Outputs = rule(
    lambda v: is_names(v) or v == [] or (isinstance(v, dict) and all(map(is_text, v.values()))),
    "a list of tensors, or a mapping from names to tensors",
    either({"type": "array", "items": TEXT}, {"type": "object", "additionalProperties": TEXT}),
)
Columns = rule(
    is_names, "a column or array, or a list of columns", either(TEXT, {"type": "array", "items": TEXT, "minItems": 1})
)
BuiltinName = rule(is_text, "a text", {"enum": list(NAMES)})
OneOptimizer = rule(
    lambda v: is_text(v) or (isinstance(v, dict) and len(v) == 1),
    "an optimizer's name, or one with options, for example {adam: {lr: 0.001}}",
    either(
        {"enum": list(OPTIMIZERS)}, {**CALL, "properties": {name: {"type": ["object", "null"]} for name in OPTIMIZERS}}
    ),
)
