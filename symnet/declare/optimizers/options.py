"""Hyper-parameters: what each may be, what is said where it is not, and how they are shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, fields
from numbers import Real
from typing import Any

from symnet.errors import ValueProblem

NUMBERS: dict[str, tuple[Callable[[float], bool], str]] = {
    **dict.fromkeys(
        ("lr", "floor", "eps", "weight_decay", "momentum_decay", "lr_decay", "initial"),
        (lambda x: x >= 0, "a number, 0 or more"),
    ),
    **dict.fromkeys(
        ("momentum", "beta1", "beta2", "alpha", "rho"), (lambda x: 0 <= x < 1, "a number from 0 on and below 1")
    ),
    **dict.fromkeys(("clip_value", "clip_norm", "factor", "rate"), (lambda x: x > 0, "a number above 0")),
}
COUNTS = ("steps", "every")
OPTIONAL = ("clip_value", "clip_norm")
A_SCHEDULE = "or a schedule such as sn.optim.cosine(0.1, steps=1000)"


def settle(options: Any, who: str, schedules: bool) -> None:
    """Make the fields of a frozen dataclass plain floats, ints and bools, or say what is wrong with one."""
    for f in fields(options):
        value = getattr(options, f.name)
        if schedules and f.name == "lr" and callable(value):
            continue
        if f.type in ("bool", bool) and not isinstance(value, bool):
            raise ValueProblem(f"{who}: {f.name} is {value!r}", f"{f.name} is True or False")
        object.__setattr__(options, f.name, checked(who, f.name, value, schedules))


def checked(who: str, name: str, value: Any, schedules: bool) -> Any:
    """The value of a hyper-parameter as its name wants it; names that are not known here may be anything."""
    if name in OPTIONAL and value is None:
        return None
    if name in COUNTS:
        if not is_number(value) or value != int(value) or value < 1:
            raise ValueProblem(f"{who}: {name} is {value!r}", f"{name} is a whole number, 1 or more")
        return int(value)
    if name not in NUMBERS:
        return value
    holds, wanted = NUMBERS[name]
    if not is_number(value) or not holds(float(value)):
        also = f", {A_SCHEDULE}" if name == "lr" and schedules else ""
        raise ValueProblem(f"{who}: {name} is {value!r}", f"{name} is {wanted}{also}")
    return float(value)


def is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def settings_text(options: Any) -> str:
    """`lr=0.1, momentum=0.9`: the learning rate and whatever is not as usual."""
    shown = [f for f in fields(options) if f.init and f.repr]
    told = [f for f in shown if f.name == "lr" or f.default is MISSING or getattr(options, f.name) != f.default]
    told.sort(key=lambda f: bool(f.kw_only))
    return ", ".join(f"{f.name}={getattr(options, f.name)!r}" for f in told)
