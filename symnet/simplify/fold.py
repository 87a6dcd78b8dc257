"""Fold-back: an expression that a named definition already computes is rewritten to that name."""

from __future__ import annotations

import sympy as sp

from symnet.core.algebra import best_form
from symnet.core.definition import Node
from symnet.core.expr import Bracket, Reduce, by_text, operations, transform
from symnet.simplify.context import Context, Scope
from symnet.simplify.match import match


def fold(expr: sp.Expr, context: Context) -> sp.Expr:
    """Every kernel that has a name, by its name."""
    if not expr.atoms(sp.Function, sp.exp, Reduce, sp.Add):
        return expr
    return transform(expr, lambda node: _fold_node(node, context))


def _fold_node(node: sp.Expr, context: Context) -> sp.Expr:
    if isinstance(node, sp.exp):
        return _fold_exponential(node, context)
    if isinstance(node, sp.Mul) and node.atoms(Bracket) and node.atoms(sp.Function):
        return context.rename_gated(node)
    if isinstance(node, sp.KroneckerDelta) or not isinstance(node, (sp.Function, Reduce, sp.Add)):
        return node
    named = context.rename(node)
    if named is None and isinstance(node, sp.Add):
        flipped = context.rename(-node)
        named = None if flipped is None else -flipped
    return node if named is None else named


def _fold_exponential(node: sp.exp, context: Context) -> sp.Expr:
    """exp(c*u + ...) is exp(u)**c * ...: each part that has a name gets it."""
    whole = context.rename(node)
    if whole is not None:
        return whole
    parts = []
    found = False
    for term in sp.Add.make_args(node.args[0]):
        part = _fold_power(term, context)
        found = found or part is not None
        parts.append(sp.exp(term) if part is None else part)
    return sp.Mul(*parts) if found else node


def _fold_power(term: sp.Expr, context: Context) -> sp.Expr | None:
    coefficient, rest = term.as_coeff_Mul()
    if not coefficient.is_Integer:
        return context.rename(sp.exp(term))
    for sign in (1, -1):
        named = context.rename(sp.exp(sign * rest))
        if named is not None:
            return named ** (sign * coefficient)
    return None


def eliminate_numerators(expr: sp.Expr, scope: Scope) -> sp.Expr:
    """Numerators that have a normalised name (`p = e/S`) written with it, where that cancels."""
    for relation in scope.context.numerators:
        found = [r for r in expr.atoms(sp.Indexed) if r.args[0] == relation.pattern.args[0]]
        swap = {r: relation.replacement.xreplace(b) for r in found if (b := match(relation.pattern, r, relation.wild))}
        if not swap:
            continue
        written = transform(expr.xreplace(swap), lambda node: best_form(sp.expand_mul(node)))
        if operations(written) < operations(expr):
            expr = written
    return expr


def name_softmax(expr: sp.Expr, scope: Scope) -> sp.Expr:
    """exp(z)/S with S the sum of exp(z), and exp(z - log S), as one tensor with a name."""
    if not expr.atoms(sp.exp):
        return expr
    return transform(expr, lambda node: _softmax_node(node, scope.context))


def _softmax_node(node: sp.Expr, context: Context) -> sp.Expr:
    if isinstance(node, sp.exp) and isinstance(node.args[0], sp.Indexed):
        log_p = node.args[0].args[0].node
        if _is_log_softmax(log_p, context):
            definition = context.program[log_p]
            formula = sp.exp(log_p.read(*definition.indices))
            return context.introduce(log_p, definition.indices, formula).read(*node.args[0].indices)
    if not isinstance(node, sp.Mul):
        return node
    for kernel in (f for f in node.args if isinstance(f, sp.exp)):
        for inverse in (
            f for f in node.args if isinstance(f, sp.Pow) and f.exp == -1 and isinstance(f.base, sp.Indexed)
        ):
            named = _softmax_of(kernel, inverse.base, context)
            if named is not None:
                return sp.Mul(named, *[f for f in node.args if f not in (kernel, inverse)])
    return node


def _is_log_softmax(node: Node, context: Context) -> bool:
    """Whether a tensor is `u - log(Sum exp(u))` by its definition."""
    if node not in context.program or not context.program[node].formula.is_Add:
        return False
    formula = context.program[node].formula
    logs = [t for t in formula.args if isinstance(-t, sp.log) and isinstance((-t).args[0], sp.Indexed)]
    return len(logs) == 1 and _sums(sp.exp(formula - logs[0]), (-logs[0]).args[0], context)


def _sums(kernel: sp.Expr, total_read: sp.Indexed, context: Context) -> bool:
    """Whether a tensor is the sum of a kernel over some of the kernel's indices."""
    node = total_read.args[0].node
    definition = context.program.definitions.get(node)
    if definition is None or not isinstance(definition.formula, Reduce) or definition.formula.op != "sum":
        return False
    reduce = definition.at(total_read.indices)
    wild = [b for b, _ in reduce.bound]
    return match(reduce.body, kernel, wild) is not None


def _softmax_of(kernel: sp.Expr, total_read: sp.Indexed, context: Context) -> sp.Expr | None:
    if not _sums(kernel, total_read, context):
        return None
    logits = [
        r for r in by_text(kernel.args[0].atoms(sp.Indexed)) if r.args[0].node in context.program or r.args[0].node.rank
    ]
    widest = max(logits, key=lambda r: (len(r.indices), str(r)))
    node = widest.args[0].node
    if any(not place.is_Symbol for place in widest.indices) or len(set(widest.indices)) != node.rank:
        return None
    if not kernel.free_symbols <= set(widest.indices):
        return None
    own = context.indices_of(node)
    rename = dict(zip(widest.indices, own, strict=True))
    formula = (kernel / total_read).xreplace(rename)
    return context.introduce(node, own, formula).read(*widest.indices)
