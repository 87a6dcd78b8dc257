r"""Sums of products as matrix products.

A sum of products of factors with at most two indices is a graph: indices are vertices, a matrix is an edge, a
column a weight on a vertex. Bound vertices are eliminated one by one, until the result's row and column are left:

    no neighbour     Sum_v a[v] b[v]                     a^T b            a scalar
    one neighbour    Sum_v A[u,v] a[v]                   A a              a weight on u
    two neighbours   Sum_v A[u,v] a[v] B[v,w]            A diag(a) B      an edge from u to w
    only each other  Sum_{u,v} A[u,v] B[v,u]             tr(A B), or <A, B>

Edges between the same two vertices multiply entrywise. A vertex with three neighbours has no matrix form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import sympy as sp

from symnet.show.matrix_tree import (
    ONE,
    Diag,
    Diagonal,
    Identity,
    Inner,
    Leaf,
    MatMul,
    Norm,
    Ones,
    Scalar,
    Trace,
    Tree,
    hadamard,
    matmul,
    scalars_and_body,
    scale,
    transpose,
    weight,
)

FEW = 3


class NoForm(Exception):
    """A formula that matrices cannot say; it stays in index form."""


@dataclass(frozen=True)
class Edge:
    """A matrix with rows u and columns v, and the same with rows v and columns u."""

    u: sp.Symbol
    v: sp.Symbol
    tree: Tree
    back: Tree

    def seen(self, u: sp.Symbol) -> Edge:
        """The edge with its rows at u."""
        return self if u == self.u else Edge(self.v, self.u, self.back, self.tree)


@dataclass
class Network:
    """Scalars, weights and edges of one product; elimination works in place."""

    sizes: Mapping[sp.Symbol, sp.Expr]
    scalars: list[Tree] = field(default_factory=list)
    weights: dict[sp.Symbol, list[Tree]] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def copy(self) -> Network:
        weights = {v: list(w) for v, w in self.weights.items()}
        return Network(self.sizes, list(self.scalars), weights, list(self.edges))

    def neighbours(self, v: sp.Symbol) -> list[sp.Symbol]:
        found = [e.v if e.u == v else e.u for e in self.edges if v in (e.u, e.v)]
        return list(dict.fromkeys(found))

    def take(self, u: sp.Symbol, v: sp.Symbol) -> list[Edge]:
        """The edges between u and v, seen from u, which leave the network."""
        found = [e for e in self.edges if {e.u, e.v} == {u, v}]
        self.edges = [e for e in self.edges if e not in found]
        return [e.seen(u) for e in found]

    def put(self, v: sp.Symbol, column: Tree) -> None:
        self.weights.setdefault(v, []).append(column)

    def eliminate(self, bound: Sequence[sp.Symbol]) -> None:
        """Sum over the bound vertices, those with fewest neighbours first."""
        left = list(bound)
        while left:
            v = min(left, key=lambda s: len(self.neighbours(s)))
            left.remove(v)
            near = self.neighbours(v)
            if not near:
                self.scalars.append(total(self.weights.pop(v, []), self.sizes[v]))
            elif len(near) == 1 and self.alone(near[0], v) and near[0] in left:
                left.remove(near[0])
                self.scalars.append(pair(self.take(near[0], v), self.sizes[near[0]], self.sizes[v]))
            elif len(near) == 1:
                self.absorb(v, near[0])
            elif len(near) == 2:
                self.join(v, *near)
            else:
                raise NoForm

    def alone(self, u: sp.Symbol, v: sp.Symbol) -> bool:
        """Whether u and v have nobody but each other, and no weights."""
        return self.neighbours(u) == [v] and not self.weights.get(u) and not self.weights.get(v)

    def absorb(self, v: sp.Symbol, u: sp.Symbol) -> None:
        column = hadamard(self.weights.pop(v, []) or [Ones(self.sizes[v])])
        self.put(u, matmul(together(self.take(u, v)), column))

    def join(self, v: sp.Symbol, u: sp.Symbol, w: sp.Symbol) -> None:
        middle = [diag(self.weights.pop(v))] if self.weights.get(v) else []
        left, right = self.take(u, v), self.take(v, w)
        tree = matmul(together(left), *middle, together(right))
        back = matmul(together(e.seen(w) for e in right), *middle, together(e.seen(v) for e in left))
        self.edges.append(Edge(u, w, tree, back))

    def result(self, row: sp.Symbol | None, col: sp.Symbol | None) -> Tree:
        """What is left between the row and the column."""
        if row is None and col is None:
            return scale(self.scalars, ONE)
        if row is None or col is None:
            column = hadamard(self.weights[row or col])
            return scale(self.scalars, column if col is None else transpose(column))
        return scale(self.scalars, self.matrix(row, col))

    def matrix(self, row: sp.Symbol, col: sp.Symbol) -> Tree:
        left, right = self.weights.get(row, []), self.weights.get(col, [])
        edges = self.take(row, col)
        if not edges:
            outer = hadamard(left or [Ones(self.sizes[row])]), hadamard(right or [Ones(self.sizes[col])])
            return matmul(outer[0], transpose(outer[1]))
        if all(isinstance(e.tree, Identity) for e in edges):
            return diag([*left, *right]) if left or right else edges[0].tree
        return matmul(*([diag(left)] if left else []), together(edges), *([diag(right)] if right else []))


def together(edges: Iterable[Edge]) -> Tree:
    """The entrywise product of parallel edges, transposed as a whole where that is shorter."""
    edges = list(edges)
    return min(hadamard([e.tree for e in edges]), transpose(hadamard([e.back for e in edges])), key=weight)


def contract(network: Network, bound: Sequence[sp.Symbol], row: sp.Symbol | None, col: sp.Symbol | None) -> Tree:
    """The matrix form of a sum of products, the shortest over the orders of summation."""
    orders: Iterable[Sequence[sp.Symbol]] = permutations(bound) if len(bound) <= FEW else [bound]
    found = []
    for order in orders:
        trial = network.copy()
        trial.eliminate(order)
        found.append(trial.result(row, col))
    return min(found, key=weight)


def diag(columns: Sequence[Tree]) -> Tree:
    scalars, body = scalars_and_body(hadamard(columns))
    return scale(scalars, Diag(body))


def total(columns: Sequence[Tree], size: sp.Expr) -> Tree:
    """Sum_v of the product of columns at v."""
    if not columns:
        return Scalar(size)
    if len(columns) == 1:
        scalars, body = scalars_and_body(columns[0])
        return scale(scalars, Trace(body.body) if isinstance(body, Diagonal) else matmul(transpose(Ones(size)), body))
    if len(columns) > 2:
        return weighted(columns)
    a, b = columns
    if a == b:
        return Norm(a, matrix=False)
    return min(matmul(transpose(a), b), matmul(transpose(b), a), key=weight)


def weighted(columns: Sequence[Tree]) -> Tree:
    """Three columns and more: r^T diag(a) r where one stands twice, else (a b)^T c."""
    twice = next((c for c in columns if list(columns).count(c) == 2), None)
    if twice is not None:
        rest = [c for c in columns if c != twice]
        return matmul(transpose(twice), diag(rest), twice)
    last = next((c for c in columns if isinstance(c, MatMul)), columns[-1])
    rest = list(columns)
    rest.remove(last)
    return matmul(transpose(hadamard(rest)), last)


def pair(edges: Sequence[Edge], rows: sp.Expr, columns: sp.Expr) -> Tree:
    """Sum_{u,v} of the product of matrices."""
    if len(edges) == 1:
        straight = matmul(transpose(Ones(rows)), edges[0].tree, Ones(columns))
        return min(straight, matmul(transpose(Ones(columns)), edges[0].back, Ones(rows)), key=weight)
    *first, b = edges
    if len(first) > 1:
        return inner(hadamard([e.tree for e in first]), b.tree)
    a = first[0]
    if a.tree == b.tree:
        return Norm(min(a.tree, a.back, key=weight), matrix=True)
    traces = trace(matmul(a.tree, b.back)), trace(matmul(a.back, b.tree))
    return min(*traces, inner(a.tree, b.tree), inner(a.back, b.back), key=weight)


def trace(tree: Tree) -> Tree:
    """The trace, which does not change when factors go round: tr(A B C), whatever came first."""
    scalars, body = scalars_and_body(tree)
    if isinstance(body, MatMul):
        turns = [(*body.factors[i:], *body.factors[:i]) for i in range(len(body.factors))]
        body = MatMul(min(turns, key=lambda factors: [first_serial(f) for f in factors]))
    return scale(scalars, Trace(body))


def first_serial(tree: Tree) -> int:
    """The number of the first tensor declared in a tree."""
    own = [tree.node.serial] if isinstance(tree, Leaf) else []
    return min([*own, *map(first_serial, tree.parts())], default=0)


def inner(left: Tree, right: Tree) -> Tree:
    """<left, right>, with scalars in front."""
    (above, a), (below, b) = scalars_and_body(left), scalars_and_body(right)
    return scale([*above, *below], Inner(a, b))
