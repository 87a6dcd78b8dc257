"""Formulas back to the text that is read as them: what a list of layers stands for.

h.z[n,k] = sum(x[n,d]*h.W[d,k], d) + h.b[k]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp
from sympy.printing.str import StrPrinter

from symnet.core.definition import Node
from symnet.core.expr import Bracket, Reduce
from symnet.declare.notation import default_indices

NAMES = {"Abs": "abs", "gelu_exact": "gelu"}


class Writer(StrPrinter):  # type: ignore[misc]
    """SymPy's printer with symnet's nodes in the words of formulas."""

    printmethod = "_formula_text"  # no expression has one: all printing is here

    def __init__(self, taken: Iterable[sp.Symbol]) -> None:
        super().__init__()
        self.taken = list(taken)

    def _print_Read(self, expr: Any) -> str:
        places = ",".join(self.doprint(place).replace(" ", "") for place in expr.indices)
        return f"{expr.node.name}[{places}]" if places else str(expr.node.name)

    def _print_Reduce(self, expr: Reduce) -> str:
        names = default_indices([e for _, e in expr.bound], [*self.taken, *expr.free_symbols])
        body = expr.body.xreplace({b: name for (b, _), name in zip(expr.bound, names, strict=True)})
        inner = Writer([*self.taken, *names])
        runs = [index_text(name, extent, body, "=") for name, (_, extent) in zip(names, expr.bound, strict=True)]
        return f"{expr.op}({', '.join([inner.doprint(body), *sorted(runs, key=lambda run: '=' in run)])})"

    def _print_Bracket(self, expr: Bracket) -> str:
        return f"where({self.condition(expr)}, 1, 0)"

    def condition(self, expr: Bracket) -> str:
        if len(expr.args) == 1:
            return str(self.doprint(expr.args[0]))
        return f"{self.doprint(expr.args[1])} {expr.args[0].name} {self.doprint(expr.args[2])}"

    def _print_Mul(self, expr: sp.Mul) -> str:
        brackets = [arg for arg in expr.args if isinstance(arg, Bracket)]
        if not brackets:
            return str(super()._print_Mul(expr))
        rest = sp.Mul(*[arg for arg in expr.args if not isinstance(arg, Bracket)])
        texts = [self.condition(bracket) for bracket in brackets]
        joined = texts[0] if len(texts) == 1 else " & ".join(f"({text})" for text in texts)
        return f"where({joined}, {self.doprint(rest)}, 0)"

    def _print_KroneckerDelta(self, expr: sp.KroneckerDelta) -> str:
        return f"delta({self.doprint(expr.args[0])}, {self.doprint(expr.args[1])})"

    def _print_Function(self, expr: sp.Function) -> str:
        name = type(expr).__name__
        return f"{NAMES.get(name, name)}({', '.join(self.doprint(arg) for arg in expr.args)})"

    def _print_Abs(self, expr: sp.Abs) -> str:
        return f"abs({self.doprint(expr.args[0])})"


def index_text(index: sp.Symbol, extent: sp.Expr, formula: sp.Expr, sign: str) -> str:
    """`d`, or `u=3` where no read tells how far it runs."""
    for read in formula.atoms(sp.Indexed):
        if any(place == index and size == extent for place, size in zip(read.indices, read.args[0].shape, strict=True)):
            return str(index)
    return f"{index}{sign}{extent}".replace(" ", "")


def formula_text(node: Node) -> str:
    """A tensor's definition as a line of a model file."""
    assert node.definition is not None, "only what is defined has a formula"
    indices, formula = node.definition.indices, node.definition.formula
    left = ",".join(index_text(i, size, formula, ":") for i, size in zip(indices, node.shape, strict=True))
    right = Writer(indices).doprint(formula)
    return f"{node.name}[{left}] = {right}" if indices else f"{node.name} = {right}"
