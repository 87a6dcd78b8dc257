"""The table of rules: every row fires on its example, and both sides agree at random points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sympy as sp

import symnet as sn
from symnet.checks.values import random_values
from symnet.core.definition import Definition, Node, Program
from symnet.core.expr import Bracket, Reduce, total
from symnet.core.normal import normalise
from symnet.run.reference import evaluate_flat
from symnet.simplify.context import Context, Scope
from symnet.simplify.rules import RULES

N, D, K = sn.dims("N D K")
n, d, k, j, b = sn.indices("n d k j b")
x = sn.input("x", (N, D))
z = sn.input("z", (N, K))
y = sn.input("y", (N, K), kind="onehot")
q = sn.input("q", (N,), kind="mask")
t = sn.input("t", (N,), kind="label", classes=K)
u = sn.input("u", (N,))
p = sn.define("p", (n, k), sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j))
e = sn.define("e", (n, k), sn.exp(z[n, k]))
share = sn.define("share", (n, k), e[n, k] / sn.sum(e[n, j], j))
mu = sn.define("mu", n, sn.mean(x[n, d], d))
centred = sn.define("centred", (n, d), x[n, d] - mu[n])

Example = tuple[list[Node], sp.Expr, tuple[sp.Symbol, ...], tuple[sp.Expr, ...]]


def softmax_quotient() -> Example:
    lse = sn.define("lse", n, sn.logsumexp(z[n, k], k))
    flat = normalise(Program.of([lse]))
    hidden = next(node for node in flat if node.anonymous)
    return [lse], sp.exp(z[n, k]) / hidden.read(n), (n, k), (N, K)


EXAMPLES: dict[str, Callable[[], Example]] = {
    "sum over a delta": lambda: ([p], total(p[n, b] * sp.KroneckerDelta(b, k), [(b, K)]), (n, k), (N, K)),
    "one place for two": lambda: ([p], sp.KroneckerDelta(t[n], k) / p[n, t[n]], (n, k), (N, K)),
    "ranges decide a bracket": lambda: ([p], Bracket(n + 1 > 0) * p[n, k] + Bracket(n > N) * p[n, k], (n, k), (N, K)),
    "fold back to a name": lambda: ([e], 3 * sp.exp(z[n, k]) + 1, (n, k), (N, K)),
    "eliminate a numerator": lambda: (
        [share],
        -y[n, k] * e[n, k] / (share[n, k] * _sum_of(share).read(n)),
        (n, k),
        (N, K),
    ),
    "name a softmax": softmax_quotient,
    "hyperbolic quotient": lambda: ([mu], sp.sinh(u[n]) / sp.cosh(u[n]), (n,), (N,)),
    "logistic function": lambda: ([mu], sp.exp(u[n]) / (1 + sp.exp(u[n])), (n,), (N,)),
    "a bit is its square": lambda: ([mu], q[n] ** 2 + y[n, k] ** 3, (n, k), (N, K)),
    "affine in a bit": lambda: ([mu], (1 - 2 * q[n]) * sn.sigmoid((1 - 2 * q[n]) * u[n]), (n,), (N,)),
    "cancel and collect": lambda: ([p], p[n, k] / N - y[n, k] / N, (n, k), (N, K)),
    "all factors but one": lambda: (
        [mu],
        Reduce("prod", sp.KroneckerDelta(b, k) + Bracket(sp.Ne(b, k)) * z[n, b], [(b, K)])
        / Reduce("prod", z[n, b], [(b, K)]),
        (n, k),
        (N, K),
    ),
    "one sum of two": lambda: (
        [p],
        total(y[n, b] * z[n, b], [(b, K)]) - 2 * total(y[n, b] * p[n, b], [(b, K)]),
        (n,),
        (N,),
    ),
    "constants leave the sum": lambda: ([mu], Reduce("sum", u[n] * z[n, b], [(b, K)]), (n,), (N,)),
    "rows sum to one": lambda: ([mu], u[n] * total(y[n, b], [(b, K)]), (n,), (N,)),
    "a sum that is known": lambda: ([centred], u[n] + total(centred[n, b], [(b, D)]), (n,), (N,)),
    "a sum of terms": lambda: ([mu], total(u[n] * y[n, b] + z[n, b] * u[n] ** 2 + y[n, b], [(b, K)]), (n,), (N,)),
}


def _sum_of(node: Node) -> Node:
    """The anonymous sum that a normalised definition reads."""
    flat = FLAT[node]
    return next(r.args[0].node for r in flat[node].formula.atoms(sp.Indexed) if r.args[0].node.anonymous)


FLAT = {share: normalise(Program.of([share]))}


def scope_of(example: Example) -> Scope:
    outputs, _, indices, shape = example
    flat = FLAT.get(outputs[0]) or normalise(Program.of(outputs))
    if example[1].atoms(sp.Indexed) and any(r.args[0].node.anonymous for r in example[1].atoms(sp.Indexed)):
        hidden = next(r.args[0].node for r in example[1].atoms(sp.Indexed) if r.args[0].node.anonymous)
        if hidden not in flat:
            flat = Program(
                flat.outputs, {**flat.definitions, hidden: next(v for m, v in flat.definitions.items() if m.anonymous)}
            )
    return Scope(Context(flat), dict(zip(indices, shape, strict=True)))


def values_of(example: Example, expr: sp.Expr, scope: Scope, seed: int) -> np.ndarray:
    """The value of an expression over its index box, with every definition that the rules may have used."""
    _, _, indices, shape = example
    node = Node("probe", shape)
    definitions = {**scope.context.program.definitions, **scope.context.introduced, node: Definition(indices, expr)}
    everything = normalise(Program((node,), definitions))
    inputs = Program((node, x, z, y, q, t, u), {})  # the same draw for both sides
    numbers = random_values(inputs, {}, seed)
    return evaluate_flat(everything, numbers)[node]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_fires_on_its_example_and_both_sides_agree(rule):
    example = EXAMPLES[rule.name]()
    scope = scope_of(example)
    before = example[1]
    after = rule.apply(before, scope)
    assert after != before
    for seed in range(3):
        left = values_of(example, before, scope, seed)
        right = values_of(example, after, scope, seed)
        assert np.all(np.isfinite(left))
        np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-13)


def test_every_rule_has_an_example_and_says_why():
    assert set(EXAMPLES) == {rule.name for rule in RULES}
    assert all(rule.left and rule.right and rule.why for rule in RULES)


def test_rules_leave_their_own_result_alone():
    for rule in RULES:
        example = EXAMPLES[rule.name]()
        scope = scope_of(example)
        once = rule.apply(example[1], scope)
        assert rule.apply(once, scope) == once, rule.name
