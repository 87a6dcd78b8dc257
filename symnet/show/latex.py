r"""LaTeX of formulas, definitions and programs, in index form or, where there is one, in matrix form.

    index     \bar{W}_{d,k} = \frac{1}{N} \sum_{n} x_{n,d} (p_{n,k} - y_{n,k})
    matrix    \bar{W} = \frac{1}{N} X^{\top} (P - Y)

The four dialects are those of `tex`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from symnet.core.definition import Definition, Node, Program
from symnet.errors import FormulaProblem
from symnet.show.matrix import matrix_sides
from symnet.show.names import display_names
from symnet.show.tex import TexPrinter
from symnet.show.visible import visible

FORMS = ("index", "matrix")
Names = Mapping[Node, str]


def latex_expr(
    expr: sp.Expr, scope_indices: Sequence[sp.Symbol] = (), names: Names | None = None, dialect: str = "amsmath"
) -> str:
    """A formula in index form; `scope_indices` are the free indices in the order of the left side."""
    return TexPrinter(names, dialect).formula(expr, scope_indices)


def latex_name(node: Node, names: Names | None = None, dialect: str = "amsmath") -> str:
    """A tensor's name, ready to take its indices below."""
    return TexPrinter(names, dialect).bare(node)


def latex_definition(
    node: Node, definition: Definition, names: Names | None = None, dialect: str = "amsmath", form: str = "index"
) -> str:
    """One equation; a definition that has no matrix form is given in index form."""
    return " = ".join(latex_sides(node, definition, names, dialect, form))


def latex_sides(
    node: Node, definition: Definition, names: Names | None = None, dialect: str = "amsmath", form: str = "index"
) -> tuple[str, str]:
    """Left and right side of an equation."""
    if form not in FORMS:
        raise FormulaProblem(f"there is no form {form!r}", f"forms are {', '.join(FORMS)}")
    sides = matrix_sides(node, definition, names, dialect) if form == "matrix" else None
    if sides is not None:
        return sides
    printer = TexPrinter(names, dialect)
    left, right = node.read(*definition.indices), definition.formula
    return printer.formula(left, definition.indices), printer.formula(right, definition.indices)


def latex_program(program: Program, dialect: str = "amsmath", form: str = "index") -> str:
    """All definitions of a program, aligned; a line each in mathtext, which cannot align."""
    names = display_names(program)
    sides = [latex_sides(node, d, names, dialect, form) for node, d in visible(program).items()]
    if dialect == "mathtext":
        return "\n".join(f"{left} = {right}" for left, right in sides)
    lines = " \\\\\n".join(f"{left} &= {right}" for left, right in sides)
    return f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}"
