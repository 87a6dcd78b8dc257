"""Matrix forms as text mean what the formulas mean: read by Python with NumPy, vectors as columns."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.explain import program
from symnet.show.matrix_text import matrix_text
from symnet.spec.formula import declare_expression

WORDS = {
    "norm": np.linalg.norm,
    "ones": lambda n: np.ones((n, 1)),
    "eye": np.eye,
    "trace": np.trace,
    "diag": lambda m: np.diagflat(m) if 1 in m.shape else np.diag(m)[:, None],
    "sum": np.sum,
    **{name: getattr(np, name) for name in ("exp", "log", "tanh", "sqrt", "abs")},
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}
FORMULAS = [
    "L = sum((sum(A[i,j]*x[j], j) - b[i])**2, i)",
    "L = mean((sum(X[n,d]*w[d], d) - y[n])**2, n) + lam*sum(w[d]**2, d)",
    "L = sum(x[i]*A[i,j]*x[j], i, j)",
    "L = sum(tanh(sum(A[i,j]*x[j], j))*v[i], i)",
    "L = sum(x[i]*y[i]/(1 + z[i]**2), i)",
    "L = -sum(A[i,i], i)/3",
    "L = sqrt(sum(x[i]**2, i))",
    "L = sum(A[i,j]*B[j,k]*C[k,i], i, j, k)",
    "L = sum(where(x[i] > 0, x[i]*y[i], 0), i)",
    "L = sum(sigmoid(x[i])*w[i], i)",
    "L = mean(sum((X[n,k] - m[k])**2, k), n)",
    "L = sum(Y[n,k]*sum(X[n,d]*W[d,k], d), n, k)",
    "L = sum(sum(X[n,d]*W[d,k], d)*Y[n,k], n, k)",
    "L = sum(sum(X[n,d]*W[d,k], d)**2*Y[n,k], n, k)",
    "L = sum(sum(X[n,d]*W[d,k], d)*sum(Y[n,d]*V[d,k], d), n, k)",
    "L = sum(sum(X[n,d]*W[d,k], d)/Y[n,k], n, k)",
    "L = sum(sum(X[n,d]*W[d,k], d)*Y[n,k]/Z[n,k]**2, n, k)",
    "L = sum(tanh(sum(X[n,d]*W[d,k], d))*Y[n,k]*Z[n,k], n, k)",
    "L = sum((X[n,k] - Y[n,k])*sum(Z[n,d]*W[d,k], d), n, k)",
    "L = 2*sum(x[i]*y[i], i)*sum(sum(A[i,j]*x[j], j)*z[i], i)",
    "L = sum(x[i]*y[i], i)**2*sum(Y[n,k]*sum(X[n,d]*W[d,k], d), n, k)",
    "L = sum(A[i,i]*sum(B[i,j]*C[j,i], j), i)",
    "L = sum(sum(A[i,j]*x[j], j)*sum(B[i,j]*y[j], j)*z[i], i)",
    "L = -sum(x[i]**3*sum(A[i,j]*y[j], j), i)/lam",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_matrix_form_has_the_values_of_the_formula(text):
    tensors = declare_expression(text)
    loss = tensors["L"]
    params = [node for node in sn.program(loss).inputs() if node.role == "param"]
    slopes = sn.grad(loss, params)
    rng = np.random.default_rng(0)
    sizes = {symbol: 3 for node in params for size in node.shape for symbol in size.free_symbols}
    values = {node.name: rng.uniform(0.5, 1.5, (3,) * node.rank) for node in params}
    found = sn.evaluate([loss, *slopes], values)
    columns = {name: value[:, None] if value.ndim == 1 else value for name, value in values.items()}
    columns |= {str(symbol): size for symbol, size in sizes.items()}
    definitions = program(loss, *slopes).definitions
    for node, value in zip([loss, *slopes], found, strict=True):
        written = matrix_text(node, definitions[node])
        assert written is not None
        name, _, right = written.partition(" = ")
        assert name == node.name
        columns[name] = eval(right, {**WORDS, **columns})
        assert np.squeeze(columns[name]) == pytest.approx(np.squeeze(value)), written


def test_what_has_no_matrix_form_has_no_text():
    tensors = declare_expression("L = sum(A[i,j,k]*x[k], i, j, k)")
    slope = sn.grad(tensors["L"], tensors["A"])
    assert slope.definition is not None
    assert matrix_text(slope, slope.definition) is None
