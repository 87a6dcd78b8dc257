"""Matrix trees as text, in the signs of Python: `@` multiplies matrices, `*` entries, `.T` transposes.

W_bar = (1/N) * x.T @ (p - y)
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from symnet.core.definition import Definition, Node
from symnet.show import matrix_tree as mt
from symnet.show.matrix import matrix_tree
from symnet.show.order import is_negative
from symnet.show.printer import ATOM, POWER, PREFIX, PRODUCT, SUM, Piece
from symnet.show.text import FUNCTIONS, TextPrinter


class MatrixTextPrinter:
    """Trees as text; every vector is a column."""

    def __init__(self, names: Mapping[Node, str] | None = None) -> None:
        self.scalars = TextPrinter(names)

    def written(self, tree: mt.Tree, level: int = SUM) -> str:
        piece = self.piece(tree)
        return piece.text if piece.level >= level else f"({piece.text})"

    def piece(self, tree: mt.Tree) -> Piece:
        """The tree and how tightly it binds, kind by kind."""
        piece: Piece = getattr(self, type(tree).__name__.lower())(tree)
        return piece

    def scalar(self, tree: mt.Scalar) -> Piece:
        return self.scalars.piece(tree.value, {})

    def leaf(self, tree: mt.Leaf) -> Piece:
        return Piece(self.scalars.name(tree.node), ATOM)

    def ones(self, tree: mt.Ones) -> Piece:
        return Piece(f"ones({tree.size})", ATOM)

    def identity(self, tree: mt.Identity) -> Piece:
        return Piece(f"eye({tree.size})", ATOM)

    def add(self, tree: mt.Add) -> Piece:
        text = ""
        for term in tree.terms:
            body = self.written(term)
            text += f" - {body[1:]}" if text and body.startswith("-") else f" + {body}" if text else body
        return Piece(text, SUM)

    def matmul(self, tree: mt.MatMul) -> Piece:
        return Piece(" @ ".join(self.written(f, POWER) for f in tree.factors), PRODUCT)

    def scale(self, tree: mt.Scale) -> Piece:
        first, scalars = tree.scalars[0], tree.scalars
        sign = "-" if isinstance(first, mt.Scalar) and is_negative(first.value) else ""
        if sign:
            scalars = (mt.Scalar(-first.value), *tree.scalars[1:])  # type: ignore[attr-defined]
        front = [self.factor(s) for s in scalars if s != mt.ONE]
        return Piece(sign + " * ".join([*front, self.written(tree.body, PRODUCT)]), SUM if sign else PREFIX)

    def factor(self, tree: mt.Tree) -> str:
        """A scalar in front; quotients in brackets, so that they are read as one."""
        text = self.written(tree, PRODUCT)
        return f"({text})" if "/" in text and not text.startswith("(") else text

    def hadamard(self, tree: mt.Hadamard) -> Piece:
        above = [self.written(f, POWER) for f in tree.factors if not is_inverse(f)]
        below = [self.written(inverse(f), POWER) for f in tree.factors if is_inverse(f)]
        return Piece(" / ".join([" * ".join(above) or "1", *below]), PREFIX)

    def power(self, tree: mt.Power) -> Piece:
        if is_inverse(tree):
            return Piece(f"1 / {self.written(inverse(tree), POWER)}", PREFIX)
        if tree.exponent == sp.S.Half:
            inner = f"norm({self.written(tree.body.body)})" if isinstance(tree.body, mt.Norm) else None
            return Piece(inner or f"sqrt({self.written(tree.body)})", ATOM)
        return Piece(f"{self.written(tree.body, ATOM)}**{self.written(mt.Scalar(tree.exponent), ATOM)}", POWER)

    def transpose(self, tree: mt.Transpose) -> Piece:
        return Piece(f"{self.written(tree.body, ATOM)}.T", ATOM)

    def diag(self, tree: mt.Diag) -> Piece:
        return Piece(f"diag({self.written(tree.body)})", ATOM)

    diagonal = diag

    def trace(self, tree: mt.Trace) -> Piece:
        return Piece(f"trace({self.written(tree.body)})", ATOM)

    def inner(self, tree: mt.Inner) -> Piece:
        # `a * b @ c` is read as `(a * b) @ c`: a product of matrices on the right is put in brackets
        return Piece(f"sum({self.written(tree.left, PRODUCT)} * {self.written(tree.right, POWER)})", ATOM)

    def norm(self, tree: mt.Norm) -> Piece:
        return Piece(f"norm({self.written(tree.body)})**2", POWER)

    def apply(self, tree: mt.Apply) -> Piece:
        name = tree.function.__name__
        return Piece(f"{FUNCTIONS.get(name, name)}({', '.join(map(self.written, tree.args))})", ATOM)

    def compare(self, tree: mt.Compare) -> Piece:
        sign = tree.relation.rel_op
        return Piece(f"({self.written(tree.left)} {sign} {self.written(tree.right)})", ATOM)


def is_inverse(tree: mt.Tree) -> bool:
    return isinstance(tree, mt.Power) and bool(tree.exponent.is_negative)


def inverse(tree: mt.Tree) -> mt.Tree:
    """What a negative power divides by."""
    assert isinstance(tree, mt.Power), tree
    return tree.body if tree.exponent == -1 else mt.Power(tree.body, -tree.exponent, tree.scalar)


def matrix_text(node: Node, definition: Definition, names: Mapping[Node, str] | None = None) -> str | None:
    """`W_bar = (1/N) * x.T @ (p - y)`; None where a formula has no matrix form."""
    tree = matrix_tree(node, definition)
    if tree is None:
        return None
    printer = MatrixTextPrinter(names)
    return f"{printer.scalars.name(node)} = {printer.written(tree)}"
