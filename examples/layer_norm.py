"""Layer normalisation: every row is shifted to mean zero and scaled to variance one, then stretched and moved.

    mu[n]   = 1/D sum_d x[n,d]
    var[n]  = 1/D sum_d (x[n,d] - mu[n])**2
    u[n,d]  = (x[n,d] - mu[n]) / sqrt(var[n] + eps)
    v[n,d]  = gamma[d]*u[n,d] + beta[d]
    L       = 1/(2N) sum_{n,d} (v[n,d] - y[n,d])**2

The slope by x has three terms: the slope by u, its mean, and its part along u.
"""

from __future__ import annotations

import symnet as sn

N, D = sn.dims("N D")
n, d = sn.indices("n d")


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x, y = sn.input("x", (N, D)), sn.input("y", (N, D))
    gamma, beta = sn.param("gamma", (D,), init="ones"), sn.param("beta", (D,))
    eps = sn.input("eps", (), kind="positive")

    mu = sn.define("mu", n, sn.mean(x[n, d], d))
    var = sn.define("var", n, sn.mean((x[n, d] - mu[n]) ** 2, d))
    u = sn.define("u", (n, d), (x[n, d] - mu[n]) / sn.sqrt(var[n] + eps))
    v = sn.define("v", (n, d), gamma[d] * u[n, d] + beta[d])
    L = sn.define("L", (), sn.mean(sn.sum((v[n, d] - y[n, d]) ** 2, d), n) / 2)
    return L, [v, u, x, gamma, beta]


if __name__ == "__main__":
    loss, wrt = build()
    print(sn.derive(loss, wrt), sn.check(loss), sep="\n\n")
