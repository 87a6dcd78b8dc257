"""Softmax regression: with cross entropy, the slope of the loss by a logit is prediction minus target.

    z[n,k] = sum_d x[n,d]*W[d,k] + b[k]
    p[n,k] = exp(z[n,k]) / sum_j exp(z[n,j])
    L      = -1/N sum_{n,k} y[n,k]*log(p[n,k])

The rows of y are declared one-hot, so they sum to one; without that word the gradient keeps `sum_k y[n,k]`.
"""

from __future__ import annotations

import symnet as sn

N, D, K = sn.dims("N D K")
n, d, k, j = sn.indices("n d k j")


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x = sn.input("x", (N, D))
    y = sn.input("y", (N, K), kind="onehot")
    W = sn.param("W", (D, K), init="glorot_uniform")
    b = sn.param("b", (K,), init="zeros")

    z = sn.define("z", (n, k), sn.sum(x[n, d] * W[d, k], d) + b[k])
    p = sn.define("p", (n, k), sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j))
    L = sn.define("L", (), -sn.mean(sn.sum(y[n, k] * sn.log(p[n, k]), k), n))
    return L, [z, W, b]


if __name__ == "__main__":
    loss, wrt = build()
    print(sn.derive(loss, wrt), sn.check(loss), sep="\n\n")
