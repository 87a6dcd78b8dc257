r"""Matrix trees in LaTeX: capitals for matrices, plain brackets around short sums.

Scale(1/N, MatMul(X^T, P - Y))      \frac{1}{N} X^{\top} (P - Y)
Hadamard(Y_bar, Power(H, 2))        \bar{Y} \odot H^{\odot 2}
MatMul(Diag(Power(s, -1)), E)       \mathrm{diag}(s)^{-1} E
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from symnet.core.definition import Node
from symnet.show import matrix_tree as mt
from symnet.show.names import index_tex, name_tex
from symnet.show.order import is_negative
from symnet.show.printer import ATOM, POWER, PREFIX, PRODUCT, SUM, Piece
from symnet.show.tex import RELATIONS, TexPrinter, fenced, is_jacobian

ENTRYWISE = PREFIX


class MatrixPrinter:
    """Trees in LaTeX. Levels are those of the index form; an entrywise product binds less than a matrix product."""

    def __init__(
        self, nodes: Iterable[Node], names: Mapping[Node, str] | None = None, dialect: str = "amsmath"
    ) -> None:
        self.scalars = TexPrinter(names, dialect)
        self.letters = self.letters_of(list(dict.fromkeys(nodes)))

    def letters_of(self, nodes: Sequence[Node]) -> dict[Node, str]:
        """Capitals for matrices and small letters for columns, unless one then looks like another or like a dim."""
        own = {node: self.letter(node, None) for node in nodes}
        changed = {node: self.letter(node, node.rank == 2 if node.rank else None) for node in nodes}
        count = Counter(changed.values())
        dims = {index_tex(s.name) for node in nodes for size in node.shape for s in size.free_symbols}
        return {n: own[n] if count[text] > 1 or text in (*dims, "I") else text for n, text in changed.items()}

    def letter(self, node: Node, capital: bool | None) -> str:
        if is_jacobian(node):
            root, of = (self.letter(node.info[key], None) for key in ("root", "adjoint_of"))
            return f"\\frac{{\\partial {root}}}{{\\partial {of}}}"
        return name_tex(self.scalars.name(node), None, capital)[0]

    def formula(self, tree: mt.Tree) -> str:
        return self.piece(tree).text

    def written(self, tree: mt.Tree, level: int = SUM) -> str:
        piece = self.piece(tree)
        return piece.text if piece.level >= level else fenced(piece.text)

    def piece(self, tree: mt.Tree) -> Piece:
        """The tree and how tightly it binds, kind by kind."""
        method = getattr(self, type(tree).__name__.lower())
        piece: Piece = method(tree)
        return piece

    # -- leaves

    def scalar(self, tree: mt.Scalar) -> Piece:
        return self.scalars.piece(tree.value, {})

    def leaf(self, tree: mt.Leaf) -> Piece:
        text = self.letters[tree.node]
        return Piece(text, PRODUCT if text.startswith(r"\frac") else ATOM)

    def ones(self, tree: mt.Ones) -> Piece:
        return Piece(r"\mathbf{1}", ATOM)

    def identity(self, tree: mt.Identity) -> Piece:
        return Piece("I", ATOM)

    # -- sums and products

    def add(self, tree: mt.Add) -> Piece:
        text = ""
        for term in tree.terms:
            piece = self.piece(term)
            body = piece.text
            if text:
                body = f" - {body[1:]}" if body.startswith("-") else f" + {body}"
            text += body
        return Piece(text, SUM)

    def matmul(self, tree: mt.MatMul) -> Piece:
        return Piece(" ".join(self.written(f, PRODUCT) for f in tree.factors), PRODUCT)

    def scale(self, tree: mt.Scale) -> Piece:
        """Scalars, with their sign in front, before a body."""
        first, scalars = tree.scalars[0], tree.scalars
        negative = False
        if isinstance(first, mt.Scalar) and is_negative(first.value):
            negative, scalars = True, (mt.Scalar(-first.value), *tree.scalars[1:])
        body = self.written(tree.body, PREFIX)
        front = [self.written(s, POWER if isinstance(s, mt.MatMul) else PRODUCT) for s in scalars if s != mt.ONE]
        text = " ".join([*front, body])
        if negative:
            return Piece(f"-{text}", SUM)
        return Piece(text, ENTRYWISE if isinstance(tree.body, mt.Hadamard) else PRODUCT)

    def hadamard(self, tree: mt.Hadamard) -> Piece:
        r"""`A \odot B \oslash C`."""
        above = [f for f in tree.factors if not is_inverse(f)]
        below = [f for f in tree.factors if is_inverse(f)]
        if not above:
            above, below = below[:1], below[1:]
        text = r" \odot ".join(self.written(f, POWER) for f in above)
        text += "".join(rf" \oslash {self.written(inverse(f), POWER)}" for f in below)
        return Piece(text, ENTRYWISE)

    def power(self, tree: mt.Power) -> Piece:
        if tree.scalar:
            return self.scalar_power(tree)
        return Piece(f"{self.written(tree.body, ATOM)}^{{\\odot {self.scalars.exponent(tree.exponent, {})}}}", POWER)

    def scalar_power(self, tree: mt.Power) -> Piece:
        if tree.exponent.is_negative:
            return Piece(f"\\frac{{1}}{{{self.written(inverse(tree))}}}", PRODUCT)
        if tree.exponent == sp.S.Half and isinstance(tree.body, mt.Norm):
            return Piece(self.norm(tree.body).text.removesuffix("^{2}"), ATOM)
        if tree.exponent == sp.S.Half:
            return Piece(f"\\sqrt{{{self.written(tree.body)}}}", ATOM)
        return Piece(f"{self.written(tree.body, ATOM)}^{{{self.scalars.exponent(tree.exponent, {})}}}", POWER)

    # -- one matrix

    def transpose(self, tree: mt.Transpose) -> Piece:
        return Piece(f"{self.written(tree.body, ATOM)}^{{\\top}}", POWER)

    def diag(self, tree: mt.Diag) -> Piece:
        r"""`\mathrm{diag}(v)`, and `\mathrm{diag}(v)^{-1}` for what is divided by."""
        if isinstance(tree.body, mt.Power):
            exponent = self.scalars.exponent(tree.body.exponent, {})
            return Piece(f"\\mathrm{{diag}}{fenced(self.written(tree.body.body))}^{{{exponent}}}", POWER)
        return Piece(f"\\mathrm{{diag}}{fenced(self.written(tree.body))}", ATOM)

    def diagonal(self, tree: mt.Diagonal) -> Piece:
        return Piece(f"\\mathrm{{diag}}{fenced(self.written(tree.body))}", ATOM)

    def trace(self, tree: mt.Trace) -> Piece:
        return Piece(f"\\mathrm{{tr}}{fenced(self.written(tree.body))}", ATOM)

    def inner(self, tree: mt.Inner) -> Piece:
        return Piece(f"\\langle {self.written(tree.left)}, {self.written(tree.right)} \\rangle", ATOM)

    def norm(self, tree: mt.Norm) -> Piece:
        below = "_{F}" if tree.matrix else ""
        return Piece(f"\\Vert {self.written(tree.body)} \\Vert{below}^{{2}}", POWER)

    # -- entry by entry

    def apply(self, tree: mt.Apply) -> Piece:
        name = tree.function.__name__
        if name == "Abs":
            return Piece(fenced(self.written(tree.args[0]), "|", "|"), ATOM)
        args = ", ".join(self.written(arg) for arg in tree.args)
        return Piece(self.scalars.function(name) + fenced(args), ATOM)

    def compare(self, tree: mt.Compare) -> Piece:
        relation = RELATIONS[tree.relation.rel_op]
        return Piece(fenced(f"{self.written(tree.left)} {relation} {self.written(tree.right)}", "[", "]"), ATOM)


def is_inverse(tree: mt.Tree) -> bool:
    return isinstance(tree, mt.Power) and bool(tree.exponent.is_negative)


def inverse(tree: mt.Tree) -> mt.Tree:
    """What a negative power divides by."""
    assert isinstance(tree, mt.Power), tree
    return tree.body if tree.exponent == -1 else replace(tree, exponent=-tree.exponent)


__all__ = ["MatrixPrinter"]
