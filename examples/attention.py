"""One head of causal attention: each place reads what stands at or before it.

    q[n,t,e] = sum_d x[n,t,d]*Wq[d,e]         keys k and values v alike, at s
    a[n,t,s] = sum_e q[n,t,e]*k[n,s,e] / sqrt(E)
    p[n,t,s] = [s <= t] exp(a[n,t,s]) / sum_r [r <= t] exp(a[n,t,r])
    o[n,t,e] = sum_s p[n,t,s]*v[n,s,e]
    L        = 1/(2N) sum_{n,t,e} (o[n,t,e] - y[n,t,e])**2

The slope by a is p times what the slope by p has above its mean under p: the softmax Jacobian applied to a row.
"""

from __future__ import annotations

import symnet as sn

N, T, D, E = sn.dims("N T D E")
n, t, s, r, d, e = sn.indices("n t s r d e")


def build() -> tuple[sn.Tensor, list[sn.Tensor]]:
    """The loss, and what to derive it by."""
    x, y = sn.input("x", (N, T, D)), sn.input("y", (N, T, E))
    Wq, Wk, Wv = (sn.param(name, (D, E)) for name in ("Wq", "Wk", "Wv"))

    q = sn.define("q", (n, t, e), sn.sum(x[n, t, d] * Wq[d, e], d))
    k = sn.define("k", (n, s, e), sn.sum(x[n, s, d] * Wk[d, e], d))
    v = sn.define("v", (n, s, e), sn.sum(x[n, s, d] * Wv[d, e], d))
    a = sn.define("a", (n, t, s), sn.sum(q[n, t, e] * k[n, s, e], e) / sn.sqrt(E))
    seen, all_seen = sn.where(s <= t, sn.exp(a[n, t, s]), 0), sn.where(r <= t, sn.exp(a[n, t, r]), 0)
    p = sn.define("p", (n, t, s), seen / sn.sum(all_seen, r))
    o = sn.define("o", (n, t, e), sn.sum(p[n, t, s] * v[n, s, e], s))
    L = sn.define("L", (), sn.mean(sn.sum((o[n, t, e] - y[n, t, e]) ** 2, t, e), n) / 2)
    return L, [o, p, a, q, k, v, Wq, Wk, Wv, x]


if __name__ == "__main__":
    loss, wrt = build()
    print(sn.derive(loss, wrt), sn.check(loss), sep="\n\n")
