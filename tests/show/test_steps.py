"""Steps are the derivation: what each says is true, one leads to the next, and the last is the result.

A derivation is replayed at random points: both sides of each step are evaluated by the interpreter, and the slope with
which it begins is found by complex step, of the loss in which the tensor was moved. (The interpreter compares real
parts, so a complex step stays on the side of a kink on which it began.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from golden import EXAMPLES, example
from helpers import complex_slope
from networks import NETWORKS

import symnet as sn
from symnet.checks.values import random_values
from symnet.core.definition import Definition, Node, Program
from symnet.core.expr import Slope
from symnet.core.normal import inline_anonymous, normalise
from symnet.run.reference import evaluate_flat
from symnet.show.steps import CHAIN, ONE_KIND, SUBSTITUTE, Derivation, ShownStep
from symnet.simplify.rules import RULES

REPLAYED = (
    "mlp-gelu",
    "activation-hard_tanh",
    "residual-mlp-relu",
    "tied-autoencoder",
    "normalised-mlp-batchnorm",
    "mixture-of-experts",
    "two-losses",
    "contrastive",
    "weighted-cross-entropy",
    "conv2d-all",
    "max-pool-overlapping",
    "embedding",
    "last-state-gru",
    "bidirectional-rnn",
    "crf",
    "attention-causal-padded",
    "transformer-block",
    "physics-heat",
    "guarded",
    "rotary",
)
DIRECTIONS = 2
ORDERED = (*REPLAYED, "activation-leaky_relu", "all-states-lstm", "physics-jacobian")
KINDS = {"y": "onehot"}

N, D, K = sn.dims("N D K")
n, d, k, j = sn.indices("n d k j")


# -- replay


def replay(derivation: Derivation, values: Mapping[str, Any], seed: int = 0) -> None:
    """Both sides of every step agree at these values."""
    sides = [(step, side) for step in derivation.steps for side in (step.raw_before, step.raw_after)]
    known = evaluate(derivation, [probe(derivation, *side) for side in sides if not isinstance(side[1], Slope)], values)
    adjoints = {}
    for step in derivation.steps:
        if isinstance(step.raw_before, Slope):
            adjoints[step.tensor.info["adjoint_of"]] = next(known)
        else:
            agree(next(known), next(known))
    agree_with_slopes(derivation, adjoints, values, np.random.default_rng(seed))


def agree(found: np.ndarray, wanted: np.ndarray) -> None:
    """Two sides are equal but for rounding, that of numbers around one where both are zero."""
    assert np.linalg.norm(found - wanted) <= max(1e-10 * np.linalg.norm(wanted), 1e-13), f"{found}\n{wanted}"


def probe(derivation: Derivation, step: ShownStep, side: Any) -> tuple[Node, Definition]:
    """A tensor of the step's shape that is defined by one of its sides."""
    return Node("probe", step.tensor.shape, root=derivation.root), Definition(step.indices, side)


def evaluate(
    derivation: Derivation, probes: Iterable[tuple[Node, Definition]], values: Mapping[str, Any]
) -> Iterator[np.ndarray]:
    """Their values within everything that the derivation defines."""
    added = dict(probes)
    arrays = evaluate_flat(normalise(Program(tuple(added), {**derivation.program.definitions, **added})), values)
    return (arrays[node] for node in added)


def agree_with_slopes(
    derivation: Derivation, adjoints: Mapping[Node, np.ndarray], values: Mapping[str, Any], rng: np.random.Generator
) -> None:
    """Each adjoint against d root(tensor + step*way) / d step, along random ways."""
    moved, names = with_shifts(derivation, adjoints)
    start = {names[node]: np.zeros(adjoint.shape) for node, adjoint in adjoints.items()} | dict(values)
    for source, adjoint in adjoints.items():
        for _ in range(DIRECTIONS):
            way, name = rng.normal(size=adjoint.shape), names[source]

            def loss(step: complex, way: np.ndarray = way, name: str = name) -> complex:
                return evaluate_flat(moved, {**start, name: start[name] + step * way})[derivation.root]

            size = np.linalg.norm(way) * np.linalg.norm(adjoint)
            assert abs((way * adjoint).sum() - complex_slope(loss)) <= max(1e-9 * size, 1e-13), f"{source.name}_bar"


def with_shifts(derivation: Derivation, sources: Iterable[Node]) -> tuple[Program, dict[Node, str]]:
    """The network with something added to each tensor, and the name of what is added (an input is moved itself)."""
    definitions, names = dict(derivation.program.definitions), {}
    for number, source in enumerate(sources):
        names[source] = source.name
        if own := definitions.get(source):
            shift = Node(f"shift_{number}", source.shape, role="input")
            definitions[source] = Definition(own.indices, own.formula + shift.read(*own.indices))
            names[source] = shift.name
    return normalise(Program((derivation.root,), definitions)), names


@pytest.mark.parametrize("name", EXAMPLES)
def test_steps_of_an_example_hold_at_random_points(name):
    loss, wrt = example(name).build()
    derivation = sn.derive(loss, wrt)
    for seed in range(2):
        replay(derivation, random_values(Program.of([loss]), {}, seed), seed)


@pytest.mark.parametrize("name", REPLAYED)
def test_steps_of_a_network_hold_at_random_points(name):
    net = NETWORKS[name]()
    replay(sn.derive(net.loss, list(net.wrt)), net.values)


def test_replay_notices_a_wrong_step():
    loss, wrt = example("softmax_regression").build()
    derivation = sn.derive(loss, wrt)
    values = random_values(Program.of([loss]), {}, 0)
    for place, step in enumerate(derivation.steps):
        wrong = replaced(derivation, place, step.raw_after * 1.01)
        with pytest.raises(AssertionError):
            replay(wrong, values)


def replaced(derivation: Derivation, place: int, formula: Any) -> Derivation:
    """The derivation with another right side in one step."""
    step = derivation.steps[place]
    changed = ShownStep(step.tensor, step.indices, step.rule, step.raw_before, formula, step.because)
    steps = (*derivation.steps[:place], changed, *derivation.steps[place + 1 :])
    return Derivation(derivation.root, derivation.results, steps, derivation.assumptions, derivation.program)


# -- one step leads to the next


def gradients(name: str) -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss of an example or of a network of the table, and what to derive it by."""
    if name in EXAMPLES:
        return example(name).build()
    net = NETWORKS[name]()
    return net.loss, list(net.wrt)


def told(name: str) -> Derivation:
    """The derivation of an example or of a network of the table."""
    return sn.derive(*gradients(name))


@pytest.mark.parametrize("name", [*EXAMPLES, *REPLAYED])
def test_steps_lead_from_the_slope_to_the_result(name):
    derivation = told(name)
    rules = {CHAIN, SUBSTITUTE, *(rule.name for rule in RULES), *ONE_KIND.values()}
    for tensor in derivation.tensors():
        steps = derivation.of(tensor)
        assert isinstance(steps[0].raw_before, Slope)
        assert steps[0].raw_before.args[1].node is tensor.info["adjoint_of"]
        assert [step.rule == CHAIN for step in steps] == [True, *[False] * (len(steps) - 1)]
        assert all(one.raw_after == other.raw_before for one, other in pairwise(steps))
        assert all(step.raw_before != step.raw_after and step.because for step in steps)
        assert {step.rule for step in steps} <= rules
        final = derivation.program[tensor]
        assert steps[-1].indices == final.indices
        assert steps[-1].raw_after == inline_anonymous(final.formula, derivation.program)
    for result in derivation.results:
        last = derivation.of(result)[-1]
        assert (last.indices, last.raw_after) == (result.definition.indices, result.definition.formula)
        assert last.after == result.formula


@pytest.mark.parametrize("name", EXAMPLES)
def test_results_of_the_derivation_are_the_gradients(name):
    loss, wrt = gradients(name)
    derivation = sn.derive(loss, wrt)
    assert [result.info["adjoint_of"] for result in derivation.results] == wrt
    assert list(map(sn.text, derivation.results)) == list(map(sn.text, sn.grad(loss, wrt)))
    alone = sn.derive(loss, wrt[0])
    assert alone.result is alone.results[0]


# -- the lecture


def softmax_regression(kind: str = "onehot") -> tuple[sn.Tensor, dict[str, sn.Tensor]]:
    x, y = sn.input("x", (N, D)), sn.input("y", (N, K), kind=kind)
    W, b = sn.param("W", (D, K)), sn.param("b", (K,))
    z = sn.define("z", (n, k), sn.sum(x[n, d] * W[d, k], d) + b[k])
    p = sn.define("p", (n, k), sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j))
    L = sn.define("L", (), -sn.mean(sn.sum(y[n, k] * sn.log(p[n, k]), k), n))
    return L, {"x": x, "W": W, "b": b, "z": z, "p": p}


LECTURE = """\
p_bar[n,k] = d L / d p[n,k]
  = -y[n,k]/(N*p[n,k])    chain rule: p is read by L

z_bar[n,k] = d L / d z[n,k]
  = p[n,k]*p_bar[n,k] - (exp(z[n,k])/sum_j exp(z[n,j]))*sum_j p[n,j]*p_bar[n,j]    chain rule: z is read by p
  = p[n,k]*p_bar[n,k] - p[n,k]*sum_j p[n,j]*p_bar[n,j]                             fold back to a name: p has been computed already
  = p[n,k]*(p_bar[n,k] - sum_j p[n,j]*p_bar[n,j])                                  cancel and collect: the distributive law; a quotient of equals is one
  = p[n,k]*((1/N)*sum_j y[n,j] - y[n,k]/(N*p[n,k]))                                substitute: p_bar is known
  = (p[n,k]*sum_j y[n,j] - y[n,k])/N                                               cancel and collect: the distributive law; a quotient of equals is one
  = (p[n,k] - y[n,k])/N                                                            rows sum to one: each row of y sums to one, as it is onehot

Assumed: each row of y sums to 1 (declared onehot)."""  # noqa: E501


def test_p_minus_y_is_derived_as_in_a_lecture():
    L, tensors = softmax_regression()
    assert str(sn.derive(L, [tensors["z"]])) == LECTURE


def test_p_minus_y_takes_seven_steps():
    L, tensors = softmax_regression()
    assert [step.rule for step in sn.derive(L, tensors["z"]).steps] == [
        "chain rule",
        "chain rule",
        "fold back to a name",
        "cancel and collect",
        "substitute",
        "cancel and collect",
        "rows sum to one",
    ]


# -- what a derivation rests on


@pytest.mark.parametrize("kind", ["onehot", "simplex"])
@pytest.mark.parametrize("wrt", ["z", "W", "b", "x"])
def test_sums_of_rows_are_assumed_where_they_are_used(kind, wrt):
    L, tensors = softmax_regression(kind)
    assert sn.derive(L, tensors[wrt]).assumptions == (f"each row of y sums to 1 (declared {kind})",)


@pytest.mark.parametrize("wrt", ["p", "z", "W", "b", "x"])
def test_nothing_is_assumed_of_a_real_target(wrt):
    L, tensors = softmax_regression("real")
    derivation = sn.derive(L, tensors[wrt])
    assert derivation.assumptions == ()
    assert "Assumed" not in str(derivation) + derivation.markdown()


def test_nothing_is_assumed_where_no_row_is_summed():
    L, tensors = softmax_regression("onehot")
    assert sn.derive(L, tensors["p"]).assumptions == ()


def test_bits_are_assumed_where_they_are_used():
    z, y = sn.param("z", (N,)), sn.input("y", (N,), kind="mask")
    L = sn.define("L", (), sn.mean(sn.softplus((1 - 2 * y[n]) * z[n]), n))
    assert sn.derive(L, z).assumptions == ("y is 0 or 1 (declared mask)",)
    linear = sn.define("L", (), sn.mean(y[n] * z[n] ** 2, n))
    assert sn.derive(linear, z).assumptions == ()


@pytest.mark.parametrize("name", sorted({*EXAMPLES} - {"softmax_regression"}))
def test_examples_that_need_no_assumption_make_none(name):
    assert told(name).assumptions == ()


# -- the order of definitions


def redeclared(loss: sn.Tensor, seed: int) -> dict[Node, sn.Tensor]:
    """Every tensor of a network declared anew, in a random order, each defined when all are there."""
    definitions = Program.of([loss]).definitions
    nodes = [*Program.of([loss]).inputs(), *definitions]
    order = np.random.default_rng(seed).permutation(len(nodes))
    copies = {nodes[place]: bare_copy(nodes[place]) for place in order}
    for place in order[::-1]:
        if nodes[place] in definitions:
            own = definitions[nodes[place]]
            copies[nodes[place]].bind(Definition(own.indices, rename(own.formula, copies)))
    return copies


def bare_copy(node: Node) -> sn.Tensor:
    facts = {fact: True for fact in ("positive", "nonnegative") if node.base.assumptions0.get(fact)}
    info = {key: value for key, value in node.info.items() if key in ("classes", "init")}
    return sn.Tensor(node.name, node.shape, node.role, node.kind, auto=node.auto, facts=facts, **info)


def rename(formula: Any, copies: Mapping[Node, sn.Tensor]) -> Any:
    """A formula over the copies."""
    bases = {node.base: copy.base for node, copy in copies.items()}
    return formula.xreplace(bases)


@pytest.mark.parametrize("name", [*EXAMPLES, *ORDERED])
def test_results_do_not_depend_on_the_order_of_declaration(name):
    loss, wrt = gradients(name)
    wanted = list(map(sn.text, sn.grad(loss, wrt)))
    for seed in range(3):
        copies = redeclared(loss, seed)
        assert list(map(sn.text, sn.grad(copies[loss], [copies[w] for w in wrt]))) == wanted


@pytest.mark.parametrize("order", list(permutations("xyWb")), ids="".join)
def test_p_minus_y_does_not_depend_on_the_order_of_inputs_and_terms(order):
    shapes = {"x": (N, D), "y": (N, K), "W": (D, K), "b": (K,)}
    x, y, W, b = map(({name: sn.input(name, shapes[name], kind=KINDS.get(name, "real")) for name in order}).get, "xyWb")
    z = sn.define("z", (n, k), b[k] + sn.sum(W[d, k] * x[n, d], d))
    p = sn.define("p", (n, k), 1 / sn.sum(sn.exp(z[n, j]), j) * sn.exp(z[n, k]))
    L = sn.define("L", (), -sn.sum(sn.sum(sn.log(p[n, k]) * y[n, k], k), n) / N)
    assert list(map(sn.text, sn.grad(L, [b, W, z]))) == [
        "b_bar[k] = (1/N)*sum_n (p[n,k] - y[n,k])",
        "W_bar[d,k] = (1/N)*sum_n x[n,d]*(p[n,k] - y[n,k])",
        "z_bar[n,k] = (p[n,k] - y[n,k])/N",
    ]
