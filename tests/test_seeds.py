"""What the lecture notes derive is derived here, and compared with the form in which they print it.

    Zhang                           Y. Zhang, Loss functions and backpropagation, 2019
    Rana                            K. Rana, Loss function and back propagation
    Kwitt                           R. Kwitt, Backpropagation, 2018
    CS 615                          Deep learning: objective functions and gradient rules
    Foundations of Data Analysis    Backpropagation, 2020

A row of the table says which document and equation it is, gives what symnet is asked, and the document's own form.
Agreement: `formula` is the same formula term by term; `short` the same values and no more operations than the
document's form; `values` the same values. Every derivative is compared with complex step as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy as sp
from helpers import assert_formula, complex_step, formula_at, near, random_values

import symnet as sn
from symnet.core.expr import operations

N, D, H, K, M, Q = sn.dims("N D H K M Q")
n, m, d, h, g, k, j, i, q = sn.indices("n m d h g k j i q")
SIZES = {"N": 4, "D": 3, "H": 4, "K": 3, "M": 3, "Q": 2}
ZHANG, RANA, KWITT, CS615, FODA = "Zhang", "Rana", "Kwitt", "CS 615", "Foundations of Data Analysis"

FORMULA, SHORT, VALUES = "formula", "short", "values"


@dataclass(frozen=True)
class Row:
    """`build` gives an output, what it is differentiated by, and the document's form with its indices."""

    document: str
    equation: str
    build: Callable[[], tuple[sn.Tensor, sn.Tensor, Any, Any]]
    agreement: str = FORMULA

    def __str__(self) -> str:
        return f"{self.document}, {self.equation}"


# -- activations, entry by entry


def activation(function, slope):
    """A vector function g of z, entry by entry: its Jacobian is diagonal."""

    def build():
        z = sn.input("z", (K,))
        a = sn.define("g", k, function(z[k]))
        return a, z, (k, j), slope(a, z) * sn.delta(k, j)

    return build


def typed_sigmoid(v):
    return 1 / (1 + sn.exp(-v))


def typed_tanh(v):
    return (sn.exp(v) - sn.exp(-v)) / (sn.exp(v) + sn.exp(-v))


def as_maximum(v):
    return sn.maximum(0, v)  # its tie at 0 is shared; away from it the slope is that of relu


def scalar(function, slope, kind="real"):
    def build():
        x = sn.input("x", (), kind=kind)
        f = sn.define("f", (), function(x[()]))
        return f, x, (), slope(f[()], x[()])

    return build


def logit():
    t = sn.input("t", (), kind="real")
    f = sn.define("f", (), sn.log(t[()] / (1 - t[()])))
    return f, t, (), 1 / (t[()] * (1 - t[()]))


# -- softmax


def softmax_of(z):
    return sn.define("g", k, sn.exp(z[k]) / sn.sum(sn.exp(z[j]), j))


def softmax_jacobian(form):
    def build():
        z = sn.input("z", (K,))
        p = softmax_of(z)
        return p, z, (j, i), form(p)

    return build


# -- objectives by what they are given


def objective(cost, slope, kind="real", prediction="positive"):
    """A cost of one observation, summed over K entries, by its prediction."""

    def build():
        v, y = sn.input("v", (K,), kind=prediction), sn.input("y", (K,), kind=kind)
        J = sn.define("J", (), sn.sum(cost(y[k], v[k]), k))
        return J, v, k, slope(y[k], v[k])

    return build


def mean_objective(cost, slope, kind="real", prediction="real"):
    """The mean of a cost over N observations."""

    def build():
        v, y = sn.input("v", (N,), kind=prediction), sn.input("y", (N,), kind=kind)
        J = sn.define("J", (), sn.mean(cost(y[n], v[n]), n))
        return J, v, n, slope(y[n], v[n]) / N

    return build


def squared(y, v):
    return (y - v) ** 2


def log_likelihood(y, o):
    return y * sn.log(o) + (1 - y) * sn.log(1 - o)


def log_loss(y, v):
    return -(y * sn.log(v) + (1 - y) * sn.log(1 - v))


EPS = sp.Rational(1, 10**7)


def log_loss_eps(y, v):
    return -(y * sn.log(v + EPS) + (1 - y) * sn.log(1 - v + EPS))


def negative(build):
    """Documents that ascend: the derivative of what is maximised."""

    def negated():
        output, wrt, indices, form = build()
        return -output, wrt, indices, form

    return negated


def gaussian():
    F, y, gamma = sn.input("F", (M,)), sn.input("y", (M,)), sn.input("gamma", (), kind="positive")
    density = sn.prod(sn.exp(-((y[m] - F[m]) ** 2) / (2 * gamma**2)) / sn.sqrt(2 * sp.pi * gamma), m)
    L = sn.define("L", (), -sn.log(density))
    return L, F, m, (F[m] - y[m]) / gamma[()] ** 2


def multinomial():
    z, t = sn.input("z", (K,)), sn.input("t", (), kind="label", classes=K)
    p = softmax_of(z)
    gain = sn.define("gain", (), z[t[()]] - sn.log(sn.sum(sn.exp(z[i]), i)))
    return gain, z, k, sn.delta(k, t[()]) - p[k]


def multinomial_named():
    z, t = sn.input("z", (K,)), sn.input("t", (), kind="label", classes=K)
    p = softmax_of(z)
    return sn.define("gain", (), sn.log(p[t[()]])), z, k, sn.delta(k, t[()]) - p[k]


# -- logistic regression


def logistic_regression(form, wrt="W"):
    def build():
        X, y = sn.input("X", (N, D)), sn.input("y", (N,), kind="mask")
        W = sn.param("W", (D,))
        theta = sn.define("theta", n, sn.sum(W[d] * X[n, d], d))
        o = sn.define("o", n, sn.sigmoid(theta[n]))
        C = sn.define("C", (), -sn.sum(log_likelihood(y[n], o[n]), n) / N)
        tensors = {"W": W, "theta": theta, "o": o}
        return C, tensors[wrt], d if wrt == "W" else n, form(X, y, o)

    return build


def logistic_by_output(X, y, o):
    return -(y[n] / o[n] - (1 - y[n]) / (1 - o[n])) / N


def logistic_chain(X, y, o):
    inner = (y[n] / o[n] - (1 - y[n]) / (1 - o[n])) * o[n] * (1 - o[n]) * X[n, d]
    return -sn.sum(inner, n) / N


def logistic_chain_over_product(X, y, o):
    inner = (y[n] - o[n]) / (o[n] * (1 - o[n])) * o[n] * (1 - o[n]) * X[n, d]
    return -sn.sum(inner, n) / N


def logistic_result(X, y, o):
    return sn.sum(X[n, d] * (o[n] - y[n]), n) / N


def kwitt_logistic():
    X, y, theta = sn.input("X", (N, D)), sn.input("y", (N,), kind="mask"), sn.param("theta", (D,))
    pi = sn.define("pi", n, typed_sigmoid(sn.sum(X[n, d] * theta[d], d)))
    likelihood = sn.prod(pi[n] ** y[n] * (1 - pi[n]) ** (1 - y[n]), n)
    C = sn.define("C", (), -sn.log(likelihood))
    return C, theta, d, sn.sum(X[n, d] * (pi[n] - y[n]), n)


def kwitt_bce():
    X, y, theta = sn.input("X", (N, D)), sn.input("y", (N,), kind="mask"), sn.param("theta", (D,))
    pi = sn.define("pi", n, typed_sigmoid(sn.sum(X[n, d] * theta[d], d)))
    C = sn.define("C", (), -sn.sum(log_likelihood(y[n], pi[n]), n))
    return C, theta, d, sn.sum(X[n, d] * (pi[n] - y[n]), n)


def kwitt_softmax(cost):
    def build():
        X, y, Theta = sn.input("X", (N, D)), sn.input("y", (N,), kind="label", classes=2), sn.param("Theta", (2, D))
        z = sn.define("z", (n, k), sn.sum(Theta[k, d] * X[n, d], d))
        pi = sn.define("pi", (n, k), sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j))
        return cost(z, pi, y), Theta, (k, d), sn.sum((pi[n, k] - sn.delta(y[n], k)) * X[n, d], n)

    return build


def by_indicators(z, pi, y):
    each = sn.delta(y[n], 0) * sn.log(pi[n, 0]) + sn.delta(y[n], 1) * sn.log(pi[n, 1])
    return sn.define("C", (), -sn.sum(each, n))


def by_log_softmax(z, pi, y):
    return sn.losses.nll(sn.log_softmax(z), y, reduction="sum")


def by_cross_entropy(z, pi, y):
    return sn.losses.softmax_cross_entropy(z, y, reduction="sum")


def cs615_logistic(epsilon):
    """J of x w + b through a logistic activation, with the document's epsilon in the logarithms."""

    def build():
        x, y, w, b = sn.input("x", (D,)), sn.input("y", (), kind="mask"), sn.param("w", (D,)), sn.param("b", ())
        u = sn.define("u", (), sn.sum(x[d] * w[d], d) + b)
        v = sn.define("v", (), typed_sigmoid(u[()]))
        J = sn.define("J", (), -(y * sn.log(v + epsilon) + (1 - y) * sn.log(1 - v + epsilon)))
        slope = -(y[()] / (v[()] + epsilon) - (1 - y[()]) / (1 - v[()] + epsilon)) * v[()] * (1 - v[()])
        return J, w, d, slope * x[d] if epsilon else (v[()] - y[()]) * x[d]

    return build


# -- layers


def affine_by_input():
    z, W, b = sn.input("z", (D,)), sn.param("W", (D, K)), sn.param("b", (K,))
    out = sn.define("g", k, sn.sum(z[d] * W[d, k], d) + b[k])
    return out, z, (k, d), W[d, k]


def product_by_matrix():
    x, W = sn.input("x", (D,)), sn.param("W", (K, D))
    out = sn.define("g", k, sn.sum(W[k, d] * x[d], d))
    return out, W, (k, i, j), sn.delta(i, k) * x[j]


def ridge(function, slope, by):
    """x^l = sigma(W x^{l-1} + b): its Jacobian by the layer below, by the weights, by the bias."""

    def build():
        x, W, b = sn.input("x", (D,)), sn.param("W", (K, D)), sn.param("b", (K,))
        theta = sn.define("theta", k, sn.sum(W[k, d] * x[d], d) + b[k])
        out = sn.define("out", k, function(theta[k]))
        sensitivity = slope(out[k], theta[k])
        forms = {
            "x": (x, (k, d), sensitivity * W[k, d]),
            "W": (W, (k, i, d), sensitivity * sn.delta(i, k) * x[d]),
            "b": (b, (k, i), sensitivity * sn.delta(i, k)),
        }
        return out, *forms[by]

    return build


RIDGE = {
    "sigmoid": (sn.sigmoid, lambda o, u: o * (1 - o)),
    "tanh": (sn.tanh, lambda o, u: 1 - o**2),
    "ReLU": (sn.relu, lambda o, u: sn.where(u > 0, 1, 0)),
    "softplus": (sn.softplus, lambda o, u: sn.sigmoid(u)),
    "identity": (lambda u: u, lambda o, u: 1),
}


def layer_weights(by):
    """Zhang 44: a loss of activations, a layer below it, the gradient by one weight or bias."""

    def build():
        x, y, W, b = sn.input("x", (D,)), sn.input("y", (K,)), sn.param("W", (K, D)), sn.param("b", (K,))
        theta = sn.define("theta", k, sn.sum(W[k, d] * x[d], d) + b[k])
        out = sn.define("out", k, sn.sigmoid(theta[k]))
        L = sn.define("L", (), sn.sum((y[k] - out[k]) ** 2, k) / 2)
        backprop, sensitivity = out[k] - y[k], out[k] * (1 - out[k])
        if by == "W":
            return L, W, (k, d), backprop * sensitivity * x[d]
        return L, b, k, backprop * sensitivity

    return build


def two_layers(by):
    """Rana: two sigmoid layers with the bias as a weight of a constant one, E = 1/2 Sum (x2 - t)^2."""

    def build():
        x0, t = sn.input("x0", (D,)), sn.input("t", (K,))
        W1, W2, b1, b2 = sn.param("W1", (D, H)), sn.param("W2", (H, K)), sn.param("b1", (H,)), sn.param("b2", (K,))
        u1 = sn.define("u1", h, sn.sum(W1[d, h] * x0[d], d) + b1[h])
        x1 = sn.define("x1", h, sn.sigmoid(u1[h]))
        u2 = sn.define("u2", k, sn.sum(W2[h, k] * x1[h], h) + b2[k])
        x2 = sn.define("x2", k, sn.sigmoid(u2[k]))
        E = sn.define("E", (), sn.sum((x2[k] - t[k]) ** 2, k) / 2)
        delta2 = x2[k] * (1 - x2[k]) * (x2[k] - t[k])
        delta1 = x1[h] * (1 - x1[h]) * sn.sum(delta2 * W2[h, k], k)
        forms = {
            "x2": (x2, k, x2[k] - t[k]),
            "theta2": (u2, k, delta2),
            "W2": (W2, (h, k), delta2 * x1[h]),
            "b2": (b2, k, delta2),
            "x1": (x1, h, sn.sum(delta2 * W2[h, k], k)),
            "theta1": (u1, h, delta1),
            "W1": (W1, (d, h), delta1 * x0[d]),
            "b1": (b1, h, delta1),
        }
        return E, *forms[by]

    return build


def two_tanh_layers(by):
    """Foundations of Data Analysis: yhat = phi(W2 phi(W1 x)) with phi = tanh and the mean squared error."""

    def build():
        x, y = sn.input("x", (D,)), sn.input("y", (K,))
        W1, W2 = sn.param("W1", (H, D)), sn.param("W2", (K, H))
        z = sn.define("z", h, sn.tanh(sn.sum(W1[h, d] * x[d], d)))
        v = sn.define("v", k, sn.tanh(sn.sum(W2[k, h] * z[h], h)))
        L = sn.define("L", (), sn.mean((y[k] - v[k]) ** 2, k))
        outer = -2 * (y[k] - v[k]) / K * (1 - v[k] ** 2)
        if by == "W2":
            return L, W2, (k, h), outer * z[h]
        # the document's bracket leaves out phi'(g(W1, x)), which its own single layer has
        return L, W1, (h, d), sn.sum(outer * W2[k, h], k) * (1 - z[h] ** 2) * x[d]

    return build


def single_layer():
    x, W = sn.input("x", (D,)), sn.param("W", (K, D))
    z = sn.define("z", k, sn.tanh(sn.sum(W[k, d] * x[d], d)))
    return z, W, (k, i, j), (1 - z[k] ** 2) * sn.delta(i, k) * x[j]


def cs615_chain(by):
    """x into a fully connected layer, logistic activation, log loss: delta on its way down."""

    def build():
        x, y, W, b = sn.input("x", (D,)), sn.input("y", (K,), kind="mask"), sn.param("W", (D, K)), sn.param("b", (K,))
        u = sn.define("u", k, sn.sum(x[d] * W[d, k], d) + b[k])
        v = sn.define("v", k, sn.sigmoid(u[k]))
        J = sn.define("J", (), sn.sum(log_loss(y[k], v[k]), k))
        forms = {
            "v": (v, k, -(y[k] - v[k]) / (v[k] * (1 - v[k]))),
            "u": (u, k, v[k] - y[k]),
            "x": (x, d, sn.sum((v[k] - y[k]) * W[d, k], k)),
            "W": (W, (d, k), x[d] * (v[k] - y[k])),
            "b": (b, k, v[k] - y[k]),
        }
        return J, *forms[by]

    return build


def softmax_and_cross_entropy_apart(by):
    """CS 615 processes them one after the other: -y/p first, then the Jacobian of softmax."""

    def build():
        z, y = sn.input("z", (K,)), sn.input("y", (K,), kind="onehot")
        p = softmax_of(z)
        J = sn.define("J", (), -sn.sum(y[k] * sn.log(p[k]), k))
        if by == "p":
            return J, p, k, -y[k] / p[k]
        return J, z, k, p[k] - y[k]

    return build


def kwitt_two_layer(by):
    """Kwitt's network of figure 1: two linear outputs, log-softmax, the log-likelihood of one label."""

    def build():
        x, t, Theta = sn.input("x", (D,)), sn.input("t", (), kind="label", classes=2), sn.param("Theta", (2, D))
        z2 = sn.define("z2", k, sn.sum(Theta[k, d] * x[d], d))
        z3 = sn.define("z3", k, z2[k] - sn.log(sn.sum(sn.exp(z2[j]), j)))
        C = sn.define("C", (), -z3[t[()]])
        forms = {
            "z3": (z3, k, -sn.delta(k, t[()])),
            "z2": (z2, k, sn.exp(z3[k]) - sn.delta(k, t[()])),
            "Theta": (Theta, (k, d), (sn.exp(z3[k]) - sn.delta(k, t[()])) * x[d]),
        }
        return C, *forms[by]

    return build


ROWS = [
    # Zhang 2019
    Row(ZHANG, "eq. 15, normal model", gaussian, SHORT),  # (14) prints sqrt(2 pi gamma), a constant either way
    Row(ZHANG, "eq. 17, logistic function", scalar(typed_sigmoid, lambda f, x: f * (1 - f))),
    Row(ZHANG, "eq. 18, logit", logit, SHORT),
    Row(ZHANG, "eq. 19, soft-max", softmax_jacobian(lambda p: p[j] * (sn.delta(i, j) - p[i])), SHORT),
    Row(ZHANG, "def. 7, soft-plus", scalar(lambda x: sn.log(1 + sn.exp(x)), lambda f, x: sn.sigmoid(x))),
    *[
        Row(ZHANG, f"eq. 40, ridge function, {name}", ridge(function, slope, "x"), FORMULA)
        for name, (function, slope) in RIDGE.items()
    ],
    Row(
        ZHANG,
        "eq. 42, quadratic loss",
        negative(objective(lambda y, v: squared(y, v) / 2, lambda y, v: y - v)),
    ),
    Row(ZHANG, "eq. 43, multivariate logistic loss", multinomial, SHORT),
    Row(ZHANG, "eq. 43, of the probability", multinomial_named),
    Row(ZHANG, "eq. 44, weights", layer_weights("W")),
    Row(ZHANG, "eq. 44, bias", layer_weights("b")),
    *[
        Row(ZHANG, f"eq. 44, local factor, {name}, by the {by}", ridge(function, slope, by), FORMULA)
        for name, (function, slope) in RIDGE.items()
        for by in ("W", "b")
    ],
    # Rana
    Row(RANA, "quadratic divergence", objective(lambda d, y: squared(d, y) / 2, lambda d, y: y - d)),
    Row(RANA, "log-likelihood", objective(log_likelihood, lambda y, o: y / o - (1 - y) / (1 - o), "mask"), SHORT),
    Row(RANA, "likelihood", objective(lambda y, o: o**y * (1 - o) ** (1 - y), lambda y, o: 2 * y - 1, "mask"), VALUES),
    Row(RANA, "derivative of the sigmoid", activation(typed_sigmoid, lambda a, z: a[k] * (1 - a[k]))),
    Row(RANA, "cross entropy by the output", logistic_regression(logistic_by_output, "o"), SHORT),
    Row(
        RANA,
        "cross entropy by theta",
        logistic_regression(lambda X, y, o: (o[n] - y[n]) / N, "theta"),
    ),
    Row(RANA, "cross entropy by the weights, chain rule", logistic_regression(logistic_chain), SHORT),
    Row(RANA, "cross entropy by the weights, one fraction", logistic_regression(logistic_chain_over_product), SHORT),
    Row(RANA, "cross entropy by the weights, x(sigma - y)", logistic_regression(logistic_result)),
    Row(RANA, "output layer, dE/dx2", two_layers("x2")),
    Row(RANA, "output layer, delta2", two_layers("theta2")),
    Row(RANA, "output layer, dE/dW2 = delta2 x1", two_layers("W2")),
    Row(RANA, "output layer, bias as a weight of one", two_layers("b2")),
    Row(RANA, "hidden layer, propagated error", two_layers("x1"), SHORT),
    Row(RANA, "hidden layer, delta1", two_layers("theta1"), SHORT),
    Row(RANA, "hidden layer, dE/dW1 = delta1 x0", two_layers("W1"), SHORT),
    Row(RANA, "hidden layer, bias as a weight of one", two_layers("b1"), SHORT),
    # Kwitt 2018
    Row(KWITT, "eq. 2, sigm", scalar(typed_sigmoid, lambda f, x: f * (1 - f))),
    Row(KWITT, "eq. 3, likelihood", kwitt_logistic, SHORT),
    Row(KWITT, "eq. 4, BCE", kwitt_bce),
    Row(KWITT, "two classes by indicators", kwitt_softmax(by_indicators), VALUES),
    Row(KWITT, "two classes by log-softmax and NLL", kwitt_softmax(by_log_softmax), SHORT),
    Row(KWITT, "two classes by the cross-entropy loss", kwitt_softmax(by_cross_entropy), SHORT),
    Row(KWITT, "delta of the NLL layer", kwitt_two_layer("z3")),
    Row(KWITT, "delta of the log-softmax layer", kwitt_two_layer("z2"), SHORT),
    Row(KWITT, "gradient of the parameters", kwitt_two_layer("Theta"), SHORT),
    Row(KWITT, "ReLU layer", activation(sn.relu, lambda a, z: sn.where(z[k] > 0, 1, 0))),
    Row(KWITT, "ReLU layer, as a maximum", activation(as_maximum, lambda a, z: sn.where(z[k] > 0, 1, 0)), VALUES),
    # CS 615
    Row(CS615, "squared error gradient", objective(squared, lambda y, v: -2 * (y - v))),
    Row(
        CS615,
        "log loss gradient",  # its epsilon is added to the denominator afterwards: see the test below
        objective(log_loss, lambda y, v: -(y - v) / (v * (1 - v))),
    ),
    Row(
        CS615,
        "log loss gradient, epsilon in the logarithms",
        objective(log_loss_eps, lambda y, v: -(y / (v + EPS) - (1 - y) / (1 - v + EPS))),
        SHORT,
    ),
    Row(CS615, "cross entropy gradient", objective(lambda y, v: -y * sn.log(v), lambda y, v: -y / v)),
    Row(
        CS615,
        "cross entropy gradient, epsilon in the logarithm",
        objective(lambda y, v: -y * sn.log(v + EPS), lambda y, v: -y / (v + EPS)),
    ),
    Row(CS615, "entropy", objective(lambda y, v: -v * sn.log(v), lambda y, v: -sn.log(v) - 1)),
    Row(CS615, "linear activation", activation(lambda v: v, lambda a, z: 1)),
    Row(CS615, "ReLU activation", activation(sn.relu, lambda a, z: sn.where(z[k] >= 0, 1, 0)), SHORT),
    Row(CS615, "logistic activation", activation(typed_sigmoid, lambda a, z: a[k] * (1 - a[k]))),
    Row(CS615, "tanh activation", activation(sn.tanh, lambda a, z: 1 - a[k] ** 2)),
    Row(CS615, "tanh activation, typed", activation(typed_tanh, lambda a, z: 1 - a[k] ** 2), SHORT),
    Row(CS615, "softmax activation", softmax_jacobian(lambda p: p[i] * (sn.delta(i, j) - p[j])), SHORT),
    Row(
        CS615,
        "softmax activation, by cases",
        softmax_jacobian(lambda p: sn.where(sp.Eq(i, j), p[j] * (1 - p[j]), -p[i] * p[j])),
        SHORT,
    ),
    Row(CS615, "fully connected layer", affine_by_input),  # it prints W_ji, and W^T for the whole, which is right
    Row(CS615, "dJ/dw without epsilon", cs615_logistic(0)),
    Row(CS615, "dJ/dw with epsilon", cs615_logistic(EPS), SHORT),
    Row(CS615, "backpropagation, dJ/dyhat", cs615_chain("v")),
    Row(CS615, "backpropagation, dJ/dh", cs615_chain("u")),
    Row(CS615, "backpropagation, dJ/dx", cs615_chain("x")),
    Row(CS615, "backpropagation, dJ/dW", cs615_chain("W")),
    Row(CS615, "backpropagation, dJ/db", cs615_chain("b")),
    Row(CS615, "softmax and cross entropy apart, dJ/dyhat", softmax_and_cross_entropy_apart("p")),
    Row(CS615, "softmax and cross entropy apart, dJ/dh", softmax_and_cross_entropy_apart("z")),
    # Foundations of Data Analysis 2020
    Row(FODA, "chain rule", scalar(lambda x: sn.sin(sn.exp(x)), lambda f, x: sn.cos(sn.exp(x)) * sn.exp(x))),
    Row(FODA, "MSE", mean_objective(squared, lambda y, v: -2 * (y - v)), SHORT),
    Row(FODA, "MAE", mean_objective(lambda y, v: sn.abs(y - v), lambda y, v: -sn.sign(y - v)), SHORT),
    Row(
        FODA,
        "hinge",
        mean_objective(lambda y, v: sn.maximum(0, 1 - v * y), lambda y, v: -y * sn.where(1 - v * y > 0, 1, 0)),
        VALUES,
    ),
    Row(
        FODA,
        "cross entropy",  # it prints 1/n - Sum, for -1/n Sum
        mean_objective(log_loss, lambda y, v: -(y - v) / (v * (1 - v)), "mask", "positive"),
    ),
    Row(FODA, "D_ij g_k, the 3D array", product_by_matrix),
    Row(FODA, "single layer", single_layer, SHORT),
    Row(FODA, "second layer", two_tanh_layers("W2"), SHORT),
    Row(FODA, "first layer", two_tanh_layers("W1"), SHORT),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_derivative_agrees_with_the_document(row):
    output, wrt, indices, form = row.build()
    found = sn.jacobian(output, wrt) if output.rank else sn.grad(output, wrt)
    indices = indices if isinstance(indices, tuple) else (indices,)
    wanted = sn.define("form", indices, form, found.shape)
    for seed in (1, 2, 3):
        values = random_values([output, wrt, found, wanted], seed, SIZES)
        inside_the_unit_interval(values)
        near(sn.evaluate(found, values), sn.evaluate([wanted, output, wrt], values)[0], 1e-9)
        if wrt.definition is None:
            near(sn.evaluate(found, values), complex_step(output, wrt.name, values), 1e-9)
    if row.agreement == FORMULA:
        assert_formula(found, indices, form)
    if row.agreement == SHORT:
        assert_no_longer(found, indices, wanted)


def inside_the_unit_interval(values):
    """Probabilities and their like lie in (0, 1); rows that sum to one are there already."""
    for name in ("v", "t", "o"):
        value = np.asarray(values.get(name, 0))
        if value.dtype.kind == "f" and not (value.ndim and np.allclose(value.sum(axis=-1), 1)):
            values[name] = 0.05 + 0.9 / (1 + np.exp(-np.asarray(values[name])))


def assert_no_longer(found, indices, wanted):
    ours, theirs = formula_at(found, indices), formula_at(wanted, indices)
    assert operations(ours) <= operations(theirs), f"{ours}\nis longer than\n{theirs}"


# -- one thing written in several ways


def squares():
    v, y = sn.input("v", (M,)), sn.input("y", (M,))
    typed = sn.define("J", (), sn.sum((y[m] - v[m]) ** 2, m) / 2)
    return [typed, sn.square(y - v).sum() / 2, sn.losses.squared_error(v, y, reduction="sum")], [v]


def classification_error():
    f, t = sn.input("f", (N, K)), sn.input("y", (N,), kind="label", classes=K)
    guess = sn.define("guess", n, sn.argmax(f[n, k], k))
    return [sn.losses.zero_one(f, t), sn.define("J", (), sn.mean(1 - sn.eq(guess[n], t[n]), n))], []


def empirical_risk():
    v, y = sn.input("v", (N, M)), sn.input("y", (N, M))
    each = sn.losses.squared_error(v, y, reduction="none")
    risk = sn.define("R", (), sn.sum(each[n], n) / N)
    return [risk, sn.losses.squared_error(v, y), each.mean()], [v]


def normal_model():
    F, y, gamma = sn.input("F", (M,)), sn.input("y", (M,)), sn.input("gamma", (), kind="positive")
    factors = sn.exp(-((y[m] - F[m]) ** 2) / (2 * gamma**2)) / sn.sqrt(2 * sp.pi * gamma)
    C = sn.log(2 * sp.pi * gamma[()]) / 2
    parts = M * C + sn.sum((y[m] - F[m]) ** 2, m) / (2 * gamma[()] ** 2)
    return [sn.define("J", (), -sn.log(sn.prod(factors, m))), sn.define("J2", (), parts)], [F]


def link():
    x = sn.input("x", (N,))
    s = sn.sigmoid(x)
    return [sn.log(s / (1 - s)), sn.define("same", n, x[n])], [x]


def overparametrised():
    u = sn.input("u", (N,))
    both = sn.define("both", (n, k), sn.where(k > 0, u[n], 0), shape=(N, 2))
    p = sn.softmax(both)
    return [sn.define("p1", n, p[n, 1]), sn.sigmoid(u), sn.define("p0", n, 1 - p[n, 0])], [u]


def shifted_scores():
    z, c = sn.input("z", (N, K)), sn.input("c", (N,))
    moved = sn.define("moved", (n, k), z[n, k] + c[n])
    return [sn.softmax(z), sn.softmax(moved)], [z]


def binary_cross_entropy_of_scores():
    z, y = sn.input("z", (N,)), sn.input("y", (N,), kind="mask")
    s = sn.sigmoid(z)
    return [
        sn.define("a", n, -sn.log(sn.sigmoid((2 * y[n] - 1) * z[n]))),
        sn.define("b", n, sn.softplus((1 - 2 * y[n]) * z[n])),
        sn.define("c", n, sn.log(1 + sn.exp((1 - 2 * y[n]) * z[n]))),
        -(y * sn.log(s) + (1 - y) * sn.log(1 - s)),
        sn.losses.bce_with_logits(z, y, reduction="none"),
        sn.losses.log_loss(s, y, reduction="none"),
    ], [z]


def multinomial_cross_entropy():
    z, t = sn.input("z", (K,)), sn.input("y", (), kind="label", classes=K)
    p = sn.define("p", k, sn.exp(z[k]) / sn.sum(sn.exp(z[i]), i))
    others = sn.sum(sn.where(sp.Ne(i, t[()]), sn.exp(z[i] - z[t[()]]), 0), i)
    return [
        sn.define("a", (), -sn.log(p[t[()]])),
        sn.define("b", (), -z[t[()]] + sn.log(sn.sum(sn.exp(z[i]), i))),
        sn.define("c", (), sn.log(1 + others)),
        sn.losses.softmax_cross_entropy(z, t),
        sn.losses.nll(sn.log_softmax(z), t),
    ], [z]


def binary_likelihood():
    o, y = sn.input("o", (N,)), sn.input("y", (N,), kind="mask")
    likelihood = sn.define("l", (), sn.prod(o[n] ** y[n] * (1 - o[n]) ** (1 - y[n]), n))
    return [
        sn.define("C", (), -sn.log(likelihood) / N),
        sn.define("C2", (), -sn.sum(log_likelihood(y[n], o[n]), n) / N),
        sn.losses.log_loss(o, y),
        sn.losses.binary_cross_entropy(o, y),
    ], [o]


def likelihood_by_cases():
    v, y = sn.input("v", (N,)), sn.input("y", (N,), kind="mask")
    return [
        sn.define("J", n, sn.where(y[n] > 0, v[n], 1 - v[n])),
        sn.define("J2", n, v[n] ** y[n] * (1 - v[n]) ** (1 - y[n])),
        sn.define("J3", n, sn.exp(y[n] * sn.log(v[n]) + (1 - y[n]) * sn.log(1 - v[n]))),
        sn.losses.likelihood(v, y, reduction="none"),
    ], [v]


def likelihood_to_bce():
    X, y, theta = sn.input("X", (N, D)), sn.input("y", (N,), kind="mask"), sn.param("theta", (D,))
    pi = sn.define("pi", n, typed_sigmoid(sn.sum(X[n, d] * theta[d], d)))
    likelihood = sn.define("l", (), sn.prod(pi[n] ** y[n] * (1 - pi[n]) ** (1 - y[n]), n))
    bernoulli = sn.losses.likelihood(pi, y, reduction="none")
    return [
        sn.define("C", (), -sn.log(likelihood)),
        sn.define("C2", (), -sn.sum(log_likelihood(y[n], pi[n]), n)),
        -sn.log(bernoulli.prod()),
        sn.losses.bce_with_logits(X @ theta, y, reduction="sum"),
    ], [theta, X]


def two_class_likelihood():
    z, y = sn.input("z", (N, 2)), sn.input("y", (N,), kind="label", classes=2)
    pi = sn.softmax(z)
    factors = pi[n, 0] ** sn.delta(y[n], 0) * pi[n, 1] ** sn.delta(y[n], 1)
    return [
        sn.define("C", (), -sn.log(sn.prod(factors, n))),
        by_indicators(z, pi, y),
        by_log_softmax(z, pi, y),
        by_cross_entropy(z, pi, y),
    ], [z]


def cross_entropy_of_rows():
    v, y = sn.input("v", (K,), kind="simplex"), sn.input("y", (K,), kind="simplex")
    typed = sn.define("J", (), -sn.sum(y[k] * sn.log(v[k]), k))
    return [typed, -(y @ sn.log(v)), sn.losses.cross_entropy(v, y)], [v]


def cross_entropy_of_rows_with_epsilon():
    v, y = sn.input("v", (K,), kind="simplex"), sn.input("y", (K,), kind="simplex")
    typed = sn.define("J", (), -sn.sum(y[k] * sn.log(v[k] + EPS), k))
    return [typed, -(y @ sn.log(v + EPS)), sn.losses.cross_entropy(v, y, epsilon=EPS)], [v]


def log_loss_with_epsilon():
    v, y = sn.input("v", (N,)), sn.input("y", (N,), kind="mask")
    typed = sn.define("J", n, log_loss_eps(y[n], v[n]))
    return [typed, sn.losses.log_loss(v, y, epsilon=EPS, reduction="none")], [v]


def regression_losses(by_name, typed):
    def build():
        v, y = sn.input("v", (N,)), sn.input("y", (N,))
        return [by_name(v, y), sn.define("J", (), sn.sum(typed(y[n], v[n]), n) / N)], [v]

    return build


def signed_losses(by_name, typed):
    """Targets that are +1 and -1."""

    def build():
        v, bit = sn.input("v", (N,)), sn.input("bit", (N,), kind="mask")
        y = sn.define("y", n, 2 * bit[n] - 1)
        return [by_name(v, y), by_name(v, bit), sn.define("J", (), sn.sum(typed(y[n], v[n]), n) / N)], [v]

    return build


def matrix_vector():
    W, x = sn.input("W", (Q, 3)), sn.input("x", (3,))
    terms = sn.define("g", q, W[q, 0] * x[0] + W[q, 1] * x[1] + W[q, 2] * x[2])
    return [terms, W @ x, sn.define("g2", q, sn.sum(W[q, i] * x[i], i))], [W, x]


def softmax_by_class_weights():
    x, w = sn.input("x", (N, D)), sn.param("w", (K, D))
    score = sn.define("score", (n, k), sn.exp(sn.sum(x[n, d] * w[k, d], d)))
    return [sn.define("p", (n, k), score[n, k] / sn.sum(score[n, j], j)), sn.softmax(x @ w.T)], [w, x]


def tanh_by_exponentials():
    z = sn.input("z", (N,))
    return [sn.tanh(z), sn.define("g", n, typed_tanh(z[n])), 2 * sn.sigmoid(2 * z) - 1], [z]


IDENTITIES = {
    "Zhang, eq. 5, squared error": squares,
    "Zhang, eq. 6, classification error": classification_error,
    "Zhang, eq. 10, empirical risk": empirical_risk,
    "Zhang, eqs. 14 and 15, normal model": normal_model,
    "Zhang, eq. 18, the link is the inverse": link,
    "Zhang, eq. 19, the first score may be zero": overparametrised,
    "Zhang, eq. 19, scores may be shifted": shifted_scores,
    "Zhang, eq. 23, softplus form": binary_cross_entropy_of_scores,
    "Zhang, eq. 25, log form": multinomial_cross_entropy,
    "Rana, likelihood and log-likelihood": binary_likelihood,
    "Kwitt, eqs. 3 and 4": likelihood_to_bce,  # (4) leaves out the brackets around the summand
    "Kwitt, two classes": two_class_likelihood,
    "CS 615, likelihood by cases": likelihood_by_cases,
    "CS 615, cross entropy as a product of vectors": cross_entropy_of_rows,
    "CS 615, cross entropy with epsilon": cross_entropy_of_rows_with_epsilon,
    "CS 615, log loss with epsilon": log_loss_with_epsilon,
    "CS 615, tanh": tanh_by_exponentials,
    "Foundations of Data Analysis, MSE": regression_losses(sn.losses.mse, squared),
    "Foundations of Data Analysis, MAE": regression_losses(sn.losses.mae, lambda y, v: sn.abs(y - v)),
    "Foundations of Data Analysis, hinge": signed_losses(sn.losses.hinge, lambda y, v: sn.maximum(0, 1 - v * y)),
    "Foundations of Data Analysis, zero-one": signed_losses(
        sn.losses.zero_one, lambda y, v: sn.where(y * v <= 0, 1, 0)
    ),
    "Foundations of Data Analysis, matrix times vector": matrix_vector,
    "Foundations of Data Analysis, softmax": softmax_by_class_weights,
}


@pytest.mark.filterwarnings("ignore::symnet.errors.SymnetWarning")  # the zero-one loss has no slope
@pytest.mark.parametrize("build", IDENTITIES.values(), ids=IDENTITIES)
def test_spellings_of_one_thing_agree_in_value_and_derivative(build):
    (first, *others), wrts = build()
    values = [random_values([first, *others, *wrts], seed, SIZES) for seed in (4, 5, 6)]
    for at in values:
        inside_the_unit_interval(at)
    for other in others:
        for at in values:
            near(sn.evaluate(other, at), sn.evaluate(first, at), 1e-12)
    for wrt in wrts:
        derive = sn.jacobian if first.rank else sn.grad
        found = [derive(tensor, wrt) for tensor in (first, *others)]
        for at in values:
            wanted = complex_step(first, wrt.name, at)
            for derivative in found:
                near(sn.evaluate(derivative, at), wanted, 1e-9)


# -- the chain rule, and errors that travel down


def three_maps():
    """x -> z -> u -> v: affine, softmax, a rectified affine map; and a scalar behind them."""
    x, W, V, y = sn.input("x", (D,)), sn.param("W", (D, K)), sn.param("V", (K, M)), sn.input("y", (M,))
    z = sn.define("z", k, sn.sum(x[d] * W[d, k], d))
    u = sn.define("u", k, sn.exp(z[k]) / sn.sum(sn.exp(z[j]), j))
    v = sn.define("v", m, sn.tanh(sn.sum(u[k] * V[k, m], k)))
    L = sn.define("L", (), sn.sum((v[m] - y[m]) ** 2, m) / 2)
    return x, z, u, v, L, random_values(L, 8, SIZES)


def test_jacobian_of_a_composition_is_the_product_of_jacobians():
    # Zhang, eqs. 28 to 32; Foundations of Data Analysis, D[f(g(x))] = Df(g(x)) Dg(x)
    x, z, u, v, _, values = three_maps()
    chain = [(v, u), (u, z), (z, x)]
    parts = [sn.evaluate(sn.jacobian(a, b), values) for a, b in chain]
    near(sn.evaluate(sn.jacobian(v, x), values), parts[0] @ parts[1] @ parts[2], 1e-12)
    near(sn.evaluate(sn.jacobian(v, z), values), parts[0] @ parts[1], 1e-12)
    near(sn.evaluate(sn.jacobian(v, x), values), complex_step(v, "x", values))


def test_jacobian_product_may_be_a_formula():
    # Zhang, eq. 31: the sum over k, as a definition of its own
    x, z, u, _, _, values = three_maps()
    outer, inner = sn.jacobian(u, z), sn.jacobian(z, x)
    product = sn.define("product", (j, d), sn.sum(outer[j, k] * inner[k, d], k))
    near(sn.evaluate(product, values), sn.evaluate(sn.jacobian(u, x), values), 1e-12)


def test_gradient_of_a_composition_is_the_transposed_jacobian_times_the_gradient():
    # Zhang, eqs. 33 to 35; Foundations of Data Analysis, Dg(x)^T grad f(g(x))
    x, z, u, v, L, values = three_maps()
    for inner in (z, u, v):
        J = sn.evaluate(sn.jacobian(inner, x), values)
        near(sn.evaluate(sn.grad(L, x), values), J.T @ sn.evaluate(sn.grad(L, inner), values), 1e-12)


def deep(function, widths=(3, 4, 2, 4, 3)):
    """Layers x^l = sigma(W^l x^{l-1} + b^l), activations and pre-activations by layer, and the quadratic loss."""
    x = sn.input("x0", (widths[0],))
    activations, sums, weights, biases = [x], [None], [None], [None]
    for layer, (below, above) in enumerate(pairwise(widths), start=1):
        W, b = sn.param(f"W{layer}", (above, below)), sn.param(f"b{layer}", (above,))
        u = sn.define(f"theta{layer}", i, sn.sum(W[i, j] * activations[-1][j], j) + b[i])
        activations.append(sn.define(f"x{layer}", i, function(u[i])))
        sums.append(u)
        weights.append(W)
        biases.append(b)
    y = sn.input("y", (widths[-1],))
    L = sn.define("L", (), sn.sum((activations[-1][i] - y[i]) ** 2, i) / 2)
    return activations, sums, weights, biases, L


@pytest.mark.parametrize("function", [sn.sigmoid, sn.tanh, sn.relu], ids=["sigmoid", "tanh", "ReLU"])
def test_activity_backpropagation_multiplies_by_one_jacobian_after_the_other(function):
    # Zhang, eq. 38: e^l = e^{l+1} J_{F^{l+1}}
    x, _, _, _, L = deep(function)
    values = random_values(L, 9)
    errors = [sn.evaluate(e, values) for e in sn.grad(L, x)]
    near(errors[-1], sn.evaluate(x[-1], values) - values["y"], 1e-12)
    for layer in range(len(x) - 1):
        J = sn.evaluate(sn.jacobian(x[layer + 1], x[layer]), values)
        near(errors[layer], errors[layer + 1] @ J, 1e-12)


def test_delta_recursion_holds_at_every_layer():
    # Rana: delta_i^k = x_i (1 - x_i) Sum_j delta_j^{k+1} W_ij^{k+1}, dE/dW_ij^k = delta x, indices as in W x
    x, theta, W, b, L = deep(sn.sigmoid)
    top = len(x) - 1
    values = random_values(L, 10)
    by_theta, by_W, by_b = sn.grad(L, theta[1:]), sn.grad(L, W[1:]), sn.grad(L, b[1:])
    delta = dict(enumerate((sn.evaluate(t, values) for t in by_theta), start=1))
    at = [sn.evaluate(a, values) for a in x]
    near(delta[top], at[top] * (1 - at[top]) * (at[top] - values["y"]), 1e-12)
    for layer in range(1, top):
        propagated = values[f"W{layer + 1}"].T @ delta[layer + 1]
        near(delta[layer], at[layer] * (1 - at[layer]) * propagated, 1e-12)
    for layer in range(1, top + 1):
        near(sn.evaluate(by_W[layer - 1], values), np.outer(delta[layer], at[layer - 1]), 1e-12)
        near(sn.evaluate(by_b[layer - 1], values), delta[layer], 1e-12)


def test_delta_recursion_is_the_formula_of_every_hidden_layer():
    x, theta, W, _, L = deep(sn.sigmoid, (3, 3, 3, 3))
    d3, d2, d1 = sn.grad(L, [theta[3], theta[2], theta[1]])
    y = next(node for node in (r.args[0].node for r in L.definition.formula.atoms(sp.Indexed)) if node.name == "y")
    assert_formula(d3, i, x[3][i] * (1 - x[3][i]) * (x[3][i] - y[i]))
    assert_formula(d2, j, x[2][j] * (1 - x[2][j]) * sn.sum(d3[i] * W[3][i, j], i))
    assert_formula(d1, j, x[1][j] * (1 - x[1][j]) * sn.sum(d2[i] * W[2][i, j], i))
    (by_W,) = sn.grad(L, [W[1]])
    values = random_values([by_W, d1], 11)
    near(sn.evaluate(by_W, values), np.outer(sn.evaluate(d1, values), values["x0"]), 1e-12)


def test_relu_jacobian_is_a_sparsified_weight_matrix():
    # Zhang, below eq. 41: entries are 0 or w_ij, and a unit that is off loses its whole row
    x, W, b = sn.input("x", (D,)), sn.param("W", (K, D)), sn.param("b", (K,))
    theta = sn.define("theta", k, sn.sum(W[k, d] * x[d], d) + b[k])
    J = sn.jacobian(sn.relu(theta), x)
    seen = set()
    for seed in range(20):
        values = random_values(J, seed, SIZES)
        found, on = sn.evaluate(J, values), sn.evaluate(theta, values) > 0
        assert np.array_equal(found, np.where(on[:, None], values["W"], 0))
        seen |= set(on.tolist())
    assert seen == {True, False}


def test_activation_jacobians_are_diagonal_but_for_softmax():
    # CS 615, speed-up: the diagonal times the gradient, entry by entry
    z, u = sn.input("z", (K,)), sn.input("u", (K,))
    for function in (lambda v: v, sn.relu, sn.sigmoid, sn.tanh):
        a = sn.define("a", k, function(z[k]))
        J, back = sn.jacobian(a, z), sn.vjp(a, z, u)
        values = random_values([J, back, z, u], 12, SIZES)
        matrix = sn.evaluate(J, values)
        assert np.array_equal(matrix, np.diag(np.diag(matrix)))
        near(sn.evaluate(back, values), values["u"] * np.diag(matrix), 1e-12)
    full = sn.evaluate(sn.jacobian(sn.softmax(z), z), values)
    assert np.count_nonzero(full) == full.size
    near(full.sum(axis=0) + 1, np.ones(len(full)), 1e-12)


def test_chaining_check_of_dimensions():
    # CS 615: (1 x K) (K x K) (K x D) = 1 x D
    x, W, y = sn.input("x", (D,)), sn.param("W", (D, K)), sn.input("y", (K,), kind="onehot")
    u = sn.define("u", k, sn.sum(x[d] * W[d, k], d))
    v = sn.softmax(u).named("v")
    J = sn.define("J", (), -sn.sum(y[k] * sn.log(v[k]), k))
    parts = sn.grad(J, v), sn.jacobian(v, u), sn.jacobian(u, x)
    assert [part.shape for part in parts] == [(K,), (K, K), (K, D)]
    values = random_values(J, 13, SIZES)
    first, second, third = (sn.evaluate(part, values) for part in parts)
    near(sn.evaluate(sn.grad(J, x), values), first @ second @ third, 1e-12)


def test_gradient_is_a_sum_over_paths():
    # Kwitt: dC/dtheta_1 over the paths z^2_1, z^2_2 -> z^3_1, z^3_2 -> z^4; the second z^2_1 of each bracket is z^2_2
    x, t, Theta = sn.input("x", (D,)), sn.input("t", (), kind="label", classes=2), sn.param("Theta", (2, D))
    z2 = sn.define("z2", k, sn.sum(Theta[k, d] * x[d], d))
    z3 = sn.define("z3", k, z2[k] - sn.log(sn.sum(sn.exp(z2[j]), j)))
    z4 = sn.define("z4", (), -z3[t[()]])
    asked = sn.grad(z4, z3), sn.jacobian(z3, z2), sn.jacobian(z2, Theta), sn.grad(z4, Theta)
    values = random_values([z4, *asked], 14, SIZES)
    by_z3, z3_by_z2, z2_by_theta, whole = (sn.evaluate(tensor, values) for tensor in asked)
    for which in (0, 1):
        paths = [by_z3[a] * z3_by_z2[a, b] * z2_by_theta[b, which] for a in (0, 1) for b in (0, 1)]
        near(whole[which], sum(paths), 1e-12)
    near(sn.evaluate(sn.grad(z4, z4), values), 1.0)


def test_gradient_descent_subtracts_the_gradient():
    # Zhang, eqs. 26 and 27: over all of S, and over a mini batch of it
    X, y, w = sn.input("X", (N, D)), sn.input("y", (N,)), sn.param("w", (D,))
    R = sn.losses.squared_error(X @ w, y)
    slope = sn.grad(R, w)
    after = sn.define("after", d, w[d] - sp.Rational(1, 10) * slope[d])
    values = random_values([R, after], 15, {"N": 12, "D": 3})
    moved = sn.evaluate(after, values)
    near(moved, values["w"] - 0.1 * complex_step(R, "w", values))
    assert sn.evaluate(R, {**values, "w": moved}) < sn.evaluate(R, values)
    batches = [{**values, "X": values["X"][a : a + 4], "y": values["y"][a : a + 4]} for a in (0, 4, 8)]
    near(np.mean([sn.evaluate(slope, batch) for batch in batches], axis=0), sn.evaluate(slope, values), 1e-12)


# -- where a document slips or rounds, symnet is right


def test_epsilon_belongs_into_the_logarithm_before_differentiation():
    # CS 615 differentiates without epsilon and adds it to the denominator: right up to the size of epsilon
    y, v = sn.input("y", (N,), kind="mask"), sn.input("v", (N,))
    J = sn.define("J", (), sn.sum(log_loss_eps(y[n], v[n]), n))
    printed = sn.define("printed", n, -(y[n] - v[n]) / (v[n] * (1 - v[n]) + EPS))
    found = sn.grad(J, v)
    values = random_values([J, printed], 16, SIZES)
    inside_the_unit_interval(values)
    near(sn.evaluate(found, values), complex_step(J, "v", values))
    error = np.abs(sn.evaluate(found, values) - sn.evaluate(printed, values)).max()
    assert 0 < error < 1e-4
    edge = {"y": np.ones(1), "v": np.zeros(1)}
    near(sn.evaluate(found, edge), -(1e7 - 0 / (1 + 1e-7)) * np.ones(1))


@pytest.mark.parametrize(
    ("function", "slope"),
    [(sn.sigmoid, lambda a: a * (1 - a)), (sn.tanh, lambda a: 1 - a**2)],
    ids=["logistic", "tanh"],
)
def test_epsilon_added_to_an_activation_gradient_is_no_part_of_it(function, slope):
    z = sn.input("z", ())
    a = function(z)
    values = {"z": 0.3}
    exact = slope(sn.evaluate(a, values))
    assert abs(sn.evaluate(sn.grad(a, z), values) - exact) < 1e-16 < abs(exact + 1e-7 - exact)


def test_relu_has_no_slope_at_zero():
    # Kwitt prints 1 if x > 0 and 0 else, as symnet has it; CS 615 prints 1 at 0; the maximum shares the tie
    z = sn.input("z", (3,))
    at = {"z": np.array([-1.0, 0.0, 2.0])}
    near(sn.evaluate(sn.vjp(sn.relu(z), z, sn.input("u", (3,))), {**at, "u": np.ones(3)}), [0.0, 0.0, 1.0])
    assert sn.evaluate(sn.relu(z), at).tolist() == [0.0, 0.0, 2.0]


def test_fully_connected_jacobian_is_the_transposed_matrix():
    # CS 615 prints W_ji for dg_j/dz_i of g = z W + b, which is W_ij; the whole, W^T, is right
    z, W = sn.input("z", (D,)), sn.param("W", (D, K))
    J = sn.jacobian(z @ W, z)
    values = random_values([J, z], 17, SIZES)
    assert np.array_equal(sn.evaluate(J, values), values["W"].T)


def test_least_squares_module_has_its_gradient():
    # CS 615, class LeastSquares: eval and gradient
    y, v = sn.input("y", (N,)), sn.input("v", (N,))
    J = sn.define("J", n, (y[n] - v[n]) * (y[n] - v[n]))
    values = random_values(J, 18, SIZES)
    at, yhat = values["y"], values["v"]
    near(sn.evaluate(J, values), (at - yhat) * (at - yhat), 1e-14)
    near(sn.evaluate(sn.vjp(J, v, sn.input("u", (N,))), {**values, "u": np.ones(4)}), -2 * (at - yhat), 1e-14)


def test_node_level_program_has_its_sensitivities():
    # Rana, w = 5, x = 3, y = 2, z = 4. It prints f = u + z beside the slopes of f = u*z (df/du = z, df/dz = u),
    # and df/dy = 1*df/du for df/dv; with the product all of its lines hold
    w, x, y, z = (sn.input(name, ()) for name in "wxyz")
    v = sn.define("v", (), x * y)
    u = sn.define("u", (), w + v)
    f = sn.define("f", (), u * z)
    values = {"w": 5.0, "x": 3.0, "y": 2.0, "z": 4.0}
    assert sn.evaluate([v, u, f], values) == [6.0, 11.0, 44.0]
    by = sn.grad(f, [u, z, w, v, x, y])
    assert sn.evaluate(by, values) == [4.0, 11.0, 4.0, 4.0, 8.0, 12.0]
    added = sn.define("f", (), u + z)
    assert sn.evaluate(sn.grad(added, [u, w, v, x, y]), values) == [1.0, 1.0, 1.0, 2.0, 3.0]
    assert sn.grad(added, z).formula == 1


# -- Rana's worked network: two inputs, two hidden units, two outputs, all sigmoid


PRINTED = {
    "inputs": (0.7, 1.2),
    "hidden": (0.92, 0.27),
    "outputs": (0.44, 0.95),
    "targets": (1.0, 0.0),
    "W2": ((-1.7, 2.1), (0.8, -0.2)),  # W2[i, j] from hidden unit i to output j
}


def worked_network():
    """The network, at the printed activations.

    The document prints activations and the second layer's weights; what it does not print is chosen such that the
    printed activations come out: first-layer weights of zero and biases by the inverse of the sigmoid. None of the
    printed gradients depends on that choice.
    """
    x0, t = sn.input("x0", (2,)), sn.input("t", (2,))
    W1, W2, b1, b2 = sn.param("W1", (2, 2)), sn.param("W2", (2, 2)), sn.param("b1", (2,)), sn.param("b2", (2,))
    theta1 = sn.define("theta1", j, sn.sum(W1[i, j] * x0[i], i) + b1[j])
    x1 = sn.define("x1", j, 1 / (1 + sn.exp(-theta1[j])))
    theta2 = sn.define("theta2", j, sn.sum(W2[i, j] * x1[i], i) + b2[j])
    x2 = sn.define("x2", j, 1 / (1 + sn.exp(-theta2[j])))
    E = sn.define("E", (), sn.sum((x2[j] - t[j]) ** 2, j) / 2)
    hidden, outputs, weights = (np.array(PRINTED[name]) for name in ("hidden", "outputs", "W2"))

    def inverse(p):
        return np.log(p / (1 - p))

    values = {
        "x0": np.array(PRINTED["inputs"]),
        "t": np.array(PRINTED["targets"]),
        "W1": np.zeros((2, 2)),
        "b1": inverse(hidden),
        "W2": weights,
        "b2": inverse(outputs) - hidden @ weights,
    }
    return {"x1": x1, "x2": x2, "theta1": theta1, "theta2": theta2, "W1": W1, "W2": W2, "b1": b1, "b2": b2}, E, values


# What is printed, the tensor and place it stands for (None: the value itself), and how far the true value may lie
# from it: half a unit of the last printed digit, and what the document's own rounding of a factor adds.
NUMBERS = {
    "x1 of hidden 1": (0.92, "x1", (0,), 0.0, "value"),
    "x1 of hidden 2": (0.27, "x1", (1,), 0.0, "value"),
    "x2 of output 1": (0.44, "x2", (0,), 0.0, "value"),
    "x2 of output 2": (0.95, "x2", (1,), 0.0, "value"),
    "delta2_1": (-0.138, "theta2", (0,), 0.0005, "slope"),
    "delta2_2": (0.045, "theta2", (1,), 0.0005, "slope"),
    # -0.126 is -0.137*0.92: delta2_1 = -0.13798 was cut to -0.137 here and below; the true value is -0.1269
    "dE/dW2_11": (-0.126, "W2", (0, 0), 0.0005 + 0.001 * 0.92, "slope"),
    "dE/dW2_12": (0.04, "W2", (0, 1), 0.005, "slope"),
    "dE/dW2_21": (-0.037, "W2", (1, 0), 0.0005, "slope"),
    "dE/dW2_22": (0.012, "W2", (1, 1), 0.0005, "slope"),
    "dE/dW2_01": (-0.138, "b2", (0,), 0.0005, "slope"),
    "dE/dW2_02": (0.045, "b2", (1,), 0.0005, "slope"),
    "delta1_1": (0.024, "theta1", (0,), 0.0005, "slope"),
    "delta1_2": (-0.02, "theta1", (1,), 0.005, "slope"),
    "dE/dW1_11": (0.017, "W1", (0, 0), 0.0005, "slope"),
    # printed as delta1_1*x0_2, computed as delta1_2*x0_1 = -0.02*0.7; with delta1_2 = -0.0235 it is -0.0165
    "dE/dW1_12": (-0.014, "W1", (0, 1), 0.0005 + 0.005 * 0.7, "slope"),
    # printed as delta1_2*x0_1, computed as delta1_1*x0_2 = 0.024*1.2
    "dE/dW1_21": (0.0288, "W1", (1, 0), 0.00005 + 0.0005 * 1.2, "slope"),
    "dE/dW1_22": (-0.024, "W1", (1, 1), 0.0005 + 0.005 * 1.2, "slope"),
    "dE/dW1_01": (0.024, "b1", (0,), 0.0005, "slope"),
    "dE/dW1_02": (-0.02, "b1", (1,), 0.005, "slope"),
}


@pytest.mark.parametrize(("printed", "name", "place", "slack", "what"), NUMBERS.values(), ids=NUMBERS)
def test_worked_network_has_every_printed_number(printed, name, place, slack, what):
    tensors, E, values = worked_network()
    tensor = tensors[name] if what == "value" else sn.grad(E, tensors[name])
    found = sn.evaluate(tensor, values)[place]
    assert abs(found - printed) <= slack + 1e-12, f"{found} against {printed}"


def test_worked_network_has_the_documents_factors():
    # the products as they are printed, with the printed factors unrounded
    tensors, E, values = worked_network()
    d2, d1 = (sn.evaluate(sn.grad(E, tensors[name]), values) for name in ("theta2", "theta1"))
    near(d2, [0.44 * (1 - 0.44) * (0.44 - 1), 0.95 * (1 - 0.95) * (0.95 - 0)], 1e-12)
    near(d1[0], 0.92 * (1 - 0.92) * (d2[0] * -1.7 + d2[1] * 2.1), 1e-12)
    near(d1[1], 0.27 * (1 - 0.27) * (d2[0] * 0.8 + d2[1] * -0.2), 1e-12)
    near(sn.evaluate(sn.grad(E, tensors["W2"]), values), np.outer([0.92, 0.27], d2), 1e-12)
    near(sn.evaluate(sn.grad(E, tensors["W1"]), values), np.outer([0.7, 1.2], d1), 1e-12)


def test_worked_network_takes_its_step():
    # W2_11 <- W2_11 + eta*0.126, W2_12 <- W2_12 - eta*0.04
    tensors, E, values = worked_network()
    W2, slope = tensors["W2"], sn.grad(E, tensors["W2"])
    eta = sn.input("eta", ())
    after = sn.define("after", (i, j), W2[i, j] - eta * slope[i, j])
    moved = sn.evaluate(after, {**values, "eta": 0.5})
    assert abs(moved[0, 0] - (-1.7 + 0.5 * 0.126)) <= 0.5 * (0.0005 + 0.001 * 0.92)
    assert abs(moved[0, 1] - (2.1 - 0.5 * 0.04)) <= 0.5 * 0.005
    assert sn.evaluate(E, {**values, "W2": moved}) < sn.evaluate(E, values)


def test_worked_network_agrees_with_complex_step():
    tensors, E, values = worked_network()
    for name in ("W1", "W2", "b1", "b2"):
        near(sn.evaluate(sn.grad(E, tensors[name]), values), complex_step(E, name, values))
