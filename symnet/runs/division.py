"""Which rows train, which validate, and which are kept for `evaluate`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symnet.errors import DataFileError, Diagnostic, LocatedError, SymnetError, ValueProblem
from symnet.train.chance import stream
from symnet.train.rows import split

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """Rows in ascending order; `fitted` are those of training and validation together."""

    train: Rows
    validation: Rows
    test: Rows
    fitted: Rows


def divided(count: int, test: float, validation: float, seed: int) -> Division:
    """Rows by share: first those for testing are drawn, then those for validation from the rest."""
    none = np.zeros(0, np.int64)
    held, rest = none, np.arange(count, dtype=np.int64)
    if test:
        if count < 2:
            raise ValueProblem("1 row cannot be split into training and testing", "give two rows or more, or test: 0")
        mixed = stream("test", int(seed)).permutation(count).astype(np.int64, copy=False)
        size = min(max(round(count * test), 1), count - 1)
        held, rest = np.sort(mixed[:size]), np.sort(mixed[size:])
    if not validation:
        return Division(rest, none, held, rest)
    train, other = split(len(rest), validation, seed)
    return Division(rest[train], rest[other], held, rest)


@contextmanager
def blamed(source: str) -> Iterator[None]:
    """Mistakes that the values of a source are to blame for name that source."""
    try:
        yield
    except LocatedError:
        raise
    except SymnetError as problem:
        if not problem.of_data:
            raise
        found = Diagnostic(problem.code, problem.message, file=source, hint=problem.hint)
        raise DataFileError([found]) from None
