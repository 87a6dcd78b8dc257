"""Formulas as text against NumPy written out by hand."""

from __future__ import annotations

import keyword

import numpy as np
import pytest
import sympy as sp
from scipy import special

import symnet as sn
from symnet.spec.formula import define_all, read_formulas
from symnet.spec.grammar import STILL
from symnet.spec.names import Known
from symnet.spec.passage import Passage, Problems

RNG = np.random.default_rng(7)
N, D, K, T = 4, 3, 5, 6
x, w = RNG.normal(size=(N, D)), RNG.normal(size=(D, K))
b, c, s = RNG.normal(size=K), RNG.normal(size=N), RNG.normal()
v, g = RNG.normal(size=T), RNG.normal(size=3)
a, u = RNG.normal(size=(N, T, K)), RNG.normal(size=(K, K)) * 0.3
pos, E = RNG.uniform(0.5, 2, size=N), RNG.normal(size=(7, D))
t, ids = RNG.integers(0, K, N), RNG.integers(0, 7, N)
y = np.eye(K)[t]
mask = RNG.integers(0, 2, (N, D)).astype(float)
SIZES = {"N": N, "D": D, "K": K, "T": T, "Q": 3, "V": 7}
SHAPES = {
    **{"x": "N D", "w": "D K", "b": "K", "c": "N", "s": "", "v": "T", "a": "N T K", "u": "K K", "E": "V D", "g": "Q"},
    **{"pos": "N", "y": "N K", "mask": "N D", "t": "N", "ids": "N", "lam": ""},
}
KINDS = {"pos": "positive", "y": "onehot", "mask": "mask", "t": "label", "ids": "label"}
DATA = {name: globals()[name] for name in SHAPES if name != "lam"}
z = x @ w + b
lse = special.logsumexp(z, axis=1)
soft = special.softmax(z, axis=1)
ar, at = np.arange(N), np.arange(T)


def known() -> Known:
    made = Known(dims={name: sp.Integer(size) for name, size in SIZES.items()})
    for name, shape in SHAPES.items():
        sizes = [made.dims[letter] for letter in shape.split()]
        made.add(sn.input(name, sizes, kind=KINDS.get(name, "real"), classes={"t": K, "ids": 7}.get(name)))
    return made


def value(text: str) -> np.ndarray:
    problems, names = Problems("test"), known()
    jobs, broken = read_formulas(Passage.alone(text), problems)
    define_all(jobs, names, problems, broken)
    assert [str(d) for d in problems.sorted()] == []
    return sn.evaluate(names.tensors["r"], {**DATA, "lam": 2.0})


def rolled() -> np.ndarray:
    h = np.zeros((N, T, K))
    for step in range(T):
        before = h[:, step - 1] if step else np.zeros((N, K))
        h[:, step] = np.tanh(a[:, step] + before @ u)
    return h


def gelu(r: np.ndarray) -> np.ndarray:
    return r * (1 + special.erf(r / np.sqrt(2))) / 2


CASES = {
    # arithmetic
    "r = 2": 2,
    "r = 1 + 2*3 - 4/8": 6.5,
    "r = 2**10": 1024,
    "r = 2**-1": 0.5,
    "r = -2**2": -4,
    "r = (1 + 2)*3": 9,
    "r = 1e-3": 1e-3,
    "r = .5 + 1.": 1.5,
    "r = 0.1 + 0.2": 0.3,
    "r = pi": np.pi,
    "r = +3": 3,
    "r = --3": 3,
    "r := 3": 3,
    "r = 3 # a comment": 3,
    "r = N + D": N + D,
    "r = s": s,
    "r = s[()]": s,
    "r = -s**2": -(s**2),
    "r = lam*s": 2 * s,
    # index notation
    "r[n] = c[n]": c,
    "r[n,d] = x[n,d] + c[n]": x + c[:, None],
    "r[d,n] = x[n,d]": x.T,
    "r[n,k] = sum(x[n,d]*w[d,k], d) + b[k]": z,
    "r = sum(x[n,d]**2, n, d)": (x**2).sum(),
    "r = sum(sum(x[n,d], d)**2, n)": (x.sum(1) ** 2).sum(),
    "r[n] = mean(x[n,d], d)": x.mean(1),
    "r = mean(x[n,d], n, d)": x.mean(),
    "r[n] = max(x[n,d], d)": x.max(1),
    "r[n] = min(x[n,d], d)": x.min(1),
    "r[n] = prod(x[n,d], d)": x.prod(1),
    "r[n] = argmax(x[n,d], d)": x.argmax(1),
    "r[n] = logsumexp(x[n,d], d)": special.logsumexp(x, axis=1),
    "r[n,k] = z[n,k] - logsumexp(z[n,j], j)\nz[n,k] = sum(x[n,d]*w[d,k], d) + b[k]": z - lse[:, None],
    "r[n] = c[n]/N": c / N,
    "r[n] = c[n]*n": c * ar,
    "r[n,d] = x[n,d]*(n + 2*d)": x * (ar[:, None] + 2 * np.arange(D)),
    "r = c[0] + c[N-1]": c[0] + c[-1],
    "r[n] = x[n,0]": x[:, 0],
    "r[k] = u[k,k]": np.diag(u),
    "r = sum(u[k,k], k)": np.trace(u),
    "r[n] = sum(c[n]*x[n,d2], d2)": c * x.sum(1),
    "r[n] = sum(x[n,d], d) + sum(x[n,d]**2, d)": x.sum(1) + (x**2).sum(1),
    "r = sum(c[n] + 0, n) - sum(c[n], n)": 0,
    "r[n] = c[n] - c[n]": np.zeros(N),
    "r[N_] = c[N_]": c,
    # ranges that are said
    "r = sum(u_, u_=3)": 3,
    "r = sum(n, n=N)": ar.sum(),
    "r = sum(n*m, n=N, m=3)": ar.sum() * 3,
    "r[i:3] = i": np.arange(3),
    "r[i:Q] = i": np.arange(3),
    "r[i:N] = i**2": ar**2,
    "r[i:2*Q] = i": np.arange(6),
    "r[i:Q-1] = i": np.arange(2),
    "r[p:T, q:T] = p <= q": np.triu(np.ones((T, T))),
    "r[i:T-2] = sum(v[i+q]*g[q], q=3)": np.convolve(v, g[::-1], "valid"),
    "r[i:T-2] = sum(v[i+q]*g[q], q)": np.convolve(v, g[::-1], "valid"),
    "r[n,t:T] = c[n]*t": c[:, None] * at,
    # conditions
    "r[n] = where(c[n] > 0, c[n], 0)": np.maximum(c, 0),
    "r[n] = where(c[n] <= 0, 1, 2)": np.where(c <= 0, 1, 2),
    "r[n] = c[n] > 0": (c > 0) * 1.0,
    "r[n] = 2*(c[n] > 0)": (c > 0) * 2.0,
    "r[n] = (c[n] > 0) & (n > 1)": ((c > 0) & (ar > 1)) * 1.0,
    "r[n] = (c[n] > 0) | (n > 1)": ((c > 0) | (ar > 1)) * 1.0,
    "r[n] = ~(c[n] > 0)": (c <= 0) * 1.0,
    "r[n] = c[n] > 0 and n > 1": ((c > 0) & (ar > 1)) * 1.0,
    "r[n] = c[n] > 0 or not n > 1": ((c > 0) | (ar <= 1)) * 1.0,
    "r[n] = -1 < c[n] <= 1": ((c > -1) & (c <= 1)) * 1.0,
    "r[n:N] = n == 2": (ar == 2) * 1.0,
    "r[n:N] = n != 2": (ar != 2) * 1.0,
    "r[n] = where(n == N-1, 5, c[n])": np.where(ar == N - 1, 5, c),
    "r[n,k:K] = delta(k, t[n])": y,
    "r[k,j:K] = delta(k, j)*b[k]": np.diag(b),
    "r[n] = eq(t[n], 2)": (t == 2) * 1.0,
    "r[n,d] = where(mask[n,d], x[n,d], -1)": np.where(mask > 0, x, -1),
    "r[n:N] = where(n > 0, c[n-1], 0)": np.concatenate([[0], c[:-1]]),
    "r[i] = where((i >= 1) & (i <= N), c[i-1], 0) + 0*v[i]": np.concatenate([[0], c, [0]]),
    # indirect reads
    "r[n] = x[n, 0]*b[t[n]]": x[:, 0] * b[t],
    "r[n,d] = E[ids[n], d]": E[ids],
    "r = -mean(log(p[n,t[n]]), n)\nz[n,k] = sum(x[n,d]*w[d,k], d) + b[k]\np[n,k] = exp(z[n,k])/sum(exp(z[n,j]), j)": (
        lse - z[ar, t]
    ).mean(),
    # recurrences
    "r[n,t,k] = tanh(a[n,t,k] + where(t > 0, sum(r[n,t-1,j]*u[j,k], j), 0))": rolled(),
    "r[t] = v[t] + where(t > 0, r[t-1], 0)": np.cumsum(v),
    "r[t] = v[t] + where(t < T-1, r[t+1], 0)": np.cumsum(v[::-1])[::-1],
    "r[t] = v[t] + where(t > 0, q[t-1], 0)\nq[t] = r[t]": np.cumsum(v),
    "r[i:T] = where(i > 1, r[i-1] + r[i-2], 1)": [1, 1, 2, 3, 5, 8],
    # order does not matter
    "r[n] = q[n] + 1\nq[n] = 2*c[n]": 2 * c + 1,
    "q[n] = 2*c[n]; r[n] = q[n] + 1": 2 * c + 1,
    "r[n] = (c[n]\n + 1)": c + 1,
    "r[n] = c[n]\n  + 1": c + 1,
    "r[n] = sum(x[n,d],  # over d\n d)": x.sum(1),
    # array notation
    "r = x @ w + b": z,
    "r = softmax(x @ w + b)": soft,
    "r = softmax(x, axis=0)": special.softmax(x, axis=0),
    "r = log_softmax(x @ w + b)": z - lse[:, None],
    "r = normalize(x)": x / np.linalg.norm(x, axis=1, keepdims=True),
    "r = sum(x)": x.sum(),
    "r = sum(x, axis=1)": x.sum(1),
    "r = mean(x, axis=-1)": x.mean(1),
    "r = max(x, axis=0, keepdims=1)": x.max(0, keepdims=True),
    "r = logsumexp(x, axis=1)": special.logsumexp(x, axis=1),
    "r = argmax(x, axis=1)": x.argmax(1),
    "r = x.T": x.T,
    "r = x*x - 2*x": x * x - 2 * x,
    "r = -x/s": -x / s,
    "r = (x > 0) & (mask > 0)": ((x > 0) & (mask > 0)) * 1.0,
    "r = where(x > 0, x, 0.5*x)": np.where(x > 0, x, 0.5 * x),
    "r = relu(x)": np.maximum(x, 0),
    "r = maximum(x, 0)": np.maximum(x, 0),
    "r = take(x @ w, t)": (x @ w)[ar, t],
    "r = lookup(E, ids)": E[ids],
    "r = x": x,
    "r = x == x": np.ones((N, D)),
    "r = 0 < x": (x > 0) * 1.0,
    # losses and regularisers
    "r = cross_entropy(p, y)\np = softmax(x @ w + b)": (lse - z[ar, t]).mean(),
    "r = softmax_cross_entropy(x @ w + b, t)": (lse - z[ar, t]).mean(),
    'r = softmax_cross_entropy(x @ w + b, t, reduction="sum")': (lse - z[ar, t]).sum(),
    "r = mse(x, mask)": ((x - mask) ** 2).mean(),
    "r = huber(x, mask, delta=2)": np.where(abs(x - mask) <= 2, (x - mask) ** 2 / 2, 2 * (abs(x - mask) - 1)).mean(),
    "r = log_cosh(x, mask)": np.log(np.cosh(x - mask)).mean(),
    "r = l2(w, 0.1)": 0.05 * (w**2).sum(),
    "r = mean(c[n]**2, n) + 0.5*l1(w)": (c**2).mean() + 0.5 * abs(w).sum(),
}
ELEMENTWISE = {
    "exp": np.exp(c),
    "log1p": np.log1p(pos),
    "expm1": np.expm1(c),
    "abs": abs(c),
    "sign": np.sign(c),
    "square": c**2,
    "sin": np.sin(c),
    "cos": np.cos(c),
    "tanh": np.tanh(c),
    "sinh": np.sinh(c),
    "cosh": np.cosh(c),
    "sigmoid": special.expit(c),
    "log_sigmoid": np.log(special.expit(c)),
    "softplus": np.log1p(np.exp(c)),
    "relu": np.maximum(c, 0),
    "leaky_relu": np.where(c > 0, c, 0.01 * c),
    "elu": np.where(c > 0, c, np.expm1(c)),
    "gelu": gelu(c),
    "silu": c * special.expit(c),
    "mish": c * np.tanh(np.log1p(np.exp(c))),
    "softsign": c / (1 + abs(c)),
    "hard_tanh": np.clip(c, -1, 1),
    "log_cosh": np.log(np.cosh(c)),
    "erf": special.erf(c),
    "erfc": special.erfc(c),
}
CASES |= {f"r[n] = {name}({'pos' if name == 'log1p' else 'c'}[n])": found for name, found in ELEMENTWISE.items()}
CASES |= {
    "r[n] = log(pos[n])": np.log(pos),
    "r[n] = sqrt(pos[n])": np.sqrt(pos),
    "r[n] = rsqrt(pos[n])": 1 / np.sqrt(pos),
    "r[n] = selu(c[n])": 1.0507009873554805 * np.where(c > 0, c, 1.6732632423543772 * np.expm1(c)),
    "r[n] = leaky_relu(c[n], 0.2)": np.where(c > 0, c, 0.2 * c),
    "r[n] = leaky_relu(c[n], slope=0.2)": np.where(c > 0, c, 0.2 * c),
    "r[n] = elu(c[n], alpha=2)": np.where(c > 0, c, 2 * np.expm1(c)),
    "r[n] = clip(c[n], -0.5, 0.5)": np.clip(c, -0.5, 0.5),
    "r[n] = maximum(c[n], 0.1)": np.maximum(c, 0.1),
    "r[n] = minimum(c[n], pos[n])": np.minimum(c, pos),
    'r[n] = gelu(c[n], approximate="tanh")': c * (1 + np.tanh(np.sqrt(2 / np.pi) * (c + 0.044715 * c**3))) / 2,
}


@pytest.mark.parametrize("text", CASES, ids=lambda text: text.replace("\n", "; ")[:60])
def test_a_formula_means_what_numpy_says(text):
    np.testing.assert_allclose(value(text), CASES[text], rtol=1e-12, atol=1e-12)


KEYWORDS = [word for word in keyword.kwlist if word not in STILL]
OTHERS = ["beta", "S", "N1", "E1", "I", "O", "gamma", "zeta", "exp", "sum", "π", "μ", "é", "_a", "print", "match"]


@pytest.mark.parametrize("name", [*KEYWORDS, *OTHERS])
def test_any_word_names_a_tensor(name):
    assert value(f"{name}[n] = 2*c[n]\nr[n] = {name}[n] + 1") == pytest.approx(2 * c + 1)


def test_micro_sign_and_mu_are_one_name():
    assert value("\u00b5[n] = c[n]\nr[n] = \u03bc[n]") == pytest.approx(c)


def test_numbers_are_exact():
    problems, names = Problems("test"), known()
    define_all(read_formulas(Passage.alone("r = 0.1*s"), problems)[0], names, problems, set())
    assert str(names.tensors["r"].definition.formula) == "s/10"
