"""Options of compile and fit as they are used, or refused with what they may be."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symnet.core.definition import Node
from symnet.declare.optimizers.base import Optimizer
from symnet.declare.optimizers.sgd import SGD
from symnet.errors import ValueProblem

Array = NDArray[Any]


def as_optimizer(given: Any) -> Optimizer:
    """An optimizer as it is; plain SGD where there is none."""
    if given is None or isinstance(given, Optimizer):
        return SGD() if given is None else given
    if isinstance(given, type) and issubclass(given, Optimizer):
        raise ValueProblem(f"compile was given the class {given.__name__}", f"call it: sn.optim.{given.__name__}()")
    raise ValueProblem(f"{given!r} is no optimizer", "give one of sn.optim: compile(sn.optim.Adam(1e-3))")


def as_dtype(given: Any) -> str:
    """The name of a real type; NumPy's own are as good."""
    numpys = isinstance(given, np.dtype) or (isinstance(given, type) and issubclass(given, np.generic))
    name = np.dtype(given).name if numpys else given
    if not isinstance(name, str) or name not in ("float32", "float64"):
        raise ValueProblem(f"dtype={given!r} is not known", "there are 'float32' and 'float64'")
    return name


def as_whole(option: str, given: Any, least: int, below: int | None = None) -> int:
    """A whole number, Python's or NumPy's."""
    whole = isinstance(given, (int, np.integer)) and not isinstance(given, bool)
    if not whole or given < least or (below is not None and given >= below):
        bounds = f"from {least}" if below is None else f"from {least}, below 2**{below.bit_length() - 1}"
        raise ValueProblem(f"{option}={given!r}", f"give a whole number {bounds}")
    return int(given)


def as_flag(option: str, given: Any) -> bool:
    """True or False."""
    if not isinstance(given, (bool, np.bool_)):
        raise ValueProblem(f"{option}={given!r}", "give True or False")
    return bool(given)


def as_share(validation: Any) -> float | None:
    """The share of the rows that is held out; None where other data, or nothing, is measured."""
    if validation is None or hasattr(validation, "keys"):
        return None
    if not isinstance(validation, Real):
        raise ValueProblem(
            f"validation is {_described(validation)}",
            'give a share of the rows, for example 0.1, or data by name: {"x": X, "y": Y}',
        )
    return validation if isinstance(validation, bool) else float(validation)


def by_name(data: Any) -> dict[str, Any]:
    """Data by the names of inputs; tensors may stand for their names."""
    if not hasattr(data, "keys"):
        raise ValueProblem(f"the data is {_described(data)}", 'give arrays by the names of inputs: {"x": X, "y": Y}')
    return {key.name if isinstance(key, Node) else key: data[key] for key in data.keys()}  # noqa: SIM118


def as_weights(given: Any) -> Array:
    """Weights of samples as numbers; 1 where there are none."""
    try:
        return np.ones(()) if given is None else np.asarray(given, float)
    except (TypeError, ValueError):
        raise ValueProblem(
            f"sample_weight is {_described(given)}",
            'give a number for each row; class_weight="balanced" is what weighs by classes',
        ) from None


def check_classes(name: str, weights: Any, allowed: tuple[int, int] | None) -> None:
    """Weights are given for classes that a label may be."""
    if allowed is None or isinstance(weights, str):
        return
    classes = weights if isinstance(weights, Mapping) else range(len(weights))
    wrong = [k for k in classes if not allowed[0] <= k < allowed[1]]
    if wrong:
        raise ValueProblem(f"class_weight: {name} has no class {wrong[0]}", f"there are {allowed[0]}..{allowed[1] - 1}")


def _described(value: Any) -> str:
    """A value in an error's words: short ones in full, others by their type."""
    if value is None or isinstance(value, (str, int, float)):
        return repr(value)
    shape = getattr(value, "shape", None)
    return f"of type {type(value).__name__}" + ("" if shape is None else f" and shape {shape}")
