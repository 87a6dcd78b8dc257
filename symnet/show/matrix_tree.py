r"""Matrix notation as a tree. Every vector is a column; a scalar is a 1 by 1 matrix.

    Scalar(1/N)  Leaf(x)  Ones(N)  Identity(K)           1/N, X, the column of ones, I
    Transpose(a)  MatMul(a, b)  Add(a, b)  Scale(s, a)   a^T, a b, a + b, s a
    Hadamard(a, b)  Power(a, 2)  Apply(tanh, a)          entry by entry
    Compare(>, a, b)                                     [a > b], entry by entry
    Diag(v)  Diagonal(a)                                 the matrix with diagonal v, the diagonal of a as a column
    Trace(a)  Inner(a, b)  Norm(a)                       sum of a_ii, of a_ij b_ij, of a_ij^2

The functions below the classes build trees and do what is trivial: nested products become one, transposes go to
the leaves of products, scalars come to the front.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields

import sympy as sp

from symnet.core.definition import Node


@dataclass(frozen=True)
class Tree:
    """A matrix, a column or a scalar."""

    def parts(self) -> Iterator[Tree]:
        """The trees right below."""
        for field in fields(self):
            value = getattr(self, field.name)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Tree):
                    yield part


@dataclass(frozen=True)
class Scalar(Tree):
    value: sp.Expr


@dataclass(frozen=True)
class Leaf(Tree):
    node: Node


@dataclass(frozen=True)
class Ones(Tree):
    size: sp.Expr


@dataclass(frozen=True)
class Identity(Tree):
    size: sp.Expr


@dataclass(frozen=True)
class Transpose(Tree):
    body: Tree


@dataclass(frozen=True)
class MatMul(Tree):
    factors: tuple[Tree, ...]


@dataclass(frozen=True)
class Add(Tree):
    terms: tuple[Tree, ...]


@dataclass(frozen=True)
class Scale(Tree):
    """A product of scalars times a body."""

    scalars: tuple[Tree, ...]
    body: Tree


@dataclass(frozen=True)
class Hadamard(Tree):
    factors: tuple[Tree, ...]


@dataclass(frozen=True)
class Power(Tree):
    """Every entry raised to a power."""

    body: Tree
    exponent: sp.Expr
    scalar: bool = False


@dataclass(frozen=True)
class Apply(Tree):
    """A scalar function of every entry."""

    function: type[sp.Function]
    args: tuple[Tree, ...]


@dataclass(frozen=True)
class Compare(Tree):
    """Iverson's bracket of every entry."""

    relation: type[sp.core.relational.Relational]
    left: Tree
    right: Tree


@dataclass(frozen=True)
class Diag(Tree):
    body: Tree


@dataclass(frozen=True)
class Diagonal(Tree):
    body: Tree


@dataclass(frozen=True)
class Trace(Tree):
    body: Tree


@dataclass(frozen=True)
class Inner(Tree):
    left: Tree
    right: Tree


@dataclass(frozen=True)
class Norm(Tree):
    """The squared Euclidean or Frobenius norm."""

    body: Tree
    matrix: bool


ONE = Scalar(sp.S.One)


def weight(tree: Tree) -> int:
    """How much a reader has to take in."""
    own = 1 if isinstance(tree, (Transpose, Scale, MatMul)) else 2
    return own + sum(weight(part) for part in tree.parts())


def transpose(tree: Tree) -> Tree:
    """The transpose, pushed to the factors of a product."""
    if isinstance(tree, Transpose):
        return tree.body
    if isinstance(tree, MatMul):
        return MatMul(tuple(transpose(f) for f in reversed(tree.factors)))
    if isinstance(tree, Scale):
        return Scale(tree.scalars, transpose(tree.body))
    if isinstance(tree, (Diag, Identity, Scalar, Trace, Inner, Norm)):
        return tree
    return Transpose(tree)


def scale(scalars: Iterable[Tree], body: Tree) -> Tree:
    """Scalars before a body; numbers among them become one."""
    flat = [*scalars]
    while isinstance(body, Scale):
        flat, body = [*flat, *body.scalars], body.body
    if isinstance(body, Scalar):
        flat, body = [*flat, body], ONE
    value = sp.Mul(*[s.value for s in flat if isinstance(s, Scalar)])
    rest = [s for s in flat if not isinstance(s, Scalar)]
    if body == ONE and rest:
        *rest, body = rest
    if value == 0 or (body == ONE and not rest):
        return Scalar(value)
    front = [Scalar(value)] if value != 1 else []
    return Scale((*front, *rest), body) if front or rest else body


def scalars_and_body(tree: Tree) -> tuple[tuple[Tree, ...], Tree]:
    return (tree.scalars, tree.body) if isinstance(tree, Scale) else ((), tree)


def matmul(*factors: Tree) -> Tree:
    """A product of matrices, flat, with scalars in front and without identities."""
    scalars: list[Tree] = []
    flat: list[Tree] = []
    neutral: Tree = ONE
    for factor in factors:
        own, body = scalars_and_body(factor)
        scalars += own
        if isinstance(body, Scalar):
            scalars.append(body)
        elif isinstance(body, Identity):
            neutral = body
        else:
            flat += body.factors if isinstance(body, MatMul) else (body,)
    product = MatMul(tuple(flat)) if len(flat) > 1 else flat[0] if flat else neutral
    return scale(scalars, product)


def hadamard(factors: Sequence[Tree]) -> Tree:
    """An entrywise product, flat; equal factors become powers."""
    scalars: list[Tree] = []
    flat: dict[Tree, sp.Expr] = {}
    for factor in factors:
        own, body = scalars_and_body(factor)
        scalars += own
        for part in body.factors if isinstance(body, Hadamard) else (body,):
            base, exponent = (part.body, part.exponent) if isinstance(part, Power) else (part, sp.S.One)
            flat[base] = flat.get(base, sp.S.Zero) + exponent
    parts = sorted((power(base, exponent) for base, exponent in flat.items()), key=_is_derived)
    return scale(scalars, parts[0] if len(parts) == 1 else Hadamard(tuple(parts)))


def _is_derived(tree: Tree) -> bool:
    """Sums and functions go last in an entrywise product: A B * tanh(C)."""
    return not isinstance(tree, (Leaf, Transpose, MatMul, Identity))


def power(body: Tree, exponent: sp.Expr) -> Tree:
    """An entrywise power; a transpose stays outside."""
    if exponent == 1:
        return body
    return Transpose(power(body.body, exponent)) if isinstance(body, Transpose) else Power(body, exponent)


def add(terms: Sequence[Tree]) -> Tree:
    return terms[0] if len(terms) == 1 else Add(tuple(terms))
