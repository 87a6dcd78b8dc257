"""The parameters of a run by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from symnet.errors import ShapeProblem, ValueProblem

Array = NDArray[Any]


class UnknownParam(ValueProblem, KeyError):
    """A parameter that there is not; a KeyError, so that `in` and `get` are those of a mapping."""


class Holder(Protocol):
    """What holds parameters."""

    model: Any

    def view(self, name: str) -> Array: ...


class Params(Mapping[str, Array]):
    """The parameters by name, as arrays; assigning to one copies values in."""

    def __init__(self, run: Holder) -> None:
        self._run = run

    def __getitem__(self, name: str) -> Array:
        return self._run.view(name)

    def __setitem__(self, name: str, value: Any) -> None:
        own, given = self._run.view(name), np.asarray(value)
        if given.dtype.kind not in "biuf":
            raise ValueProblem(f"{name} holds real numbers, but was given {given.dtype}", "give an array of numbers")
        try:
            own[...] = given
        except ValueError:
            raise ShapeProblem(
                f"{name} has shape {own.shape}, but was given {given.shape}", "give an array of its shape, or a number"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter([p.name for p in self._run.model.parts.params])

    def __len__(self) -> int:
        return len(self._run.model.parts.params)

    def __repr__(self) -> str:
        return f"Params({', '.join(f'{n} {a.shape}' for n, a in self.items())})"
