"""What can be wrong with a command line, apart from what it is about.

E0601 no such verb, option or argument      E0605 a Python file has no such Model or Tensor
E0602 a value that an option does not take  E0606 a Python file of one's own fails
E0603 an argument is missing                E0607 a file cannot be written
E0604 a file is there already               E0608 stopped by Ctrl-C
E0609 options that do not go together       E0610 sizes that are open
E0699 a bug in symnet
"""

from __future__ import annotations

from symnet.errors import Diagnostic, LocatedError, Mark, SymnetError


class CommandProblem(SymnetError):
    """Something about the command line itself."""

    code = "E0601"

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.code = code


def in_file(code: str, message: str, hint: str, file: str, line: int | None, col: int | None = None) -> LocatedError:
    """Something about a line of a user's own file."""
    marks = (Mark(line, col),) if line is not None and col is not None else ()
    found = Diagnostic(code, message, file=file, line=line, col=col, hint=hint, marks=marks)
    return LocatedError([found])
