r"""Matrix form: a definition with at most two indices, written without them.

    Sum_d x[n,d]*W[d,k] + b[k]               X W + \mathbf{1} b^{\top}
    Sum_n x[n,d]*(p[n,k] - y[n,k])/N         \frac{1}{N} X^{\top} (P - Y)
    Sum_n x[n,d]*a[n]*x[n,e]                 X^{\top} \mathrm{diag}(a) X

`matrix_tree` translates for a row and a column index; a formula that lacks one of them is spread along it with a
column of ones. What matrices cannot say (three indices at once, shifted or indirect reads, maxima) has no form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import sympy as sp

from symnet.core.definition import Definition, Node
from symnet.core.expr import Bracket, Reduce, reduction, reindex
from symnet.show.contract import Edge, Network, NoForm, contract
from symnet.show.matrix_tex import MatrixPrinter
from symnet.show.matrix_tree import (
    Apply,
    Compare,
    Diagonal,
    Identity,
    Leaf,
    Ones,
    Power,
    Scalar,
    Tree,
    add,
    matmul,
    scale,
    transpose,
    weight,
)
from symnet.show.order import factors, index_symbols, terms
from symnet.show.printer import prepared

Axis: TypeAlias = sp.Symbol | None
Sizes = Mapping[sp.Symbol, sp.Expr]
Form = Callable[[Sequence[sp.Expr], Sizes, Axis, Axis, Sizes], Tree]


def matrix_form(
    node: Node, definition: Definition, names: Mapping[Node, str] | None = None, dialect: str = "amsmath"
) -> str | None:
    r"""The right side in matrix notation, such as `\frac{1}{N} X^{\top} (P - Y)`; None where there is none."""
    tree = matrix_tree(node, definition)
    return None if tree is None else MatrixPrinter([node, *leaves(tree)], names, dialect).formula(tree)


def matrix_sides(
    node: Node, definition: Definition, names: Mapping[Node, str] | None = None, dialect: str = "amsmath"
) -> tuple[str, str] | None:
    r"""Both sides of `\bar{W} = \frac{1}{N} X^{\top} (P - Y)`."""
    tree = matrix_tree(node, definition)
    if tree is None:
        return None
    printer = MatrixPrinter([node, *leaves(tree)], names, dialect)
    return printer.formula(Leaf(node)), printer.formula(tree)


def matrix_tree(node: Node, definition: Definition) -> Tree | None:
    """The right side as a tree of matrices, or None."""
    if node.rank > 2:
        return None
    row, col = (*definition.indices, None, None)[:2]
    sizes = dict(zip(definition.indices, node.shape, strict=True))
    try:
        return full(prepared(definition.formula), row, col, sizes)
    except NoForm:
        return None


def leaves(tree: Tree) -> list[Node]:
    """The tensors in a tree, each once."""
    own = [tree.node] if isinstance(tree, Leaf) else []
    own += [r.args[0].node for r in tree.value.atoms(sp.Indexed)] if isinstance(tree, Scalar) else []
    return list(dict.fromkeys([*own, *(node for part in tree.parts() for node in leaves(part))]))


# -- translation


def full(expr: sp.Expr, row: Axis, col: Axis, sizes: Sizes) -> Tree:
    """The formula as a matrix over row and column, spread along an axis that it does not depend on."""
    own = index_symbols(expr)
    tree = natural(expr, row if row in own else None, col if col in own else None, sizes)
    down = [Ones(sizes[row])] if is_missing(row, own, sizes) else []
    along = [transpose(Ones(sizes[col]))] if is_missing(col, own, sizes) else []
    if not own & {row, col}:
        return scale([tree], matmul(*down, *along)) if down or along else tree
    return matmul(*down, tree, *along)


def is_missing(axis: Axis, own: set[sp.Symbol], sizes: Sizes) -> bool:
    """Whether a formula has to be repeated along an axis."""
    return axis is not None and axis not in own and sizes[axis] != 1


def natural(expr: sp.Expr, row: Axis, col: Axis, sizes: Sizes) -> Tree:
    """The formula over just the axes it depends on."""
    if not index_symbols(expr) <= {row, col}:
        raise NoForm
    if is_scalar(expr):
        return Scalar(expr)
    if isinstance(expr, sp.Indexed):
        return leaf(expr, row, col, sizes)
    if isinstance(expr, sp.Add):
        return add([full(term, row, col, sizes) for term in terms(expr, scope(row, col))])
    if isinstance(expr, (sp.Mul, Reduce, sp.KroneckerDelta)):
        return product(expr, row, col, sizes)
    if isinstance(expr, sp.Pow) and expr.exp.is_number:
        return Power(natural(expr.base, row, col, sizes), expr.exp, row is None and col is None)
    if isinstance(expr, Bracket) and isinstance(expr.condition, sp.core.relational.Relational):
        sides = (either(side, row, col, sizes) for side in expr.condition.args)
        return Compare(type(expr.condition), *sides)
    if isinstance(expr, sp.Function):
        return Apply(type(expr), tuple(full(arg, row, col, sizes) for arg in expr.args))
    raise NoForm


def scope(row: Axis, col: Axis) -> tuple[sp.Symbol, ...]:
    return tuple(i for i in (row, col) if i is not None)


def either(expr: sp.Expr, row: Axis, col: Axis, sizes: Sizes) -> Tree:
    """A number as it is, anything else as a full matrix."""
    return Scalar(expr) if is_scalar(expr) else full(expr, row, col, sizes)


def is_scalar(expr: sp.Expr) -> bool:
    """Numbers, dims and scalar tensors, and formulas of them."""
    return not index_symbols(expr) and not expr.atoms(Reduce) and all(not r.indices for r in expr.atoms(sp.Indexed))


def leaf(read: sp.Indexed, row: Axis, col: Axis, sizes: Sizes) -> Tree:
    """A tensor read with row and column where its axes are: T, its transpose, or its diagonal."""
    node = read.args[0].node
    places = [place for place, size in zip(read.indices, node.shape, strict=True) if (place, size) != (0, 1)]
    spans = [size for place, size in zip(read.indices, node.shape, strict=True) if (place, size) != (0, 1)]
    if node.rank > 2 or any(sizes.get(p) != s for p, s in zip(places, spans, strict=True)):
        raise NoForm
    if len(places) == 2 and places[0] == places[1]:
        return Diagonal(Leaf(node)) if col is None else transpose(Diagonal(Leaf(node)))
    if node.rank == 2:
        upright = read.indices[0] == row if row is not None else read.indices[1] == col
        return Leaf(node) if upright or not places else transpose(Leaf(node))
    return Leaf(node) if col is None else transpose(Leaf(node))


# -- products and sums of them


def product(expr: sp.Expr, row: Axis, col: Axis, sizes: Sizes) -> Tree:
    """A product or a sum of products, as it stands; multiplied out where it must be, or to free a delta."""
    parts, bound = without_deltas(*gathered(expr, scope(row, col)), sizes)
    whole = attempt(as_it_stands, parts, bound, row, col, sizes)
    if whole is not None and not any(isinstance(p, sp.Add) and p.atoms(sp.KroneckerDelta) for p in parts):
        return whole
    apart = attempt(multiplied_out, parts, bound, row, col, sizes)
    trees = [tree for tree in (whole, apart) if tree is not None]
    if not trees:
        raise NoForm
    return min(trees, key=weight)


def attempt(form: Form, parts: Sequence[sp.Expr], bound: Sizes, row: Axis, col: Axis, sizes: Sizes) -> Tree | None:
    try:
        return form(parts, bound, row, col, sizes)
    except NoForm:
        return None


def gathered(expr: sp.Expr, places: Sequence[sp.Symbol]) -> tuple[list[sp.Expr], dict[sp.Symbol, sp.Expr]]:
    """The factors of a product, sums among them opened, and the indices that are summed over."""
    if isinstance(expr, sp.Mul):
        found = [gathered(part, places) for part in factors(expr.args, places)]
        return [p for parts, _ in found for p in parts], {b: e for _, bound in found for b, e in bound.items()}
    if isinstance(expr, Reduce) and expr.op == "sum":
        body, bound = expr.open()
        parts, further = gathered(body, places)
        return parts, {**dict(bound), **further}
    if isinstance(expr, sp.Pow) and expr.exp in (2, 3) and index_symbols(expr):
        return [expr.base] * int(expr.exp), {}
    if isinstance(expr, Reduce):
        raise NoForm
    return [expr], {}


def without_deltas(
    parts: list[sp.Expr], bound: dict[sp.Symbol, sp.Expr], sizes: Sizes
) -> tuple[list[sp.Expr], dict[sp.Symbol, sp.Expr]]:
    """Deltas of a bound index solved for it."""
    for part in parts:
        if not isinstance(part, sp.KroneckerDelta):
            continue
        for symbol, other in (part.args[:2], part.args[1::-1]):
            if symbol in bound and {**sizes, **bound}.get(other) == bound[symbol]:
                rest = [reindex(p, {symbol: other}) for p in parts if p is not part]
                return without_deltas(rest, {b: e for b, e in bound.items() if b != symbol}, sizes)
    return parts, bound


def multiplied_out(parts: Sequence[sp.Expr], bound: Sizes, row: Axis, col: Axis, sizes: Sizes) -> Tree:
    body = sp.expand(sp.Mul(*parts), power_base=False, power_exp=False, log=False)
    if not isinstance(body, sp.Add):
        raise NoForm
    ordered = terms(body, scope(row, col))
    return add([full(reduction("sum", term, tuple(bound.items())), row, col, sizes) for term in ordered])


def as_it_stands(parts: Sequence[sp.Expr], bound: Sizes, row: Axis, col: Axis, sizes: Sizes) -> Tree:
    """The product as a network of scalars, columns and matrices, contracted."""
    sizes = {**sizes, **bound}
    network = Network(sizes)
    for part in parts:
        own = sorted(index_symbols(part), key=lambda s: (s != row, s == col, sp.default_sort_key(s)))
        if len(own) > 2 or (isinstance(part, sp.KroneckerDelta) and len(own) < 2):
            raise NoForm
        if not own:
            network.scalars.append(natural(part, None, None, sizes))
        elif len(own) == 1:
            network.put(own[0], natural(part, own[0], None, sizes))
        else:
            network.edges.append(edge(part, own[0], own[1], sizes))
    return contract(network, tuple(bound), row, col)


def edge(part: sp.Expr, u: sp.Symbol, v: sp.Symbol, sizes: Sizes) -> Edge:
    """A factor with two indices as a matrix, seen from either side."""
    if isinstance(part, sp.KroneckerDelta):
        if set(part.args[:2]) != {u, v} or sizes[u] != sizes[v]:
            raise NoForm
        return Edge(u, v, Identity(sizes[u]), Identity(sizes[u]))
    tree, back = natural(part, u, v, sizes), natural(part, v, u, sizes)
    if weight(tree) <= weight(back):
        return Edge(u, v, tree, min(transpose(tree), back, key=weight))
    return Edge(u, v, min(transpose(back), tree, key=weight), back)
