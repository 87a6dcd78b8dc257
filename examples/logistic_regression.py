"""Logistic regression: two classes, a sigmoid and the log loss.

    z[n] = sum_d x[n,d]*w[d] + b
    s[n] = 1 / (1 + exp(-z[n]))
    L    = -1/N sum_n (y[n]*log(s[n]) + (1 - y[n])*log(1 - s[n]))

The slope by z is s - y, and by the weights the mean of x*(s - y).
"""

from __future__ import annotations

import symnet as sn

N, D = sn.dims("N D")
n, d = sn.indices("n d")


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x = sn.input("x", (N, D))
    y = sn.input("y", (N,), kind="mask")
    w, b = sn.param("w", (D,)), sn.param("b", ())

    z = sn.define("z", n, sn.sum(x[n, d] * w[d], d) + b)
    s = sn.define("s", n, 1 / (1 + sn.exp(-z[n])))
    L = sn.define("L", (), -sn.mean(y[n] * sn.log(s[n]) + (1 - y[n]) * sn.log(1 - s[n]), n))
    return L, [s, z, w, b]


if __name__ == "__main__":
    loss, wrt = build()
    print(sn.derive(loss, wrt), sn.check(loss), sep="\n\n")
