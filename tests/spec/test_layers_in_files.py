"""The section `layers:`: each kind makes what its class makes, and written out as formulas it means the same."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.core.definition import Program
from symnet.errors import ModelFileError
from symnet.spec.formula import define_all, read_formulas
from symnet.spec.layer_sections import KINDS
from symnet.spec.model_file import read_model
from symnet.spec.names import Known
from symnet.spec.passage import Passage, Problems

HEAD = """symnet: 1
dims: {N: batch, T: 4, D: 6, K: 3, C: 2}
tensors:
  x: {shape: [N, D], role: input}
  s: {shape: [N, T, D], role: input}
  c: {shape: [N, C, T], role: input}
  image: {shape: [N, C, 6, 6], role: input}
  ids: {shape: [N, T], role: input, kind: label, classes: 7}
  h0: {shape: [N, 5], role: input}
  seen: {shape: [N, T], role: input, kind: mask}
layers:
"""
LAYERS = {
    "dense": "{dense: {in: x, units: K, activation: relu, out: r}}",
    "dense without bias": "{dense: {in: x, units: 4, bias: false, out: r}}",
    "dense along two axes": "{dense: {in: s, units: 4, axis: [1, 2], out: r}}",
    "conv1d": "{conv1d: {in: c, channels: 3, kernel: 2, out: r}}",
    "conv2d": "{conv2d: {in: image, channels: 3, kernel: [3, 3], padding: 1, stride: 2, activation: relu, out: r}}",
    "max_pool2d": "{max_pool2d: {in: image, size: 2, out: r}}",
    "avg_pool2d": "{avg_pool2d: {in: image, size: 3, stride: 3, out: r}}",
    "embedding": "{embedding: {in: ids, vocabulary: 7, units: 3, out: r}}",
    "layer_norm": "{layer_norm: {in: s, out: r}}",
    "batch_norm": "{batch_norm: {in: x, out: r}}",
    "dropout": "{dropout: {in: x, rate: 0.25, out: r}}",
    "rnn": "{rnn: {in: s, units: 5, h0: h0, out: r}}",
    "rnn of all states": "{rnn: {in: s, units: 5, return_sequences: true, out: r}}",
    "lstm": "{lstm: {in: s, units: 5, out: r}}",
    "gru": "{gru: {in: s, units: 5, return_sequences: true, out: r}}",
    "multi_head_attention": "{multi_head_attention: {in: s, heads: 2, mask: seen, out: r}}",
    "causal attention": "{multi_head_attention: {in: [s, s, s], heads: 2, causal: true, out: r}}",
    "bidirectional": "{bidirectional: {layer: gru, in: s, units: 2, out: r}}",
    "activation": "{activation: {in: x, function: softmax, out: r}}",
    "sequential": "{sequential: {in: x, layers: [{dense: {units: 4, activation: tanh}}, {dense: {units: 2}}], out: r}}",
    "residual": "{residual: {in: x, layers: [{dense: {units: D, name: inner}}], out: r}}",
}


def spec_of(layers: str, rest: str = "loss: mean(r)\n"):
    return read_model("m.yaml", f"{HEAD}  - {layers}\n{rest}")


def values_of(spec, rng) -> dict[str, np.ndarray]:
    """Random values of everything that the loss needs."""
    found = {}
    for node in Program.of([spec.loss]).inputs():
        shape = [int(size.subs("N", 3)) if size.is_Integer else 3 for size in node.shape]
        if node.kind == "label":
            found[node.name] = rng.integers(0, 7, shape)
        elif node.kind == "mask":
            found[node.name] = np.ones(shape)
        else:
            found[node.name] = rng.uniform(0.2, 1, shape)
    return found


def reread(spec) -> dict[str, sn.Tensor]:
    """What the written out formulas declare among the same given tensors."""
    known, problems = Known(dims=dict(spec.dims)), Problems("expanded")
    for tensor in spec.tensors.values():
        if tensor.definition is None:
            known.add(tensor)
    jobs, broken = read_formulas(Passage.alone(spec.expanded), problems)
    define_all(jobs, known, problems, broken)
    assert [str(d) for d in problems.sorted()] == []
    return known.tensors


def test_every_kind_of_layer_is_tried():
    assert {text[1:].split(":")[0] for text in LAYERS.values()} == set(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind != "bidirectional"])  # reads beyond an axis, guarded
def test_a_layer_can_be_written_out_as_formulas_that_mean_the_same(kind):
    spec = spec_of(LAYERS[kind])
    values = values_of(spec, np.random.default_rng(3))
    expected = sn.evaluate(spec.tensors["r"], values)
    np.testing.assert_allclose(sn.evaluate(reread(spec)["r"], values), expected, rtol=1e-12)


def test_a_bidirectional_layer_is_written_out():
    lines = spec_of(LAYERS["bidirectional"]).expanded.split("\n")
    assert lines[-1] == "r[n,k:4] = where(k < 2, r.forward.last[n,k], 0) + where(k >= 2, r.backward.last[n,k-2], 0)"


def test_two_layers_of_one_name_are_refused():
    with pytest.raises(ModelFileError, match=r"E0103 there is a a\.W already"):
        spec_of("{dense: {in: x, units: 4, name: a}}\n  - {dense: {units: 2, name: a, out: r}}")


def test_what_a_dense_layer_stands_for():
    assert spec_of(LAYERS["dense"]).expanded == "r.z[n,k] = r.b[k] + sum(r.W[i,k]*x[n,i], i)\nr[n,k] = relu(r.z[n,k])"


def test_a_layer_takes_what_the_one_before_gave():
    text = "{dense: {in: x, units: 4}}\n  - {dense: {units: 2}}\n  - {layer_norm: {out: r}}"
    spec = spec_of(text)
    assert [name for name in spec.tensors if "." not in name][-4:] == ["dense1", "dense2", "r", "loss"]
    assert repr(spec.tensors["dense2.W"]) == "dense2.W(4, 2)"


def test_a_layer_may_have_a_name_of_its_own():
    spec = spec_of("{dense: {in: x, units: 4, name: first, out: r}}")
    assert {"first.W", "first.b", "r"} <= set(spec.tensors)


def test_formulas_and_layers_read_each_other():
    spec = spec_of(
        "{dense: {in: q, units: 4, out: r}}", "formulas: |\n  q = 2*x\n  L = mean(r) + l2(r.W, 0.1)\nloss: L\n"
    )
    assert sn.text(spec.tensors["q"]) == "q[n,i] = 2*x[n,i]"
    names = [tensor.name for tensor in Program.of([spec.loss]).inputs()]
    assert names == ["x", "r.W", "r.b"]


def test_layers_have_the_parameters_of_their_class():
    spec = spec_of(LAYERS["lstm"])
    layer = sn.layers.LSTM(5, name="r")
    layer(spec.tensors["s"])
    assert {n for n in spec.tensors if n.startswith("r.") and spec.tensors[n].role == "param"} == {
        tensor.name for tensor in layer.params.values()
    }
