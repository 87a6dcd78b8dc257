"""Poisson regression: counts y whose rate is the exponential of a linear score.

    r[n]  = sum_d x[n,d]*w[d] + b
    mu[n] = exp(r[n])
    L     = 1/N sum_n (mu[n] - y[n]*r[n])           the log factorial of y depends on no parameter

The exponential is the link that fits: the slope by the score is rate minus count.
"""

from __future__ import annotations

import symnet as sn

N, D = sn.dims("N D")
n, d = sn.indices("n d")


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x, y = sn.input("x", (N, D)), sn.input("y", (N,), kind="positive")
    w, b = sn.param("w", (D,)), sn.param("b", ())

    r = sn.define("r", n, sn.sum(x[n, d] * w[d], d) + b)
    mu = sn.define("mu", n, sn.exp(r[n]))
    L = sn.define("L", (), sn.mean(mu[n] - y[n] * r[n], n))
    return L, [r, w, b]


if __name__ == "__main__":
    loss, wrt = build()
    print(sn.derive(loss, wrt), sn.check(loss), sep="\n\n")
