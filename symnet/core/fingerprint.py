"""A text that two programs share exactly when they are the same program, names of indices aside.

It does not depend on hash seeds, on the order in which SymPy keeps terms, or on when tensors were made.
"""

from __future__ import annotations

from functools import cache

import sympy as sp
from sympy.core.symbol import Str

from symnet.core.definition import Node, Program


def fingerprint(program: Program) -> str:
    """Inputs, then definitions in order, each tensor by its number."""
    numbers: dict[Node, int] = {}
    lines = []
    for node in program.inputs():
        numbers[node] = len(numbers)
        lines.append(f"{numbers[node]} {described(node)}")
    for node in program:
        numbers[node] = len(numbers)
    for node, definition in program.definitions.items():
        names = {i: f"i{a}" for a, i in enumerate(definition.indices)}
        lines.append(f"{numbers[node]} {described(node)} := {_text(definition.formula, numbers, names)}")
    outputs = ",".join(str(numbers[o]) for o in program.outputs)
    return "\n".join([*lines, outputs])


def described(node: Node) -> str:
    """A tensor apart from its formula: name, shape, role, kind and what it is known to be."""
    known = sorted(f"{k}={v}" for k, v in node.info.items() if isinstance(v, (str, int, float, sp.Expr)))
    return f"{node.name} {tuple(map(str, node.shape))} {node.role} {node.kind} {known}"


def _text(expr: sp.Basic, numbers: dict[Node, int], names: dict[sp.Symbol, str]) -> str:
    if isinstance(expr, sp.Indexed):
        places = ",".join(_text(place, numbers, names) for place in expr.indices)
        return f"T{numbers[expr.args[0].node]}[{places}]"
    if isinstance(expr, sp.Symbol):
        return names.get(expr, f"{expr.name}+" if expr.is_positive else expr.name)
    if isinstance(expr, Str) or not expr.args:
        return str(expr)
    parts = [_text(arg, numbers, names) for arg in expr.args]
    if isinstance(expr, (sp.Add, sp.Mul)):
        parts.sort()
    return f"{_kind(expr.func)}({','.join(parts)})"


@cache
def _kind(kind: type[sp.Basic]) -> str:
    """The name of a function, with its formula where it was made of one: the name alone may have meant another."""
    formula = getattr(kind, "formula", None)
    if not isinstance(formula, sp.Expr):
        return kind.__name__
    names = {parameter: f"a{at}" for at, parameter in enumerate(kind.parameters)}
    return f"{kind.__name__}{{{_text(formula, {}, names)}}}"
