"""What each parameter of an estimator may be, and what is said where it is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np

from symnet.errors import ShapeProblem, TrainingProblem, ValueProblem


class ParameterProblem(ValueProblem, ValueError):
    """A parameter of an estimator that has no meaning."""


class TargetProblem(ShapeProblem, ValueError):
    """Targets or weights that an estimator cannot learn from."""


class Diverged(TrainingProblem, ValueError):
    """A loss that is not finite."""


def _number(least: float, most: float = inf, *, ends: str = "[)") -> Callable[[Any], bool]:
    """A number in an interval, closed or open at its ends."""

    def holds(value: Any) -> bool:
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real) or not isfinite(value):
            return False
        number = float(value)
        above = number >= least if ends[0] == "[" else number > least
        return above and (number <= most if ends[1] == "]" else number < most)

    return holds


def _count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def _one_of(*names: str) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: isinstance(value, str) and value in names), f"one of {', '.join(map(repr, names))}"


def _widths(value: Any) -> bool:
    return _count(value) or (np.ndim(value) == 1 and all(_count(width) for width in np.asarray(value).tolist()))


SHARE = (_number(0, 1), "a number from 0 on and below 1")
FLAG = (lambda value: isinstance(value, (bool, np.bool_)), "True or False")
COUNT = (_count, "a whole number, 1 or more")
POSITIVE = (_number(0, ends="()"), "a number above 0")
NOT_NEGATIVE = (_number(0), "a number, 0 or more")
ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "hidden_layer_sizes": (_widths, "the width of each hidden layer, such as (100,) or (64, 32)"),
    "solver": _one_of("adam", "sgd", "lbfgs"),
    "learning_rate": _one_of("constant", "invscaling", "adaptive"),
    "alpha": NOT_NEGATIVE,
    "tol": NOT_NEGATIVE,
    "power_t": NOT_NEGATIVE,
    "learning_rate_init": POSITIVE,
    "epsilon": POSITIVE,
    "momentum": (_number(0, 1, ends="[]"), "a number from 0 to 1"),
    "beta_1": SHARE,
    "beta_2": SHARE,
    "validation_fraction": (_number(0, 1, ends="()"), "a number between 0 and 1"),
    "max_iter": COUNT,
    "max_fun": COUNT,
    "n_iter_no_change": (lambda value: _count(value) or value == inf, "a whole number, 1 or more, or infinity"),
    "batch_size": (lambda value: _count(value) or (isinstance(value, str) and value == "auto"), "'auto' or a number"),
    "shuffle": FLAG,
    "warm_start": FLAG,
    "nesterovs_momentum": FLAG,
    "early_stopping": FLAG,
    "dtype": (lambda value: value is None or str(value) in ("float32", "float64"), "None, 'float32' or 'float64'"),
}


def check_parameters(who: str, given: Any) -> None:
    """Every parameter is something that has a meaning."""
    for name, (holds, wanted) in ALLOWED.items():
        value = getattr(given, name)
        if not holds(value):
            raise ParameterProblem(f"{who}: {name} is {value!r}", f"{meant(value, wanted)}{name} is {wanted}")


def meant(value: Any, wanted: str | Iterable[str]) -> str:
    """A guess at which of some names was meant; of a text, those in quotes."""
    names = re.findall(r"'(\w+)'", wanted) if isinstance(wanted, str) else list(wanted)
    near = get_close_matches(value, names, 1) if isinstance(value, str) else []
    return f"did you mean {near[0]!r}? " if near else ""


def widths(given: Any) -> tuple[int, ...]:
    """The widths of the hidden layers."""
    sizes = given.hidden_layer_sizes
    return tuple(int(width) for width in (np.atleast_1d(np.asarray(sizes, dtype=int))))
