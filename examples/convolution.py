"""A convolution of stride 2 and padding 1, written by hand: 3 x 3 windows over images of 2P x 2Q.

    a[n,o,i,j] = sum_{c,u,v} x[n, c, 2i+u-1, 2j+v-1]*w[o,c,u,v] + b[o]     x counts as 0 outside the image
    h[n,o,i,j] = max(a[n,o,i,j], 0)
    z[n,k]     = sum_{o,i,j} h[n,o,i,j]*V[o,i,j,k]
    L          = 1/(2N) sum_{n,k} (z[n,k] - y[n,k])**2

The slope by the kernel is a correlation of images and errors; the slope by the images reads the errors at the
places whose windows reach a pixel, which are those of the right parity.
"""

from __future__ import annotations

import numpy as np

import symnet as sn

N, C, O, P, Q, K = sn.dims("N C O P Q K")
n, c, o, i, j, k = sn.indices("n c o i j k")
u, v = sn.index("u", 3), sn.index("v", 3)


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x, y = sn.input("x", (N, C, 2 * P, 2 * Q)), sn.input("y", (N, K))
    w, b = sn.param("w", (O, C, 3, 3)), sn.param("b", (O,))
    V = sn.param("V", (O, P, Q, K))

    row, column = 2 * i + u - 1, 2 * j + v - 1
    inside = (row >= 0) & (row < 2 * P) & (column >= 0) & (column < 2 * Q)
    window = sn.sum(sn.where(inside, x[n, c, row, column], 0) * w[o, c, u, v], c, u, v)
    a = sn.define("a", (n, o, i, j), window + b[o], shape=(N, O, P, Q))
    h = sn.define("h", (n, o, i, j), sn.relu(a[n, o, i, j]))
    z = sn.define("z", (n, k), sn.sum(h[n, o, i, j] * V[o, i, j, k], o, i, j))
    L = sn.define("L", (), sn.mean(sn.sum((z[n, k] - y[n, k]) ** 2, k), n) / 2)
    return L, [z, h, a, x, w, b, V]


if __name__ == "__main__":
    loss, wrt = build()
    rng = np.random.default_rng(0)
    small = {"w": rng.normal(size=(2, 2, 3, 3)), "V": rng.normal(size=(2, 2, 3, 2))}  # their shapes say the sizes
    print(sn.derive(loss, wrt), sn.check(loss, values=small), sep="\n\n")
