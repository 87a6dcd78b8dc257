"""What single values of a model file may be, each with the words in which it is said and its JSON Schema."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

Test = Callable[[Any], bool]


def rule(holds: Test, wanted: str, schema: dict[str, Any]) -> Any:
    """A field whose value must pass a test."""

    def check(value: Any) -> Any:
        if not holds(value):
            raise PydanticCustomError("wanted", "{wanted}", {"wanted": wanted})
        return value

    return Annotated[Any, PlainValidator(check), WithJsonSchema(schema)]


def choice(what: str, names: Sequence[str]) -> Any:
    """A field that takes one of a few words."""

    def check(value: Any) -> Any:
        if value not in names or not isinstance(value, str):
            raise PydanticCustomError("choice", "{what}", {"what": what, "names": list(names)})
        return value

    return Annotated[Any, PlainValidator(check), WithJsonSchema({"enum": list(names)})]


def is_whole(value: Any, least: int = -(2**63)) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**63


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= 200


def is_size(value: Any) -> bool:
    return is_whole(value, 1) or is_text(value)


def is_wholes(value: Any, least: int = -(2**63)) -> bool:
    """A whole number or a list of such."""
    return is_whole(value, least) or (
        isinstance(value, list) and bool(value) and all(is_whole(v, least) for v in value)
    )


def is_numbers(value: Any) -> bool:
    """A number, or lists of numbers in any depth."""
    return is_number(value) or (isinstance(value, list) and bool(value) and all(map(is_numbers, value)))


def is_names(value: Any) -> bool:
    return is_text(value) or (isinstance(value, list) and bool(value) and all(map(is_text, value)))


def either(*schemas: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": list(schemas)}


TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}
POSITIVE = {"type": "integer", "minimum": 1}

Text = rule(is_text, "a text", TEXT)
Names = rule(is_names, "a name, or a list of names", either(TEXT, {"type": "array", "items": TEXT}))
Flag = rule(lambda v: isinstance(v, bool), "true or false", {"type": "boolean"})
Count = rule(lambda v: is_whole(v, 1), "a whole number, 1 or more", POSITIVE)
Whole = rule(lambda v: is_whole(v, 0), "a whole number, 0 or more", {"type": "integer", "minimum": 0})
Number = rule(is_number, "a number", NUMBER)
Positive = rule(lambda v: is_number(v) and v > 0, "a number above 0", {"type": "number", "exclusiveMinimum": 0})
NotNegative = rule(lambda v: is_number(v) and v >= 0, "a number, 0 or more", {"type": "number", "minimum": 0})
Share = rule(
    lambda v: is_number(v) and 0 <= v < 1,
    "a number from 0 on and below 1",
    {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
)
Size = rule(is_size, "a whole number, 1 or more, or a dim", either(POSITIVE, TEXT))
Axes = rule(is_wholes, "a whole number, or a list of such", either(WHOLE, {"type": "array", "items": WHOLE}))
Window = rule(
    lambda v: is_wholes(v, 0), "a whole number, or one for each axis", either(WHOLE, {"type": "array", "items": WHOLE})
)
DimSize = rule(
    lambda v: is_whole(v, 1) or v in ("batch", "free"),
    "a whole number, 1 or more, or the word batch (the samples) or free (a size that the data tells)",
    either(POSITIVE, {"enum": ["batch", "free"]}),
)
Init = rule(
    lambda v: is_text(v) or is_numbers(v),
    "the name of an initialiser, a number, or a list of numbers",
    either(TEXT, NUMBER, {"type": "array"}),
)
