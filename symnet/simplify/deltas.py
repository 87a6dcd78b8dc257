"""Deltas inside formulas: a sum over a delta keeps one term, and a delta lets one place stand for another."""

from __future__ import annotations

import sympy as sp

from symnet.core.algebra import best_form, cheapest
from symnet.core.definition import write_out
from symnet.core.expr import Bound, Bracket, Reduce, operations, reduction, reindex, total, transform
from symnet.core.index import Ranges
from symnet.differentiate.closed import logistic
from symnet.differentiate.delta import eliminate, settle
from symnet.simplify.context import Scope

MANY = 30
IDEMPOTENT = ("onehot", "mask")


def sum_deltas(expr: sp.Expr, scope: Scope) -> sp.Expr:
    """Sums over a delta, each solved; only the sum that holds the delta is expanded."""
    if not expr.atoms(sp.KroneckerDelta) or not expr.atoms(Reduce):
        return expr
    return transform(expr, lambda node: _solve(node, scope.ranges))


def _solve(node: sp.Expr, ranges: Ranges) -> sp.Expr:
    if not isinstance(node, Reduce) or node.op != "sum" or not node.body.atoms(sp.KroneckerDelta):
        return node
    body, bound = node.open()
    terms = sp.Add.make_args(_expand_deltas(body))
    solved = [_solve_term(term, bound, ranges) for term in terms]
    if all(result is None for result in solved):
        return node
    return sp.Add(*[total(term, bound) if r is None else r for term, r in zip(terms, solved, strict=True)])


def _expand_deltas(body: sp.Expr) -> sp.Expr:
    """Multiply out just the sums that hold a delta."""
    if not isinstance(body, sp.Mul):
        return body
    holding = [a for a in body.args if isinstance(a, sp.Add) and a.atoms(sp.KroneckerDelta)]
    if not holding:
        return body
    rest = sp.Mul(*[a for a in body.args if a not in holding])
    terms = [rest]
    for factor in holding:
        terms = [term * part for term in terms for part in sp.Add.make_args(factor)]
    return sp.Add(*terms)


def _solve_term(term: sp.Expr, bound: tuple[Bound, ...], ranges: Ranges) -> sp.Expr | None:
    """The sum of one term with its deltas solved; None where none can be."""
    factors = sp.Mul.make_args(term)
    deltas = [f for f in factors if isinstance(f, sp.KroneckerDelta)]
    solved = eliminate([(d.args[0], d.args[1]) for d in deltas], bound, ranges)
    if not solved.values:
        return None
    rest = sp.Mul(*[f for f in factors if f not in deltas])
    return total(settle(solved.factor * reindex(rest, solved.values), {**ranges, **dict(bound)}), solved.bound)


def one_place(expr: sp.Expr, scope: Scope) -> sp.Expr:
    """delta(a, b)*f(b) = delta(a, b)*f(a): each delta's second place is written as its first."""
    if not expr.atoms(sp.KroneckerDelta):
        return expr
    return transform(expr, lambda node: _substitute(node, list(scope.ranges)))


def _substitute(node: sp.Expr, order: list[sp.Symbol]) -> sp.Expr:
    if isinstance(node, sp.Add):
        return _other_place(node, order)
    if not isinstance(node, sp.Mul):
        return node
    for factor in node.args:
        if isinstance(factor, sp.KroneckerDelta):
            keep, drop = _orientation(factor, order)
            rest = sp.Mul(*[a for a in node.args if a is not factor])
            changed = rest.xreplace({drop: keep}) if drop.args or drop.is_Symbol else rest
            if changed != rest:
                return _substitute(factor * changed, order)
    return _substitute_inside(node, order)


def _other_place(node: sp.Add, order: list[sp.Symbol]) -> sp.Expr:
    """A sum whose delta terms are written with the second place, where that lets them share a factor."""
    swapped = []
    for term in node.args:
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, sp.KroneckerDelta):
                keep, drop = _orientation(factor, order)
                term = factor * sp.Mul(*[a for a in sp.Mul.make_args(term) if a is not factor]).xreplace({keep: drop})
                break
        swapped.append(term)
    collected = best_form(sp.Add(*swapped))
    return collected if operations(collected) < operations(node) else node


def _substitute_inside(node: sp.Mul, order: list[sp.Symbol]) -> sp.Expr:
    """The same for f(b)*([a = b] - g): multiplied out, substituted, and collected again."""
    terms = _expand_deltas(node)
    if not isinstance(terms, sp.Add):
        return node
    changed = [_substitute(t, order) if isinstance(t, sp.Mul) else t for t in terms.args]
    if tuple(changed) == terms.args:
        return node
    collected = best_form(sp.Add(*changed))
    return collected if operations(collected) <= operations(node) else node


def _orientation(delta: sp.KroneckerDelta, order: list[sp.Symbol]) -> tuple[sp.Expr, sp.Expr]:
    """Which place stays: an index rather than a label or an expression; of two indices the first on the left side."""
    last = len(order)
    places = sorted(delta.args, key=lambda p: (not p.is_Symbol, order.index(p) if p in order else last, str(p)))
    return places[0], places[1]


def idempotent(expr: sp.Expr, scope: Scope) -> sp.Expr:
    """y**2 = y where y is 0 or 1."""
    return expr.replace(
        lambda e: isinstance(e, sp.Pow) and e.exp.is_Integer and e.exp > 1 and _is_bit(e.base), lambda e: e.base
    )


def _is_bit(expr: sp.Expr) -> bool:
    if isinstance(expr, sp.Indexed):
        node = expr.args[0].node
        return node.kind in IDEMPOTENT or node.info.get("classes") == 2
    return isinstance(expr, (Bracket, sp.KroneckerDelta))


def bits(expr: sp.Expr) -> list[sp.Expr]:
    """The reads in an expression that are 0 or 1."""
    return sorted((r for r in expr.atoms(sp.Indexed) if _is_bit(r)), key=sp.default_sort_key)


def affine_in_bits(expr: sp.Expr, scope: Scope) -> sp.Expr:
    """f(y) = f(0) + y*(f(1) - f(0)) where y is 0 or 1 and f is not affine already."""
    if not bits(expr):
        return expr
    return transform(expr, lambda node: _affine(node, scope))


def _affine(node: sp.Expr, scope: Scope) -> sp.Expr:
    if not isinstance(node, (sp.Add, sp.Mul)) or operations(node) > MANY:
        return node
    for bit in bits(node):
        whole = _unfolded(node, bit, scope)
        if any(f.has(bit) for f in whole.atoms(sp.Function) if not isinstance(f, sp.KroneckerDelta)):
            off, on = (logistic(whole.xreplace({bit: value})) for value in (sp.S.Zero, sp.S.One))
            node = cheapest((node, logistic(best_form(sp.expand_mul(off + bit * (on - off))))))
    return node


def _unfolded(expr: sp.Expr, bit: sp.Expr, scope: Scope) -> sp.Expr:
    """Unnamed functions of the bit written out."""

    def formula(read: sp.Indexed) -> sp.Expr | None:
        node = read.args[0].node
        definition = scope.context.definition(node) if node.auto and not node.anonymous else None
        if definition is None or isinstance(definition.formula, Reduce):
            return None
        found = definition.at(read.indices)
        return found if bit in found.atoms(sp.Indexed) else None

    return write_out(expr, formula)


def decided_brackets(expr: sp.Expr, scope: Scope) -> sp.Expr:
    """Brackets and deltas that the ranges of the indices decide."""
    if not expr.atoms(Bracket, sp.KroneckerDelta):
        return expr
    return _decide(expr, scope.ranges)


def _decide(expr: sp.Expr, ranges: Ranges) -> sp.Expr:
    if isinstance(expr, (Bracket, sp.KroneckerDelta)):
        return settle(expr, ranges)
    if isinstance(expr, Reduce):
        body, bound = expr.open()
        changed = _decide(body, {**ranges, **dict(bound)})
        return expr if changed == body else reduction(expr.op, changed, bound)
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    return expr.func(*[_decide(arg, ranges) if isinstance(arg, sp.Expr) else arg for arg in expr.args])
