"""What is said of data that cannot be used, and where it stands: in a data file, or in the model file's `data:`.

E0402 a file that cannot be opened or is no such file       E0407 a label that is none of the classes
E0403 text that is no table                                 E0408 sizes that do not fit a tensor
E0404 a column or array that is not there                   E0409 more than memory or the file holds
E0405 a value that is missing                               E0410 a section `data:` that has no meaning
E0406 a value that is no number                             E0411 no data at all
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from symnet.errors import DataFileError, Diagnostic, ModelFileError
from symnet.spec.specification import DataSpec, ModelSpec

MOST = 20  # mistakes of one file that are listed
SHOWN = 40  # characters of a value that are shown


@dataclass
class Found:
    """Mistakes in one data file, raised together."""

    file: Path
    diagnostics: list[Diagnostic] = field(default_factory=list)
    left_out: int = 0

    def add(self, code: str, message: str, hint: str = "", line: int | None = None) -> None:
        """Note one more; beyond a number they are only counted."""
        if len(self.diagnostics) >= MOST:
            self.left_out += 1
            return
        self.diagnostics.append(Diagnostic(code, message, file=str(self.file), line=line, hint=hint))

    def raise_any(self) -> None:
        """Raise what was noted, if anything was; in the order of lines."""
        if not self.diagnostics:
            return
        found = sorted(self.diagnostics, key=lambda d: d.line or 0)
        if self.left_out:
            text = f"and {self.left_out} more mistakes of this kind"
            found.append(Diagnostic(found[-1].code, text, file=str(self.file)))
        raise DataFileError(found)


def file_error(file: Path, code: str, message: str, hint: str = "", line: int | None = None) -> DataFileError:
    """One mistake in a data file."""
    return DataFileError([Diagnostic(code, message, file=str(file), line=line, hint=hint)])


def section_error(
    spec: ModelSpec, data: DataSpec | None, code: str, message: str, hint: str, *keys: str
) -> ModelFileError:
    """One mistake in the section `data:` of a model file, at the first of the keys that has a place."""
    marks = [] if data is None else [data.field_marks[key] for key in keys if key in data.field_marks]
    if data is not None and data.mark is not None:
        marks.append(data.mark)
    line, col = (marks[0].line, marks[0].col) if marks else (None, None)
    return ModelFileError(
        [Diagnostic(code, message, file=spec.file, line=line, col=col, hint=hint, marks=tuple(marks[:1]))]
    )


def shown(text: str) -> str:
    """A value in quotes, cut where it is long."""
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "...")


def listed(names: Iterable[object], most: int = 12) -> str:
    """Names in a row; of many only the first."""
    found = [str(name) for name in names]
    return ", ".join(found[:most]) + (f", ... ({len(found)} in all)" if len(found) > most else "")


def suggestion(name: str, names: Iterable[str]) -> str:
    """A hint: the name that may have been meant, else what there is."""
    known = list(names)
    folded = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[close[0]]!r}?" if close else f"there are {listed(known) or 'none'}"
