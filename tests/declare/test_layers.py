"""Layers against NumPy written out by hand; `test_layers_torch` holds them against torch."""

from __future__ import annotations

import numpy as np
import pytest
from drawing import computed, drawn

import symnet as sn
from symnet.core.definition import Program
from symnet.core.verify import verify
from symnet.errors import SymnetError
from symnet.run.reference import evaluate

L = sn.layers
N, T, D, C, H, W, K = sn.dims("N T D C H W K")
RNG = np.random.default_rng(7)


def normal(*shape):
    return RNG.normal(size=shape)


def near(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def image(name="x"):
    return sn.input(name, (N, C, H, W))


def sequence(name="x", length=T, width=D):
    return sn.input(name, (N, length, width))


# -- dense, embedding


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 2, 3, 4)], ids=["vector", "rows", "sequence", "rank4"])
def test_dense_multiplies_the_last_axis_of_any_rank(shape):
    x = sn.input("x", shape)
    found, v = computed(L.Dense(5)(x), {"x": normal(*shape)})
    near(found, v["x"] @ v["dense.W"] + v["dense.b"])


def test_dense_over_several_axes_meets_all_of_them():
    x = sn.input("x", (N, C, H, W))
    found, v = computed(L.Dense(5, axis=(1, 2, 3))(x), {"x": normal(2, 3, 4, 5)})
    near(found, np.einsum("nchw,chwk->nk", v["x"], v["dense.W"]) + v["dense.b"])


@pytest.mark.parametrize(
    ("activation", "value"),
    [
        ("relu", lambda z: np.maximum(z, 0)),
        ("tanh", np.tanh),
        ("sigmoid", sigmoid),
        ("silu", lambda z: z * sigmoid(z)),
        ("softmax", lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True)),
        (lambda z: z * z, np.square),
        (sn.softplus, lambda z: np.log1p(np.exp(z))),
        (None, lambda z: z),
    ],
    ids=["relu", "tanh", "sigmoid", "silu", "softmax", "lambda", "function", "none"],
)
def test_dense_activation_is_applied_to_z(activation, value):
    x = sn.input("x", (N, D))
    found, v = computed(L.Dense(K, activation)(x), {"x": normal(3, 4), "dense.W": normal(4, 5), "dense.b": normal(5)})
    near(found, value(v["x"] @ v["dense.W"] + v["dense.b"]))


def test_dense_without_bias_has_a_weight_only():
    layer = L.Dense(2, bias=False)
    found, v = computed(layer(sn.input("x", (N, D))), {"x": normal(3, 4)})
    assert list(layer.params) == ["W"]
    near(found, v["x"] @ v["dense.W"])


def test_dense_names_what_it_makes():
    layer = L.Dense(K, "relu", name="out")
    h = layer(sn.input("x", (N, D)))
    assert (h.name, layer.tensors["z"].name) == ("out.h", "out.z")
    assert {key: (p.name, p.shape, p.role) for key, p in layer.params.items()} == {
        "W": ("out.W", (D, K), "param"),
        "b": ("out.b", (K,), "param"),
    }
    assert str(layer.tensors["z"].definition.formula) == "out.b[k] + Sum[_0](out.W[_0,k]*x[n,_0])"
    assert str(h.definition.formula) == "relu(out.z[n,k])"


def test_embedding_looks_rows_up():
    ids = sn.input("ids", (N, T), kind="label", classes=K)
    labels = np.array([[0, 4, 2], [1, 1, 3]])
    found, v = computed(L.Embedding(K, 3)(ids), {"ids": labels, "embedding.W": normal(5, 3)})
    near(found, v["embedding.W"][labels])


# -- convolution and pooling


def convolved(x, w, stride, padding, dilation, groups):
    """A convolution of pictures in six loops."""
    (sy, sx), (py, px), (dy, dx) = stride, padding, dilation
    x = np.pad(x, ((0, 0), (0, 0), (py, py), (px, px)))
    outs, ins, rows, columns = w.shape
    high = (x.shape[2] - dy * (rows - 1) - 1) // sy + 1
    wide = (x.shape[3] - dx * (columns - 1) - 1) // sx + 1
    out = np.zeros((x.shape[0], outs, high, wide))
    for o, i, j, c, u, v in np.ndindex(outs, high, wide, ins, rows, columns):
        channel = o // (outs // groups) * ins + c
        out[:, o, i, j] += x[:, channel, sy * i + dy * u, sx * j + dx * v] * w[o, c, u, v]
    return out


CONVOLUTIONS = {
    "plain": {},
    "stride": {"stride": (2, 3)},
    "padding": {"padding": (1, 2)},
    "dilation": {"dilation": 2},
    "groups": {"groups": 2},
    "depthwise": {"groups": 4, "channels": 4},
    "multiplier": {"groups": 4, "channels": 8},
    "everything": {"stride": 2, "padding": 1, "dilation": (1, 2), "groups": 2},
}


@pytest.mark.parametrize("options", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
@pytest.mark.parametrize("size", [(H, W), (8, 9)], ids=["symbolic", "numbers"])
def test_conv2d_is_the_sum_over_channels_and_offsets(options, size):
    options = {"channels": 6, "kernel": (3, 2), **options}
    x = sn.input("x", (N, 4, *size))
    found, v = computed(L.Conv2d(**options)(x), {"x": normal(2, 4, 8, 9)})
    pairs = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
    for key, default in pairs.items():
        value = options.get(key, default)
        pairs[key] = value if isinstance(value, tuple) else (value, value)
    wanted = convolved(v["x"], v["conv2d.W"], **pairs, groups=options.get("groups", 1))
    near(found, wanted + v["conv2d.b"][:, None, None])


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "groups": 2}], ids=str)
def test_conv1d_runs_along_time(options):
    x = sn.input("x", (N, T, 4))
    found, v = computed(L.Conv1d(6, 3, **options)(x), {"x": normal(2, 9, 4)})
    pairs = {key: (1, options.get(key, usual)) for key, usual in (("stride", 1), ("dilation", 1))}
    picture, kernel = v["x"].transpose(0, 2, 1)[:, :, None], v["conv1d.W"][:, :, None]
    padding = (0, options.get("padding", 0))
    wanted = convolved(picture, kernel, padding=padding, groups=options.get("groups", 1), **pairs)
    near(found, wanted[:, :, 0].transpose(0, 2, 1) + v["conv1d.b"])


def test_conv2d_without_padding_has_no_guards():
    z = L.Conv2d(8, 3)(image())
    assert z.shape == (N, 8, H - 2, W - 2)
    assert str(z.definition.formula) == ("conv2d.b[o] + Sum[_0, _1, _2](conv2d.W[o,_2,_0,_1]*x[n,_2,_0 + i,_1 + j])")


@pytest.mark.parametrize(
    ("size", "stride", "padding", "wanted"),
    [(2, None, 0, "floor(H/2)"), (3, 1, 0, "H - 2"), (3, 1, 1, "H"), (3, 2, 1, "floor(H/2 - 1/2) + 1")],
    ids=["half", "slide", "same", "strided"],
)
def test_pooling_sizes_have_a_floor_only_for_a_stride(size, stride, padding, wanted):
    assert str(L.AvgPool2d(size, stride, padding)(image()).shape[2]) == wanted


def pooled(x, size, stride, padding, fill, reduce):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=fill)
    high, wide = ((extent - size) // stride + 1 for extent in x.shape[2:])
    cut = lambda i, j: x[:, :, i * stride : i * stride + size, j * stride : j * stride + size]  # noqa: E731
    return np.stack([np.stack([reduce(cut(i, j), (2, 3)) for j in range(wide)], -1) for i in range(high)], -2)


@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 2, 0), (3, 1, 0), (3, 2, 1), (2, 2, 1)], ids=str)
@pytest.mark.parametrize(("layer", "fill", "reduce"), [("MaxPool2d", -np.inf, np.max), ("AvgPool2d", 0, np.mean)])
def test_pooling_reduces_windows(layer, fill, reduce, size, stride, padding):
    found, v = computed(getattr(L, layer)(size, stride, padding)(image()), {"x": normal(2, 3, 7, 6)})
    near(found, pooled(v["x"], size, stride, padding, fill, reduce))


# -- normalisation


def test_layer_norm_normalises_each_row():
    layer = L.LayerNorm()
    found, v = computed(layer(sequence()), {"x": normal(2, 3, 5)})
    x = v["x"]
    unit = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    near(found, unit * v["layernorm.gamma"] + v["layernorm.beta"])
    assert [layer.tensors[key].shape for key in ("mean", "var", "xhat")] == [(N, T), (N, T), (N, T, D)]


def test_layer_norm_over_a_picture():
    found, v = computed(L.LayerNorm(axis=(1, 2, 3))(image()), {"x": normal(2, 3, 4, 5)})
    x, axes = v["x"], (1, 2, 3)
    unit = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
    near(found, unit * v["layernorm.gamma"] + v["layernorm.beta"])


@pytest.mark.parametrize(
    ("shape", "axis"), [((N, D), 1), ((N, T, D), 2), ((N, C, H, W), 1)], ids=["rows", "sequences", "pictures"]
)
def test_batch_norm_uses_the_batch_or_the_running_moments(shape, axis):
    layer = L.BatchNorm()
    x = sn.input("x", shape)
    data = {"x": normal(*(4, 3, 5, 6)[: len(shape)])}
    over = tuple(a for a in range(len(shape)) if a != axis)
    column = [-1 if a == axis else 1 for a in range(len(shape))]
    for training in (True, False):
        found, v = computed(layer(x, training=training), data)
        mean, var = data["x"].mean(over), data["x"].var(over)
        if not training:
            mean, var = v["batchnorm.running_mean"], v["batchnorm.running_var"]
        gamma, beta = v["batchnorm.gamma"], v["batchnorm.beta"]
        unit = (data["x"] - mean.reshape(column)) / np.sqrt(var + 1e-5).reshape(column)
        near(found, unit * gamma.reshape(column) + beta.reshape(column))


def test_batch_norm_says_what_its_states_become():
    layer = L.BatchNorm(momentum=0.25)
    layer(sn.input("x", (N, D)))
    (mean, next_mean), (var, next_var) = layer.updates.items()
    data = {"x": normal(4, 3), "batchnorm.running_mean": normal(3), "batchnorm.running_var": np.abs(normal(3))}
    near(evaluate(next_mean, data), 0.75 * data[mean.name] + 0.25 * data["x"].mean(0))
    near(evaluate(next_var, data), 0.75 * data[var.name] + 0.25 * data["x"].var(0, ddof=1))
    assert (mean.role, mean.info["init"], var.info["init"]) == ("state", "zeros", "ones")
    assert layer.tensors["mean"].info["updates"] == (mean, next_mean)


def test_dropout_multiplies_with_its_mask_when_training():
    layer = L.Dropout(0.25)
    x = sn.input("x", (N, D))
    mask = (RNG.random((4, 5)) < 0.75).astype(int)
    found, v = computed(layer(x), {"x": normal(4, 5), "dropout.mask": mask})
    near(found, v["x"] * mask / 0.75)
    assert (layer.tensors["mask"].kind, layer.tensors["mask"].role) == ("mask", "input")
    assert float(layer.tensors["mask"].info["keep"]) == 0.75


def test_dropout_is_nothing_when_not_training():
    x = sn.input("x", (N, D))
    assert L.Dropout(0.25)(x, training=False) is x


# -- recurrence


def gates(v, name, x, h, keys):
    return {k: x @ v[f"{name}.W{k}"] + v[f"{name}.b{k}"] + h @ v[f"{name}.U{k}"] for k in keys}


def rnn_step(v, name, x, h, c):
    return np.tanh(x @ v[f"{name}.W"] + h @ v[f"{name}.U"] + v[f"{name}.b"]), c


def lstm_step(v, name, x, h, c):
    a = gates(v, name, x, h, "ifgo")
    c = sigmoid(a["f"]) * c + sigmoid(a["i"]) * np.tanh(a["g"])
    return sigmoid(a["o"]) * np.tanh(c), c


def gru_step(v, name, x, h, c):
    a = gates(v, name, x, h, "rz")
    r, z = sigmoid(a["r"]), sigmoid(a["z"])
    new = np.tanh(x @ v[f"{name}.Wn"] + v[f"{name}.bn"] + r * (h @ v[f"{name}.Un"] + v[f"{name}.bhn"]))
    return (1 - z) * new + z * h, c


STEPS = {"RNN": rnn_step, "LSTM": lstm_step, "GRU": gru_step}


def unrolled(step, v, name, x, h=None, c=None, reverse=False):
    """All states of a recurrence, step by step."""
    units = next(value.shape[0] for key, value in v.items() if key.startswith(f"{name}.U"))
    h = np.zeros((len(x), units)) if h is None else h
    c = np.zeros((len(x), units)) if c is None else c
    states = np.zeros((*x.shape[:2], units))
    for t in reversed(range(x.shape[1])) if reverse else range(x.shape[1]):
        h, c = step(v, name, x[:, t], h, c)
        states[:, t] = h
    return states


@pytest.mark.parametrize("length", [T, 4], ids=["symbolic", "number"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("layer", STEPS)
def test_recurrence_gives_every_state_or_the_last(layer, reverse, length):
    x, name = sn.input("x", (N, length, D)), layer.lower()
    found, v = computed(getattr(L, layer)(3, return_sequences=True, reverse=reverse)(x), {"x": normal(2, 4, 5)})
    states = unrolled(STEPS[layer], v, name, v["x"], reverse=reverse)
    near(found, states)
    near(evaluate(getattr(L, layer)(3, reverse=reverse)(x), v), states[:, 0 if reverse else -1])


@pytest.mark.parametrize("layer", STEPS)
def test_recurrence_starts_from_given_states(layer):
    starts = [sn.input("h0", (N, 3)), sn.input("c0", (N, 3))][: 2 if layer == "LSTM" else 1]
    data = {"x": normal(2, 4, 5), "h0": normal(2, 3), "c0": normal(2, 3)}
    found, v = computed(getattr(L, layer)(3, return_sequences=True)(sequence(), *starts), data)
    near(found, unrolled(STEPS[layer], v, layer.lower(), v["x"], v["h0"], v["c0"]))


@pytest.mark.parametrize("layer", STEPS)
def test_recurrence_of_one_step_reads_nothing_before_it(layer):
    found, v = computed(getattr(L, layer)(3)(sn.input("x", (N, 1, D))), {"x": normal(2, 1, 5)})
    near(found, unrolled(STEPS[layer], v, layer.lower(), v["x"])[:, 0])


@pytest.mark.parametrize("sequences", [True, False], ids=["all", "last"])
@pytest.mark.parametrize("layer", STEPS)
def test_bidirectional_puts_both_directions_side_by_side(layer, sequences):
    both = L.Bidirectional(getattr(L, layer), 3, return_sequences=sequences)
    found, v = computed(both(sequence()), {"x": normal(2, 4, 5)})
    ahead = unrolled(STEPS[layer], v, "bidirectional.forward", v["x"])
    back = unrolled(STEPS[layer], v, "bidirectional.backward", v["x"], reverse=True)
    near(found, np.concatenate([ahead, back] if sequences else [ahead[:, -1], back[:, 0]], -1))


def test_lstm_names_its_gates():
    layer = L.LSTM(K)
    layer(sequence())
    assert {"i", "f", "g", "o", "c", "h", "ai", "af", "ag", "ao", "last"} == set(layer.tensors)
    assert str(layer.tensors["c"].definition.formula) == (
        "[t > 0]*lstm.c[n,t - 1,k]*lstm.f[n,t,k] + lstm.g[n,t,k]*lstm.i[n,t,k]"
    )


def test_rnn_without_bias_and_with_another_activation():
    layer = L.RNN(3, bias=False, activation="relu")
    found, v = computed(layer(sequence()), {"x": normal(2, 2, 5)})
    first = np.maximum(v["x"][:, 0] @ v["rnn.W"], 0)
    near(found, np.maximum(v["x"][:, 1] @ v["rnn.W"] + first @ v["rnn.U"], 0))
    assert list(layer.params) == ["W", "U"]


# -- attention


def attended(v, q, k, values, allowed, name="multiheadattention"):
    query, key, value = (
        np.einsum("ntd,dhe->nhte", x, v[f"{name}.W{w}"]) + v[f"{name}.b{w}"][None, :, None]
        for w, x in (("q", q), ("k", k), ("v", values))
    )
    weights = np.exp(np.einsum("nhte,nhse->nhts", query, key) / np.sqrt(query.shape[-1])) * allowed
    context = np.einsum("nhts,nhse->nhte", weights / weights.sum(-1, keepdims=True), value)
    return np.einsum("nhte,hed->ntd", context, v[f"{name}.Wo"]) + v[f"{name}.bo"]


@pytest.mark.parametrize("causal", [False, True], ids=["full", "causal"])
@pytest.mark.parametrize("masked", ["no", "keys", "pairs"])
@pytest.mark.parametrize("width", [D, 4], ids=["symbolic", "number"])
def test_self_attention_mixes_the_allowed_values(causal, masked, width):
    x = sequence(width=width)
    mask = {"no": None, "keys": sn.input("m", (N, T), kind="mask"), "pairs": sn.input("m", (N, T, T), kind="mask")}
    given = np.array([[1, 1, 0], [1, 0, 1]])
    given = given if masked == "keys" else given[:, None] * np.array([[1, 0, 1], [1, 1, 1], [1, 1, 0]])
    data = {"x": normal(2, 3, 4), "m": given}
    found, v = computed(L.MultiHeadAttention(2, causal=causal)(x, mask=mask[masked]), data)
    allowed = np.tril(np.ones((3, 3))) if causal else np.ones((3, 3))
    shown = {"no": 1, "keys": given[:, None, None] if masked == "keys" else 1, "pairs": given[:, None]}
    near(found, attended(v, v["x"], v["x"], v["x"], allowed * shown[masked]))


def test_cross_attention_reads_other_keys_and_values():
    q, k, value = sequence("q", width=4), sn.input("k", (N, K, 3)), sn.input("v", (N, K, 5))
    data = {"q": normal(2, 3, 4), "k": normal(2, 6, 3), "v": normal(2, 6, 5)}
    found, v = computed(L.MultiHeadAttention(2)(q, k, value), data)
    near(found, attended(v, v["q"], v["k"], v["v"], np.ones((3, 6))))


def test_excluded_keys_may_overflow():
    q, k, mask = sequence("q", width=2), sn.input("k", (N, K, 2)), sn.input("m", (N, K), kind="mask")
    out = L.MultiHeadAttention(1, bias=False)(q, k, mask=mask)
    one = np.eye(2)
    weights = {f"multiheadattention.W{w}": one[:, None] for w in "qkv"} | {"multiheadattention.Wo": one[None]}
    data = {"q": np.array([[[1.0, 0]]]), "k": np.array([[[1.0, 0], [1e4, 0]]]), "m": np.array([[1, 0]])}
    near(evaluate(out, {**data, **weights}), [[[1, 0]]])


def test_attention_names_its_parts():
    layer = L.MultiHeadAttention(2, causal=True, name="att")
    layer(sequence())
    assert [t.name for t in layer.tensors.values()] == [
        f"att.{key}" for key in ("q", "k", "v", "scores", "weights", "context", "h")
    ]
    assert str(layer.tensors["weights"].definition.formula) == (
        "exp(att.scores[n,h,t,s])*[s <= t]/Sum[_0](exp(att.scores[n,h,t,_0])*[_0 <= t])"
    )


# -- chains and names


def test_sequential_is_one_after_another():
    net = L.Sequential(L.Dense(4, "tanh"), sn.relu, L.Dense(2))
    found, v = computed(net(sn.input("x", (N, D))), {"x": normal(3, 5)})
    first = np.maximum(np.tanh(v["x"] @ v["dense1.W"] + v["dense1.b"]), 0)
    near(found, first @ v["dense2.W"] + v["dense2.b"])
    assert list(net.params) == ["dense1.W", "dense1.b", "dense2.W", "dense2.b"]


def test_sequential_tells_its_layers_whether_it_trains():
    net = L.Sequential([L.Dense(4), L.Residual(L.Dropout(0.5), L.Dense(4)), L.BatchNorm()])
    x = sn.input("x", (N, D))
    names = [{node.name for node in Program.of([net(x, training=mode)]).inputs()} for mode in (True, False)]
    assert names[0] - names[1] == {"residual.dropout.mask"}
    assert names[1] - names[0] == {"batchnorm.running_mean", "batchnorm.running_var"}


def test_residual_adds_what_it_was_given():
    found, v = computed(L.Residual(L.Dense(4, "tanh"))(sn.input("x", (N, 4))), {"x": normal(3, 4)})
    near(found, v["x"] + np.tanh(v["x"] @ v["dense.W"] + v["dense.b"]))


@pytest.mark.parametrize(
    ("net", "names"),
    [
        (lambda: L.Sequential(L.Dense(2), L.LayerNorm()), "dense layernorm"),
        (lambda: L.Sequential(L.Dense(2), L.Dense(2, name="out")), "dense out"),
        (lambda: L.Sequential(L.Dense(2), L.Dense(2, name="dense")), "dense1 dense"),
        (lambda: L.Sequential(L.Dense(2), L.Dense(2), L.Dense(2, name="dense1")), "dense2 dense3 dense1"),
        (lambda: L.Sequential(L.Dense(2), L.Dense(2), name="enc"), "enc.dense1 enc.dense2"),
        (lambda: L.Sequential(L.Residual(L.Dense(2)), L.Dense(2)), "residual.dense dense"),
        (
            lambda: L.Sequential(L.Sequential(L.Dense(2)), L.Sequential(L.Dense(2), L.Dense(2))),
            "sequential1.dense sequential2.dense1 sequential2.dense2",
        ),
        (lambda: L.Residual(L.Dense(2)), "dense"),
    ],
    ids=["one-each", "own-name", "own-default", "own-number", "named", "nested", "twins", "residual"],
)
def test_layers_in_a_container_are_numbered(net, names):
    built = net()
    built(sn.input("x", (N, 2)))
    assert list(dict.fromkeys(name.rsplit(".", 1)[0] for name in built.params)) == names.split()


def test_a_layer_called_twice_shares_its_weights():
    layer = L.Dense(D)
    x = sn.input("x", (N, D))
    out = layer(layer(x))
    found, v = computed(out, {"x": normal(3, 4)})
    near(found, (v["x"] @ v["dense.W"] + v["dense.b"]) @ v["dense.W"] + v["dense.b"])
    assert [node.name for node in Program.of([out])] == ["dense.z", "dense_2.z"]


def test_a_layer_in_two_containers_keeps_its_name():
    shared = L.Dense(2)
    first, second = L.Sequential(shared, L.Dense(2)), L.Sequential(L.Dense(2), shared)
    x = sn.input("x", (N, 2))
    out = second(first(x))
    names = [node.name for node in Program.of([out]).inputs() if node.role == "param"]
    assert sorted(names) == ["dense.W", "dense.b", "dense1.W", "dense1.b", "dense2.W", "dense2.b"]
    found, v = computed(out, {"x": normal(3, 2)})
    step = lambda h, name: h @ v[f"{name}.W"] + v[f"{name}.b"]  # noqa: E731
    near(found, step(step(step(step(v["x"], "dense1"), "dense2"), "dense"), "dense1"))


def test_parameters_say_what_meets_in_an_entry():
    layer = L.Conv2d(8, 3)
    layer(image())
    assert layer.params["W"].info["fan_in"] == 9 * C
    assert layer.params["W"].info["fan_out"] == 72


NETWORKS = {
    "dense": lambda: L.Dense(3, "gelu")(sn.input("x", (N, D))),
    "conv": lambda: L.Conv2d(4, 3, 2, 1, groups=2)(sn.input("x", (N, 6, H, W))),
    "pool": lambda: L.MaxPool2d(3, 2, 1)(image()),
    "batch": lambda: L.BatchNorm()(image()),
    "lstm": lambda: L.LSTM(K)(sequence()),
    "gru": lambda: L.Bidirectional(L.GRU, K)(sequence()),
    "attention": lambda: L.Residual(L.LayerNorm(), L.MultiHeadAttention(2, causal=True))(sequence()),
}


@pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)
def test_networks_of_layers_are_sound_programs(net):
    program = Program.of([net()])
    assert verify(program) == []
    names = [node.name for node in program]
    assert len(set(names)) == len(names)


# -- mistakes

MISTAKES = {
    "activation": (lambda: L.Dense(2, "rellu"), "there is no activation 'rellu'", "did you mean 'relu'?"),
    "rnn-softmax": (lambda: L.RNN(2, activation="softmax"), "softmax works along an axis", "there are relu"),
    "scalar": (lambda: L.Dense(2)(sn.input("x", ())), "x is a scalar", "(N, D)"),
    "array": (lambda: L.Dense(2)(np.zeros(3)), "dense takes a tensor, but was given ndarray", "sn.input"),
    "labels": (lambda: L.Dense(2)(sn.input("t", (N,), kind="label")), "t holds labels", "Embedding"),
    "no-labels": (lambda: L.Embedding(9, 2)(image()), "embedding takes labels, but x is of kind 'real'", "'label'"),
    "classes": (lambda: L.Embedding(9, 2)(sn.input("t", (N,), kind="label", classes=8)), "8 classes", ""),
    "image-rank": (lambda: L.Conv2d(2, 3)(sequence()), "conv2d takes (N, C, H, W), but x has 3 axes (N, T, D)", "4"),
    "sequence-rank": (lambda: L.LSTM(2)(image()), "lstm takes (N, T, D), but x has 4 axes", "3 axes"),
    "bidirectional-rank": (lambda: L.Bidirectional(L.GRU, 2)(image()), "bidirectional takes (N, T, D)", "3 axes"),
    "bidirectional-of": (lambda: L.Bidirectional(L.Dense, 2), "takes RNN, LSTM or GRU, but was given Dense", "LSTM, 8"),
    "kernel": (lambda: L.Conv2d(2, 0), "conv2d: kernel is 0", "1 or more"),
    "kernel-pair": (lambda: L.Conv2d(2, (3, 3, 3)), "kernel has 3 entries for 2 axes", "one for each axis"),
    "padding": (lambda: L.Conv2d(2, 3, padding=-1), "padding is -1", "0 or more"),
    "window": (lambda: L.Conv2d(2, 5)(sn.input("x", (N, 1, 3, 3))), "window of 5 does not fit an axis of 3", "smaller"),
    "groups-in": (lambda: L.Conv2d(4, 3, groups=2)(sn.input("x", (N, 3, H, W))), "3 channels do not divide", "groups"),
    "groups-out": (lambda: L.Conv2d(3, 3, groups=2)(sn.input("x", (N, 4, H, W))), "3 channels do not divide", "groups"),
    "pool-padding": (lambda: L.MaxPool2d(2, padding=2), "more than half of a window of 2", "maximum"),
    "rate": (lambda: L.Dropout(1), "dropout: rate is 1", "below 1"),
    "batch": (lambda: L.BatchNorm()(sn.input("x", (N,))), "needs samples and features, but x(N) has 1 axes", "(N, D)"),
    "heads": (lambda: L.MultiHeadAttention(3)(sequence(width=4)), "width 4 of x does not divide into 3 heads", "heads"),
    "causal": (
        lambda: L.MultiHeadAttention(2, causal=True)(sequence("q"), sequence("k", K)),
        "is causal, but has T queries and K keys",
        "equally many",
    ),
    "keys": (lambda: L.MultiHeadAttention(2)(sequence("q"), sequence("k"), sequence("v", K)), "v(N, K, D)", "same N"),
    "mask-kind": (lambda: L.MultiHeadAttention(2)(sequence(), mask=sn.input("m", (N, T))), "m is of kind", "'mask'"),
    "mask-shape": (
        lambda: L.MultiHeadAttention(2)(sequence(), mask=sn.input("m", (T,), kind="mask")),
        "the mask m(T) fits neither (N, T) nor (N, T, T)",
        "sample and key",
    ),
    "start": (lambda: L.GRU(3)(sequence(), sn.input("h0", (N, 2))), "starts from (N, 3), but h0(N, 2)", "(N, units)"),
    "residual": (lambda: L.Residual(L.Dense(3))(sn.input("x", (N, 4))), "adds dense.z(N, 3) to x(N, 4)", "keep the"),
    "no-layer": (lambda: L.Sequential(3), "3 is no layer", "functions of tensors"),
    "same-name": (lambda: L.Sequential(L.Dense(2, name="a"), L.Dense(2, name="a")), "are called 'a'", "another name"),
    "name": (lambda: L.Dense(2, name="1st"), "'1st' is not a name", "beginning with a letter"),
}


@pytest.mark.parametrize(("make", "message", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_say_what_was_asked_found_and_what_to_do(make, message, hint):
    with pytest.raises(SymnetError) as caught:
        make()
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_layer_called_at_another_width_names_both():
    layer = L.Dense(2)
    layer(sn.input("x", (N, 3)))
    with pytest.raises(SymnetError, match=r"dense.W has shape \(3, 2\), but this call needs \(4, 2\)"):
        layer(sn.input("y", (N, 4)))


def test_drawn_values_fit_every_parameter():
    out = L.Dense(K)(sn.input("x", (N, D)))
    values = drawn(out, {"x": normal(3, 4), "dense.b": normal(5)})
    assert values["dense.W"].shape == (4, 5)
