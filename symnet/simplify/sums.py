"""What sums are worth: declared facts, facts that follow, and linearity where it helps.

Sum_k y[n,k] = 1                for a simplex or onehot y
Sum_d (x[n,d] - mean[n]) = 0    by distributing the sum and writing the mean out
Sum_k exp(z[n,k])/S[n] = 1      likewise
"""

from __future__ import annotations

import sympy as sp

from symnet.core.algebra import best_form
from symnet.core.definition import Definition, Node, read_nodes
from symnet.core.expr import Bound, Reduce, by_text, operations, reindex, total, transform
from symnet.simplify.context import Context, Scope
from symnet.simplify.deltas import sum_deltas
from symnet.simplify.fold import fold

UNIT_ROWS = ("simplex", "onehot")


def free_factors(expr: sp.Expr, context: Context) -> sp.Expr:
    """Factors that do not depend on the bound indices, in front of the sum."""
    return transform(expr, _pull) if expr.atoms(Reduce) else expr


def _pull(node: sp.Expr) -> sp.Expr:
    if not isinstance(node, Reduce) or node.op != "sum":
        return node
    body, bound = node.open()
    return total(body, bound)


def declared_sums(expr: sp.Expr, context: Context) -> sp.Expr:
    """Sums of rows that were declared to sum to one."""
    return transform(expr, _declared) if expr.atoms(Reduce) else expr


def _declared(node: sp.Expr) -> sp.Expr:
    if not isinstance(node, Reduce) or node.op != "sum" or not isinstance(node.body, sp.Indexed):
        return node
    tensor, places = node.body.args[0].node, node.body.indices
    last, names = places[-1] if places else None, [b for b, _ in node.bound]
    if tensor.kind not in UNIT_ROWS or last not in names or any(last in p.free_symbols for p in places[:-1]):
        return node
    body, bound = node.open()
    return total(sp.S.One, [pair for pair in bound if pair[0] != body.indices[-1]])


def derived_sums(expr: sp.Expr, context: Context) -> sp.Expr:
    """Sums over an axis that are a number by the definition of what is summed."""
    if not expr.atoms(Reduce):
        return expr
    return transform(expr, lambda node: _derived(node, context))


def _derived(node: sp.Expr, context: Context) -> sp.Expr:
    if (
        not isinstance(node, Reduce)
        or node.op != "sum"
        or len(node.bound) != 1
        or not isinstance(node.body, sp.Indexed)
    ):
        return node
    tensor, (index, _) = node.body.args[0].node, node.bound[0]
    axes = [a for a, place in enumerate(node.body.indices) if index in place.free_symbols]
    if context.definition(tensor) is None or len(axes) != 1 or node.body.indices[axes[0]] != index:
        return node
    value = axis_sum(tensor, axes[0], context)
    return node if value is None else value


def axis_sum(tensor: Node, axis: int, context: Context) -> sp.Expr | None:
    """What a defined tensor sums to along an axis, where that is a number; found once."""
    key = (tensor, axis)
    if key not in context.axis_sums:
        context.axis_sums[key] = None  # a recurrence that asks for itself learns nothing
        definition = context.definition(tensor)
        if definition and not isinstance(definition.formula, Reduce) and _near_a_sum(definition, context):
            value = written_out(definition.formula, [(definition.indices[axis], tensor.shape[axis])], context)
            context.axis_sums[key] = value if value.is_number else None
    return context.axis_sums[key]


def _near_a_sum(definition: Definition, context: Context) -> bool:
    """Whether a definition reads a reduction or rows that sum to one, at most one elementwise definition away."""
    near = read_nodes(definition.formula)
    further = [m for n in near if (d := context.definition(n)) for m in read_nodes(d.formula)]
    plain = any(n.kind in UNIT_ROWS or _is_reduction(n, context) for n in (*near, *further))
    return plain or bool(definition.formula.atoms(sp.KroneckerDelta))


def _is_reduction(node: Node, context: Context) -> bool:
    definition = context.definition(node)
    return definition is not None and isinstance(definition.formula, Reduce)


def written_out(body: sp.Expr, bound: list[Bound], context: Context) -> sp.Expr:
    """A sum distributed over its terms, with sums by their names and what does not depend on the index inlined."""
    fresh = {b: sp.Dummy(b.name, integer=True) for b, _ in bound}
    renamed = [(fresh[b], extent) for b, extent in bound]
    terms = sp.Add.make_args(sp.expand_mul(reindex(body, fresh)))
    parts = [_known(total(term, renamed), context) for term in terms]
    return best_form(sp.expand_mul(_inline_means(sp.Add(*parts), context)))


def _known(expr: sp.Expr, context: Context) -> sp.Expr:
    """A single sum by what is known of it: a delta, a declared fact, a name."""
    solved = declared_sums(sum_deltas(expr, Scope(context, {})), context)
    return fold(named_sums(solved, context), context)


def named_sums(expr: sp.Expr, context: Context) -> sp.Expr:
    """Sums that have a name, by it, before anything inside them is renamed."""
    found = {r: context.rename(r) for r in by_text(expr.atoms(Reduce))}
    return expr.xreplace({r: name for r, name in found.items() if name is not None})


def _inline_means(expr: sp.Expr, context: Context) -> sp.Expr:
    """Elementwise definitions over sums (a mean) written out, outside reductions."""
    swap = {}
    for read in expr.atoms(sp.Indexed):
        node = read.args[0].node
        if node in context.program and not isinstance(context.program[node].formula, Reduce):
            formula = context.program[node].at(read.indices)
            if len(formula.atoms(sp.Indexed)) <= 1 and isinstance(formula, (sp.Mul, sp.Indexed)):
                swap[read] = formula
    return expr.xreplace(swap)


def linear_sums(expr: sp.Expr, context: Context) -> sp.Expr:
    """A sum of terms as terms of sums, where that takes fewer operations."""
    if not any(r.body.atoms(sp.Add) for r in expr.atoms(Reduce)):
        return expr
    return transform(expr, lambda node: _linear(node, context))


def _linear(node: sp.Expr, context: Context) -> sp.Expr:
    if not isinstance(node, Reduce) or node.op != "sum" or not node.body.atoms(sp.Add):
        return node
    body, bound = node.open()
    if operations(body) > 40 or not _may_split(body, {b for b, _ in bound}):
        return node
    apart = derived_sums(written_out(body, list(bound), context), context)
    return apart if operations(apart) < operations(node) else node


def _may_split(body: sp.Expr, names: set[sp.Symbol]) -> bool:
    """Whether some term of the body depends on the bound indices through one factor at most."""
    factors = [f for f in sp.Mul.make_args(body) if f.free_symbols & names]
    sums = [f for f in factors if isinstance(f, sp.Add)]
    if len(sums) != 1 or len(factors) > 2:
        return False
    others = len(factors) - 1
    return any(others + sum(1 for f in sp.Mul.make_args(t) if f.free_symbols & names) <= 1 for t in sums[0].args)


def joined_sums(expr: sp.Expr, context: Context) -> sp.Expr:
    """Sums over the same ranges as one sum, where their terms share a factor."""
    return transform(expr, _join) if len(expr.atoms(Reduce)) > 1 else expr


def _join(node: sp.Expr) -> sp.Expr:
    if not isinstance(node, sp.Add):
        return node
    groups: dict[tuple[sp.Expr, ...], list[sp.Expr]] = {}
    for term in node.args:
        reduce = _lone_sum(term)
        if reduce is not None and (term / reduce).free_symbols <= reduce.free_symbols:
            groups.setdefault(tuple(extent for _, extent in reduce.bound), []).append(term)
    for terms in groups.values():
        together = _as_one(terms) if len(terms) > 1 else None
        if together is not None:
            return sp.Add(together, *[t for t in node.args if t not in terms])
    return node


def _lone_sum(term: sp.Expr) -> Reduce | None:
    sums = [f for f in sp.Mul.make_args(term) if isinstance(f, Reduce) and f.op == "sum"]
    return sums[0] if len(sums) == 1 else None


def _as_one(terms: list[sp.Expr]) -> sp.Expr | None:
    """The sum of the terms' bodies under common names, if collecting makes it shorter than they were apart."""
    bodies: list[sp.Expr] = []
    common: tuple[Bound, ...] = ()
    for term in terms:
        reduce = _lone_sum(term)
        assert reduce is not None
        body, bound = reduce.open()
        common = common or bound
        rename = {b: c for (b, _), (c, _) in zip(bound, common, strict=True)}
        bodies.append(reindex(body * term / reduce, rename))
    body = best_form(sp.Add(*bodies))
    shared = isinstance(body, sp.Mul) and any(isinstance(f, sp.Add) for f in body.args)
    plain = all(len(sp.Mul.make_args(b.as_coeff_Mul()[1])) == 1 for b in bodies)
    shorter = operations(body) <= sum(operations(b) for b in bodies) + int(plain)
    return total(body, common) if (shared or plain) and shorter else None
