"""Passes from normal form to loop nests and matrix products: each fires on its example, and no value changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pytest
import sympy as sp
from compiled import disagreement, network_results
from helpers import random_values
from networks import derived

import symnet as sn
from symnet.core.definition import Node, Program
from symnet.core.expr import Bracket, Reduce
from symnet.core.normal import normalise
from symnet.run.reference import evaluate_flat
from symnet.schedule import prepare as passes
from symnet.schedule.gathers import gathers_joined, picks_written_out
from symnet.schedule.native import NATIVE, expand_foreign
from symnet.schedule.prepare import operands, prepare
from symnet.simplify.stabilise import stabilise

Pass = Callable[[Program], Program]
N, D, K, M, T = sn.dims("N D K M T")
n, d, k, m, t, j = sn.indices("n d k m t j")
x, y, p = sn.input("x", (N, D)), sn.input("y", (N, D)), sn.input("p", (N, K))
A, B, W, w = sn.input("A", (N, D)), sn.input("B", (D, K)), sn.param("W", (D, K)), sn.input("w", (D,), kind="mask")
labels = sn.input("labels", (N,), kind="label", classes=K)
SIZES = {"N": 4, "D": 3, "K": 5, "M": 2, "T": 3}


def flat(*outputs: Node) -> Program:
    return normalise(Program.of(outputs), keep=outputs)


def expanded(program: Program) -> Program:
    return passes.each_formula(program, expand_foreign)


def same_values(before: Program, after: Program, values: Mapping[str, Any] | None = None) -> None:
    values = random_values(before.outputs, sizes=SIZES) if values is None else values
    wanted, found = evaluate_flat(before, values), evaluate_flat(after, values)
    assert disagreement([found[o] for o in before.outputs], [wanted[o] for o in before.outputs]) < 1e-12


def formulas(program: Program) -> list[str]:
    return [f"{node.name}{list(d.indices)} = {d.formula}" for node, d in program.definitions.items()]


# -- each pass on its example: what it leaves behind


def relu_and_gate() -> tuple[Node, ...]:
    z = sn.define("z", (n, d), x[n, d] - y[n, d])
    return sn.define("h", (n, d), sn.relu(z[n, d])), sn.define("g", (n, d), sn.where(z[n, d] > 0, y[n, d], 0))


def gates(program: Program) -> set[str]:
    formula = next(d.formula for node, d in program.definitions.items() if node.name == "g")
    return {str(bracket.args[1]) for bracket in formula.atoms(Bracket)}


def reductions(program: Program) -> list[Reduce]:
    return [d.formula for d in program.definitions.values() if isinstance(d.formula, Reduce)]


def calls(program: Program, function: Any) -> int:
    return sum(len(d.formula.atoms(function)) for d in program.definitions.values())


def cross_entropy_slope() -> tuple[Node, ...]:
    picked = sn.sum(W[d, k] * p[n, k], k) - W[d, labels[n]]
    return (sn.define("g", (n, d), picked / N),)


def picked_row() -> tuple[Node, ...]:
    rows = sn.define("rows", (n, k), sn.exp(p[n, k]) + 1)
    return (sn.define("g", (n,), sn.log(rows[n, labels[n]])),)


def two_products() -> tuple[Node, ...]:
    return (sn.define("g", (n, k), sn.sum(A[n, d] * B[d, k] + sn.sin(x[n, d]) * W[d, k], d)),)


def product_of_differences() -> tuple[Node, ...]:
    return tuple(sn.define(name, (d, k), sn.sum(x[n, d] * (p[n, k] - s), n)) for name, s in (("g", 1), ("g2", 1)))


def guarded_product() -> tuple[Node, ...]:
    h, g = sn.input("h", (N, T, D)), sn.input("slope", (N, T, K))
    return (sn.define("g", (d, k), sn.sum(sn.where(t > 0, h[n, t - 1, d] * g[n, t, k], 0), n, (t, T))),)


def masked_logarithm() -> tuple[Node, ...]:
    return (sn.define("g", (n, k), sn.sum(sn.where(w[d] > 0, A[n, d] * sn.log(B[d, k] ** 2), 0), d)),)


def largest_sum() -> tuple[Node, ...]:
    s = x[n, d] * y[n, d] + x[n, d]
    best = sn.define("best", (n,), sn.max(s, d))
    return best, sn.define("g", (n, d), sn.where(sn.eq(x[n, d] * y[n, d] + x[n, d], best[n]), y[n, d], 0))


def exponentials() -> tuple[Node, ...]:
    call = sn.exp(x[n, d] - y[n, d])
    return sn.define("g", (n, d), call + 1), sn.define("g2", (n,), sn.sum(call * y[n, d], d))


def equal_sums() -> tuple[Node, ...]:
    return tuple(sn.define(name, (n, d), sn.sum(x[n, j], j) + y[n, d] * s) for name, s in (("g", 1), ("g2", 2)))


def foreign() -> tuple[Node, ...]:
    return (sn.define("g", (n, d), sn.sinh(x[n, d]) + sn.mish(y[n, d]) + sn.selu(x[n, d])),)


EXAMPLES: dict[str, tuple[Pass, Callable[[], tuple[Node, ...]], Callable[[Program], Any], Any, Any]] = {
    "functions that kernels do not know": (
        expanded,
        foreign,
        lambda q: all(
            type(f).__name__ in {*NATIVE, "Bracket"} for d in q.definitions.values() for f in called(d.formula)
        ),
        False,
        True,
    ),
    "a gather joins its sum": (
        gathers_joined,
        cross_entropy_slope,
        lambda q: any(r.body.atoms(sp.KroneckerDelta) for r in reductions(q)),
        False,
        True,
    ),
    "only the picked entry is computed": (picks_written_out, picked_row, lambda q: len(q.definitions), 2, 1),
    "a gate reads what is kept": (
        lambda q: passes.gates_from_outputs(expanded(q)),
        relu_and_gate,
        gates,
        {"z[n,d]"},
        {"h[n,d]"},
    ),
    "a sum of products is taken apart": (passes.sums_split, two_products, lambda q: len(reductions(q)), 1, 2),
    "an operand has a name, once": (
        passes.factors_named,
        product_of_differences,
        lambda q: sum(isinstance(d.formula, sp.Add) for d in q.definitions.values()),
        0,
        1,
    ),
    "a body of a maximum has a name": (
        passes.extremes_named,
        largest_sum,
        lambda q: all(isinstance(r.body, sp.Indexed) for r in reductions(q)),
        False,
        True,
    ),
    "a call is computed once": (passes.calls_shared, exponentials, lambda q: calls(q, sp.exp), 2, 1),
}


def called(formula: sp.Expr) -> set[sp.Expr]:
    return {f for f in formula.atoms(sp.Function, Bracket) if not isinstance(f, sp.Abs)}


@pytest.mark.parametrize(("rule", "declare", "feature", "before", "after"), EXAMPLES.values(), ids=EXAMPLES)
def test_a_pass_does_its_work_and_changes_no_value(rule, declare, feature, before, after):
    program = flat(*declare())
    changed = rule(program)
    assert feature(program) == before, formulas(program)
    assert feature(changed) == after, formulas(changed)
    same_values(program, changed)


# -- what passes leave alone


def leaky() -> tuple[Node, ...]:
    z = sn.define("z", (n, d), x[n, d] - y[n, d])
    return sn.define("h", (n, d), sn.leaky_relu(z[n, d])), sn.define("g", (n, d), sn.where(z[n, d] <= 0, y[n, d], 0))


def only_below() -> tuple[Node, ...]:
    z = sn.define("z", (n, d), x[n, d] - y[n, d])
    kept = sn.where(z[n, d] < 0, z[n, d], 0)
    return sn.define("h", (n, d), kept), sn.define("g", (n, d), sn.where(z[n, d] > 0, y[n, d], 0))


def turned_over() -> tuple[Node, ...]:
    z = sn.define("z", (n, d), x[n, d] - y[n, d])
    kept = sn.where(z[n, d] > 0, z[n, d], -z[n, d])
    return sn.define("h", (n, d), kept), sn.define("g", (n, d), sn.where(z[n, d] > 0, y[n, d], 0))


def other_bound() -> tuple[Node, ...]:
    z = sn.define("z", (n, d), x[n, d] - y[n, d])
    return sn.define("h", (n, d), sn.relu(z[n, d])), sn.define("g", (n, d), sn.where(z[n, d] > 1, y[n, d], 0))


@pytest.mark.parametrize(
    ("declare", "read"),
    [(leaky, {"h[n,d]"}), (only_below, {"z[n,d]"}), (turned_over, {"z[n,d]"}), (other_bound, {"z[n,d]"})],
    ids=["leaky", "only below", "absolute value", "another bound"],
)
def test_gates_read_only_what_has_their_sign(declare, read):
    program = flat(*declare())
    changed = passes.gates_from_outputs(program)
    assert gates(changed) == read
    same_values(program, changed)


@pytest.mark.parametrize("declare", [guarded_product, masked_logarithm], ids=["places", "values"])
def test_operands_keep_the_guards_of_what_they_read(declare):
    """Values would be out of range, or infinite times zero, if a guard went into the other operand only."""
    program = flat(*declare())
    values = random_values(program.outputs, sizes=SIZES)
    if "B" in values:
        values["w"], values["B"] = np.array([1.0, 0.0, 1.0]), np.where([[1.0], [0.0], [1.0]], values["B"], 0.0)
    same_values(program, prepare(program), values)


def shifted_calls() -> tuple[Node, ...]:
    call = sn.exp(x[n, d - 1])
    return tuple(sn.define(name, (n, d), sn.where(d > 0, s * call, s), (N, D)) for name, s in (("g", 1), ("g2", 2)))


def test_calls_are_not_taken_from_behind_their_guards():
    program = flat(*shifted_calls())
    same_values(program, passes.calls_shared(program))


def test_equal_definitions_are_one():
    program = flat(*equal_sums())
    twin = Node("s", (N,), auto=True, anonymous=True)
    made = next(node for node in program if node.anonymous)
    second = program.outputs[1]
    definitions = {twin: program[made], **program.definitions}
    body = program[second].formula.xreplace({made.read(n): twin.read(n)})
    definitions[second] = type(program[second])(program[second].indices, body)
    doubled = Program(program.outputs, definitions)
    assert len(passes.twins_shared(doubled).definitions) == len(program.definitions)
    same_values(program, passes.twins_shared(doubled))


# -- operands

a, b, c, e = (sn.input(name, shape) for name, shape in (("a", (N, D)), ("b", (D, K)), ("c", (D,)), ("e", (N, K))))
GROUPS: dict[str, tuple[sp.Expr, str, str, list[str]]] = {
    "two matrices": (a[n, d] * b[d, k], "nk", "d", ["a[n,d]", "b[d,k]"]),
    "factors of the rows": (a[n, d] * x[n, d] * b[d, k], "nk", "d", ["a[n,d]*x[n,d]", "b[d,k]"]),
    "factors of the columns": (a[n, d] * b[d, k] * W[d, k], "nk", "d", ["W[d,k]*b[d,k]", "a[n,d]"]),
    "a factor of the sum alone goes with the smaller": (a[n, d] * b[d, k] * c[d], "nk", "d", 2),
    "one matrix": (a[n, d], "n", "d", ["a[n,d]"]),
    "a matrix and a vector": (a[n, d] * c[d], "n", "d", ["a[n,d]", "c[d]"]),
    "a factor that is not summed": (a[n, d] * b[d, k] * sp.sin(e[n, k]), "nk", "d", ["sin(e[n,k])*a[n,d]*b[d,k]"]),
    "numbers and sizes belong to nobody": (2 * a[n, d] * b[d, k] / N, "nk", "d", ["a[n,d]", "b[d,k]"]),
    "a bracket goes with its index": (Bracket(d > 0) * a[n, d] * b[d, k], "nk", "d", 2),
    "a row of both": (a[n, d] * a[n, d], "n", "d", 2),
}


@pytest.mark.parametrize(("body", "free", "summed", "groups"), GROUPS.values(), ids=GROUPS)
def test_factors_are_grouped_by_the_indices_that_they_share(body, free, summed, groups):
    bound = [(sn.indices(letter), D) for letter in summed]
    found = operands(body, [sn.indices(letter) for letter in free], bound)
    if isinstance(groups, list):
        assert sorted(str(sp.Mul(*group)) for group in found) == sorted(groups)
    factors = [f for f in sp.Mul.make_args(body) if f.free_symbols & set(sn.indices("n d k"))]
    assert sorted(map(str, (f for group in found for f in group))) == sorted(map(str, factors))


# -- all passes at once

WITH_GUARDS = ["crf", "last-state-lstm", "all-states-gru", "max-pool-padded", "guarded-places", "causal-mean"]
WITH_GUARDS += ["attention-causal-padded", "oscillator", "guarded", "message-passing", "clipped", "penalised-max-pool"]


@pytest.mark.parametrize("name", WITH_GUARDS)
def test_prepared_networks_have_the_values_of_the_declared_ones(name):
    """The interpreter refuses reads out of range: none lost its guard."""
    program = stabilise(flat(*network_results(name)))
    same_values(program, prepare(program), derived(name)[0].values)


def normal(program: Iterable[sp.Expr]) -> bool:
    return all(not any(isinstance(part, Reduce) for part in _inside(f)) for f in program)


def _inside(formula: sp.Expr) -> list[sp.Basic]:
    body = formula.body if isinstance(formula, Reduce) else formula
    return list(sp.preorder_traversal(body))


@pytest.mark.parametrize("name", ["crf", "last-state-lstm", "weighted-cross-entropy", "physics-heat", "reduced-max"])
def test_prepared_programs_stay_in_normal_form(name):
    program = prepare(stabilise(flat(*network_results(name))))
    assert normal(d.formula for d in program.definitions.values())
