"""Which columns or arrays a tensor is made of, by the section `data:` or by names that speak for themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import count, takewhile
from pathlib import Path

import sympy as sp

from symnet.core.definition import Program, shape_text
from symnet.declare.tensor import Tensor
from symnet.errors import DataFileError, Diagnostic, LocatedError, ModelFileError
from symnet.spec.sources.problems import listed, section_error, suggestion
from symnet.spec.specification import DataSpec, ModelSpec

COMMON = {"input": "data", "target": "target"}


@dataclass(frozen=True)
class Want:
    """A tensor that needs values, and what they are made of once that is known."""

    tensor: Tensor
    role: str
    asked: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.tensor.name

    @property
    def rest(self) -> tuple[sp.Expr, ...]:
        """The sizes of one row."""
        return tuple(self.tensor.shape[1:])

    @property
    def shape(self) -> str:
        return shape_text(self.tensor.shape)


def wants(spec: ModelSpec, data: DataSpec, *, predicting: bool = False) -> list[Want]:
    """What has to be given; for a prediction only what the outputs read."""
    read = {node.name for node in Program.of(list(spec.outputs.values())).inputs()} if predicting else None
    mapping = {**data.inputs, **data.target}
    return [
        Want(spec.tensors[name], role, tuple(mapping.get(name, ())))
        for name, role in spec.roles.items()
        if role in COMMON and (read is None or name in read)
    ]


@dataclass(frozen=True)
class Names:
    """The names that a source has, and where they stand for messages."""

    path: Path
    names: tuple[str, ...]
    what: str  # column or array
    nameless: bool = False
    replaced: bool = False  # the file came from the command line


def resolved(spec: ModelSpec, data: DataSpec, wanted: Sequence[Want], source: Names) -> list[Want]:
    """Wants with their names found; all that are not are named together."""
    problems: list[LocatedError] = []
    found = []
    for want in wanted:
        try:
            names = found_names(spec, data, want, wanted, source)
        except LocatedError as problem:
            problems.append(problem)
        else:
            found.append(Want(want.tensor, want.role, want.asked, names))
    if problems:
        together: list[Diagnostic] = [d for problem in problems for d in problem.diagnostics]
        raise type(problems[0])(together)
    return found


def _matched(want: Want, wanted: Sequence[Want], source: Names) -> tuple[str, ...] | None:
    if want.asked:
        parts = [_expanded(name, source.names) for name in want.asked]
        return tuple(name for part in parts for name in part) if all(parts) else None
    return _by_name(want, wanted, source)


def found_names(spec: ModelSpec, data: DataSpec, want: Want, wanted: Sequence[Want], source: Names) -> tuple[str, ...]:
    """The names a tensor is made of, or a mistake that says which is missing."""
    names = _matched(want, wanted, source)
    if names is None:
        missing = next((n for n in want.asked if not _expanded(n, source.names)), want.name)
        text = f"{want.name}: there is no {source.what} {missing!r} in {source.path}"
        raise located(spec, data, want, source, text, advice(want, missing, source))
    twice = next((n for n in names if source.names.count(n) > 1), None)
    if twice is not None:
        text = f"{want.name}: two {source.what}s of {source.path} are named {twice!r}"
        raise located(spec, data, want, source, text, "give each a name of its own")
    return names


def located(spec: ModelSpec, data: DataSpec, want: Want, source: Names, text: str, hint: str) -> LocatedError:
    """A mistake about names: in the model file, or in the file that took the place of its data."""
    if source.replaced:
        line = 1 if source.what == "column" else None
        return DataFileError([Diagnostic("E0404", text, file=str(source.path), line=line, hint=hint)])
    section = "target" if want.role == "target" else "inputs"
    found: ModelFileError = section_error(
        spec, data, "E0404", text, hint, f"{section}.{want.name}", want.name, section, "file", "builtin"
    )
    return found


def advice(want: Want, missing: str, source: Names) -> str:
    """What to do about a name that is not there."""
    if source.nameless:
        return "the first row seems to hold values: put a row of names before it"
    if want.asked:
        return suggestion(missing, source.names)
    section = "target" if want.role == "target" else "inputs"
    return f"say what it is made of: {section}: {{{want.name}: [...]}}; there are {listed(source.names) or 'none'}"


def _expanded(name: str, names: Sequence[str]) -> list[str]:
    """A name, or those that a pattern with * or ? stands for, in the order of the file."""
    if name in names or not re.search(r"[*?]", name):
        return [name] if name in names else []
    return [other for other in names if fnmatchcase(other, name)]


def _by_name(want: Want, wanted: Sequence[Want], source: Names) -> tuple[str, ...] | None:
    """A tensor's own name, numbered columns of that name, what is usual, or the only array there is."""
    if want.name in source.names:
        return (want.name,)
    numbered = tuple(takewhile(source.names.__contains__, (f"{want.name}_{i}" for i in count())))
    if numbered:
        return numbered
    alone = sum(other.role == want.role for other in wanted) == 1
    if alone and COMMON[want.role] in source.names:
        return (COMMON[want.role],)
    if source.what == "array" and len(source.names) == len(wanted) == 1:
        return source.names
    return None
