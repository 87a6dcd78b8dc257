"""Linear regression: half the mean squared distance of a prediction from its target, and a penalty on the weights.

    v[n] = sum_d x[n,d]*w[d] + b
    L    = 1/(2N) sum_n (v[n] - y[n])**2 + lam/2 sum_d w[d]**2

Set to zero, the gradient by w is the normal equation of ridge regression.
"""

from __future__ import annotations

import symnet as sn

N, D = sn.dims("N D")
n, d = sn.indices("n d")


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x, y = sn.input("x", (N, D)), sn.input("y", (N,))
    w, b = sn.param("w", (D,)), sn.param("b", ())
    lam = sn.input("lam", (), kind="positive")

    v = sn.define("v", n, sn.sum(x[n, d] * w[d], d) + b)
    L = sn.define("L", (), sn.mean((v[n] - y[n]) ** 2, n) / 2 + lam / 2 * sn.sum(w[d] ** 2, d))
    return L, [v, w, b]


if __name__ == "__main__":
    loss, wrt = build()
    print(sn.derive(loss, wrt), sn.check(loss), sep="\n\n")
