"""`symnet bench`: the network in calls of other libraries."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from shell import MODELS, symnet

from symnet.cli.peers.arrays import Untranslatable, translated
from symnet.cli.peers.libraries import NumPy
from symnet.core.definition import Program
from symnet.core.normal import normalise
from symnet.run.reference import evaluate
from symnet.spec.formula import declare_expression

FORMULAS = {
    "contraction": "L = sum(A[i,j]*x[j]*y[i], i, j)",
    "softmax": "p[i] = exp(x[i])/sum(exp(x[j]), j); L = -sum(y[i]*log(p[i]), i)",
    "trace": "L = sum(A[i,i], i)",
    "transposed": "B[i,j] = A[j,i] + x[i]; L = sum(B[i,j]**2*y[j], i, j)",
    "extremes": "m[i] = max(A[i,j], j); L = sum(m[i]*x[i], i)",
    "condition": "L = sum(where(x[i] > 0, x[i], y[i]**2), i)",
    "counted": "L = sum(x[i]*i, i)",
    "repeated": "r[i,j:J] = x[i]; L = sum(r[i,j]*y[j], i, j)",
    "unused index": "L = sum(x[i], i, j=3)",
    "number": "L = x[0]*sqrt(sum(y[i]**2, i))",
    "functions": "L = sum(sigmoid(x[i]) + relu(y[i]) + gelu(z[i]), i)",
    "gather": "L = sum(E[ids[n],d]*x[d], n, d)",
}


def flat(text: str):
    tensors = declare_expression(text)
    loss = tensors["L"]
    return normalise(Program.of([loss]), keep=[loss]), loss


def values_of(program, rng):
    return {
        node: rng.integers(0, 3, (3,)) if node.kind == "label" else rng.standard_normal((3,) * node.rank)
        for node in program.inputs()
    }


@pytest.mark.parametrize("text", FORMULAS.values(), ids=FORMULAS)
def test_a_translation_has_the_value_of_the_formula(text):
    program, loss = flat(text)
    values = values_of(program, np.random.default_rng(0))
    sizes = {symbol: 3 for node in program.inputs() for size in node.shape for symbol in size.free_symbols}
    found = translated(program, sizes, NumPy())(dict(values))[loss]
    assert found == pytest.approx(evaluate(loss, {node.name: value for node, value in values.items()}), rel=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("h[t] = x[t] + where(t > 0, h[t-1], 0); L = sum(h[t], t)", "the recurrence of h"),
        ("L = sum(x[i+1]*w[i], i=2)", "a read at"),
    ],
    ids=["recurrence", "shift"],
)
def test_what_cannot_be_said_is_named(text, words):
    program, _ = flat(text)
    sizes = {symbol: 3 for node in program.inputs() for size in node.shape for symbol in size.free_symbols}
    with pytest.raises(Untranslatable, match=words):
        translated(program, sizes, NumPy())


def test_numpy_finds_the_same_loss():
    said = symnet("bench", MODELS / "iris.yaml", "--against", "numpy", "--seconds", "0.05", "--json")
    assert said.code == 0
    own, peer = said.json["data"]["rows"]
    assert (own["name"], peer["name"], own["ratio"]) == ("symnet", "numpy", 1.0)
    assert peer["microseconds"] > 0
    assert "differs" not in peer["note"]


@pytest.mark.parametrize(
    ("spec", "sizes"), [("open.yaml", {"D"}), ("open.py:model", {"D", "K"}), ("open.py:L", {"D", "K"})]
)
def test_sizes_that_are_open_are_chosen_and_told(spec, sizes, folder):
    said = symnet("bench", spec, "--against", "numpy", "--seconds", "0.05", "--json")
    assert said.code == 0, said.err
    assert said.json["data"]["sizes"].keys() == sizes
    assert "differs" not in said.json["data"]["rows"][1]["note"]


@pytest.mark.skipif(find_spec("jax") is not None, reason="jax is installed")
def test_a_library_that_is_asked_for_by_name_must_be_there(folder):
    assert symnet("bench", "iris.yaml", "--against", "jax", "--seconds", "0.05").code == 4


@pytest.mark.parametrize("name", ["torch", "jax", "pytensor"])
def test_others_find_the_same_loss(name):
    pytest.importorskip(name)
    said = symnet("bench", MODELS / "digits.yaml", "--against", name, "--seconds", "0.05", "--json")
    assert said.code == 0
    assert said.json["data"]["rows"][1]["microseconds"] > 0
