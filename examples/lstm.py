"""A long short-term memory that reads a sequence and names its class from the last state.

    a_g = x[t] @ W_g + h[t-1] @ U_g + b_g               a sum for each gate g of i, f, g, o
    i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)  what is let in, kept and shown
    g = tanh(a_g)                                       what may come in
    c[t] = f*c[t-1] + i*g,  h[t] = o*tanh(c[t])
    z = h[T-1] @ V + e,  L = -1/N sum_n log softmax(z)[n, y[n]]

The errors of the four gates are the slopes by their sums; h and c read each other, and so do their errors.
"""

from __future__ import annotations

import numpy as np

import symnet as sn

N, T, D, H, K = sn.dims("N T D H K")


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x = sn.input("x", (N, T, D))
    y = sn.input("y", (N,), kind="label", classes=K)

    lstm, dense = sn.layers.LSTM(H), sn.layers.Dense(K)
    z = dense(lstm(x))
    p = sn.softmax(z).named("p")
    L = sn.losses.cross_entropy(p, y).named("L")
    parts = [lstm.tensors[key] for key in ("h", "c", "ai", "af", "ag", "ao")]
    return L, [z, *parts, *lstm.params.values(), *dense.params.values()]


if __name__ == "__main__":
    loss, wrt = build()
    rng = np.random.default_rng(0)
    small = {"x": rng.normal(size=(2, 4, 3)), "dense.W": rng.normal(size=(2, 5))}  # their shapes say the sizes
    print(sn.derive(loss, wrt), sn.check(loss, values=small), sep="\n\n")
