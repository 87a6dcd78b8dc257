"""The network of every lecture: two inputs, two hidden sigmoids, two sigmoid outputs, squared error.

    a[j] = sum_i x[i]*W[i,j] + b[j],   h[j] = 1 / (1 + exp(-a[j]))
    z[k] = sum_j h[j]*V[j,k] + c[k],   o[k] = 1 / (1 + exp(-z[k]))
    E    = 1/2 sum_k (o[k] - t[k])**2

The error of an output is o*(1 - o)*(o - t), the error of a hidden unit h*(1 - h) times the errors it caused.
Biases are chosen such that the activations are h = (0.92, 0.27) and o = (0.44, 0.95).
"""

from __future__ import annotations

from math import log

import symnet as sn

i, j, k = sn.indices("i j k")
V_VALUE, H_VALUE, O_VALUE = ((-1.7, 2.1), (0.8, -0.2)), (0.92, 0.27), (0.44, 0.95)
Z_VALUE = [sum(H_VALUE[m] * V_VALUE[m][place] for m in range(2)) for place in range(2)]
VALUES = {
    "x": (0.7, 1.2),
    "t": (1.0, 0.0),
    "W": ((0.0, 0.0), (0.0, 0.0)),
    "b": [log(h / (1 - h)) for h in H_VALUE],
    "V": V_VALUE,
    "c": [log(o / (1 - o)) - z for o, z in zip(O_VALUE, Z_VALUE, strict=True)],
}


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x, t = sn.input("x", (2,)), sn.input("t", (2,))
    W, b = sn.param("W", (2, 2)), sn.param("b", (2,))
    V, c = sn.param("V", (2, 2)), sn.param("c", (2,))

    a = sn.define("a", j, sn.sum(x[i] * W[i, j], i) + b[j])
    h = sn.define("h", j, 1 / (1 + sn.exp(-a[j])))
    z = sn.define("z", k, sn.sum(h[j] * V[j, k], j) + c[k])
    o = sn.define("o", k, 1 / (1 + sn.exp(-z[k])))
    E = sn.define("E", (), sn.sum((o[k] - t[k]) ** 2, k) / 2)
    return E, [z, a, W, b, V, c]


if __name__ == "__main__":
    loss, wrt = build()
    print(sn.derive(loss, wrt), sn.check(loss, wrt, values=VALUES), sep="\n\n")
    for tensor, slope in zip(wrt, sn.evaluate(sn.grad(loss, wrt), VALUES), strict=True):
        print(f"\ndE/d{tensor.name} =\n{slope.round(4)}")
