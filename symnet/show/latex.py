r"""LaTeX of formulas, definitions and programs, in index form or, where there is one, in matrix form.

    index     \bar{W}_{d,k} = \frac{1}{N} \sum_{n} x_{n,d} (p_{n,k} - y_{n,k})
    matrix    \bar{W} = \frac{1}{N} X^{\top} (P - Y)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from symnet.core.definition import Definition, Node, Program
from symnet.show.names import display_names
from symnet.show.tex import TexPrinter
from symnet.show.visible import visible

Names = Mapping[Node, str]


def latex_expr(
    expr: sp.Expr, scope_indices: Sequence[sp.Symbol] = (), names: Names | None = None, dialect: str = "amsmath"
) -> str:
    """A formula in index form; `scope_indices` are the free indices in the order of the left side."""
    return TexPrinter(names, dialect).formula(expr, scope_indices)
def index_sides(node, definition, names=None, dialect="amsmath"):
    left = TexPrinter(names, dialect).formula(node.read(*definition.indices), definition.indices)
    return left, latex_expr(definition.formula, definition.indices, names, dialect)
