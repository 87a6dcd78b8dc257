"""Elementary functions in plain Numba that LLVM vectorises, as text for emitted modules.

Numba has no vector library, and a call to the C library keeps a loop from being vectorised. These functions are
branch-free arithmetic, hence inlined and vectorised with the loop that calls them. They are right for every number of
their type, infinities, NaN, signed zeros and subnormal numbers too, to 2 units in the last place for float32 and 4 for
float64, whatever the fastmath flags of the caller. None relies on fused multiplication and addition, though a processor
without it may add a tenth of a unit or two.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from symnet.emit.vector_math_float32 import TEXT as FLOAT32
from symnet.emit.vector_math_float64 import TEXT as FLOAT64
from symnet.emit.vector_math_source import FUNCTIONS, HEAD
from symnet.emit.vector_math_stable import STABLE

NUMBERS = {"float32": FLOAT32, "float64": FLOAT64}


@dataclass(frozen=True)
class Statement:
    """A top-level statement with the comments above it, the names it gives and those it uses."""

    text: str
    gives: frozenset[str]
    uses: frozenset[str]
    is_function: bool


def source(names: Iterable[str], dtype: str) -> str:
    """The definitions of the named functions and of what they need, each once and after all that it needs.

    The text stands on its own but for `import numpy as np`, which the module must have before it. Its functions take
    scalars of the type and give one; they are for compiled callers. What else it names begins with an underscore,
    except for what it imports: `ir` and `binding as llb` of llvmlite, `intrinsic` and `overload` of numba.extending.
    """
    statements = _statements(dtype)
    needed: set[int] = set()
    for name in names:
        if name not in available():
            raise KeyError(f"no vector math for {name!r}")
        _collect(name, statements, needed)
    return _joined([statements[i] for i in sorted(needed)])


@cache
def available() -> frozenset[str]:
    """The names of the functions."""
    functions = (s.gives for s in _statements("float32") if s.is_function)
    return frozenset(name for gives in functions for name in gives if not name.startswith("_"))


@cache
def globals_given() -> frozenset[str]:
    """Every name that the text may give to a module."""
    return frozenset().union(*(s.gives for dtype in NUMBERS for s in _statements(dtype)))


@cache
def _statements(dtype: str) -> tuple[Statement, ...]:
    text = HEAD + NUMBERS[dtype] + FUNCTIONS + STABLE[dtype]
    lines, begin, found = text.splitlines(), 0, []
    for node in ast.parse(text).body:
        assert node.end_lineno is not None
        part = "\n".join(lines[begin : node.end_lineno]).strip()
        begin = node.end_lineno
        uses = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        found.append(Statement(part, defined(node), frozenset(uses), isinstance(node, ast.FunctionDef)))
    return tuple(found)


def defined(node: ast.stmt) -> frozenset[str]:
    """The names that a top-level statement gives."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return frozenset({node.name})
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return frozenset(alias.asname or alias.name for alias in node.names)
    assert isinstance(node, ast.Assign)
    names = (n for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name))
    return frozenset(n.id for n in names)


def _collect(name: str, statements: tuple[Statement, ...], needed: set[int]) -> None:
    for i, statement in enumerate(statements):
        if name in statement.gives and i not in needed:
            needed.add(i)
            for used in statement.uses:
                _collect(used, statements, needed)


def _joined(statements: list[Statement]) -> str:
    text = ""
    for before, statement in zip([None, *statements], statements, strict=False):
        apart = before is not None and (before.is_function or statement.is_function)
        text += ("\n\n\n" if apart else "\n" if before else "") + statement.text
    return text + "\n" if text else ""
