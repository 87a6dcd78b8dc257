"""A network that solves a differential equation: its loss contains the slope of its output by its input.

    h[n,k] = tanh(w[k]*x[n] + b[k]),  u[n] = sum_k v[k]*h[n,k] + c
    s[n]   = du[n]/dx[n]                                          derived, not declared
    L      = 1/N sum_n (s[n] + u[n])**2 + (u(0) - 1)**2

L is smallest where u' = -u and u(0) = 1, so that u(x) = exp(-x). The gradient derives through a derivative.
"""

from __future__ import annotations

import symnet as sn

N, H = sn.dims("N H")
n, k = sn.indices("n k")


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x = sn.input("x", (N,))
    w, b = sn.param("w", (H,)), sn.param("b", (H,))
    v, c = sn.param("v", (H,)), sn.param("c", ())

    h = sn.define("h", (n, k), sn.tanh(w[k] * x[n] + b[k]))
    u = sn.define("u", n, sn.sum(v[k] * h[n, k], k) + c)
    s = sn.grad(u.sum(), x).named("s")
    start = sn.define("start", (), sn.sum(v[k] * sn.tanh(b[k]), k) + c)
    L = sn.define("L", (), sn.mean((s[n] + u[n]) ** 2, n) + (start - 1) ** 2)
    return L, [s, u, w, b, v, c]


if __name__ == "__main__":
    loss, wrt = build()
    print(sn.derive(loss, wrt), sn.check(loss), sep="\n\n")
