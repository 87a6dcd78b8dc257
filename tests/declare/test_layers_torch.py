"""Layers against torch's modules in float64, with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
from drawing import computed

import symnet as sn

torch = pytest.importorskip("torch")
L = sn.layers
N, T, D, C, H, W, K = sn.dims("N T D C H W K")
RNG = np.random.default_rng(11)


def normal(*shape):
    return RNG.normal(size=shape)


def near(found, wanted):
    np.testing.assert_allclose(found, wanted.detach().numpy(), rtol=1e-12, atol=1e-12)


def loaded(module, **weights):
    """A torch module in float64 that holds these weights; the biases that are not given are zero."""
    module = module.double()
    for name, weight in module.named_parameters():
        weight.data = torch.tensor(np.array(weights[name])) if name in weights else torch.zeros_like(weight)
    return module


def tensors(*arrays):
    return [torch.tensor(array) for array in arrays]


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        ("relu", torch.relu),
        ("gelu", torch.nn.functional.gelu),
        ("silu", torch.nn.functional.silu),
        ("mish", torch.nn.functional.mish),
        ("elu", torch.nn.functional.elu),
        ("selu", torch.selu),
        ("leaky_relu", torch.nn.functional.leaky_relu),
        ("softplus", torch.nn.functional.softplus),
        ("softsign", torch.nn.functional.softsign),
        ("log_sigmoid", torch.nn.functional.logsigmoid),
        ("hard_tanh", torch.nn.functional.hardtanh),
        ("softmax", lambda z: z.softmax(-1)),
        ("log_softmax", lambda z: z.log_softmax(-1)),
        ("normalize", lambda z: torch.nn.functional.normalize(z, dim=-1)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_dense_is_torchs_linear_with_an_activation(activation, function):
    found, v = computed(L.Dense(K, activation)(sn.input("x", (N, D))), {"x": normal(3, 4), "dense.b": normal(5)})
    near(found, function(loaded(torch.nn.Linear(4, 5), weight=v["dense.W"].T, bias=v["dense.b"])(torch.tensor(v["x"]))))


CONVOLUTIONS = [
    {},
    {"stride": 2},
    {"padding": (2, 1)},
    {"dilation": (2, 1)},
    {"groups": 2},
    {"groups": 4},
    {"stride": (3, 2), "padding": 2, "dilation": 2, "groups": 2},
]


@pytest.mark.parametrize("options", CONVOLUTIONS, ids=str)
def test_conv2d_is_torchs(options):
    found, v = computed(L.Conv2d(8, (3, 2), **options)(sn.input("x", (N, 4, H, W))), {"x": normal(2, 4, 9, 8)})
    module = loaded(torch.nn.Conv2d(4, 8, (3, 2), **options), weight=v["conv2d.W"], bias=v["conv2d.b"])
    near(found, module(torch.tensor(v["x"])))


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "groups": 2}], ids=str)
def test_conv1d_is_torchs_with_channels_last(options):
    found, v = computed(L.Conv1d(6, 3, **options)(sn.input("x", (N, T, 4))), {"x": normal(2, 9, 4)})
    module = loaded(torch.nn.Conv1d(4, 6, 3, **options), weight=v["conv1d.W"], bias=v["conv1d.b"])
    near(found, module(torch.tensor(v["x"]).transpose(1, 2)).transpose(1, 2))


@pytest.mark.parametrize("options", [(2,), (3, 1), (3, 2, 1), ((3, 2), (2, 1), (1, 0))], ids=str)
@pytest.mark.parametrize("layer", ["MaxPool2d", "AvgPool2d"])
def test_pooling_is_torchs(layer, options):
    found, v = computed(getattr(L, layer)(*options)(sn.input("x", (N, C, H, W))), {"x": normal(2, 3, 7, 6)})
    near(found, getattr(torch.nn, layer)(*options)(torch.tensor(v["x"])))


def test_layer_norm_is_torchs():
    found, v = computed(L.LayerNorm()(sn.input("x", (N, T, D))), {"x": normal(2, 3, 5)})
    module = loaded(torch.nn.LayerNorm(5), weight=v["layernorm.gamma"], bias=v["layernorm.beta"])
    near(found, module(torch.tensor(v["x"])))


@pytest.mark.parametrize(("kind", "shape"), [("BatchNorm1d", (N, D)), ("BatchNorm2d", (N, C, H, W))])
def test_batch_norm_is_torchs_in_both_modes(kind, shape):
    layer, x = L.BatchNorm(), sn.input("x", shape)
    found, v = computed(layer(x), {"x": normal(*(4, 3, 5, 6)[: len(shape)])})
    module = loaded(getattr(torch.nn, kind)(3), weight=v["batchnorm.gamma"], bias=v["batchnorm.beta"])
    near(found, module(torch.tensor(v["x"])))
    state = {"batchnorm.running_mean": np.zeros(3), "batchnorm.running_var": np.ones(3)}
    followed = [computed(after, {**v, **state})[0] for after in layer.updates.values()]
    near(followed[0], module.running_mean)
    near(followed[1], module.running_var)
    moved = dict(zip(state, followed, strict=True))
    near(computed(layer(x, training=False), {**v, **moved})[0], module.eval()(torch.tensor(v["x"])))


def stacked(v, name, kind, keys):
    """Gates side by side, in torch's order and orientation."""
    return np.concatenate([v[f"{name}.{kind}{key}"].T for key in keys])


def recurrent_weights(v, name, keys, suffix=""):
    """torch's names for the weights of one direction."""
    hidden = np.zeros_like(stacked(v, name, "b", keys))
    if "n" in keys:
        hidden[-len(v[f"{name}.bhn"]) :] = v[f"{name}.bhn"]
    return {
        f"weight_ih_l0{suffix}": stacked(v, name, "W", keys),
        f"weight_hh_l0{suffix}": stacked(v, name, "U", keys),
        f"bias_ih_l0{suffix}": stacked(v, name, "b", keys),
        f"bias_hh_l0{suffix}": hidden,
    }


GATES = {"RNN": ("",), "LSTM": "ifgo", "GRU": "rzn"}


@pytest.mark.parametrize("layer", GATES)
def test_recurrence_is_torchs(layer):
    starts = [sn.input("h0", (N, 3)), sn.input("c0", (N, 3))][: 2 if layer == "LSTM" else 1]
    data = {"x": normal(2, 4, 5), "h0": normal(2, 3), "c0": normal(2, 3)}
    x = sn.input("x", (N, T, D))
    found, v = computed(getattr(L, layer)(3, return_sequences=True)(x, *starts), data)
    module = getattr(torch.nn, layer)(5, 3, batch_first=True)
    module = loaded(module, **recurrent_weights(v, layer.lower(), GATES[layer]))
    h0, c0 = tensors(v["h0"][None], v["c0"][None])
    states, _ = module(torch.tensor(v["x"]), (h0, c0) if layer == "LSTM" else h0)
    near(found, states)
    near(computed(getattr(L, layer)(3)(x, *starts), v)[0], states[:, -1])


@pytest.mark.parametrize("layer", GATES)
def test_bidirectional_is_torchs(layer):
    both = L.Bidirectional(getattr(L, layer), 3, return_sequences=True)
    found, v = computed(both(sn.input("x", (N, T, D))), {"x": normal(2, 4, 5)})
    weights = recurrent_weights(v, "bidirectional.forward", GATES[layer])
    weights |= recurrent_weights(v, "bidirectional.backward", GATES[layer], "_reverse")
    module = loaded(getattr(torch.nn, layer)(5, 3, batch_first=True, bidirectional=True), **weights)
    near(found, module(torch.tensor(v["x"]))[0])


@pytest.mark.parametrize("causal", [False, True], ids=["full", "causal"])
@pytest.mark.parametrize("masked", [False, True], ids=["all-keys", "padded"])
def test_self_attention_is_torchs(causal, masked):
    x = sn.input("x", (N, T, D))
    mask = sn.input("m", (N, T), kind="mask") if masked else None
    kept = np.array([[1, 1, 1, 0], [1, 1, 0, 0]])
    found, v = computed(L.MultiHeadAttention(2, causal=causal)(x, mask=mask), {"x": normal(2, 4, 6), "m": kept})
    module = attention_module(v, 6, 2)
    q = torch.tensor(v["x"])
    later = torch.triu(torch.ones(4, 4, dtype=bool), 1) if causal else None
    ignored = torch.tensor(kept == 0) if masked else None
    near(found, module(q, q, q, attn_mask=later, key_padding_mask=ignored, need_weights=False)[0])


def test_cross_attention_is_torchs():
    q, k, value = sn.input("q", (N, T, 6)), sn.input("k", (N, K, 6)), sn.input("v", (N, K, 6))
    data = {"q": normal(2, 3, 6), "k": normal(2, 5, 6), "v": normal(2, 5, 6)}
    found, v = computed(L.MultiHeadAttention(3)(q, k, value), data)
    near(found, attention_module(v, 6, 3)(*tensors(v["q"], v["k"], v["v"]), need_weights=False)[0])


def attention_module(v, width, heads):
    flat = {key: v[f"multiheadattention.{key}"] for key in ("Wq", "Wk", "Wv", "Wo", "bq", "bk", "bv", "bo")}
    return loaded(
        torch.nn.MultiheadAttention(width, heads, batch_first=True),
        in_proj_weight=np.concatenate([flat[f"W{key}"].reshape(width, width).T for key in "qkv"]),
        in_proj_bias=np.concatenate([flat[f"b{key}"].reshape(width) for key in "qkv"]),
        **{"out_proj.weight": flat["Wo"].reshape(width, width).T, "out_proj.bias": flat["bo"]},
    )


def test_embedding_is_torchs():
    ids = sn.input("ids", (N, T), kind="label", classes=7)
    found, v = computed(L.Embedding(7, 3)(ids), {"ids": RNG.integers(0, 7, (2, 4))})
    near(found, loaded(torch.nn.Embedding(7, 3), weight=v["embedding.W"])(torch.tensor(v["ids"])))
