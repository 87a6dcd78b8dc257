"""Networks of every common make, small enough to be compared with numbers: `NETWORKS[name]()` builds one.

Each row of the table is a declared loss, the tensors to derive by (every parameter and real input), and values of all
that it reads, drawn from a seed. Sizes are small and mostly distinct, so that a swapped index cannot hide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import sympy as sp

import symnet as sn
from symnet.core.definition import Node, Program

L, F, R = sn.layers, sn.losses, sn.regularisers
N, T, S, D, H, K, C, V, W, E, M = sn.dims("N T S D H K C V W E M")
n, t, s, d, h, k, c, i, j, e, m = sn.indices("n t s d h k c i j e m")
SIZES = {"N": 5, "T": 4, "S": 2, "D": 4, "H": 3, "K": 2, "C": 3, "V": 6, "W": 6, "E": 6, "M": 2}


@dataclass(frozen=True)
class Network:
    """A scalar loss, what to derive it by, and a value for everything that it reads."""

    name: str
    loss: sn.Tensor
    wrt: tuple[sn.Tensor, ...]
    values: Mapping[str, Any]


NETWORKS: dict[str, Callable[[], Network]] = {}
Declaration = Callable[..., sn.Tensor]


def network(*variants: str, seed: int = 0, **sizes: int) -> Callable[[Declaration], Declaration]:
    """Enter a declaration into the table: once, or once for each variant, which is then its argument."""

    def enter(declare: Declaration) -> Declaration:
        for variant in variants or ("",):
            name = "-".join([*declare.__name__.split("_"), *([variant] if variant else [])])
            declared = partial(declare, variant) if variant else declare
            NETWORKS[name] = partial(build, name, declared, {**SIZES, **sizes}, seed)
        return declare

    return enter


def build(name: str, declare: Callable[[], sn.Tensor], sizes: Mapping[str, int], seed: int) -> Network:
    """The network, its tensors in the order of their declaration and each drawn from its own name and the seed."""
    loss = declare()
    inputs = sorted(Program.of([loss]).inputs(), key=lambda node: node.serial)
    values = {node.name: draw(node, sizes, np.random.default_rng([seed, *node.name.encode()])) for node in inputs}
    wrt = tuple(node for node in inputs if node.kind in ("real", "positive") and node.role != "state")
    return Network(name, loss, wrt, values)


@cache
def derived(name: str) -> tuple[Network, dict[sn.Tensor, sn.Tensor]]:
    """A network of the table, and its gradients."""
    net = NETWORKS[name]()
    return net, dict(zip(net.wrt, sn.grad(net.loss, list(net.wrt)), strict=True))


def draw(node: Node, sizes: Mapping[str, int], rng: np.random.Generator) -> np.ndarray:
    """Values as the tensor's kind allows them; a mask keeps at least its first entries."""
    *shape, classes = [
        int(size.subs({symbol: sizes[symbol.name] for symbol in size.free_symbols}))
        for size in (*node.shape, node.info.get("classes", sp.S.One))
    ]
    if node.kind == "label":
        return rng.integers(0, classes, shape)
    if node.kind == "onehot":
        return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    if node.kind == "simplex":
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    if node.kind == "mask":
        mask = rng.integers(0, 2, shape).astype(float)
        mask[..., 0] = 1
        return mask
    if node.kind == "positive" or node.role == "state":
        return rng.uniform(0.4, 2.0, shape)
    return rng.normal(size=shape) * (0.7 if node.role == "param" else 1.0)


def matched(v: sn.Tensor) -> sn.Tensor:
    """The mean squared distance to a target of the same shape."""
    return F.mse(v, sn.input("target", v.shape))


def classified(z: sn.Tensor) -> sn.Tensor:
    """Softmax cross entropy of logits along the last axis against labels."""
    return F.softmax_cross_entropy(z, sn.input("labels", z.shape[:-1], kind="label", classes=z.shape[-1]))


# -- dense networks


@network()
def softmax_regression():
    return classified(L.Dense(K)(sn.input("x", (N, D))))


@network("relu", "tanh", "gelu", "silu")
def mlp(activation):
    hidden = L.Sequential(L.Dense(H, activation), L.Dense(6, activation), L.Dense(K))
    return classified(hidden(sn.input("x", (N, D))))


SMOOTH = ("sigmoid", "log_sigmoid", "softplus", "mish", "erf", "erfc", "expm1", "square", "log_cosh")
CIRCULAR = ("sin", "cos", "tanh", "cosh", "sinh")
BENT = ("leaky_relu", "elu", "selu", "softsign", "hard_tanh", "abs", "sign")


@network(*SMOOTH, *CIRCULAR, *BENT)
def activation(name):
    x, weight = sn.input("x", (N, D)), sn.param("W", (D, K))
    return matched(getattr(sn, name)(x @ weight) + x @ weight / 3)


@network("exp", "log", "log1p", "sqrt", "rsqrt")
def activation_of_positive(name):
    return matched(getattr(sn, name)(sn.input("x", (N, D), kind="positive")) @ sn.param("W", (D, K)))


@network()
def clipped():
    """Two-sided comparisons of tensors, and powers with a parameter for an exponent."""
    x, low, p = sn.input("x", (N, D)), sn.param("low", (D,)), sn.param("p", (), kind="positive")
    cut = sn.maximum(x, low) - sn.minimum(x, low / 2) + sn.clip(x, -0.5, 0.5)
    return matched((cut**2 + 0.1) ** p)


@network("relu", "tanh")
def residual_mlp(activation):
    blocks = [L.Residual(L.Dense(H, activation), L.Dense(D)) for _ in range(2)]
    return matched(L.Sequential(*blocks, L.Dense(K))(sn.input("x", (N, D))))


@network()
def tied_autoencoder():
    x, weight = sn.input("x", (N, D)), sn.param("W", (D, H))
    code = sn.tanh(x @ weight + sn.param("b", (H,)))
    return F.squared_error(code @ weight.T + sn.param("c", (D,)), x)


@network()
def shared_layer():
    """Two inputs through the same weights, and the distance of what comes out."""
    dense = L.Dense(H, "tanh")
    left, right = dense(sn.input("x", (N, D))), dense(sn.input("y", (N, D)))
    return F.bce_with_logits((left * right).sum(axis=-1), sn.input("same", (N,), kind="mask"))


@network("batchnorm", "layernorm", "normalize")
def normalised_mlp(kind):
    between = {"batchnorm": L.BatchNorm(), "layernorm": L.LayerNorm(), "normalize": sn.normalize}[kind]
    return matched(L.Sequential(L.Dense(H), between, sn.tanh, L.Dense(K))(sn.input("x", (N, D))))


@network()
def standardised():
    """Array notation along the samples: mean 0 and variance 1, by kept axes."""
    x = sn.input("x", (N, D))
    centred = x - x.mean(axis=0, keepdims=True)
    return matched(centred * sn.rsqrt((centred**2).mean(axis=0, keepdims=True) + 0.1) @ sn.param("W", (D, K)))


@network()
def weight_norm():
    weight, gain = sn.param("W", (D, K)), sn.param("g", (K,))
    scaled = sn.define("scaled", (d, k), gain[k] * weight[d, k] / sn.sqrt(sn.sum(weight[j, k] ** 2, j)))
    return matched(sn.input("x", (N, D)) @ scaled)


@network()
def dropout_mlp():
    return classified(L.Sequential(L.Dense(H, "tanh"), L.Dropout(0.25), L.Dense(K))(sn.input("x", (N, D))))


@network()
def glu():
    x = sn.input("x", (N, D))
    return matched(L.Dense(H, name="value")(x) * sn.sigmoid(L.Dense(H, name="gate")(x)))


@network(E=3)
def mixture_of_experts():
    x, weight = sn.input("x", (N, D)), sn.param("W", (E, D, K))
    gate = sn.softmax(L.Dense(E, name="gate")(x))
    expert = sn.define("expert", (n, e, k), sn.tanh(sn.sum(x[n, d] * weight[e, d, k], d)))
    return matched(sn.define("mixed", (n, k), sn.sum(gate[n, e] * expert[n, e, k], e)))


@network(E=3)
def top_one_expert():
    """Only the expert with the largest score answers, weighed by its share."""
    x, weight = sn.input("x", (N, D)), sn.param("W", (E, D, K))
    share = sn.softmax(L.Dense(E, name="gate")(x))
    best = share.argmax(axis=-1)
    return matched(sn.define("v", (n, k), share[n, best[n]] * sn.sum(x[n, d] * weight[best[n], d, k], d)))


@network()
def two_losses():
    """A class and a number from one trunk, with l1, l2 and elastic net on the weights."""
    trunk, head, tail = L.Dense(H, "tanh"), L.Dense(K, name="head"), L.Dense(E, name="tail")
    hidden = trunk(sn.input("x", (N, D)))
    costs = classified(head(hidden)) + 0.5 * matched(tail(hidden))
    first, second, third = (layer.params["W"] for layer in (trunk, head, tail))
    return costs + R.l1(first, 0.03) + R.l2(second, 0.1) + R.elastic_net(third, 0.2, 0.3)


@network()
def variational_autoencoder():
    """Mean and variance of a code, noise from outside, and the distance of the code from a normal one."""
    x, noise = sn.input("x", (N, D)), sn.input("noise", (N, H))
    mean, log_var = L.Dense(H, name="mean")(x), L.Dense(H, name="log_var")(x)
    code = mean + sn.exp(log_var / 2) * noise
    distance = sn.sum(sn.exp(log_var) + mean**2 - 1 - log_var, axis=-1) / 2
    return F.squared_error(L.Dense(D, name="decoder")(code), x) + distance.mean()


@network()
def contrastive():
    """Each row's partner is the row of the same number in the other view."""
    encode = L.Sequential(L.Dense(H, "tanh"), sn.normalize)
    u, v, tau = encode(sn.input("x", (N, D))), encode(sn.input("y", (N, D))), sn.param("tau", (), kind="positive")
    alike = sn.define("alike", (n, m), sn.sum(u[n, h] * v[m, h], h) / tau, shape=(N, N))
    return sn.define("L", (), sn.mean(sn.logsumexp(alike[n, m], m) - alike[n, n], n))


LOSSES = {
    "squared_error": "real",
    "mse": "real",
    "mae": "real",
    "huber": "real",
    "log_cosh": "real",
    "bce_with_logits": "mask",
    "hinge": "mask",
    "squared_hinge": "mask",
    "perceptron": "mask",
    "poisson_nll": "positive",
    "softmax_cross_entropy": "simplex",
    "focal": "onehot",
}


@network(*LOSSES, K=3)
def loss(name):
    return getattr(F, name)(L.Dense(K)(sn.input("x", (N, D))), sn.input("y", (N, K), kind=LOSSES[name]))


@network("cross_entropy", "kl_divergence", "nll", K=3)
def loss_of_softmax(name):
    rule = sn.log_softmax if name == "nll" else sn.softmax
    return getattr(F, name)(rule(L.Dense(K)(sn.input("x", (N, D)))), sn.input("y", (N, K), kind="simplex"))


@network()
def loss_gaussian_nll():
    x = sn.input("x", (N, D))
    return F.gaussian_nll(L.Dense(K, name="mean")(x), sn.input("y", (N, K)), L.Dense(K, name="log_var")(x))


@network(K=3)
def weighted_cross_entropy():
    """Class weights, sample weights and label smoothing at once."""
    z = L.Dense(K)(sn.input("x", (N, D)))
    weights, samples = sn.input("weights", (K,), kind="positive"), sn.input("samples", (N,), kind="positive")
    y = sn.input("y", (N,), kind="label", classes=K)
    return F.softmax_cross_entropy(z, y, weights=weights, label_smoothing=0.1, sample_weights=samples)


# -- convolution and pooling

CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "stride": {"stride": 2},
    "padding": {"padding": 1},
    "dilation": {"dilation": 2},
    "groups": {"groups": 2},
    "depthwise": {"groups": 4},
    "all": {"stride": 2, "padding": 2, "dilation": 2, "groups": 2},
}


@network(*CONVOLUTIONS, N=2, W=7)
def conv1d(options):
    return matched(L.Conv1d(4, 3, activation="tanh", **CONVOLUTIONS[options])(sn.input("x", (N, W, 4))))


@network(*CONVOLUTIONS, N=2, W=5)
def conv2d(options):
    return matched(L.Conv2d(4, (3, 2), activation="tanh", **CONVOLUTIONS[options])(sn.input("x", (N, 4, 6, W))))


@network(N=2, W=7)
def conv2d_uneven():
    """Another stride, padding and dilation along each axis."""
    conv = L.Conv2d(2, (2, 3), stride=(1, 3), padding=(2, 1), dilation=(3, 1))
    return matched(conv(sn.input("x", (N, C, 5, W))))


@network(N=2, T=4)
def transposed_convolution():
    """Every input spreads over three places, two apart from its neighbour's."""
    x, kernel, u = sn.input("x", (N, T)), sn.param("kernel", (3,)), sn.index("u", 3)
    spread = sn.sum(sn.delta(i, 2 * t + u) * x[n, t] * kernel[u], (t, T), u)
    return matched(sn.tanh(sn.define("spread", (n, i), spread, shape=(N, 2 * T + 1))))


POOLS: dict[str, tuple[Any, ...]] = {"even": (2,), "overlapping": (3, 1), "padded": (3, 2, 1)}


@network(*POOLS, seed=1, N=2, W=5)
def max_pool(options):
    return matched(L.MaxPool2d(*POOLS[options])(sn.input("x", (N, C, 4, W)) * sn.param("w", (C, 4, W))))


@network(*POOLS, N=2, W=5)
def avg_pool(options):
    return matched(sn.tanh(L.AvgPool2d(*POOLS[options])(sn.input("x", (N, C, 4, W)))))


@network(N=2, W=6)
def cnn():
    layers = [
        L.Conv2d(2, 3, padding=1, bias=False),
        L.BatchNorm(),
        sn.relu,
        L.MaxPool2d(2),
        L.Conv2d(3, 2, activation="relu"),
    ]
    return classified(L.Sequential(*layers, L.Dense(K, axis=(1, 2, 3)))(sn.input("x", (N, 1, 6, W))))


@network(N=2, W=3)
def batchnorm2d():
    return matched(L.BatchNorm()(sn.input("x", (N, C, 4, W))))


@network()
def batchnorm_eval():
    return matched(L.BatchNorm()(sn.input("x", (N, D)), training=False))


# -- sequences


@network()
def embedding():
    ids = sn.input("ids", (N, T), kind="label", classes=V)
    return classified(L.Dense(K)(L.Embedding(V, H)(ids).mean(axis=1)))


RECURRENCES = {"rnn": L.RNN, "lstm": L.LSTM, "gru": L.GRU}


@network(*RECURRENCES, N=4, T=3, D=5, H=2)
def last_state(kind):
    return matched(RECURRENCES[kind](H)(sn.input("x", (N, T, D))))


@network(*RECURRENCES, N=1, T=3, D=4, H=2)
def all_states(kind):
    """All states are wanted, and the first ones are given."""
    starts = [sn.input(name, (N, H)) for name in ("h0", "c0")[: 2 if kind == "lstm" else 1]]
    return matched(RECURRENCES[kind](H, return_sequences=True)(sn.input("x", (N, T, D)), *starts))


@network(*RECURRENCES, N=1, T=3, D=1, H=2)
def bidirectional(kind):
    return matched(L.Bidirectional(RECURRENCES[kind], H, return_sequences=True)(sn.input("x", (N, T, D))))


@network(N=1, T=3, D=2, H=1, K=4)
def stacked_lstm():
    layers = L.Sequential(L.LSTM(H, return_sequences=True), L.LSTM(2, return_sequences=True), L.Dense(K))
    return classified(layers(sn.input("x", (N, T, D))))


@network()
def mutual_recurrence():
    """Two states that read each other."""
    x, a, b = sn.input("x", (N, T)), sn.tensor("a", (N, T)), sn.tensor("b", (N, T))
    u, v = sn.param("u", ()), sn.param("v", ())
    sn.define(a, (n, t), sn.tanh(x[n, t] + u * sn.where(t > 0, b[n, t - 1], 1)))
    sn.define(b, (n, t), sn.sin(v * a[n, t]) + sn.where(t > 1, a[n, t - 2], 0))
    return sn.define("L", (), sn.mean(b[n, T - 1] * a[n, 0] + b[n, 1] ** 2, n))


@network()
def running_sum_and_product():
    x, total, product = sn.input("x", (N, T)), sn.tensor("total", (N, T)), sn.tensor("product", (N, T))
    sn.define(total, (n, t), x[n, t] + sn.where(t > 0, total[n, t - 1], 0))
    sn.define(product, (n, t), x[n, t] * sn.where(t > 0, product[n, t - 1], 1))
    return sn.define("L", (), sn.mean(sn.sum(sn.sin(total[n, t]) * product[n, t], t), n))


@network(N=2, T=5)
def oscillator():
    """A second-order recurrence that runs backwards in time, with a force that decays along it."""
    x, q, w = sn.input("x", (N, T)), sn.tensor("q", (N, T)), sn.param("w", ())
    later = sn.where(t < T - 1, q[n, t + 1], 1)
    latest = sn.where(t < T - 2, q[n, t + 2], 0)
    sn.define(q, (n, t), 2 * later - latest - sn.sin(w * later) + x[n, t] * sn.exp(-t / 2))
    return sn.define("L", (), sn.mean(sn.tanh(q[n, 0]) * q[n, T - 2], n))


@network(N=2, T=4)
def causal_mean():
    """A sum over the past by a guard, in place of a recurrence."""
    x, w = sn.input("x", (N, T)), sn.param("w", (T,))
    past = sn.define("past", (n, t), sn.sum(sn.where(s <= t, w[t - s] * x[n, s], 0), (s, T)) / (t + 1), shape=(N, T))
    return matched(sn.tanh(past))


@network(N=2, T=4, K=3)
def crf():
    """The log of the sum over all paths, less the score of the path that was given."""
    score, step = sn.input("score", (N, T, K)), sn.param("step", (K, K))
    y, alpha = sn.input("y", (N, T), kind="label", classes=K), sn.tensor("alpha", (N, T, K))
    reached = sn.logsumexp(alpha[n, t - 1, j] + step[j, k], (j, K))
    sn.define(alpha, (n, t, k), score[n, t, k] + sn.where(t > 0, reached, 0))
    path = sn.sum(score[n, t, y[n, t]] + sn.where(t > 0, step[y[n, t - 1], y[n, t]], 0), t)
    return sn.define("L", (), sn.mean(sn.logsumexp(alpha[n, T - 1, k], k) - path, n))


# -- attention


@network("full", "causal", "padded", "causal-padded", N=2, T=3)
def attention(kind):
    mask = sn.input("mask", (N, T), kind="mask") if "padded" in kind else None
    return matched(L.MultiHeadAttention(2, causal="causal" in kind)(sn.input("x", (N, T, 4)), mask=mask))


@network(N=1, T=3, S=2)
def cross_attention():
    q, key, value = sn.input("q", (N, T, 4)), sn.input("k", (N, S, 3)), sn.input("v", (N, S, 2))
    return matched(L.MultiHeadAttention(2)(q, key, value))


@network(T=3)
def relative_attention():
    """Scores that depend on the distance of query and key, read from one table by their difference."""
    x, bias = sn.input("x", (T, D)), sn.param("bias", (2 * T - 1,))
    scores = sn.define("scores", (t, s), sn.sum(x[t, d] * x[s, d], d) + bias[t - s + T - 1], shape=(T, T))
    return matched(sn.softmax(scores) @ x)


@network(N=2, T=3, V=3)
def transformer_block():
    """Tokens, places, pre-norm attention and feed-forward, and a cross entropy for each token."""
    ids, places = sn.input("ids", (N, T), kind="label", classes=V), sn.param("places", (T, 4))
    x = L.Embedding(V, 4)(ids) + places
    attend = L.Residual(L.LayerNorm(), L.MultiHeadAttention(2, causal=True), name="attend")
    feed = L.Residual(L.LayerNorm(), L.Dense(5, "gelu"), L.Dense(4), name="feed")
    return classified(L.Sequential(attend, feed, L.LayerNorm(), L.Dense(V), name="block")(x))


# -- derivatives of a network by its input


def field(x):
    """A small network u(x) of N points."""
    return L.Sequential(L.Dense(H, "tanh"), L.Dense(3, "tanh"), L.Dense(1))(x)


@network(N=5)
def physics_first_order():
    """u' = -u sin(x), by the gradient of the sum of all u."""
    x = sn.input("x", (N, 1))
    u = field(x)
    slope = sn.grad(u.sum(), x)
    return sn.define("L", (), sn.mean((slope[n, 0] + u[n, 0] * sn.sin(x[n, 0])) ** 2, n))


@network(N=2, H=2)
def physics_heat():
    """u_t = a u_xx, with the second derivative by deriving twice."""
    x, a = sn.input("x", (N, 2)), sn.param("a", ())
    u = field(x)
    slope = sn.grad(u.sum(), x)
    bend = sn.grad(sn.define("slopes", (), sn.sum(slope[n, 1], n)), x)
    return sn.define("L", (), sn.mean((slope[n, 0] - a * bend[n, 1]) ** 2, n) + (u[0, 0] - 1) ** 2)


@network(N=2, D=3)
def physics_jacobian():
    """The divergence and the curl of a field, from its Jacobian."""
    x = sn.input("x", (N, 3))
    v = L.Sequential(L.Dense(H, "tanh"), L.Dense(3))(x)
    J = sn.jacobian(v, x)
    divergence = sn.define("divergence", (n,), sn.sum(J[n, d, n, d], d))
    curl = sn.define("curl", (n,), J[n, 1, n, 0] - J[n, 0, n, 1])
    return sn.define("L", (), sn.mean(divergence[n] ** 2 + sn.sin(curl[n]), n))


PENALISED: dict[str, Callable[[], tuple[Any, tuple[Any, ...]]]] = {
    "dense": lambda: (L.Dense(H, "tanh"), (N, D)),
    "relu": lambda: (L.Sequential(L.Dense(H, "relu"), sn.square), (N, D)),
    "layernorm": lambda: (L.LayerNorm(), (N, D)),
    "softmax": lambda: (sn.softmax, (N, D)),
    "conv1d": lambda: (L.Conv1d(2, 3, stride=2, padding=1, activation="tanh"), (N, W, C)),
    "max-pool": lambda: (L.Sequential(L.MaxPool2d(2), sn.square), (N, 1, 4, 4)),
    "attention": lambda: (L.MultiHeadAttention(1, causal=True), (N, T, 2)),
    "rnn": lambda: (L.RNN(H, return_sequences=True), (N, T, C)),
    "gru": lambda: (L.GRU(H), (N, T, C)),
}


@network(*PENALISED, N=1, T=3, H=2, D=4)
def penalised(kind):
    """A loss, and the squares of all entries of its own gradient by the inputs."""
    layer, shape = PENALISED[kind]()
    x = sn.input("x", shape)
    own = matched(layer(x))
    return own + (sn.grad(own, x) ** 2).sum()


@network()
def tangent():
    """How fast the outputs move along a direction, by forward mode, and the curvature along it."""
    x, weight, v = sn.input("x", (N, D)), sn.param("W", (D, K)), sn.input("v", (D, K))
    out = sn.tanh(x @ weight)
    speed, curvature = sn.jvp(out, weight, v), sn.hvp(matched(out), weight, v)
    return (speed**2).sum() + (curvature * v).sum()


@network()
def gradient_penalty():
    """A loss and the norm of its own gradient by the inputs."""
    x = sn.input("x", (N, D))
    own = classified(L.Sequential(L.Dense(H, "tanh"), L.Dense(K))(x))
    slope = sn.grad(own, x)
    return sn.define("L", (), own + sn.sum(sn.sqrt(sn.sum(slope[n, d] ** 2, d)), n))


@network()
def one_step_learned():
    """The loss after a step of gradient descent, derived by the weight before it."""
    x, y, weight, rate = sn.input("x", (N, D)), sn.input("y", (N, K)), sn.param("W", (D, K)), sn.param("rate", ())
    moved = weight - rate * sn.grad(F.mse(sn.tanh(x @ weight), y), weight)
    return F.mse(sn.tanh(x @ moved), y)


# -- reductions, guards, places


@network("prod", "max", "min", seed=1, N=3)
def reduced(op):
    v = sn.tanh(sn.input("x", (N, D)) @ sn.param("W", (D, K)))
    reduction = getattr(sn, op)
    return sn.define("L", (), sn.mean(sn.exp(reduction(v[n, k], n)), k) + reduction(v[n, k] ** 2, n, k))


@network()
def top_one():
    """The score at the place of the largest score of another head."""
    x = sn.input("x", (N, D))
    z, a = L.Dense(K, name="answer")(x), L.Dense(K, name="vote")(x)
    best = a.argmax(axis=-1)
    return sn.define("L", (), sn.mean(z[n, best[n]] ** 2 + sn.exp(a[n, best[n]]), n))


@network()
def guarded():
    """Each branch is unsafe where the other one is taken."""
    z = L.Dense(K)(sn.input("x", (N, D)))
    safe = sn.where(z > 0.1, sn.log(z), sn.sqrt(1 - z) - sn.where(z < -1, 1 / (z + 1), 0))
    return safe.mean()


@network(N=4)
def guarded_places():
    """Differences of neighbours, with other rules at the edges."""
    x, w = sn.input("x", (N, W)), sn.param("w", (W,))
    inner = sn.where((i > 0) & (i < W - 1), x[n, i - 1] - 2 * x[n, i] + x[n, i + 1], 0)
    edges = sn.where((i < 1) | (i >= W - 1), x[n, i] ** 3, 0)
    return sn.define("L", (), sn.mean(sn.sum(w[i] * sn.sin(inner + edges), (i, W)), n))


@network(N=3, M=2)
def places():
    """Every other column, transposes, diagonals, and the last row first."""
    x, a, w = sn.input("x", (N, 2 * M)), sn.param("A", (N, N)), sn.param("w", (M,))
    odd = sn.define("odd", (n, i), x[n, 2 * i + 1] * w[i] + x[n, 2 * i] ** 2, shape=(N, M))
    back = sn.define("back", (n, i), odd[N - 1 - n, M - 1 - i] * a[n, n], shape=(N, M))
    mixed = sn.define("mixed", (n, m), sn.sum(a[m, n] * a[n, j] * back[j, 0], j) + a[0, n] * back[m, 1], shape=(N, N))
    return sn.define("L", (), sn.sum(sn.tanh(mixed[n, m]) * (mixed[m, n] + mixed[n, n]), n, m))


@network()
def message_passing():
    """Messages along the edges of a graph, gathered from their sources and summed at their targets."""
    x, weight = sn.input("x", (N, D)), sn.param("W", (D, H))
    source, target = (sn.input(name, (E,), kind="label", classes=N) for name in ("source", "goal"))
    message = sn.define("message", (e, h), sn.tanh(sn.sum(x[source[e], d] * weight[d, h], d)), shape=(E, H))
    return matched(sn.define("heard", (n, h), sn.sum(sn.delta(target[e], n) * message[e, h], e), shape=(N, H)))


@network(N=2, T=3)
def rotary():
    """Pairs of entries turned by an angle that grows with the place."""
    x, freq, weight = sn.input("x", (N, T, 2 * M)), sn.param("freq", (M,)), sn.param("w", (T, T))
    even = x[n, t, 2 * i] * sn.cos(t * freq[i]) - x[n, t, 2 * i + 1] * sn.sin(t * freq[i])
    odd = x[n, t, 2 * i] * sn.sin(t * freq[i]) + x[n, t, 2 * i + 1] * sn.cos(t * freq[i])
    a, b = (sn.define(name, (n, t, i), part, shape=(N, T, M)) for name, part in (("even", even), ("odd", odd)))
    pairs = sn.sum(weight[t, s] * (a[n, t, i] * a[n, s, i] + sn.sin(b[n, t, i] * b[n, s, i])), t, s, i)
    return sn.define("L", (), sn.mean(pairs, n))
