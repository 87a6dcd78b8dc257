"""What symnet says when something that was asked for cannot be done.

Every mistake a user can make raises a `SymnetError` with a code, what was asked, what was found and,
in `hint`, what to do. A broken invariant of the compiler is an assertion instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class SymnetError(Exception):
    """A user's mistake: `code`, `message` and a `hint` that says what to do."""

    code = "E0000"
    of_data = False  # whether values that were given from outside are to blame

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{self.code} {self.message}{hint}"


class NameProblem(SymnetError):
    """A name that cannot be used, is missing, or stands for two things."""

    code = "E0101"


class ShapeProblem(SymnetError):
    """Shapes or ranks that do not fit together."""

    code = "E0201"


class RangeProblem(SymnetError):
    """An index without a range, or read outside its axis."""

    code = "E0202"


class IndexProblem(SymnetError):
    """An index that runs over two extents, or stands on one side of a definition only."""

    code = "E0203"


class KindProblem(SymnetError):
    """A tensor of the wrong kind, or values that break their declared kind."""

    code = "E0204"


class CycleProblem(SymnetError):
    """Definitions that wait for each other."""

    code = "E0205"


class FormulaProblem(SymnetError):
    """Something in a formula that has no meaning here."""

    code = "E0206"


class NonScalarLoss(SymnetError):
    """A gradient asked of a tensor that is not a scalar."""

    code = "E0301"


class ValueProblem(SymnetError):
    """Values that are missing, misshapen or not finite."""

    code = "E0401"


class CacheProblem(SymnetError):
    """A folder for compiled kernels that cannot be used."""

    code = "E0501"


class TrainingProblem(SymnetError):
    """A training run that cannot go on: a checkpoint that is damaged or does not fit, parameters of another shape."""

    code = "E0502"


class Diverged(TrainingProblem):
    """A loss that is no longer finite."""

    code = "E0504"


class RunProblem(SymnetError):
    """A run folder that is there already, is missing, or does not fit what is asked of it."""

    code = "E0503"


class MissingPart(SymnetError):
    """An optional package that is not installed."""

    code = "E0701"


@dataclass(frozen=True)
class Mark:
    """Where carets stand: a line and a column, both from 1, and how many characters."""

    line: int
    col: int
    length: int = 1


@dataclass(frozen=True)
class Diagnostic:
    """One thing to say of a file, a formula, a data set or a command line; lines and columns count from 1."""

    code: str
    message: str
    severity: str = "error"
    file: str | None = None
    line: int | None = None
    col: int | None = None
    hint: str = ""
    marks: tuple[Mark, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints of it."""
        keys = ("code", "severity", "message", "file", "line", "col", "hint")
        return {key: getattr(self, key) for key in keys}

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.col) if part is not None)
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{place}: {self.code} {self.message}{hint}" if place else f"{self.code} {self.message}{hint}"


class LocatedError(SymnetError):
    """Mistakes with their places, all that were found at once."""

    code = "E0001"

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        assert diagnostics, "an error says something"
        super().__init__(diagnostics[0].message, diagnostics[0].hint)
        self.code = diagnostics[0].code
        self.diagnostics = tuple(diagnostics)

    def __str__(self) -> str:
        return "\n".join(map(str, self.diagnostics))


class ModelFileError(LocatedError):
    """Everything that is wrong with a model file."""


class DataFileError(LocatedError):
    """Everything that is wrong with a data file."""


class SymnetWarning(UserWarning):
    """Something a user should know that is no mistake."""
