"""Networks of the table against torch in float64: the loss, and every gradient against torch's autograd."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from networks import BENT, CIRCULAR, CONVOLUTIONS, LOSSES, NETWORKS, POOLS, SMOOTH

import symnet as sn

torch = pytest.importorskip("torch")
nn, G = torch.nn, torch.nn.functional
Values = dict[str, Any]
RTOL = 1e-10


def linear(v: Values, name: str, x: Any) -> Any:
    return x @ v[f"{name}.W"] + v[f"{name}.b"]


def chain(v: Values, x: Any, activation: Callable[[Any], Any], layers: int, prefix: str = "") -> Any:
    """Dense layers dense1, dense2, ... with an activation between them."""
    for layer in range(1, layers + 1):
        x = linear(v, f"{prefix}dense{layer}", x if layer == 1 else activation(x))
    return x


def matched(v: Values, out: Any) -> Any:
    return G.mse_loss(out, v["target"])


def classified(v: Values, z: Any) -> Any:
    return G.cross_entropy(z.flatten(0, -2), v["labels"].flatten())


def slope(out: Any, x: Any) -> Any:
    """A gradient that can be derived again."""
    return torch.autograd.grad(out, x, create_graph=True)[0]


def penalised(v: Values, layer: Callable[[Values, Any], Any]) -> Any:
    own = matched(v, layer(v, v["x"]))
    return own + slope(own, v["x"]).square().sum()


# -- dense networks


def residual_mlp(v: Values, activation: Callable[[Any], Any]) -> Any:
    x = v["x"]
    for block in ("residual1.", "residual2."):
        x = x + linear(v, f"{block}dense2", activation(linear(v, f"{block}dense1", x)))
    return matched(v, linear(v, "dense", x))


def tied_autoencoder(v: Values) -> Any:
    out = torch.tanh(v["x"] @ v["W"] + v["b"]) @ v["W"].T + v["c"]
    return (out - v["x"]).square().sum(1).mean() / 2


def shared_layer(v: Values) -> Any:
    left, right = (torch.tanh(linear(v, "dense", v[key])) for key in "xy")
    return G.binary_cross_entropy_with_logits((left * right).sum(1), v["same"])


def normalised(v: Values, between: Callable[[Any], Any]) -> Any:
    return matched(v, linear(v, "dense2", torch.tanh(between(linear(v, "dense1", v["x"])))))


def batch_norm(v: Values, x: Any) -> Any:
    return G.batch_norm(x, None, None, v["batchnorm.gamma"], v["batchnorm.beta"], training=True)


def layer_norm(v: Values, x: Any, name: str = "layernorm") -> Any:
    return G.layer_norm(x, x.shape[-1:], v[f"{name}.gamma"], v[f"{name}.beta"])


def batch_norm_eval(v: Values) -> Any:
    moments = (v["batchnorm.running_mean"], v["batchnorm.running_var"])
    return matched(v, G.batch_norm(v["x"], *moments, v["batchnorm.gamma"], v["batchnorm.beta"]))


def standardised(v: Values) -> Any:
    centred = v["x"] - v["x"].mean(0)
    return matched(v, centred / (centred.square().mean(0) + 0.1).sqrt() @ v["W"])


def dropout_mlp(v: Values) -> Any:
    kept = torch.tanh(linear(v, "dense1", v["x"])) * v["dropout.mask"] / 0.75
    return classified(v, linear(v, "dense2", kept))


def glu(v: Values) -> Any:
    return matched(v, G.glu(torch.cat([linear(v, "value", v["x"]), linear(v, "gate", v["x"])], 1), 1))


def mixture_of_experts(v: Values) -> Any:
    gate = linear(v, "gate", v["x"]).softmax(1)
    return matched(v, torch.einsum("ne,nek->nk", gate, torch.tanh(torch.einsum("nd,edk->nek", v["x"], v["W"]))))


def top_one_expert(v: Values) -> Any:
    share, best = linear(v, "gate", v["x"]).softmax(1).max(1)
    return matched(v, share[:, None] * torch.einsum("nd,ndk->nk", v["x"], v["W"][best]))


def two_losses(v: Values) -> Any:
    hidden = torch.tanh(linear(v, "dense", v["x"]))
    costs = classified(v, linear(v, "head", hidden)) + 0.5 * matched(v, linear(v, "tail", hidden))
    first, second, third = v["dense.W"], v["head.W"], v["tail.W"]
    net = 0.3 * third.abs().sum() + 0.35 * third.square().sum()
    return costs + 0.03 * first.abs().sum() + 0.05 * second.square().sum() + 0.2 * net


def variational_autoencoder(v: Values) -> Any:
    mean, log_var = linear(v, "mean", v["x"]), linear(v, "log_var", v["x"])
    out = linear(v, "decoder", mean + (log_var / 2).exp() * v["noise"])
    distance = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, (log_var / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    )
    return (out - v["x"]).square().sum(1).mean() / 2 + distance.sum(1).mean()


def contrastive(v: Values) -> Any:
    left, right = (G.normalize(torch.tanh(linear(v, "dense", v[key]))) for key in "xy")
    return G.cross_entropy(left @ right.T / v["tau"], torch.arange(len(left)))


def clipped(v: Values) -> Any:
    x, low = v["x"], v["low"]
    cut = torch.maximum(x, low) - torch.minimum(x, low / 2) + x.clamp(-0.5, 0.5)
    return matched(v, (cut.square() + 0.1) ** v["p"])


def activated(v: Values, function: Callable[[Any], Any]) -> Any:
    z = v["x"] @ v["W"]
    return matched(v, function(z) + z / 3)


# -- losses


def log_cosh(x: Any) -> Any:
    return torch.logaddexp(x, -x) - np.log(2)


def focal(z: Any, y: Any) -> Any:
    log_p = z.log_softmax(1)
    return -(y * (1 - log_p.exp()) ** 2 * log_p).sum(1).mean()


def margin(z: Any, y: Any) -> Any:
    """1 - y z of targets +1 and -1."""
    return 1 - (2 * y - 1) * z


LOSS: dict[str, Callable[[Any, Any], Any]] = {
    "squared_error": lambda z, y: (z - y).square().sum(1).mean() / 2,
    "mse": G.mse_loss,
    "mae": G.l1_loss,
    "huber": G.huber_loss,
    "log_cosh": lambda z, y: log_cosh(z - y).mean(),
    "bce_with_logits": G.binary_cross_entropy_with_logits,
    "hinge": lambda z, y: margin(z, y).relu().mean(),
    "squared_hinge": lambda z, y: margin(z, y).relu().square().mean(),
    "perceptron": lambda z, y: (margin(z, y) - 1).relu().mean(),
    "poisson_nll": lambda z, y: G.poisson_nll_loss(z, y, log_input=True),
    "softmax_cross_entropy": G.cross_entropy,
    "focal": focal,
}
OF_SOFTMAX: dict[str, Callable[[Any, Any], Any]] = {
    "cross_entropy": G.cross_entropy,
    "kl_divergence": lambda z, y: G.kl_div(z.log_softmax(1), y, reduction="batchmean"),
    "nll": G.cross_entropy,
}


def gaussian_nll(v: Values) -> Any:
    mean, log_var = linear(v, "mean", v["x"]), linear(v, "log_var", v["x"])
    return G.gaussian_nll_loss(mean, v["y"], log_var.exp())


def weighted_cross_entropy(v: Values) -> Any:
    costs = -v["weights"] * linear(v, "dense", v["x"]).log_softmax(1)
    smooth = 0.9 * costs.gather(1, v["y"][:, None])[:, 0] + 0.1 * costs.mean(1)
    return (v["samples"] * smooth).mean()


# -- convolution and pooling


def conv1d(v: Values, x: Any, **options: Any) -> Any:
    return G.conv1d(x.transpose(1, 2), v["conv1d.W"], v["conv1d.b"], **options).transpose(1, 2)


def conv2d(v: Values, **options: Any) -> Any:
    return G.conv2d(v["x"], v["conv2d.W"], v["conv2d.b"], **options)


def transposed(v: Values) -> Any:
    return matched(v, torch.tanh(G.conv_transpose1d(v["x"][:, None], v["kernel"][None, None], stride=2)[:, 0]))


def cnn(v: Values) -> Any:
    x = G.max_pool2d(batch_norm(v, G.conv2d(v["x"], v["conv2d1.W"], padding=1)).relu(), 2)
    x = G.conv2d(x, v["conv2d2.W"], v["conv2d2.b"]).relu()
    return classified(v, x.flatten(1) @ v["dense.W"].flatten(0, 2) + v["dense.b"])


# -- sequences

GATES = {"rnn": ("",), "lstm": "ifgo", "gru": "rzn"}


def states(v: Values, kind: str, x: Any, names: tuple[str, ...], starts: Any = None) -> Any:
    """All states of torch's own recurrence, in one direction for each name, with the weights of symnet's gates."""
    weights = {}
    for name, suffix in zip(names, ("", "_reverse"), strict=False):
        shift = torch.cat([v[f"{name}.b{key}"] for key in GATES[kind]])
        held = [v.get(f"{name}.bh{key}", torch.zeros_like(v[f"{name}.b{key}"])) for key in GATES[kind]]
        weights[f"weight_ih_l0{suffix}"] = torch.cat([v[f"{name}.W{key}"].T for key in GATES[kind]])
        weights[f"weight_hh_l0{suffix}"] = torch.cat([v[f"{name}.U{key}"].T for key in GATES[kind]])
        weights |= {f"bias_ih_l0{suffix}": shift, f"bias_hh_l0{suffix}": torch.cat(held)}
    units = len(v[f"{names[0]}.U{GATES[kind][0]}"])
    options = {"batch_first": True, "bidirectional": len(names) == 2, "dtype": torch.float64}
    module = getattr(nn, kind.upper())(x.shape[2], units, **options)
    return torch.func.functional_call(module, weights, (x, starts))[0]


def last_state(v: Values, kind: str) -> Any:
    return matched(v, states(v, kind, v["x"], (kind,))[:, -1])


def all_states(v: Values, kind: str) -> Any:
    starts = (v["h0"][None], v["c0"][None]) if kind == "lstm" else v["h0"][None]
    return matched(v, states(v, kind, v["x"], (kind,), starts))


def bidirectional(v: Values, kind: str) -> Any:
    return matched(v, states(v, kind, v["x"], ("bidirectional.forward", "bidirectional.backward")))


def stacked_lstm(v: Values) -> Any:
    below = states(v, "lstm", v["x"], ("lstm1",))
    return classified(v, linear(v, "dense", states(v, "lstm", below, ("lstm2",))))


def embedding(v: Values) -> Any:
    return classified(v, linear(v, "dense", G.embedding(v["ids"], v["embedding.W"]).mean(1)))


# -- attention


def attention(
    v: Values, q: Any, k: Any, value: Any, name: str = "multiheadattention", causal: bool = False, keep: Any = None
) -> Any:
    """torch's own multi-head attention with symnet's weights, heads side by side."""
    heads, width = v[f"{name}.bq"].shape
    flat = {key: v[f"{name}.W{key}"].flatten(1).T for key in "qkv"}
    module = nn.MultiheadAttention(
        heads * width, heads, batch_first=True, kdim=k.shape[2], vdim=value.shape[2], dtype=torch.float64
    )
    split = {f"{key}_proj_weight": flat[key] for key in "qkv"}
    packed = {"in_proj_weight": torch.cat(list(flat.values()))} if module.in_proj_weight is not None else split
    later = torch.triu(torch.ones(q.shape[1], k.shape[1], dtype=bool), 1) if causal else None
    weights = {
        **packed,
        "in_proj_bias": torch.cat([v[f"{name}.b{key}"].flatten() for key in "qkv"]),
        "out_proj.weight": v[f"{name}.Wo"].flatten(0, 1).T,
        "out_proj.bias": v[f"{name}.bo"],
    }
    options = {"attn_mask": later, "key_padding_mask": None if keep is None else keep == 0, "need_weights": False}
    with nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH):  # the one that can be derived twice
        return torch.func.functional_call(module, weights, (q, k, value), options)[0]


def self_attention(v: Values, causal: bool, padded: bool) -> Any:
    return matched(v, attention(v, v["x"], v["x"], v["x"], causal=causal, keep=v["mask"] if padded else None))


def transformer_block(v: Values) -> Any:
    x = G.embedding(v["ids"], v["embedding.W"]) + v["places"]
    y = layer_norm(v, x, "attend.layernorm")
    x = x + attention(v, y, y, y, "attend.multiheadattention", causal=True)
    x = x + chain(v, layer_norm(v, x, "feed.layernorm"), G.gelu, 2, "feed.")
    return classified(v, linear(v, "block.dense", layer_norm(v, x, "block.layernorm")))


def relative_attention(v: Values) -> Any:
    x, place = v["x"], torch.arange(len(v["x"]))
    return matched(v, (x @ x.T + v["bias"][place[:, None] - place + len(x) - 1]).softmax(1) @ x)


# -- derivatives of a network by its input, reductions, places


def physics_first_order(v: Values) -> Any:
    u = chain(v, v["x"], torch.tanh, 3)
    return (slope(u.sum(), v["x"]) + u * v["x"].sin()).square().mean()


def physics_heat(v: Values) -> Any:
    u = chain(v, v["x"], torch.tanh, 3)
    first = slope(u.sum(), v["x"])
    second = slope(first[:, 1].sum(), v["x"])
    return (first[:, 0] - v["a"] * second[:, 1]).square().mean() + (u[0, 0] - 1) ** 2


def gradient_penalty(v: Values) -> Any:
    own = classified(v, chain(v, v["x"], torch.tanh, 2))
    return own + slope(own, v["x"]).norm(dim=1).sum()


def one_step_learned(v: Values) -> Any:
    own = G.mse_loss(torch.tanh(v["x"] @ v["W"]), v["y"])
    return G.mse_loss(torch.tanh(v["x"] @ (v["W"] - v["rate"] * slope(own, v["W"]))), v["y"])


def reduced(v: Values, reduction: Callable[..., Any]) -> Any:
    z = torch.tanh(v["x"] @ v["W"])
    return reduction(z, 0).exp().mean() + reduction(z.square().flatten(), 0)


def top_one(v: Values) -> Any:
    z, (score, best) = linear(v, "answer", v["x"]), linear(v, "vote", v["x"]).max(1)
    return (z.gather(1, best[:, None])[:, 0].square() + score.exp()).mean()


def message_passing(v: Values) -> Any:
    message = torch.tanh(v["x"][v["source"]] @ v["W"])
    return matched(v, torch.zeros(len(v["x"]), message.shape[1], dtype=message.dtype).index_add(0, v["goal"], message))


FUNCTIONS = {
    **{name: getattr(torch, name) for name in (*CIRCULAR, "sigmoid", "erf", "erfc", "expm1", "square", "abs", "sign")},
    **{name: getattr(G, name) for name in ("softplus", "leaky_relu", "elu", "selu", "mish", "softsign")},
    **{"log_sigmoid": G.logsigmoid, "hard_tanh": G.hardtanh, "log_cosh": log_cosh},
}
PENALISED = {
    "dense": lambda v, x: torch.tanh(linear(v, "dense", x)),
    "relu": lambda v, x: linear(v, "dense", x).relu().square(),
    "layernorm": layer_norm,
    "softmax": lambda _, x: x.softmax(-1),
    "conv1d": lambda v, x: torch.tanh(conv1d(v, x, stride=2, padding=1)),
    "max-pool": lambda _, x: G.max_pool2d(x, 2).square(),
    "attention": lambda v, x: attention(v, x, x, x, causal=True),
    "rnn": lambda v, x: states(v, "rnn", x, ("rnn",)),
    "gru": lambda v, x: states(v, "gru", x, ("gru",))[:, -1],
}
TORCH: dict[str, Callable[[Values], Any]] = {
    "softmax-regression": lambda v: classified(v, linear(v, "dense", v["x"])),
    **{
        f"mlp-{name}": lambda v, a=activation: classified(v, chain(v, v["x"], a, 3))
        for name, activation in {"relu": torch.relu, "tanh": torch.tanh, "gelu": G.gelu, "silu": G.silu}.items()
    },
    **{f"activation-{name}": partial(activated, function=FUNCTIONS[name]) for name in (*SMOOTH, *CIRCULAR, *BENT)},
    **{
        f"activation-of-positive-{name}": lambda v, name=name: matched(v, getattr(torch, name)(v["x"]) @ v["W"])
        for name in ("exp", "log", "log1p", "sqrt", "rsqrt")
    },
    "clipped": clipped,
    "residual-mlp-relu": partial(residual_mlp, activation=torch.relu),
    "residual-mlp-tanh": partial(residual_mlp, activation=torch.tanh),
    "tied-autoencoder": tied_autoencoder,
    "shared-layer": shared_layer,
    "normalised-mlp-batchnorm": lambda v: normalised(v, partial(batch_norm, v)),
    "normalised-mlp-layernorm": lambda v: normalised(v, partial(layer_norm, v)),
    "normalised-mlp-normalize": lambda v: normalised(v, G.normalize),
    "standardised": standardised,
    "weight-norm": lambda v: matched(v, v["x"] @ (v["g"] * G.normalize(v["W"], dim=0))),
    "dropout-mlp": dropout_mlp,
    "glu": glu,
    "mixture-of-experts": mixture_of_experts,
    "top-one-expert": top_one_expert,
    "two-losses": two_losses,
    "variational-autoencoder": variational_autoencoder,
    "contrastive": contrastive,
    **{f"loss-{name}": lambda v, f=LOSS[name]: f(linear(v, "dense", v["x"]), v["y"]) for name in LOSSES},
    **{
        f"loss-of-softmax-{name}": lambda v, f=function: f(linear(v, "dense", v["x"]), v["y"])
        for name, function in OF_SOFTMAX.items()
    },
    "loss-gaussian-nll": gaussian_nll,
    "weighted-cross-entropy": weighted_cross_entropy,
    **{
        f"conv1d-{name}": lambda v, o=options: matched(v, torch.tanh(conv1d(v, v["x"], **o)))
        for name, options in {**CONVOLUTIONS, "depthwise": {"groups": 4}}.items()
    },
    **{
        f"conv2d-{name}": lambda v, o=options: matched(v, torch.tanh(conv2d(v, **o)))
        for name, options in CONVOLUTIONS.items()
    },
    "conv2d-uneven": lambda v: matched(v, conv2d(v, stride=(1, 3), padding=(2, 1), dilation=(3, 1))),
    "transposed-convolution": transposed,
    **{f"max-pool-{name}": lambda v, o=o: matched(v, G.max_pool2d(v["x"] * v["w"], *o)) for name, o in POOLS.items()},
    **{f"avg-pool-{name}": lambda v, o=o: matched(v, G.avg_pool2d(v["x"], *o).tanh()) for name, o in POOLS.items()},
    "cnn": cnn,
    "batchnorm2d": lambda v: matched(v, batch_norm(v, v["x"])),
    "batchnorm-eval": batch_norm_eval,
    "embedding": embedding,
    **{f"last-state-{kind}": partial(last_state, kind=kind) for kind in GATES},
    **{f"all-states-{kind}": partial(all_states, kind=kind) for kind in GATES},
    **{f"bidirectional-{kind}": partial(bidirectional, kind=kind) for kind in GATES},
    "stacked-lstm": stacked_lstm,
    "running-sum-and-product": lambda v: (v["x"].cumsum(1).sin() * v["x"].cumprod(1)).sum(1).mean(),
    "attention-full": partial(self_attention, causal=False, padded=False),
    "attention-causal": partial(self_attention, causal=True, padded=False),
    "attention-padded": partial(self_attention, causal=False, padded=True),
    "attention-causal-padded": partial(self_attention, causal=True, padded=True),
    "cross-attention": lambda v: matched(v, attention(v, v["q"], v["k"], v["v"])),
    "relative-attention": relative_attention,
    "transformer-block": transformer_block,
    "physics-first-order": physics_first_order,
    "physics-heat": physics_heat,
    **{f"penalised-{name}": partial(penalised, layer=layer) for name, layer in PENALISED.items()},
    "gradient-penalty": gradient_penalty,
    "one-step-learned": one_step_learned,
    "reduced-prod": partial(reduced, reduction=torch.prod),
    "reduced-max": partial(reduced, reduction=torch.amax),
    "reduced-min": partial(reduced, reduction=torch.amin),
    "top-one": top_one,
    "message-passing": message_passing,
}


@pytest.mark.parametrize("name", TORCH)
def test_loss_and_gradients_are_torchs(name):
    net = NETWORKS[name]()
    v = {key: torch.tensor(value) for key, value in net.values.items()}
    leaves = [v[tensor.name].requires_grad_() for tensor in net.wrt]
    wanted = TORCH[name](v)
    slopes = torch.autograd.grad(wanted, leaves)
    found, *gradients = sn.evaluate([net.loss, *sn.grad(net.loss, list(net.wrt))], net.values)
    assert found == pytest.approx(wanted.item(), rel=RTOL)
    for tensor, gradient, torchs in zip(net.wrt, gradients, slopes, strict=True):
        error, size = np.linalg.norm(gradient - torchs.numpy()), np.linalg.norm(torchs.numpy())
        assert error <= RTOL * max(size, 1e-3), f"{tensor.name}: {error / max(size, 1e-3):.1e}"
