"""Losses against torch's in float64."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.run.reference import evaluate

torch = pytest.importorskip("torch")
F, G = sn.losses, torch.nn.functional
N, T, D, K = sn.dims("N T D K")
RNG = np.random.default_rng(3)
V, Y, LOGS = (RNG.normal(size=(5, 3)) for _ in range(3))
P, BITS, COUNTS = RNG.uniform(0.05, 0.95, (5, 3)), 1.0 * RNG.integers(0, 2, (5, 3)), 1.0 * RNG.integers(0, 6, (5, 3))

ENTRYWISE = {
    "mse": (F.mse, G.mse_loss, V, Y),
    "mae": (F.mae, G.l1_loss, V, Y),
    "huber": (F.huber, G.huber_loss, V, Y),
    "bce": (F.binary_cross_entropy, G.binary_cross_entropy, P, BITS),
    "bce_with_logits": (F.bce_with_logits, G.binary_cross_entropy_with_logits, V, BITS),
    "poisson_nll": (F.poisson_nll, G.poisson_nll_loss, V, COUNTS),
    "squared_error": (F.squared_error, lambda v, y: 1.5 * G.mse_loss(v, y), V, Y),
}


@pytest.mark.parametrize(("mine", "theirs", "v", "y"), ENTRYWISE.values(), ids=ENTRYWISE)
def test_entrywise_losses_are_torchs(mine, theirs, v, y):
    found = evaluate(mine(sn.input("v", (N, D)), sn.input("y", (N, D))), {"v": v, "y": y})
    assert found == pytest.approx(theirs(torch.tensor(v), torch.tensor(y)).item(), rel=1e-12)


@pytest.mark.parametrize("full", [False, True])
def test_gaussian_nll_is_torchs(full):
    out = F.gaussian_nll(*(sn.input(name, (N, D)) for name in "mys"), full=full)
    wanted = G.gaussian_nll_loss(torch.tensor(V), torch.tensor(Y), torch.tensor(np.exp(LOGS)), full=full)
    assert evaluate(out, {"m": V, "y": Y, "s": LOGS}) == pytest.approx(wanted.item(), rel=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0, 0.1])
@pytest.mark.parametrize("shape", [(5,), (2, 4)], ids=["rows", "sequences"])
def test_softmax_cross_entropy_is_torchs(shape, smoothing, reduction):
    z, labels = RNG.normal(size=(*shape, 3)), RNG.integers(0, 3, shape)
    axes = (N, T)[: len(shape)]
    t = sn.input("t", axes, kind="label", classes=K)
    out = F.softmax_cross_entropy(sn.input("z", (*axes, K)), t, label_smoothing=smoothing, reduction=reduction)
    theirs = torch.tensor(z if len(shape) == 1 else z.transpose(0, 2, 1))
    wanted = G.cross_entropy(theirs, torch.tensor(labels), label_smoothing=smoothing, reduction=reduction)
    np.testing.assert_allclose(evaluate(out, {"z": z, "t": labels}), wanted.numpy(), rtol=1e-12, atol=1e-12)


def test_kl_divergence_is_torchs():
    p, y = (np.exp(a) / np.exp(a).sum(1, keepdims=True) for a in (V, Y))
    out = F.kl_divergence(sn.input("p", (N, K)), sn.input("y", (N, K), kind="simplex"))
    wanted = G.kl_div(torch.tensor(np.log(p)), torch.tensor(y), reduction="batchmean")
    assert evaluate(out, {"p": p, "y": y}) == pytest.approx(wanted.item(), rel=1e-12)
