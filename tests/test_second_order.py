"""Second and higher derivatives: Hessians as formulas, products without the Hessian, and all of it by numbers."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_formula, assert_short, complex_step, near, random_values, reads_of

import symnet as sn
from symnet.core.definition import Program

N, D, H, K, T = sn.dims("N D H K T")
n, m, d, e, h, g, k, j, i, t = sn.indices("n m d e h g k j i t")


def is_derivative(second, first, wrt, seed=0, **given):
    """`second` is the derivative of `first` by `wrt`, by complex step."""
    values = random_values([first, second, wrt], seed, **given)
    near(sn.evaluate(second, values), complex_step(first, wrt.name, values))
    return values


# -- logistic regression


def logistic(spelling):
    x, y = sn.input("x", (N, D)), sn.input("y", (N,), kind="mask")
    w, b = sn.param("w", (D,)), sn.param("b", ())
    z = sn.define("z", n, sn.sum(x[n, d] * w[d], d) + b)
    s = sn.define("s", n, sn.sigmoid(z[n]))
    return x, w, b, s, spelling(z, s, y)


LOG_LOSS = {
    "log loss": lambda z, s, y: sn.define("L", (), -sn.sum(y[n] * sn.log(s[n]) + (1 - y[n]) * sn.log(1 - s[n]), n)),
    "softplus(z) - y z": lambda z, s, y: sn.define("L", (), sn.sum(sn.softplus(z[n]) - y[n] * z[n], n)),
    "softplus((1-2y) z)": lambda z, s, y: sn.define("L", (), sn.sum(sn.softplus((1 - 2 * y[n]) * z[n]), n)),
    "by name": lambda z, s, y: sn.losses.bce_with_logits(z, y, reduction="sum"),
}


@pytest.mark.parametrize("spelling", LOG_LOSS.values(), ids=LOG_LOSS)
def test_hessian_of_logistic_regression_is_x_s_times_one_minus_s_x(spelling):
    x, w, _, s, L = logistic(spelling)
    hessian = sn.hessian(L, w)
    is_derivative(hessian, sn.grad(L, w), w)
    (read,) = reads_of(hessian.definition.formula, x)
    u = s[n] if read is s else sn.sigmoid(read[n])
    assert_formula(hessian, (d, e), sn.sum(u * (1 - u) * x[n, d] * x[n, e], n))


def test_mixed_hessians_of_logistic_regression_leave_out_one_x():
    x, w, b, s, L = logistic(LOG_LOSS["log loss"])
    assert_formula(sn.hessian(L, w, b), (d,), sn.sum(s[n] * (1 - s[n]) * x[n, d], n))
    assert_formula(sn.hessian(L, b, w), (d,), sn.sum(s[n] * (1 - s[n]) * x[n, d], n))
    assert_formula(sn.hessian(L, b), (), sn.sum(s[n] * (1 - s[n]), n))
    is_derivative(sn.hessian(L, b, w), sn.grad(L, b), w)


def test_mean_logistic_regression_divides_the_hessian_by_the_count():
    x, w, _, s, L = logistic(LOG_LOSS["log loss"])
    hessian = sn.hessian(L / N, w)
    assert_formula(hessian, (d, e), sn.sum(s[n] * (1 - s[n]) * x[n, d] * x[n, e], n) / N)


# -- softmax regression


def softmax_regression(kind="onehot"):
    x = sn.input("x", (N, D))
    y = sn.input("y", (N,), kind="label", classes=K) if kind == "label" else sn.input("y", (N, K), kind=kind)
    W, b = sn.param("W", (D, K)), sn.param("b", (K,))
    z = sn.define("z", (n, k), sn.sum(x[n, d] * W[d, k], d) + b[k])
    p = sn.define("p", (n, k), sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j))
    return x, W, b, z, p, sn.losses.cross_entropy(p, y)


@pytest.mark.parametrize("kind", ["onehot", "simplex", "label"])
def test_hessian_of_softmax_regression_is_x_x_p_delta_less_p_p(kind):
    x, W, _, _, p, L = softmax_regression(kind)
    hessian = sn.hessian(L, W)
    is_derivative(hessian, sn.grad(L, W), W)
    assert not set(reads_of(hessian.definition.formula, x, p)), hessian.formula
    row = p[n, k] * (sn.delta(k, j) - p[n, j])
    assert_short(hessian, (d, k, e, j), sn.sum(x[n, d] * x[n, e] * row, n) / N)


def test_hessian_by_bias_and_logits_of_softmax_regression():
    x, W, b, z, p, L = softmax_regression()
    assert_short(sn.hessian(L, b), (k, j), sn.sum(p[n, k] * (sn.delta(k, j) - p[n, j]), n) / N)
    assert_short(sn.hessian(L, z), (n, k, m, j), sn.delta(n, m) * p[n, k] * (sn.delta(k, j) - p[n, j]) / N)
    mixed = sn.hessian(L, W, b)
    assert_short(mixed, (d, k, j), sn.sum(x[n, d] * p[n, k] * (sn.delta(k, j) - p[n, j]), n) / N)
    is_derivative(mixed, sn.grad(L, W), b)


def test_hessian_of_logsumexp_is_the_jacobian_of_softmax():
    z = sn.input("z", (K,))
    L = sn.logsumexp(z)
    p = sn.softmax(z).named("p")
    hessian, jacobian = sn.hessian(L, z), sn.jacobian(p, z)
    is_derivative(hessian, sn.grad(L, z), z)
    values = random_values([hessian, jacobian])
    near(sn.evaluate(hessian, values), sn.evaluate(jacobian, values))
    assert_short(jacobian, (k, j), p[k] * (sn.delta(k, j) - p[j]))
    (u,) = reads_of(hessian.definition.formula)
    assert_short(hessian, (k, j), u[k] * (sn.delta(k, j) - u[j]))


# -- quadratics


def test_hessian_of_a_quadratic_form_is_the_matrix_and_its_transpose():
    x, A = sn.input("x", (D,)), sn.input("A", (D, D))
    L = sn.define("L", (), sn.sum(x[d] * A[d, e] * x[e], d, e))
    assert_formula(sn.hessian(L, x), (d, e), A[d, e] + A[e, d])


def test_hessian_of_least_squares_is_twice_the_gram_matrix():
    x, M, q = sn.input("x", (D,)), sn.input("M", (N, D)), sn.input("q", (N,))
    L = sn.define("L", (), sn.sum((sn.sum(M[n, d] * x[d], d) - q[n]) ** 2, n))
    assert_formula(sn.hessian(L, x), (d, e), 2 * sn.sum(M[n, d] * M[n, e], n))


def test_hessian_of_linear_regression_by_a_matrix_stays_compressed():
    x, y, W = sn.input("x", (N, D)), sn.input("y", (N, K)), sn.param("W", (D, K))
    L = sn.losses.squared_error(x @ W, y)
    hessian = sn.hessian(L, W)
    assert_formula(hessian, (d, k, e, j), sn.delta(k, j) * sn.sum(x[n, d] * x[n, e], n) / N)
    is_derivative(hessian, sn.grad(L, W), W)


def test_hessian_of_something_linear_is_zero_and_says_so():
    x, a = sn.input("x", (D,)), sn.input("a", (D,))
    L = sn.define("L", (), sn.sum(a[d] * x[d], d))
    slope = sn.grad(L, x)
    with pytest.warns(sn.SymnetWarning, match="does not depend on x"):
        hessian = sn.jacobian(slope, x)
    assert hessian.formula == 0
    assert hessian.shape == (D, D)


# -- networks


def two_layers(activation):
    x, y = sn.input("x", (N, D)), sn.input("y", (N, K))
    W, V = sn.param("W", (D, H)), sn.param("V", (H, K))
    b = sn.param("b", (H,))
    a = sn.define("a", (n, h), activation(sn.sum(x[n, d] * W[d, h], d) + b[h]))
    out = sn.define("out", (n, k), sn.sum(a[n, h] * V[h, k], h))
    return W, b, V, sn.losses.squared_error(out, y)


ACTIVATIONS = {
    "tanh": sn.tanh,
    "sigmoid": sn.sigmoid,
    "softplus": sn.softplus,
    "silu": sn.silu,
    "gelu": sn.gelu,
    "relu": sn.relu,
}
SMALL = {"N": 3, "D": 2, "H": 3, "K": 2, "T": 4}


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_hessian_of_a_two_layer_net_agrees_with_differences_of_its_gradient(activation):
    W, b, V, L = two_layers(activation)
    values = random_values(L, 3, SMALL)
    for first, second in ((W, W), (W, V), (V, W), (b, W), (W, b), (V, V)):
        hessian = sn.hessian(L, first, second)
        near(sn.evaluate(hessian, values), complex_step(sn.grad(L, first), second.name, values))


def test_hessian_of_a_two_layer_net_is_symmetric():
    W, _, V, L = two_layers(sn.tanh)
    values = random_values(L, 4, SMALL)
    size = values["W"].size
    found = sn.evaluate(sn.hessian(L, W), values).reshape(size, size)
    near(found, found.T, 1e-12)
    mixed = sn.evaluate(sn.hessian(L, W, V), values)
    near(mixed, sn.evaluate(sn.hessian(L, V, W), values).transpose(2, 3, 0, 1), 1e-12)


def recurrent():
    x, W, U = sn.input("x", (N, T, D)), sn.param("W", (D, H)), sn.param("U", (H, H))
    state = sn.tensor("state", (N, T, H))
    before = sn.where(t > 0, sn.sum(state[n, t - 1, g] * U[g, h], g), 0)
    sn.define(state, (n, t, h), sn.tanh(sn.sum(x[n, t, d] * W[d, h], d) + before))
    return W, U, sn.define("L", (), sn.sum(state[n, T - 1, h] ** 2, n, h) / 2)


def convolution():
    x, w, r = sn.input("x", (8,)), sn.param("w", (3,)), sn.input("r", (6,))
    f = sn.define("f", i, sn.tanh(sn.sum(w[k] * x[i + k], k)), shape=(6,))
    return w, x, sn.define("L", (), sn.sum((f[i] - r[i]) ** 2, i))


SHARED = {"recurrence": recurrent, "convolution": convolution}


@pytest.mark.parametrize("network", SHARED.values(), ids=SHARED)
def test_hessians_of_shared_weights_agree_with_differences(network):
    first, second, L = network()
    values = random_values(L, 5, SMALL)
    for a, b in ((first, first), (first, second), (second, second)):
        near(sn.evaluate(sn.hessian(L, a, b), values), complex_step(sn.grad(L, a), b.name, values))


# -- products without the Hessian


def product_cases():
    _, W, _, _, _, L = softmax_regression()
    yield "softmax regression", L, W, (D, K)
    _, w, _, _, L = logistic(LOG_LOSS["log loss"])
    yield "logistic regression", L, w, (D,)
    W, _, V, L = two_layers(sn.tanh)
    yield "two layers, first", L, W, (D, H)
    yield "two layers, second", L, V, (H, K)
    W, U, L = recurrent()
    yield "recurrence", L, U, (H, H)
    w, _, L = convolution()
    yield "convolution", L, w, (3,)


CASES = {name: case for name, *case in product_cases()}


@pytest.mark.parametrize(("L", "W", "shape"), CASES.values(), ids=CASES)
def test_hvp_is_the_hessian_times_the_vector(L, W, shape):
    v = sn.input("v", shape)
    product, hessian = sn.hvp(L, W, v), sn.hessian(L, W)
    values = random_values([L, product, hessian], 6, SMALL)
    wanted = np.tensordot(sn.evaluate(hessian, values), values["v"], W.rank)
    near(sn.evaluate(product, values), wanted, 1e-12)


@pytest.mark.parametrize(("L", "W", "shape"), CASES.values(), ids=CASES)
def test_hvp_is_the_slope_of_the_gradient_along_the_vector(L, W, shape):
    product, slope = sn.hvp(L, W, sn.input("v", shape)), sn.grad(L, W)
    values = random_values([product, slope], 7, SMALL)
    step = 1e-20
    moved = {**values, W.name: values[W.name] + 1j * step * values["v"]}
    near(sn.evaluate(product, values), np.imag(sn.evaluate(slope, moved)) / step)


@pytest.mark.parametrize(("L", "W", "shape"), CASES.values(), ids=CASES)
def test_hvp_builds_no_hessian(L, W, shape):
    product = sn.hvp(L, W, sn.input("v", shape))
    forward = max(node.rank for node in Program.of([L, sn.grad(L, W)]))
    assert max(node.rank for node in Program.of([product])) <= forward
    assert all(node.shape != (*W.shape, *W.shape) for node in Program.of([product]) if W.rank > 1)


@pytest.mark.parametrize(("L", "W", "shape"), CASES.values(), ids=CASES)
def test_hvp_is_linear_and_symmetric_in_its_vectors(L, W, shape):
    v, u = sn.input("v", shape), sn.input("u", shape)
    hv, hu = sn.hvp(L, W, v), sn.hvp(L, W, u)
    values = random_values([hv, hu], 8, SMALL)
    near(np.vdot(values["u"], sn.evaluate(hv, values)), np.vdot(values["v"], sn.evaluate(hu, values)), 1e-12)
    doubled = {**values, "v": 2 * values["v"] + values["u"]}
    near(sn.evaluate(hv, doubled), 2 * sn.evaluate(hv, values) + sn.evaluate(hu, values), 1e-12)


# -- gradients of gradients


@pytest.mark.parametrize(("L", "W", "shape"), CASES.values(), ids=CASES)
def test_gradient_of_a_gradients_norm_is_twice_the_hessian_times_it(L, W, shape):
    slope = sn.grad(L, W)
    penalty = sn.square(slope).sum()
    found = sn.grad(penalty, W)
    values = random_values([found, penalty], 9, SMALL)
    near(sn.evaluate(found, values), complex_step(penalty, W.name, values))
    at = sn.evaluate(slope, values)
    near(sn.evaluate(found, values), 2 * sn.evaluate(sn.hvp(L, W, sn.input("v", shape)), {**values, "v": at}), 1e-11)


def test_a_gradient_penalty_by_the_input_reaches_the_weights():
    x, W, u = sn.input("x", (N, D)), sn.param("W", (D, H)), sn.param("u", (H,))
    f = sn.define("f", n, sn.sum(u[h] * sn.tanh(sn.sum(x[n, d] * W[d, h], d)), h))
    slope = sn.grad(f.sum(), x)
    size = sn.sqrt(sn.square(slope).sum(axis=1))
    penalty = sn.square(size - 1).mean()
    for weight in (W, u, x):
        found = sn.grad(penalty, weight)
        is_derivative(found, penalty, weight, 10)


def test_a_differential_equation_is_a_loss():
    x, W, b, u = sn.input("x", (N,)), sn.param("W", (H,)), sn.param("b", (H,)), sn.param("u", (H,))
    f = sn.define("f", n, sn.sum(u[h] * sn.tanh(W[h] * x[n] + b[h]), h))
    first = sn.grad(f.sum(), x)
    second = sn.grad(first.sum(), x)
    residual = second + first * f - sn.sin(x)
    L = sn.square(residual).mean()
    for weight in (W, b, u):
        found = sn.grad(L, weight)
        is_derivative(found, L, weight, 11)


# -- forward and backward


def maps():
    x, W = sn.input("x", (N, D)), sn.param("W", (D, K))
    z = sn.define("z", (n, k), sn.sum(x[n, d] * W[d, k], d))
    yield "affine", z, W
    yield "affine, by the input", z, x
    yield "softmax", sn.softmax(z), W
    yield "log_softmax", sn.log_softmax(z), x
    yield "tanh", sn.tanh(z), W
    yield "normalize", sn.normalize(z), W
    yield "row means", z.mean(axis=0), W
    yield "norms", sn.sqrt(sn.square(z).sum(axis=1)), x
    W, U, L = recurrent()
    yield "recurrence", next(node for node in Program.of([L]) if node.name == "state"), U


MAPS = {name: case for name, *case in maps()}


@pytest.mark.parametrize(("f", "W"), MAPS.values(), ids=MAPS)
def test_jvp_and_vjp_are_the_jacobian_from_its_two_sides(f, W):
    v, u = sn.input("v", W.shape), sn.input("u", f.shape)
    forward, backward, jacobian = sn.jvp(f, W, v), sn.vjp(f, W, u), sn.jacobian(f, W)
    assert (forward.shape, backward.shape, jacobian.shape) == (f.shape, W.shape, (*f.shape, *W.shape))
    values = random_values([f, forward, backward, jacobian], 12, SMALL)
    J = sn.evaluate(jacobian, values)
    near(J, complex_step(f, W.name, values))
    near(sn.evaluate(forward, values), np.tensordot(J, values["v"], W.rank), 1e-11)
    near(sn.evaluate(backward, values), np.tensordot(values["u"], J, f.rank), 1e-11)
    near(np.vdot(values["u"], sn.evaluate(forward, values)), np.vdot(sn.evaluate(backward, values), values["v"]), 1e-11)


def test_vjp_of_several_tensors_gives_a_list():
    x, W = sn.input("x", (N, D)), sn.param("W", (D, K))
    z, u = sn.define("z", (n, k), sn.sum(x[n, d] * W[d, k], d)), sn.input("u", (N, K))
    by_x, by_W = sn.vjp(z, [x, W], u)
    assert_formula(by_x, (n, d), sn.sum(u[n, k] * W[d, k], k))
    assert_formula(by_W, (d, k), sn.sum(u[n, k] * x[n, d], n))


def test_jvp_of_an_affine_map_is_the_map_of_the_direction():
    x, W, v = sn.input("x", (N, D)), sn.param("W", (D, K)), sn.input("v", (D, K))
    z = sn.define("z", (n, k), sn.sum(x[n, d] * W[d, k], d))
    assert_formula(sn.jvp(z, W, v), (n, k), sn.sum(x[n, d] * v[d, k], d))


# -- third and higher


SCALARS = {
    "exp": (sn.exp, lambda x: sn.exp(x)),
    "x^4": (lambda x: x**4, lambda x: 24 * x),
    "log": (sn.log, lambda x: 2 / x**3),
    "sin": (sn.sin, lambda x: -sn.cos(x)),
    "tanh": (sn.tanh, lambda x: -2 * (1 - sn.tanh(x) ** 2) * (1 - 3 * sn.tanh(x) ** 2)),
    "sigmoid": (
        sn.sigmoid,
        lambda x: sn.sigmoid(x) * (1 - sn.sigmoid(x)) * (1 - 6 * sn.sigmoid(x) * (1 - sn.sigmoid(x))),
    ),
    "softplus": (sn.softplus, lambda x: sn.sigmoid(x) * (1 - sn.sigmoid(x)) * (1 - 2 * sn.sigmoid(x))),
}


@pytest.mark.parametrize(("function", "third"), SCALARS.values(), ids=SCALARS)
def test_third_derivative_of_a_function(function, third):
    x = sn.input("x", (), kind="positive")
    f = sn.define("f", (), function(x[()]))
    found = sn.grad(sn.grad(sn.grad(f, x), x), x)
    wanted = sn.define("wanted", (), third(x[()]))
    for seed in range(3):
        values = random_values([found, x], seed)
        near(sn.evaluate(found, values), sn.evaluate(wanted, values), 1e-11)


def test_third_derivative_of_logsumexp_agrees_with_differences_of_the_second():
    z = sn.input("z", (K,))
    second = sn.hessian(sn.logsumexp(z), z)
    third = sn.jacobian(second, z)
    assert third.shape == (K, K, K)
    values = is_derivative(third, second, z)
    found = sn.evaluate(third, values)
    for order in ((1, 0, 2), (2, 1, 0), (0, 2, 1)):
        near(found, found.transpose(order), 1e-11)


def test_third_derivative_of_logistic_regression_agrees_with_differences_of_the_second():
    x, w, _, s, L = logistic(LOG_LOSS["log loss"])
    second = sn.hessian(L, w)
    third = sn.jacobian(second, w)
    is_derivative(third, second, w)
    assert_short(third, (d, e, g), sn.sum(s[n] * (1 - s[n]) * (1 - 2 * s[n]) * x[n, d] * x[n, e] * x[n, g], n))


def test_tenth_derivative_of_an_exponential_is_its_power():
    x, c = sn.input("x", ()), sn.input("c", ())
    f = sn.define("f", (), sn.exp(c[()] * x[()]))
    for _ in range(10):
        f = sn.grad(f, x)
    values = {"x": 0.3, "c": 1.7}
    near(sn.evaluate(f, values), 1.7**10 * np.exp(0.51), 1e-12)


def test_order_of_differentiation_does_not_matter():
    x, y = sn.input("x", ()), sn.input("y", ())
    f = sn.define("f", (), sn.sin(x[()] * y[()]) * sn.exp(x[()]))
    one, other = sn.grad(sn.grad(f, x), y), sn.grad(sn.grad(f, y), x)
    for seed in range(3):
        values = random_values([one, other], seed)
        near(sn.evaluate(one, values), sn.evaluate(other, values), 1e-12)
