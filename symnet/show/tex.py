r"""Formulas in LaTeX, in index form and in people's order, in four dialects.

\bar{z}_{n,k} = \frac{p_{n,k} - y_{n,k}}{N}
p_{n,k} = \frac{e^{z_{n,k}}}{\sum_{k'} e^{z_{n,k'}}}

amsmath    pdflatex with amsmath
katex      KaTeX
github     GitHub's Markdown: no \operatorname, and no backslash before punctuation, which Markdown would eat
mathtext   matplotlib: no environments, no \operatorname
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

import sympy as sp

from symnet.core.definition import Node
from symnet.core.expr import Reduce
from symnet.declare.elementwise import Elementwise
from symnet.errors import FormulaProblem
from symnet.show.names import BLANK, index_tex, name_tex
from symnet.show.order import decimal
from symnet.show.printer import ATOM, OPEN, POWER, PREFIX, PRODUCT, Env, Piece, Printer, front_and_rest, is_plain

DIALECTS = ("amsmath", "github", "katex", "mathtext")
WITH_OPERATORNAME = ("amsmath", "katex")
TALL = re.compile(r"\\(frac|sum|prod|left|sqrt|max|min)|argmax")
NAMED = ("exp", "log", "sin", "cos", "tan", "tanh", "cosh", "sinh")
LETTERS = {"sigmoid": r"\sigma", "softplus": r"\zeta"}
UPRIGHT = {
    "relu": "ReLU",
    "gelu_exact": "GELU",
    "silu": "SiLU",
    "selu": "SELU",
    "elu": "ELU",
    "mish": "Mish",
}
WRITTEN_OUT = ("log1p", "expm1", "log_cosh", "log_sigmoid")
ROUNDED = {"floor": (r"\lfloor", r"\rfloor"), "ceiling": (r"\lceil", r"\rceil")}
RELATIONS = {"==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq", "<": "<", ">": ">"}
JUNCTIONS = {"And": r" \wedge ", "Or": r" \vee "}
BIG = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}


def check_dialect(dialect: str) -> str:
    """The dialect, where it is one."""
    if dialect not in DIALECTS:
        raise FormulaProblem(f"there is no LaTeX dialect {dialect!r}", f"dialects are {', '.join(DIALECTS)}")
    return dialect


def fenced(text: str, left: str = "(", right: str = ")") -> str:
    r"""Brackets around a formula, growing with it where it is tall."""
    if TALL.search(text):
        return f"\\left{left}{text}\\right{right}"
    return f"{left}{text}{right}"


class TexPrinter(Printer):
    """Formulas in LaTeX."""

    primes: ClassVar[bool] = True

    def __init__(self, names: Mapping[Node, str] | None = None, dialect: str = "amsmath") -> None:
        super().__init__(names)
        self.dialect = check_dialect(dialect)

    def operator(self, name: str, limits: str = "") -> str:
        r"""An upright name: \operatorname (with limits below it: \operatorname*) where the dialect has it."""
        macro = rf"\operatorname{limits}" if self.dialect in WITH_OPERATORNAME else r"\mathrm"
        return f"{macro}{{{name.replace('_', BLANK)}}}"

    def symbol(self, name: str) -> str:
        return index_tex(name)

    def number(self, value: sp.Rational) -> str:
        text = decimal(value) or str(value)
        digits, _, power = text.partition("e")
        if not power:
            return text
        return f"10^{{{power}}}" if digits == "1" else f"{digits} \\cdot 10^{{{power}}}"

    def constant(self, value: sp.Basic) -> str:
        return f"{float(value):.17g}" if value.is_Float else str(sp.latex(value))

    def brackets(self, text: str) -> str:
        return fenced(text)

    # -- tensors

    def read(self, expr: sp.Indexed, env: Env) -> Piece:
        return self.tensor(expr.args[0].node, [self.place(place, env) for place in expr.indices])

    def tensor(self, node: Node, places: Sequence[str]) -> Piece:
        """A tensor at its places; a Jacobian as a quotient of two."""
        if is_jacobian(node):
            root, of = node.info["root"], node.info["adjoint_of"]
            return self.slope(self.tensor(root, places[: root.rank]).text, self.tensor(of, places[root.rank :]).text)
        text, raised = name_tex(self.name(node), places)
        return Piece(text, POWER if raised else ATOM)

    def bare(self, node: Node) -> str:
        """The name alone; marks of what has indices stand above, where the indices leave room."""
        if is_jacobian(node):
            return self.slope(self.bare(node.info["root"]), self.bare(node.info["adjoint_of"])).text
        return name_tex(self.name(node), ("",) if node.rank else None)[0].removesuffix("_{}")

    def place(self, expr: sp.Expr, env: Env) -> str:
        return re.sub(r" ([+-]) ", r"\1", self.written(expr, env))

    # -- products and powers

    def join(self, pieces: Sequence[Piece]) -> Piece:
        if len(pieces) == 1:
            return pieces[0]
        text = pieces[0].text
        for piece in pieces[1:]:
            text += f" \\cdot {piece.text}" if piece.text[0].isdigit() else f" {piece.text}"
        return Piece(text, min(PRODUCT, pieces[-1].level))

    def fraction(self, top: Sequence[sp.Expr], bottom: Sequence[sp.Expr], env: Env) -> Piece:
        r"""`\frac{a b}{c}`, or with numbers alone in front: `\frac{1}{N} x (p - y)`."""
        front, rest = before_bar(top, bottom)
        ratio = Piece(f"\\frac{{{self.factors(front, env).text}}}{{{self.factors(bottom, env).text}}}", PRODUCT)
        return self.join([ratio, self.tail(rest, env)]) if rest else ratio

    def tail(self, parts: Sequence[sp.Expr], env: Env) -> Piece:
        piece = self.factors(parts, env)
        return piece if piece.level >= OPEN else Piece(self.brackets(piece.text), ATOM)

    def power(self, expr: sp.Pow, env: Env) -> Piece:
        if expr.exp == sp.S.Half:
            return Piece(f"\\sqrt{{{self.written(expr.base, env)}}}", ATOM)
        return Piece(f"{self.written(expr.base, env, ATOM)}^{{{self.exponent(expr.exp, env)}}}", POWER)

    def exponent(self, expr: sp.Expr, env: Env) -> str:
        """A fraction in an exponent stands on one line: 3/2."""
        return str(expr) if expr.is_Rational else self.written(expr, env)

    # -- functions, reductions, brackets

    def prefix(self, op: str, runs: Sequence[tuple[str, str | None]], body: str) -> str:
        indices = [index_tex(name) if end is None else f"{index_tex(name)} < {end}" for name, end in runs]
        return f"{BIG.get(op) or self.operator(op, '*')}_{{{','.join(indices)}}} {body}"

    def call(self, expr: sp.Basic, env: Env) -> Piece:
        r"""`f(x)`, and `\log x` where x is a single tensor."""
        name = type(expr).__name__
        if name == "exp":
            return self.exponential(expr.args[0], env)
        if isinstance(expr, Elementwise) and name in WRITTEN_OUT:
            return self.piece(expr.expanded(), env)
        if name == "Abs":
            return Piece(fenced(self.written(expr.args[0], env), "|", "|"), ATOM)
        if name == "Mod":
            left, right = (self.written(arg, env, POWER) for arg in expr.args)
            return Piece(f"{left}\\ \\mathrm{{mod}}\\ {right}", PRODUCT)
        if name in NAMED and isinstance(expr.args[0], (sp.Indexed, sp.Symbol)):
            return Piece(f"\\{name} {self.written(expr.args[0], env)}", PREFIX)
        return Piece(self.function(name) + fenced(", ".join(self.written(arg, env) for arg in expr.args)), ATOM)

    def function(self, name: str) -> str:
        r"""What a function is called: \log, \sigma, \operatorname{ReLU}."""
        if name in NAMED:
            return f"\\{name}"
        if name == "gelu_tanh":
            return f"{self.operator('GELU')}_{{\\tanh}}"
        return LETTERS.get(name) or self.operator(UPRIGHT.get(name, name))

    def exponential(self, argument: sp.Expr, env: Env) -> Piece:
        r"""`e^{z}`, or `\exp(...)` of what is too tall to be raised."""
        text = self.written(argument, env)
        if TALL.search(text):
            return Piece(f"\\exp{fenced(text)}", ATOM)
        return Piece(f"e^{{{text}}}", POWER)

    def slope(self, of: str, by: str) -> Piece:
        return Piece(f"\\frac{{\\partial {of}}}{{\\partial {by}}}", PRODUCT)

    def bracket(self, text: str) -> Piece:
        return Piece(fenced(text, "[", "]"), ATOM)

    def delta(self, left: str, right: str) -> Piece:
        return Piece(f"\\delta_{{{left},{right}}}", ATOM)

    def relation(self, sign: str) -> str:
        return RELATIONS[sign]

    def junction(self, name: str, parts: Sequence[str]) -> str:
        return f"\\neg {fenced(parts[0])}" if name == "Not" else JUNCTIONS[name].join(parts)

    def rounded(self, name: str, text: str) -> Piece:
        left, right = ROUNDED[name]
        return Piece(f"{left} {text} {right}", ATOM)


def before_bar(top: Sequence[sp.Expr], bottom: Sequence[sp.Expr]) -> tuple[Sequence[sp.Expr], Sequence[sp.Expr]]:
    """What goes above the bar and what behind the fraction: sums, and what is no number over numbers alone."""
    if not is_plain(bottom):
        return [p for p in top if not isinstance(p, Reduce)], [p for p in top if isinstance(p, Reduce)]
    front, rest = front_and_rest(top)
    alone = len(rest) == 1 and not front and not isinstance(rest[0], Reduce)
    return (top, ()) if alone else (front, rest)


def is_jacobian(node: Node) -> bool:
    """Whether a tensor is the derivative of one tensor with axes by another, with the axes of both."""
    root, of = node.info.get("root"), node.info.get("adjoint_of")
    return root is not None and of is not None and root.rank > 0 and node.rank == root.rank + of.rank
