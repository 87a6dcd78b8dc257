"""Formulas as plain text, in index form and in people's order.

z[n,k] = sum_d x[n,d]*W[d,k] + b[k]
p[n,k] = exp(z[n,k])/sum_j exp(z[n,j])
L = -(1/N)*sum_{n,k} y[n,k]*log(p[n,k])
z_bar[n,k] = (p[n,k] - y[n,k])/N
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from symnet.core.definition import Definition, Node, Program
from symnet.core.expr import Reduce
from symnet.show.names import display_names
from symnet.show.order import decimal
from symnet.show.printer import ATOM, OPEN, POWER, PRODUCT, Env, Piece, Printer, front_and_rest, is_plain
from symnet.show.visible import visible

FUNCTIONS = {"Abs": "abs", "Mod": "mod", "Max": "max", "Min": "min", "gelu_exact": "gelu"}
SIGNS = {"sum": "Σ", "prod": "Π", "delta": "δ", "**2": "²", "**3": "³", "<=": "≤", ">=": "≥", "!=": "≠", "*": "·"}


class TextPrinter(Printer):
    """Formulas as text that reads like the formulas people type; with `unicode`, Σ, δ, ·, ² and ≤ in their places."""

    def __init__(self, names: Mapping[Node, str] | None = None, unicode: bool = False) -> None:
        super().__init__(names)
        self.signs = SIGNS if unicode else {}

    def sign(self, ascii_sign: str) -> str:
        return self.signs.get(ascii_sign, ascii_sign)

    def symbol(self, name: str) -> str:
        return name

    def number(self, value: sp.Rational) -> str:
        return decimal(value) or str(value)

    def constant(self, value: sp.Basic) -> str:
        if value is sp.E:
            return "exp(1)"
        return f"{float(value):.17g}" if value.is_Float else str(value)

    def brackets(self, text: str) -> str:
        return f"({text})"

    def read(self, expr: sp.Indexed, env: Env) -> Piece:
        places = ",".join(self.place(place, env) for place in expr.indices)
        name = self.name(expr.args[0].node)
        return Piece(f"{name}[{places}]" if places else name, ATOM)

    def place(self, expr: sp.Expr, env: Env) -> str:
        return self.written(expr, env).replace(" ", "")

    def join(self, pieces: Sequence[Piece]) -> Piece:
        if len(pieces) == 1:
            return pieces[0]
        return Piece(self.sign("*").join(piece.text for piece in pieces), min(PRODUCT, pieces[-1].level))

    def fraction(self, top: Sequence[sp.Expr], bottom: Sequence[sp.Expr], env: Env) -> Piece:
        """`a*b/c`; where a sum would swallow the bar, the fraction goes in front of it: `(1/N)*sum_n ...`."""
        front, rest = front_and_rest(top) if is_plain(bottom) else _before_sums(top)
        if not any(isinstance(part, Reduce) for part in top):
            front, rest = list(top), []
        ratio = Piece(f"{self.factors_or_one(front, env)}/{self.divisor(bottom, env)}", PRODUCT)
        return self.join([Piece(f"({ratio.text})", ATOM), self.factors(rest, env)]) if rest else ratio

    def factors_or_one(self, parts: Sequence[sp.Expr], env: Env) -> str:
        piece = self.factors(parts, env)
        return piece.text if piece.level >= OPEN else self.brackets(piece.text)

    def divisor(self, bottom: Sequence[sp.Expr], env: Env) -> str:
        piece = self.factors(bottom, env)
        alone = len(bottom) == 1 and (piece.level >= POWER or isinstance(bottom[0], Reduce))
        return piece.text if alone else self.brackets(piece.text)

    def power(self, expr: sp.Pow, env: Env) -> Piece:
        if expr.exp == sp.S.Half:
            return Piece(f"sqrt({self.written(expr.base, env)})", ATOM)
        exponent = f"**{self.written(expr.exp, env, ATOM)}"
        return Piece(self.written(expr.base, env, ATOM) + self.sign(exponent), POWER)

    def prefix(self, op: str, runs: Sequence[tuple[str, str | None]], body: str) -> str:
        indices = ",".join(name if end is None else f"{name}<{end}" for name, end in runs)
        return f"{self.sign(op)}_{indices} {body}" if indices.isalnum() else f"{self.sign(op)}_{{{indices}}} {body}"

    def call(self, expr: sp.Basic, env: Env) -> Piece:
        name = type(expr).__name__
        places = ", ".join(self.written(arg, env) for arg in expr.args)
        return Piece(f"{FUNCTIONS.get(name, name)}({places})", ATOM)

    def slope(self, of: str, by: str) -> Piece:
        return Piece(f"d {of} / d {by}", PRODUCT)

    def bracket(self, text: str) -> Piece:
        return Piece(f"[{text}]", ATOM)

    def delta(self, left: str, right: str) -> Piece:
        return Piece(f"{self.sign('delta')}({left},{right})", ATOM)

    def relation(self, sign: str) -> str:
        return "=" if sign == "==" else self.sign(sign)

    def junction(self, name: str, parts: Sequence[str]) -> str:
        return f"not ({parts[0]})" if name == "Not" else f" {name.lower()} ".join(parts)

    def rounded(self, name: str, text: str) -> Piece:
        return Piece(f"{name}({text})", ATOM)


def _before_sums(top: Sequence[sp.Expr]) -> tuple[list[sp.Expr], list[sp.Expr]]:
    return [p for p in top if not isinstance(p, Reduce)], [p for p in top if isinstance(p, Reduce)]


def text_expr(
    expr: sp.Expr,
    scope_indices: Sequence[sp.Symbol] = (),
    names: Mapping[Node, str] | None = None,
    unicode: bool = False,
) -> str:
    """A formula as text; `scope_indices` are the free indices in the order of the left side."""
    return TextPrinter(names, unicode).formula(expr, scope_indices)


def text_definition(
    node: Node, definition: Definition, names: Mapping[Node, str] | None = None, unicode: bool = False
) -> str:
    """`z[n,k] = sum_d x[n,d]*W[d,k] + b[k]`."""
    printer = TextPrinter(names, unicode)
    sides = node.read(*definition.indices), definition.formula
    return " = ".join(printer.formula(side, definition.indices) for side in sides)


def text_program(program: Program, unicode: bool = False) -> str:
    """A line for each definition, those without a name of their own written where they are read."""
    names = display_names(program)
    return "\n".join(text_definition(node, d, names, unicode) for node, d in visible(program).items())
