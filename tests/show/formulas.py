"""Formulas that every printer is held to: name, free indices, formula, text, LaTeX."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

import symnet as sn
from symnet.core.definition import Node
from symnet.core.expr import Bracket, Reduce, Slope
from symnet.declare.notation import canonical

N, D, K, T = sn.dims("N D K T")
n, d, k, j, t, i, u = sn.indices("n d k j t i u")
x, y = sn.input("x", (N, D)), sn.input("y", (N, K))
W, b = sn.param("W", (D, K)), sn.param("b", (K,))
p, z = sn.param("p", (N, K)), sn.param("z", (N, K))
v, w, gamma = sn.param("v", (N,)), sn.param("w", (D,)), sn.param("gamma", (D,))
h, U = sn.param("h", (N, T, K)), sn.param("U", (K, K))
W1, layer = sn.param("W1", (D, K)), sn.param("lstm.Wi", (D, K))
A, s = sn.param("A", (D, D)), sn.param("s", (N, N))
lam, eps = sn.param("lam", ()), sn.param("eps", ())
labels = sn.input("t", (N,), kind="label", classes=K)
bar = sn.param("z_bar", (N, K))


def jacobian() -> Node:
    return sn.jacobian(sn.define("q", (n, k), sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j)), z)


def affine() -> Iterator[tuple[Any, ...]]:
    yield (
        "affine",
        (n, k),
        sn.sum(x[n, d] * W[d, k], d) + b[k],
        "sum_d x[n,d]*W[d,k] + b[k]",
        r"\sum_{d} x_{n,d} W_{d,k} + b_{k}",
    )
    yield (
        "gradient of softmax",
        (n, k),
        (p[n, k] - y[n, k]) / N,
        "(p[n,k] - y[n,k])/N",
        r"\frac{p_{n,k} - y_{n,k}}{N}",
    )
    yield (
        "weight gradient",
        (d, k),
        sn.sum(x[n, d] * (p[n, k] - y[n, k]), n) / N,
        "(1/N)*sum_n x[n,d]*(p[n,k] - y[n,k])",
        r"\frac{1}{N} \sum_{n} x_{n,d} (p_{n,k} - y_{n,k})",
    )
    yield (
        "softmax",
        (n, k),
        sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j),
        "exp(z[n,k])/sum_j exp(z[n,j])",
        r"\frac{e^{z_{n,k}}}{\sum_{k'} e^{z_{n,k'}}}",
    )
    yield (
        "cross entropy",
        (),
        -sn.mean(sn.sum(y[n, k] * sn.log(p[n, k]), k), n),
        "-(1/N)*sum_{n,k} y[n,k]*log(p[n,k])",
        r"-\frac{1}{N} \sum_{n,k} y_{n,k} \log p_{n,k}",
    )
    yield (
        "quadratic form",
        (),
        sn.sum(w[i] * A[i, j] * w[j], i, j),
        "sum_{d,e} w[d]*A[d,e]*w[e]",
        r"\sum_{d,d'} w_{d} A_{d,d'} w_{d'}",
    )
    yield (
        "two sums",
        (),
        sn.sum(v[n], n) * sn.sum(w[d], d),
        "(sum_n v[n])*sum_d w[d]",
        r"\left(\sum_{n} v_{n}\right) \sum_{d} w_{d}",
    )
    yield (
        "sum in a sum",
        (),
        sn.sum(v[n] * sn.sum(x[n, d] * w[d], d) ** 2, n) / 2,
        "(1/2)*sum_n v[n]*(sum_d x[n,d]*w[d])**2",
        r"\frac{1}{2} \sum_{n} v_{n} \left(\sum_{d} x_{n,d} w_{d}\right)^{2}",
    )
    yield (
        "sum of a difference",
        (k,),
        sn.sum(p[n, k] - y[n, k], n),
        "sum_n (p[n,k] - y[n,k])",
        r"\sum_{n} (p_{n,k} - y_{n,k})",
    )
    yield (
        "minus leaves a sum",
        (),
        sn.sum(-y[n, k] * sn.log(p[n, k]) - (1 - y[n, k]) * sn.log(1 - p[n, k]), n, k),
        "-sum_{n,k} (y[n,k]*log(p[n,k]) + (1 - y[n,k])*log(1 - p[n,k]))",
        r"-\sum_{n,k} (y_{n,k} \log p_{n,k} + (1 - y_{n,k}) \log(1 - p_{n,k}))",
    )
    yield (
        "minus of a product leaves a sum",
        (),
        sn.sum(-v[n] * (1 - sn.sum(x[n, d], d)), n),
        "-sum_n v[n]*(1 - sum_d x[n,d])",
        r"-\sum_{n} v_{n} \left(1 - \sum_{d} x_{n,d}\right)",
    )
    yield (
        "weight decay",
        (d, k),
        sn.sum(x[n, d] * bar[n, k], n) + lam * W[d, k],
        "sum_n x[n,d]*z_bar[n,k] + lam*W[d,k]",
        r"\sum_{n} x_{n,d} \bar{z}_{n,k} + \lambda W_{d,k}",
    )
    yield (
        "range that no read tells",
        (d,),
        sn.sum(w[d] * v[d + u], (u, 3)),
        "w[d]*sum_{u<3} v[d+u]",
        r"w_{d} \sum_{u < 3} v_{d+u}",
    )


def functions() -> Iterator[tuple[Any, ...]]:
    yield (
        "sigmoid's slope",
        (n, k),
        sn.sigmoid(z[n, k]) * (1 - sn.sigmoid(z[n, k])),
        "sigmoid(z[n,k])*(1 - sigmoid(z[n,k]))",
        r"\sigma(z_{n,k}) (1 - \sigma(z_{n,k}))",
    )
    yield (
        "sigmoid written out",
        (n, k),
        1 / (1 + sn.exp(-z[n, k])),
        "1/(1 + exp(-z[n,k]))",
        r"\frac{1}{1 + e^{-z_{n,k}}}",
    )
    yield (
        "tanh's slope",
        (n, k),
        bar[n, k] * (1 - p[n, k] ** 2),
        "z_bar[n,k]*(1 - p[n,k]**2)",
        r"\bar{z}_{n,k} (1 - p_{n,k}^{2})",
    )
    yield (
        "softplus and relu",
        (n, k),
        sn.softplus(z[n, k]) + sn.relu(z[n, k]),
        "relu(z[n,k]) + softplus(z[n,k])",
        r"\operatorname{ReLU}(z_{n,k}) + \zeta(z_{n,k})",
    )
    yield (
        "two gelus",
        (n, k),
        sn.gelu(z[n, k]) - sn.gelu(z[n, k], approximate="tanh"),
        "gelu(z[n,k]) - gelu_tanh(z[n,k])",
        r"\operatorname{GELU}(z_{n,k}) - \operatorname{GELU}_{\tanh}(z_{n,k})",
    )
    yield (
        "log of a product's factor",
        (n, k),
        sn.log(z[n, k]) * sn.log(p[n, k]) ** 2,
        "log(z[n,k])*log(p[n,k])**2",
        r"(\log z_{n,k}) (\log p_{n,k})^{2}",
    )
    yield (
        "tall exponent",
        (n, k),
        sn.exp(-((z[n, k] - y[n, k]) ** 2) / 2),
        "exp(-(z[n,k] - y[n,k])**2/2)",
        r"\exp\left(-\frac{(z_{n,k} - y_{n,k})^{2}}{2}\right)",
    )
    yield "log1p is written out", (n, k), sn.log1p(z[n, k]), "log1p(z[n,k])", r"\log(1 + z_{n,k})"
    yield (
        "absolute value and sign",
        (n, k),
        sn.abs(z[n, k]) - sn.sign(z[n, k]),
        "abs(z[n,k]) - sign(z[n,k])",
        r"|z_{n,k}| - \operatorname{sign}(z_{n,k})",
    )
    yield (
        "logsumexp",
        (n,),
        sn.log(sn.sum(sn.exp(z[n, k]), k)),
        "log(sum_k exp(z[n,k]))",
        r"\log\left(\sum_{k} e^{z_{n,k}}\right)",
    )
    yield (
        "max in front of a plus",
        (n, k),
        sn.max(z[n, j], j) + y[n, k] - sn.max(p[n, j], j),
        "y[n,k] + (max_j z[n,j]) - max_j p[n,j]",
        r"y_{n,k} + \left(\max_{k'} z_{n,k'}\right) - \max_{k'} p_{n,k'}",
    )
    yield "argmax", (n,), sn.argmax(z[n, k], k), "argmax_k z[n,k]", r"\operatorname*{argmax}_{k} z_{n,k}"
    yield "product", (), sn.prod(w[d], d), "prod_d w[d]", r"\prod_{d} w_{d}"


def numbers() -> Iterator[tuple[Any, ...]]:
    yield "tiny number last", (n,), v[n] + sp.Rational(1, 100000), "v[n] + 1e-5", r"v_{n} + 10^{-5}"
    yield "epsilon last", (n,), v[n] + eps[()], "v[n] + eps", r"v_{n} + \epsilon"
    yield (
        "root below",
        (n, d),
        (x[n, d] - v[n]) / sn.sqrt(v[n] + sp.Rational(1, 100000)),
        "(x[n,d] - v[n])/sqrt(v[n] + 1e-5)",
        r"\frac{x_{n,d} - v_{n}}{\sqrt{v_{n} + 10^{-5}}}",
    )
    yield (
        "moving average",
        (n,),
        sp.Rational(9, 10) * v[n] + sp.Rational(1, 10) * v[n] ** 2,
        "0.9*v[n] + v[n]**2/10",
        r"0.9 v_{n} + \frac{v_{n}^{2}}{10}",
    )
    yield "power of ten times five", (n,), v[n] / 2000, "5e-4*v[n]", r"5 \cdot 10^{-4} v_{n}"
    yield (
        "half powers",
        (n,),
        v[n] ** sp.Rational(3, 2) - 2 / sn.sqrt(v[n]),
        "v[n]**(3/2) - 2/sqrt(v[n])",
        r"v_{n}^{3/2} - \frac{2}{\sqrt{v_{n}}}",
    )
    yield (
        "numbers in front",
        (n, k),
        p[n, k] * (p[n, k] - y[n, k]) * 2 / (K * N),
        "2*p[n,k]*(p[n,k] - y[n,k])/(N*K)",
        r"\frac{2}{N K} p_{n,k} (p_{n,k} - y_{n,k})",
    )
    yield "minus one half", (n,), -(v[n] ** 2) / 2, "-v[n]**2/2", r"-\frac{v_{n}^{2}}{2}"
    yield "zero", (n,), sp.S.Zero, "0", "0"
    yield (
        "scale before tensor",
        (n, d),
        gamma[d] * x[n, d] + w[d],
        "gamma[d]*x[n,d] + w[d]",
        r"\gamma_{d} x_{n,d} + w_{d}",
    )


def places() -> Iterator[tuple[Any, ...]]:
    yield (
        "recurrence",
        (n, t, k),
        Bracket(t > 0) * sn.sum(h[n, t - 1, j] * U[j, k], j),
        "[t > 0]*sum_j h[n,t-1,j]*U[j,k]",
        r"[t > 0] \sum_{k'} h_{n,t-1,k'} U_{k',k}",
    )
    yield "window", (n, i), v[2 * i] + v[N - 1 - n], "v[2*i] + v[N-1-n]", "v_{2 i} + v_{N-1-n}"
    yield (
        "range of a bracket",
        (n, d),
        Bracket(n - d >= 0) * Bracket(n - d < 3) * v[n - d],
        "[0 <= n - d < 3]*v[n-d]",
        r"[0 \leq n - d < 3] v_{n-d}",
    )
    yield (
        "floor and remainder",
        (n,),
        Bracket(sp.Eq(sp.Mod(n + 1, 2), 0)) * v[sp.floor((n + 1) / 2)],
        "[mod(n + 1, 2) = 0]*v[floor((n+1)/2)]",
        r"[(n + 1)\ \mathrm{mod}\ 2 = 0] v_{\lfloor (n+1)/2 \rfloor}",
    )
    yield (
        "label",
        (n, k),
        (p[n, k] - sn.delta(k, labels[n])) / N,
        "(p[n,k] - delta(t[n],k))/N",
        r"\frac{p_{n,k} - \delta_{t_{n},k}}{N}",
    )
    yield "read at a label", (n,), -sn.log(p[n, labels[n]]), "-log(p[n,t[n]])", r"-\log p_{n,t_{n}}"
    yield (
        "delta of two indices",
        (k, j),
        b[k] * (sn.delta(j, k) - b[j]),
        "b[k]*(delta(k,j) - b[j])",
        r"b_{k} (\delta_{k,j} - b_{j})",
    )
    yield "delta of an end", (t, k), sn.delta(t, T - 1) * b[k], "[t = T - 1]*b[k]", "[t = T - 1] b_{k}"
    yield (
        "values compared",
        (n, k),
        Bracket(z[n, k] > 0) * bar[n, k] + Bracket(-z[n, k] > 1),
        "[z[n,k] < -1] + [z[n,k] > 0]*z_bar[n,k]",
        r"[z_{n,k} < -1] + [z_{n,k} > 0] \bar{z}_{n,k}",
    )
    yield (
        "either",
        (n, d),
        Bracket(sp.Or(n > d + 1, sp.Ne(n, d))) * x[n, d],
        "[n != d or n > d + 1]*x[n,d]",
        r"[n \neq d \vee n > d + 1] x_{n,d}",
    )
    yield (
        "layers and numbers",
        (d, k),
        W1[d, k] * layer[d, k] ** 2,
        "W1[d,k]*lstm.Wi[d,k]**2",
        r"W^{(1)}_{d,k} (W^{\mathrm{lstm},i}_{d,k})^{2}",
    )
    yield "diagonal", (n,), s[n, n], "s[n,n]", "s_{n,n}"
    yield (
        "question",
        (n, k),
        Slope(lam[()], z[n, k]),
        "d lam / d z[n,k]",
        r"\frac{\partial \lambda}{\partial z_{n,k}}",
    )
    yield (
        "Jacobian",
        (i, j),
        sn.sum(bar[n, k] * jacobian()[n, k, i, j], n, k),
        "sum_{n,k} dq_dz[n,k,i,j]*z_bar[n,k]",
        r"\sum_{n,k} \frac{\partial q_{n,k}}{\partial z_{i,j}} \bar{z}_{n,k}",
    )
    yield "SymPy's own sum", (), sp.Sum(v[n] ** 2, (n, 0, N - 1)), "sum_n v[n]**2", r"\sum_{n} v_{n}^{2}"
    yield "sum node", (), Reduce("sum", v[i], [(i, N)]), "sum_n v[n]", r"\sum_{n} v_{n}"


TABLE = [row for part in (affine, functions, numbers, places) for row in part()]
IDS = [row[0] for row in TABLE]
CASES = [row[1:] for row in TABLE]


def formula(given: Any) -> sp.Expr:
    """A formula in symnet's own nodes."""
    expr: sp.Expr = canonical(sp.sympify(given))
    return expr
