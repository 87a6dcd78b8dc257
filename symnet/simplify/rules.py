"""The table of rules. Each row is a mathematical statement, its condition, and why it holds.

The rules are applied in this order, over the whole formula, until none changes it; what fired, with the formula
before and after, is the derivation that is shown. Every row carries an example; a test sees it fire there, and
sees both sides agree at random points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from symnet.core.algebra import best_form, joined_powers
from symnet.core.expr import by_text, transform
from symnet.differentiate.closed import logistic
from symnet.simplify import deltas, products, sums
from symnet.simplify.context import Scope
from symnet.simplify.fold import eliminate_numerators, fold, name_softmax


@dataclass(frozen=True)
class Rule:
    """`left = right` under `condition`, because of `why`; `apply` rewrites a whole formula by it."""

    name: str
    left: str
    right: str
    condition: str
    why: str
    apply: Callable[[sp.Expr, Scope], sp.Expr]


def _collect(expr: sp.Expr, scope: Scope) -> sp.Expr:
    return transform(expr, lambda node: best_form(joined_powers(node)))


def _logistic(expr: sp.Expr, scope: Scope) -> sp.Expr:
    return transform(expr, _logistic_node) if expr.atoms(sp.exp) else expr


def _logistic_node(node: sp.Expr) -> sp.Expr:
    return logistic(node) if isinstance(node, (sp.Add, sp.Mul, sp.Pow)) and node.atoms(sp.exp) else node


def _hyperbolic(expr: sp.Expr, scope: Scope) -> sp.Expr:
    if not expr.atoms(sp.cosh):
        return expr
    return transform(expr, _tanh_node)


def _tanh_node(node: sp.Expr) -> sp.Expr:
    if not isinstance(node, sp.Mul):
        return node
    for c in by_text(node.atoms(sp.cosh)):
        if c**-1 in node.args:
            return node.xreplace({sp.sinh(c.args[0]): sp.tanh(c.args[0]) * c})
    return node


RULES: tuple[Rule, ...] = (
    Rule(
        "sum over a delta",
        "Sum_b [a = b] f(b)",
        "f(a)",
        "a lies in the range of b, else a bracket says so",
        "all terms but one are zero",
        deltas.sum_deltas,
    ),
    Rule(
        "one place for two",
        "[a = b] f(b)",
        "[a = b] f(a)",
        "",
        "where the delta is not zero, a and b are the same",
        deltas.one_place,
    ),
    Rule(
        "ranges decide a bracket",
        "[0 <= i]",
        "1",
        "i runs from 0",
        "the condition holds for every index in range, or for none",
        deltas.decided_brackets,
    ),
    Rule(
        "fold back to a name",
        "exp(z)",
        "p S",
        "p = exp(z)/S is a definition",
        "the value has been computed already",
        lambda expr, scope: fold(expr, scope.context),
    ),
    Rule(
        "eliminate a numerator",
        "e f(e)",
        "p S f(p S)",
        "p = e/S is a definition, and fewer operations remain",
        "the quotient has been computed already",
        eliminate_numerators,
    ),
    Rule(
        "name a softmax",
        "exp(z)/S",
        "p",
        "S is the sum of exp(z) along its last index",
        "the softmax is worth a name",
        name_softmax,
    ),
    Rule(
        "hyperbolic quotient",
        "sinh(u)/cosh(u)",
        "tanh(u)",
        "",
        "the definition of tanh",
        _hyperbolic,
    ),
    Rule(
        "logistic function",
        "exp(u)/(1 + exp(u))",
        "sigmoid(u)",
        "",
        "a rational function of exp(u) is one of the logistic function",
        _logistic,
    ),
    Rule(
        "a bit is its square",
        "y^2",
        "y",
        "y is 0 or 1",
        "0 and 1 are their own squares",
        deltas.idempotent,
    ),
    Rule(
        "affine in a bit",
        "f(y)",
        "f(0) + y (f(1) - f(0))",
        "y is 0 or 1",
        "a function of a bit is known from its two values",
        deltas.affine_in_bits,
    ),
    Rule(
        "cancel and collect",
        "a b + a c",
        "a (b + c)",
        "what cancels is not zero",
        "the distributive law; a quotient of equals is one",
        _collect,
    ),
    Rule(
        "all factors but one",
        "Prod_{c != b} f(c) / Prod_c f(c)",
        "1/f(b)",
        "the whole product is divided by, so it is not zero",
        "all other factors cancel",
        lambda expr, scope: products.quotients_of_products(expr, scope.context),
    ),
    Rule(
        "one sum of two",
        "Sum_k x[k] a[k] + Sum_k x[k] b[k]",
        "Sum_k x[k] (a[k] + b[k])",
        "their terms share a factor",
        "summation is linear",
        lambda expr, scope: sums.joined_sums(expr, scope.context),
    ),
    Rule(
        "constants leave the sum",
        "Sum_k c f(k)",
        "c Sum_k f(k)",
        "c does not depend on k",
        "the distributive law",
        lambda expr, scope: sums.free_factors(expr, scope.context),
    ),
    Rule(
        "rows sum to one",
        "Sum_k y[n,k]",
        "1",
        "y was declared simplex or onehot",
        "each row of y sums to one",
        lambda expr, scope: sums.declared_sums(expr, scope.context),
    ),
    Rule(
        "a sum that is known",
        "Sum_d (x[d] - mean x)",
        "0",
        "it follows from the definitions of what is summed",
        "the sum distributes and its parts have names",
        lambda expr, scope: sums.derived_sums(expr, scope.context),
    ),
    Rule(
        "a sum of terms",
        "Sum_k (a[k] + c b[k])",
        "Sum_k a[k] + c Sum_k b[k]",
        "it takes fewer operations",
        "summation is linear",
        lambda expr, scope: sums.linear_sums(expr, scope.context),
    ),
)
