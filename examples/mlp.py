"""A multilayer perceptron in array notation: two hidden tanh layers, and softmax cross entropy against labels.

    a1 = x @ W1 + b1,   h1 = tanh(a1)
    a2 = h1 @ W2 + b2,  h2 = tanh(a2)
    z  = h2 @ W3 + b3
    L  = -1/N sum_n log softmax(z)[n, t[n]]

Each layer's error is the one behind it, carried back through the weights, times tanh' = 1 - h**2.
"""

from __future__ import annotations

import symnet as sn

N, D, H, M, K = sn.dims("N D H M K")


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x = sn.input("x", (N, D))
    t = sn.input("t", (N,), kind="label", classes=K)
    W1, b1 = sn.param("W1", (D, H)), sn.param("b1", (H,))
    W2, b2 = sn.param("W2", (H, M)), sn.param("b2", (M,))
    W3, b3 = sn.param("W3", (M, K)), sn.param("b3", (K,))

    a1 = (x @ W1 + b1).named("a1")
    h1 = sn.tanh(a1).named("h1")
    a2 = (h1 @ W2 + b2).named("a2")
    h2 = sn.tanh(a2).named("h2")
    z = (h2 @ W3 + b3).named("z")
    p = sn.softmax(z).named("p")
    L = sn.losses.cross_entropy(p, t).named("L")
    return L, [z, a2, a1, W1, b1, W2, b2, W3, b3]


if __name__ == "__main__":
    loss, wrt = build()
    print(sn.derive(loss, wrt), sn.check(loss), sep="\n\n")
