r"""Matrix form: the notation of a table of formulas, and that it means what the formula means.

Each tree is evaluated with NumPy (`matrices.value`) and compared with the interpreter's value of the definition.
"""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import sympy as sp
from matrices import value

import symnet as sn
from symnet.core.definition import Definition, Program
from symnet.core.expr import Reduce
from symnet.run.reference import evaluate
from symnet.show.matrix import matrix_form, matrix_sides, matrix_tree

N, D, K = sn.dims("N D K")
SIZES = {N: 3, D: 4, K: 2}
n, d, k, j, e, i = sn.indices("n d k j e i")
x, W, b = sn.input("x", (N, D)), sn.param("W", (D, K)), sn.param("b", (K,))
p, y, z = sn.param("p", (N, K)), sn.param("y", (N, K)), sn.param("z", (N, K))
v, w, u = sn.param("v", (N,)), sn.param("w", (D,)), sn.param("u", (D,))
A, B, C = sn.param("A", (D, D)), sn.param("B", (D, D)), sn.param("C", (D, D))
V, h = sn.param("V", (D, K)), sn.param("h", (N, K), kind="positive")
lam, row, one = sn.param("lam", ()), sn.param("r", (1, K)), sn.param("c", (N, 1))
q = sn.param("q", (N,), kind="positive")
sums, exp = sn.sum, sn.exp

TABLE = [
    # left indices, right side, matrix form
    ((d, k), sums(x[n, d] * (p[n, k] - y[n, k]) / N, n), r"\frac{1}{N} X^{\top} (P - Y)"),
    ((n, k), sums(x[n, d] * W[d, k], d) + b[k], r"X W + \mathbf{1} b^{\top}"),
    ((n, d), sums((p[n, k] - y[n, k]) * W[d, k], k), r"(P - Y) W^{\top}"),
    ((k,), sums(p[n, k] - y[n, k], n) / N, r"\frac{1}{N} (P - Y)^{\top} \mathbf{1}"),
    ((n, k), (p[n, k] - y[n, k]) / N, r"\frac{1}{N} (P - Y)"),
    ((k, n), p[n, k], r"P^{\top}"),
    ((n,), sums(x[n, d] * w[d], d), "X w"),
    ((d,), sums(x[n, d] * v[n], n), r"X^{\top} v"),
    ((), sums(w[d] * u[d], d), r"u^{\top} w"),
    ((n, d), v[n] * w[d], r"v w^{\top}"),
    ((d, n), v[n] * w[d], r"w v^{\top}"),
    ((), sums(w[i] * A[i, j] * w[j], i, j), r"w^{\top} A w"),
    ((), sums(v[n] * x[n, d] * w[d], n, d), r"v^{\top} X w"),
    ((d,), sums(A[d, j] * w[j], j) + sums(A[j, d] * w[j], j), r"A^{\top} w + A w"),
    ((), sums(A[i, i], i), r"\mathrm{tr}(A)"),
    ((), sums(A[i, j] * B[j, i], i, j), r"\mathrm{tr}(A B)"),
    ((), sums(A[i, j] * B[i, j], i, j), r"\langle A, B \rangle"),
    ((), sums(A[i, j] * B[j, d] * C[d, i], i, j, d), r"\mathrm{tr}(A B C)"),
    ((), sums(W[d, k] ** 2, d, k) * lam / 2, r"\frac{\lambda}{2} \Vert W \Vert_{F}^{2}"),
    ((), sums(w[d] ** 2, d), r"\Vert w \Vert^{2}"),
    ((d,), w[d] / sn.sqrt(sums(w[j] ** 2, j)), r"\frac{1}{\Vert w \Vert} w"),
    ((), sums((sums(x[n, d] * w[d], d) - v[n]) ** 2, n) / (2 * N), r"\frac{1}{2 N} \Vert X w - v \Vert^{2}"),
    ((), sums(x[n, d], n, d), r"\mathbf{1}^{\top} X \mathbf{1}"),
    ((n,), sums(x[n, d], d) / D, r"\frac{1}{D} X \mathbf{1}"),
    ((d, e), sums(x[n, d] * x[n, e], n), r"X^{\top} X"),
    ((d, e), sums(x[n, d] * v[n] * x[n, e], n), r"X^{\top} \mathrm{diag}(v) X"),
    ((d, e), sums(x[n, d] * v[n] * (1 - v[n]) * x[n, e], n), r"X^{\top} \mathrm{diag}(v \odot (\mathbf{1} - v)) X"),
    ((), sums(v[n] * sums(x[n, d] * w[d], d) ** 2, n), r"w^{\top} X^{\top} \mathrm{diag}(v) X w"),
    ((n, d), v[n] * x[n, d], r"\mathrm{diag}(v) X"),
    ((n, d), x[n, d] * w[d], r"X \mathrm{diag}(w)"),
    ((n, d), v[n] * x[n, d] * w[d], r"\mathrm{diag}(v) X \mathrm{diag}(w)"),
    ((n, d), x[n, d] / q[n], r"\mathrm{diag}(q)^{-1} X"),
    ((n, d), x[n, d] / sn.sqrt(q[n]), r"\mathrm{diag}(q)^{-1/2} X"),
    ((n, k), p[n, k] * y[n, k], r"P \odot Y"),
    ((n, k), p[n, k] / h[n, k], r"P \oslash H"),
    ((n,), v[n] / q[n], r"v \oslash q"),
    ((n, k), z[n, k] * (1 - p[n, k] ** 2), r"Z \odot (\mathbf{1} \mathbf{1}^{\top} - P^{\odot 2})"),
    ((n, k), sn.tanh(z[n, k]) + sn.relu(z[n, k]), r"\operatorname{ReLU}(Z) + \tanh(Z)"),
    ((n, k), exp(z[n, k]) / sums(exp(z[n, j]), j), r"\mathrm{diag}(\exp(Z) \mathbf{1})^{-1} \exp(Z)"),
    ((), -sums(y[n, k] * sn.log(h[n, k]), n, k) / N, r"-\frac{1}{N} \langle Y, \log(H) \rangle"),
    ((n, k), z[n, k] - sn.log(sums(exp(z[n, j]), j)), r"Z - \log(\exp(Z) \mathbf{1}) \mathbf{1}^{\top}"),
    ((d, e), sn.delta(d, e) * w[d], r"\mathrm{diag}(w)"),
    ((d, e), A[d, e] + lam[()] * sn.delta(d, e), r"A + \lambda I"),
    ((d, e), sn.delta(d, e) * A[d, e], r"I \odot A"),
    ((d, e), w[d] * (sn.delta(d, e) - w[e]), r"\mathrm{diag}(w) - w w^{\top}"),
    ((d,), A[d, d], r"\mathrm{diag}(A)"),
    ((n, k), sn.where(z[n, k] > 0, p[n, k], 0), r"P \odot [Z > 0]"),
    ((n, k), sn.abs(z[n, k]) * sn.sign(p[n, k]), r"|Z| \odot \operatorname{sign}(P)"),
    ((n, d), x[n, d] - sums(x[j, d], j) / N, r"X - \frac{1}{N} \mathbf{1} \mathbf{1}^{\top} X"),
    ((n, d), sums(x[n, e] * A[e, d] * w[e], e), r"X \mathrm{diag}(w) A"),
    ((n, d), sums(x[n, e] * A[e, j] * B[d, j], e, j), r"X A B^{\top}"),
    ((n, k), sums(x[n, d] * W[d, k] * V[d, k], d), r"X (V \odot W)"),
    (
        (n, e),
        sums((x[n, d] - A[e, d]) ** 2, d),
        r"\mathbf{1} \mathbf{1}^{\top} (A^{\odot 2})^{\top} + X^{\odot 2} \mathbf{1} \mathbf{1}^{\top} - 2 X A^{\top}",
    ),
    ((n, k), row[0, k] + one[n, 0], r"C \mathbf{1}^{\top} + \mathbf{1} R"),
    ((n, k), lam * z[n, k] + 2, r"2 \mathbf{1} \mathbf{1}^{\top} + \lambda Z"),
    ((n, k), (1 - lam[()]) * z[n, k], r"(1 - \lambda) Z"),
    ((d, k), w[d] * sums(v[n] * p[n, k], n), r"w v^{\top} P"),
    ((), sums(v[n] ** 3, n), r"(v^{\odot 2})^{\top} v"),
    ((n, k), -p[n, k] - y[n, k], r"-P - Y"),
]
IDS = [f"{row[2]}, {','.join(map(str, row[0]))}" for row in TABLE]
EXTENT = {n: N, d: D, e: D, k: K}
NONE = [
    ("maximum", (n,), sn.max(z[n, k], k)),
    ("shifted read", (n,), sn.where(n > 0, v[n - 1], 0)),
    ("condition on indices", (n, d), sn.where(n > d, x[n, d], 0)),
    ("index as a value", (n,), n * v[n]),
    ("everyone meets everyone", (d,), sums(A[i, j] * B[i, k] * C[i, d] * B[j, k] * C[j, d] * A[k, d], i, j, k)),
    ("one column", (n,), x[n, 0]),
]


def defined(left, formula):
    return sn.define("o", left, formula, shape=tuple(EXTENT[index] for index in left))


def drawn(tensor, rng):
    """Values for everything that the tensor's definition reads."""
    nodes = Program.of([tensor]).inputs()
    shapes = {node: [int(size.subs(SIZES)) for size in node.shape] for node in nodes}
    return {
        g.name: rng.uniform(0.3, 2, shapes[g]) if g.kind == "positive" else rng.normal(size=shapes[g]) for g in nodes
    }


def hold(tensor, seed=0):
    """The tree of the definition has the value of the definition."""
    tree = matrix_tree(tensor, tensor.definition)
    assert tree is not None, tensor.definition.formula
    values = drawn(tensor, np.random.default_rng(seed))
    wanted = np.asarray(evaluate(tensor, values))
    np.testing.assert_allclose(value(tree, values, SIZES).reshape(wanted.shape), wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("left", "formula", "latex"), TABLE, ids=IDS)
def test_matrix_form_is_what_people_write(left, formula, latex):
    tensor = defined(left, formula)
    assert matrix_form(tensor, tensor.definition) == latex


@pytest.mark.parametrize(("left", "formula", "latex"), TABLE, ids=IDS)
def test_matrix_form_means_what_the_definition_means(left, formula, latex):
    hold(defined(left, formula))


@pytest.mark.parametrize(("left", "formula"), [row[1:] for row in NONE], ids=[row[0] for row in NONE])
def test_what_matrices_cannot_say_has_no_form(left, formula):
    tensor = defined(left, formula)
    assert matrix_form(tensor, tensor.definition) is None


def test_part_of_an_axis_has_no_form():
    definition = Definition((n,), v[n] * Reduce("sum", w[j], [(j, 2)]))
    assert matrix_form(sn.param("o", (N,)), definition) is None


def test_delta_alone_is_the_identity():
    assert matrix_form(sn.param("o", (D, D)), Definition((d, e), sn.delta(d, e))) == "I"


def test_three_axes_have_no_form():
    T3 = sn.param("T", (N, D, K))
    assert matrix_form(T3, Definition((n, d, k), T3[n, d, k])) is None


def turned(name, rows, columns, flipped):
    """A matrix over two indices, declared either way round, with its notation and a read of it."""
    sizes = {i: N, j: D, k: K}
    if flipped:
        M = sn.param(name, (sizes[columns], sizes[rows]))
        return M[columns, rows], f"{name}^{{\\top}}", name
    M = sn.param(name, (sizes[rows], sizes[columns]))
    return M[rows, columns], name, f"{name}^{{\\top}}"


@pytest.mark.parametrize(("first", "second", "target"), list(itertools.product([False, True], repeat=3)))
def test_every_contraction_of_two_matrices(first, second, target):
    a, A_seen, A_turned = turned("A", i, j, first)
    b, B_seen, B_turned = turned("B", j, k, second)
    tensor = sn.define("o", (k, i) if target else (i, k), sn.sum(b * a, j))
    wanted = f"{B_turned} {A_turned}" if target else f"{A_seen} {B_seen}"
    assert matrix_form(tensor, tensor.definition) == wanted
    hold(tensor)


@pytest.mark.parametrize(("first", "second", "target"), list(itertools.product([False, True], repeat=3)))
def test_every_contraction_of_a_matrix_and_a_difference(first, second, target):
    a, A_seen, A_turned = turned("A", i, j, first)
    b, c = turned("B", j, k, second)[0], turned("C", j, k, second)[0]
    tensor = sn.define("o", (k, i) if target else (i, k), sn.sum(a * (b - c) / 5, j))
    plain, transposed = ("(B - C)^{\\top}", "(B - C)") if second else ("(B - C)", "(B - C)^{\\top}")
    wanted = f"{transposed} {A_turned}" if target else f"{A_seen} {plain}"
    assert matrix_form(tensor, tensor.definition) == f"\\frac{{1}}{{5}} {wanted}"
    hold(tensor)


def random_contraction(choose: random.Random):
    """A product of two to four matrices, columns, squares and differences over five indices, some of them summed."""
    places = [sn.index(name, choose.choice([N, D, K])) for name in "ijklm"]
    product = sp.S.One
    for position in range(choose.choice([2, 3, 4])):
        a, b = choose.sample(places, 2)
        matrix, column = sn.param("ABCE"[position], (a.extent, b.extent)), sn.param("vwuq"[position], (b.extent,))
        kinds = [matrix[a, b]] * 6 + [column[b], matrix[a, b] - column[b], matrix[a, b] ** 2]
        product *= choose.choice(kinds)
    used = sorted((index for index in product.free_symbols if index in places), key=str)
    left = choose.sample(used, min(len(used), choose.choice([0, 1, 2, 2])))
    bound = [index for index in used if index not in left]
    factor = choose.choice([1, sp.Rational(1, 3), -2])
    return sn.define("o", tuple(left), factor * (sn.sum(product, *bound) if bound else product))


@pytest.mark.parametrize("seed", range(120))
def test_random_contractions(seed):
    hold(random_contraction(random.Random(seed)), seed)


def test_capitals_for_matrices_unless_names_would_meet():
    X, other = sn.param("X", (N, K)), sn.param("t", (N, K))
    tensor = defined((d, k), sums(x[n, d] * X[n, k], n))
    assert matrix_form(tensor, tensor.definition) == r"x^{\top} X"
    tensor = defined((d, k), sums(x[n, d] * other[n, k], n))
    assert matrix_form(tensor, tensor.definition) == r"X^{\top} T"


def test_capitals_are_no_dims():
    keys = sn.param("k", (N, K))
    tensor = defined((n, k), keys[n, k] / K)
    assert matrix_form(tensor, tensor.definition) == r"\frac{1}{K} k"


def test_names_of_layers_stand_below():
    weight = sn.param("dense1.W1_bar", (D, K))
    tensor = defined((k, d), weight[d, k])
    assert matrix_form(tensor, tensor.definition) == r"\bar{W}_{\mathrm{dense1},1}^{\top}"


def test_display_names_are_used():
    tensor = defined((n,), sums(x[n, d] * w[d], d))
    assert matrix_form(tensor, tensor.definition, names={x: "data"}) == r"\mathrm{data} w"


def test_left_side_is_in_matrix_notation():
    hessian = sn.hessian(sn.define("L", (), sums(sn.softplus(sums(x[n, d] * w[d], d)), n)), w)
    left, right = matrix_sides(hessian, hessian.definition)
    assert left == r"\frac{\partial \bar{w}}{\partial w}"
    assert right.startswith(r"X^{\top} \mathrm{diag}(")


def test_dialects_of_operators():
    tensor = defined((n, k), sn.relu(z[n, k]))
    assert matrix_form(tensor, tensor.definition, dialect="github") == r"\mathrm{ReLU}(Z)"


def test_gradients_of_a_network_have_matrix_forms():
    hot = sn.input("y", (N, K), kind="onehot")
    a = sn.define("h", (n, e), sn.tanh(sums(x[n, d] * A[d, e], d)), shape=(N, D))
    s = sn.define("z", (n, k), sums(a[n, d] * W[d, k], d))
    loss = sn.losses.softmax_cross_entropy(s, hot)
    for gradient in sn.grad(loss, [W, A, a, s]):
        tree = matrix_tree(gradient, gradient.definition)
        assert tree is not None
        program = Program.of([gradient])
        values = {
            g.name: np.random.default_rng(1).normal(size=[int(c.subs(SIZES)) for c in g.shape])
            for g in program.inputs()
        }
        if "y" in values:
            values["y"] = np.eye(values["y"].shape[1])[values["y"].argmax(axis=1)]
        known = {node.name: np.asarray(evaluate(node, values)) for node in program}
        found = value(tree, {**values, **known}, SIZES)
        np.testing.assert_allclose(found, known[gradient.name], rtol=1e-10, atol=1e-12)


def test_a_sum_of_nothing_bound_counts():
    definition = Definition((), Reduce("sum", sp.S.One, [(i, N)]))
    assert matrix_form(sn.param("o", ()), definition) == "N"
