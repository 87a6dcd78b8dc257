"""A recurrent network with an output at every step: h reads itself at t - 1, and its error reads itself at t + 1.

    a[n,t,k] = sum_d x[n,t,d]*W[d,k] + [t > 0] sum_j h[n,t-1,j]*U[j,k] + b[k]
    h[n,t,k] = tanh(a[n,t,k])
    v[n,t,m] = sum_k h[n,t,k]*V[k,m] + c[m]
    L        = 1/(2N) sum_{n,t,m} (v[n,t,m] - y[n,t,m])**2

That is backpropagation through time, and nothing was said about time but `t - 1`.
"""

from __future__ import annotations

import symnet as sn

N, T, D, H, M = sn.dims("N T D H M")
n, t, d, k, j, m = sn.indices("n t d k j m")


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x, y = sn.input("x", (N, T, D)), sn.input("y", (N, T, M))
    W, U, b = sn.param("W", (D, H)), sn.param("U", (H, H)), sn.param("b", (H,))
    V, c = sn.param("V", (H, M)), sn.param("c", (M,))

    h = sn.tensor("h", (N, T, H))
    before = sn.where(t > 0, sn.sum(h[n, t - 1, j] * U[j, k], j), 0)
    a = sn.define("a", (n, t, k), sn.sum(x[n, t, d] * W[d, k], d) + before + b[k])
    sn.define(h, (n, t, k), sn.tanh(a[n, t, k]))
    v = sn.define("v", (n, t, m), sn.sum(h[n, t, k] * V[k, m], k) + c[m])
    L = sn.define("L", (), sn.mean(sn.sum((v[n, t, m] - y[n, t, m]) ** 2, t, m), n) / 2)
    return L, [v, h, a, W, U, b, V, c]


if __name__ == "__main__":
    loss, wrt = build()
    print(sn.derive(loss, wrt), sn.check(loss), sep="\n\n")
