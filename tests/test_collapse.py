"""p - y and its relatives: gradients collapse to formulas of the fewest operations, and only where that is true."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from helpers import (
    assert_formula,
    assert_short,
    check_gradient,
    complex_step,
    formula_at,
    near,
    random_values,
    reads_of,
)

import symnet as sn

N, D, H, K, T = sn.dims("N D H K T")
n, d, h, k, j, m, s = sn.indices("n d h k j m s")

ROWS = ("onehot", "simplex")


def logits():
    return sn.input("z", (N, K))


def target(kind):
    return sn.input("y", (N, K), kind=kind)


def softmax(values, axis=-1):
    e = np.exp(values - values.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def the_mean(gradient, values, wanted, *known):
    """The one tensor that a formula reads beside the known ones; its values are those wanted."""
    others = reads_of(gradient.definition.formula, *known)
    assert len(others) == 1, gradient.formula
    near(sn.evaluate(others[0], values), wanted)
    return others[0]


def the_softmax(gradient, loss, *known, tau=1, axis=-1):
    values = random_values(loss, 0)
    scale = values["tau"] if tau == "tau" else tau
    return the_mean(gradient, values, softmax(values["z"] / scale, axis), *known)


# -- softmax with cross entropy: every way to write it


def index_notation(z, y):
    p = sn.define("p", (n, k), sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j))
    return sn.define("L", (), -sn.mean(sn.sum(y[n, k] * sn.log(p[n, k]), k), n))


def index_notation_sum_named(z, y):
    S = sn.define("S", n, sn.sum(sn.exp(z[n, j]), j))
    p = sn.define("p", (n, k), sn.exp(z[n, k]) / S[n])
    return sn.define("L", (), -sn.mean(sn.sum(y[n, k] * sn.log(p[n, k]), k), n))


def index_notation_all_named(z, y):
    e = sn.define("e", (n, k), sn.exp(z[n, k]))
    S = sn.define("S", n, sn.sum(e[n, k], k))
    p = sn.define("p", (n, k), e[n, k] / S[n])
    logs = sn.define("logs", (n, k), sn.log(p[n, k]))
    c = sn.define("c", n, -sn.sum(y[n, k] * logs[n, k], k))
    return sn.define("L", (), sn.mean(c[n], n))


def one_line(z, y):
    inner = y[n, k] * sn.log(sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j))
    return sn.define("L", (), -sn.mean(sn.sum(inner, k), n))


def one_sum_over_both(z, y):
    inner = y[n, k] * sn.log(sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j))
    return sn.define("L", (), -sn.sum(inner, n, k) / N)


def sympy_sums(z, y):
    p = sn.define("p", (n, k), sp.exp(z[n, k]) / sp.Sum(sp.exp(z[n, j]), (j, 0, K - 1)))
    return sn.define("L", (), -sp.Sum(y[n, k] * sp.log(p[n, k]), (k, 0, K - 1), (n, 0, N - 1)) / N)


def index_log_p(z, y):
    inner = y[n, k] * (z[n, k] - sn.log(sn.sum(sn.exp(z[n, j]), j)))
    return sn.define("L", (), -sn.mean(sn.sum(inner, k), n))


def index_logsumexp(z, y):
    lse = sn.define("lse", n, sn.logsumexp(z[n, j], j))
    return sn.define("L", (), sn.mean(sn.sum(y[n, k] * (lse[n] - z[n, k]), k), n))


def array_exp_over_sum(z, y):
    e = sn.exp(z)
    p = e / e.sum(axis=1, keepdims=True)
    return -(y * sn.log(p)).sum(axis=1).mean()


def array_exp_twice(z, y):
    p = sn.exp(z) / sn.sum(sn.exp(z), axis=1, keepdims=True)
    return -sn.mean(sn.sum(y * sn.log(p), axis=1))


def array_logsumexp(z, y):
    return (y * (sn.logsumexp(z, axis=1, keepdims=True) - z)).sum(axis=1).mean()


def softmax_then_log(z, y):
    return -(y * sn.log(sn.softmax(z))).sum(axis=-1).mean()


def softmax_named(z, y):
    p = sn.softmax(z).named("p")
    return sn.define("L", (), -sn.mean(sn.sum(y[n, k] * sn.log(p[n, k]), k), n))


def log_softmax(z, y):
    return -(y * sn.log_softmax(z)).sum(axis=-1).mean()


SPELLINGS = {
    "index notation": index_notation,
    "index notation, the sum named": index_notation_sum_named,
    "index notation, everything named": index_notation_all_named,
    "one line": one_line,
    "one sum over both": one_sum_over_both,
    "SymPy's Sum": sympy_sums,
    "index notation, log p": index_log_p,
    "index notation, logsumexp": index_logsumexp,
    "array notation": array_exp_over_sum,
    "array notation, exp twice": array_exp_twice,
    "array notation, logsumexp": array_logsumexp,
    "softmax then log": softmax_then_log,
    "softmax, named": softmax_named,
    "log_softmax": log_softmax,
    "softmax and cross_entropy by name": lambda z, y: sn.losses.cross_entropy(sn.softmax(z), y),
    "index notation and cross_entropy": lambda z, y: sn.losses.cross_entropy(
        sn.define("p", (n, k), sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j)), y
    ),
    "log_softmax and nll by name": lambda z, y: sn.losses.nll(sn.log_softmax(z), y),
    "softmax_cross_entropy by name": lambda z, y: sn.losses.softmax_cross_entropy(z, y),
    "kl_divergence by name": lambda z, y: sn.losses.kl_divergence(sn.softmax(z), y),
}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_softmax_with_cross_entropy_is_p_minus_y(spelling, kind):
    z, y = logits(), target(kind)
    L = spelling(z, y)
    g = check_gradient(L, z)
    p = the_softmax(g, L, y)
    assert g.formula == (p[g.indices] - y[g.indices]) / N


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_softmax_with_cross_entropy_of_real_rows_is_not_p_minus_y(spelling):
    z, y = logits(), target("real")
    L = sn.losses.nll(sn.log_softmax(z), y) if spelling is SPELLINGS["kl_divergence by name"] else spelling(z, y)
    g = check_gradient(L, z)
    p = the_softmax(g, L, y)
    assert_formula(g, (n, k), (p[n, k] * sn.sum(y[n, j], j) - y[n, k]) / N)


def test_inner_product_less_logsumexp_is_p_minus_y_for_any_row():
    z, y = logits(), target("real")
    L = sn.define("L", (), sn.mean(sn.logsumexp(z[n, j], j) - sn.sum(y[n, k] * z[n, k], k), n))
    g = check_gradient(L, z)
    p = the_softmax(g, L, y)
    assert g.formula == (p[g.indices] - y[g.indices]) / N


def test_subtracting_the_maximum_changes_nothing():
    z, y = logits(), target("onehot")
    peak = sn.define("peak", n, sn.max(z[n, j], j))
    p = sn.define("p", (n, k), sn.exp(z[n, k] - peak[n]) / sn.sum(sn.exp(z[n, j] - peak[n]), j))
    L = sn.losses.cross_entropy(p, y)
    assert_formula(check_gradient(L, z), (n, k), (p[n, k] - y[n, k]) / N)


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("shape", [(K,), (N, T, K), (N, H, T, K)], ids=["one row", "sequence", "heads"])
def test_p_minus_y_holds_for_any_number_of_sample_axes(shape, kind):
    z, y = sn.input("z", shape), sn.input("y", shape, kind=kind)
    L = sn.losses.cross_entropy(sn.softmax(z), y)
    g = check_gradient(L, z)
    p = the_softmax(g, L, y)
    assert g.formula == (p[g.indices] - y[g.indices]) / sp.Mul(*shape[:-1])


def test_softmax_over_the_first_axis_meets_columns_that_sum_to_one():
    z, y = sn.input("z", (K, N)), sn.input("y", (N, K), kind="onehot")
    p = sn.define("p", (k, n), sn.exp(z[k, n]) / sn.sum(sn.exp(z[j, n]), j))
    L = sn.define("L", (), -sn.mean(sn.sum(y[n, k] * sn.log(p[k, n]), k), n))
    assert_formula(check_gradient(L, z), (k, n), (p[k, n] - y[n, k]) / N)


def affine():
    x, W, b = sn.input("x", (N, D)), sn.param("W", (D, K)), sn.param("b", (K,))
    return x, W, b, sn.define("z", (n, k), sn.sum(x[n, d] * W[d, k], d) + b[k])


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("spelling", ["index notation", "array notation", "softmax_cross_entropy by name"])
def test_p_minus_y_reaches_weights_bias_and_input(spelling, kind):
    x, W, b, z = affine()
    y = target(kind)
    L = SPELLINGS[spelling](z, y)
    values = random_values(L, 1)
    gz, gW, gb, gx = sn.grad(L, [z, W, b, x])
    p = the_mean(gz, values, softmax(values["x"] @ values["W"] + values["b"]), y)
    assert gz.formula == (p[gz.indices] - y[gz.indices]) / N
    assert_formula(gW, (d, k), sn.sum(x[n, d] * (p[n, k] - y[n, k]), n) / N)
    assert_formula(gb, (k,), sn.sum(p[n, k] - y[n, k], n) / N)
    assert_formula(gx, (n, d), sn.sum(W[d, k] * (p[n, k] - y[n, k]), k) / N)
    for tensor, gradient in ((W, gW), (b, gb), (x, gx)):
        near(sn.evaluate(gradient, values), complex_step(L, tensor.name, values))


def test_p_minus_y_stands_at_the_head_of_a_deep_network():
    _, W, b, z = affine()
    V = sn.param("V", (K, H))
    hidden = sn.define("a", (n, k), sn.tanh(z[n, k]))
    u = sn.define("u", (n, h), sn.sum(hidden[n, k] * V[k, h], k))
    p = sn.define("p", (n, h), sn.exp(u[n, h]) / sn.sum(sn.exp(u[n, j]), j))
    y = sn.input("y", (N, H), kind="onehot")
    L = sn.define("L", (), -sn.mean(sn.sum(y[n, h] * sn.log(p[n, h]), h), n))
    gu, gV = sn.grad(L, [u, V])
    assert gu.formula == (p[n, h] - y[n, h]) / N
    assert_formula(gV, (k, h), sn.sum(hidden[n, k] * (p[n, h] - y[n, h]), n) / N)
    check_gradient(L, W)
    check_gradient(L, b)


# -- its relatives: sums, weights, smoothing, temperature


def summed(z, y):
    p = sn.softmax(z)
    return sn.define("L", (), -sn.sum(y[n, k] * sn.log(p[n, k]), n, k))


SUMMED = {
    "index notation": summed,
    "array notation": lambda z, y: -(y * sn.log_softmax(z)).sum(),
    "cross_entropy by name": lambda z, y: sn.losses.cross_entropy(sn.softmax(z), y, reduction="sum"),
    "softmax_cross_entropy by name": lambda z, y: sn.losses.softmax_cross_entropy(z, y, reduction="sum"),
}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("spelling", SUMMED.values(), ids=SUMMED)
def test_a_sum_in_place_of_the_mean_has_no_count(spelling, kind):
    z, y = logits(), target(kind)
    L = spelling(z, y)
    g = check_gradient(L, z)
    p = the_softmax(g, L, y)
    assert g.formula == p[g.indices] - y[g.indices]


def test_an_unreduced_loss_has_p_minus_y_in_its_weighted_gradient():
    z, y, u = logits(), target("simplex"), sn.input("u", (N,))
    L = sn.losses.softmax_cross_entropy(z, y, reduction="none")
    g = sn.vjp(L, z, u)
    values = random_values([L, g], 2)
    near(sn.evaluate(g, values), np.tensordot(values["u"], complex_step(L, "z", values), 1))
    p = the_mean(g, values, softmax(values["z"]), y, u)
    assert_short(g, (n, k), u[n] * (p[n, k] - y[n, k]))


def class_weighted(z, y, w):
    p = sn.softmax(z)
    return sn.define("L", (), -sn.mean(sn.sum(w[k] * y[n, k] * sn.log(p[n, k]), k), n))


CLASS_WEIGHTED = {
    "index notation": class_weighted,
    "array notation": lambda z, y, w: -(w * y * sn.log_softmax(z)).sum(axis=1).mean(),
    "cross_entropy by name": lambda z, y, w: sn.losses.cross_entropy(sn.softmax(z), y, weights=w),
    "softmax_cross_entropy by name": lambda z, y, w: sn.losses.softmax_cross_entropy(z, y, weights=w),
}


@pytest.mark.parametrize("kind", ["onehot", "simplex", "real"])
@pytest.mark.parametrize("spelling", CLASS_WEIGHTED.values(), ids=CLASS_WEIGHTED)
def test_class_weights_weigh_the_target(spelling, kind):
    z, y, w = logits(), target(kind), sn.input("w", (K,), kind="positive")
    L = spelling(z, y, w)
    g = check_gradient(L, z)
    p = the_softmax(g, L, y, w)
    assert_short(g, (n, k), (p[n, k] * sn.sum(w[j] * y[n, j], j) - w[k] * y[n, k]) / N)


def sample_weighted(z, y, c):
    p = sn.softmax(z)
    return sn.define("L", (), -sn.mean(c[n] * sn.sum(y[n, k] * sn.log(p[n, k]), k), n))


SAMPLE_WEIGHTED = {
    "index notation": sample_weighted,
    "array notation": lambda z, y, c: -(c * (y * sn.log_softmax(z)).sum(axis=1)).mean(),
    "cross_entropy by name": lambda z, y, c: sn.losses.cross_entropy(sn.softmax(z), y, sample_weights=c),
    "softmax_cross_entropy by name": lambda z, y, c: sn.losses.softmax_cross_entropy(z, y, sample_weights=c),
}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("spelling", SAMPLE_WEIGHTED.values(), ids=SAMPLE_WEIGHTED)
def test_sample_weights_weigh_p_minus_y(spelling, kind):
    z, y, c = logits(), target(kind), sn.input("c", (N,), kind="positive")
    L = spelling(z, y, c)
    g = check_gradient(L, z)
    p = the_softmax(g, L, y, c)
    assert_short(g, (n, k), c[n] * (p[n, k] - y[n, k]) / N)


def smoothed_in_line(z, y, a):
    inner = ((1 - a) * y[n, k] + a / K) * sn.log_softmax(z)[n, k]
    return sn.define("L", (), -sn.mean(sn.sum(inner, k), n))


SMOOTHED = {
    "index notation": smoothed_in_line,
    "array notation": lambda z, y, a: -(((1 - a) * y + a / K) * sn.log_softmax(z)).sum(axis=1).mean(),
    "cross_entropy by name": lambda z, y, a: sn.losses.cross_entropy(sn.softmax(z), y, label_smoothing=a),
    "softmax_cross_entropy by name": lambda z, y, a: sn.losses.softmax_cross_entropy(z, y, label_smoothing=a),
}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("spelling", SMOOTHED.values(), ids=SMOOTHED)
def test_label_smoothing_smooths_the_target(spelling, kind):
    z, y = logits(), target(kind)
    L = spelling(z, y, sp.Rational(1, 10))
    g = check_gradient(L, z)
    p = the_softmax(g, L, y)
    assert_short(g, (n, k), (p[n, k] - (sp.Rational(9, 10) * y[n, k] + 1 / (10 * K))) / N)


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("spelling", SMOOTHED.values(), ids=SMOOTHED)
def test_label_smoothing_by_a_tensor_smooths_the_target(spelling, kind):
    z, y, a = logits(), target(kind), sn.input("a", ())
    L = spelling(z, y, a)
    g = check_gradient(L, z)
    p = the_softmax(g, L, y, a)
    assert_short(g, (n, k), (p[n, k] - ((1 - a[()]) * y[n, k] + a[()] / K)) / N)


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("share", [sp.Rational(1, 10), "a"], ids=["a number", "a tensor"])
def test_a_smoothed_target_with_a_name_keeps_it(share, kind):
    z, y = logits(), target(kind)
    a = sn.input("a", ())[()] if share == "a" else share
    soft = sn.define("soft", (n, k), (1 - a) * y[n, k] + a / K)
    p = sn.softmax(z).named("p")
    L = sn.define("L", (), -sn.mean(sn.sum(soft[n, k] * sn.log(p[n, k]), k), n))
    assert_formula(check_gradient(L, z), (n, k), (p[n, k] - soft[n, k]) / N)


def tempered(z, y, tau):
    p = sn.define("p", (n, k), sn.exp(z[n, k] / tau) / sn.sum(sn.exp(z[n, j] / tau), j))
    return sn.define("L", (), -sn.mean(sn.sum(y[n, k] * sn.log(p[n, k]), k), n))


def tempered_log(z, y, tau):
    inner = y[n, k] * (z[n, k] / tau - sn.log(sn.sum(sn.exp(z[n, j] / tau), j)))
    return sn.define("L", (), -sn.mean(sn.sum(inner, k), n))


TEMPERED = {
    "index notation": tempered,
    "index notation, log p": tempered_log,
    "softmax of a quotient": lambda z, y, tau: sn.losses.cross_entropy(sn.softmax(z / tau), y),
    "log_softmax of a quotient": lambda z, y, tau: -(y * sn.log_softmax(z / tau)).sum(axis=1).mean(),
    "softmax_cross_entropy of a quotient": lambda z, y, tau: sn.losses.softmax_cross_entropy(z / tau, y),
}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("spelling", TEMPERED.values(), ids=TEMPERED)
def test_temperature_divides_p_minus_y(spelling, kind):
    z, y, tau = logits(), target(kind), sn.input("tau", (), kind="positive")
    L = spelling(z, y, tau)
    g = check_gradient(L, z)
    p = the_softmax(g, L, y, tau, tau="tau")
    assert g.formula == (p[g.indices] - y[g.indices]) / (N * tau[()])


@pytest.mark.parametrize("tau", [2, sp.Rational(1, 3)], ids=str)
@pytest.mark.parametrize("spelling", TEMPERED.values(), ids=TEMPERED)
def test_temperature_may_be_a_number(spelling, tau):
    z, y = logits(), target("onehot")
    L = spelling(z, y, tau)
    g = check_gradient(L, z)
    p = the_softmax(g, L, y, tau=float(tau))
    assert_short(g, (n, k), (p[n, k] - y[n, k]) / (N * tau))


def test_everything_at_once_still_collapses():
    z, y = logits(), target("onehot")
    tau, c = sn.input("tau", (), kind="positive"), sn.input("c", (N,), kind="positive")
    L = sn.losses.softmax_cross_entropy(z / tau, y, label_smoothing=0.1, reduction="sum", sample_weights=c)
    g = check_gradient(L, z)
    p = the_softmax(g, L, y, tau, c, tau="tau")
    soft = sp.Rational(9, 10) * y[n, k] + sp.Rational(1, 10) / K
    assert_short(g, (n, k), c[n] * (p[n, k] - soft) / tau[()])


# -- labels in place of rows


def label_read(z, t):
    p = sn.define("p", (n, k), sn.exp(z[n, k]) / sn.sum(sn.exp(z[n, j]), j))
    return sn.define("L", (), -sn.mean(sn.log(p[n, t[n]]), n))


def label_indicator(z, t):
    p = sn.softmax(z)
    return sn.define("L", (), -sn.mean(sn.sum(sn.delta(t[n], k) * sn.log(p[n, k]), k), n))


def label_logsumexp(z, t):
    return sn.define("L", (), sn.mean(sn.logsumexp(z[n, j], j) - z[n, t[n]], n))


LABELLED = {
    "index notation": label_read,
    "an indicator": label_indicator,
    "logsumexp": label_logsumexp,
    "array notation": lambda z, t: -sn.log(sn.softmax(z)).take(t).mean(),
    "log_softmax": lambda z, t: -sn.log_softmax(z).take(t).mean(),
    "logsumexp, array notation": lambda z, t: (sn.logsumexp(z, axis=1) - z.take(t)).mean(),
    "cross_entropy by name": lambda z, t: sn.losses.cross_entropy(sn.softmax(z), t),
    "softmax_cross_entropy by name": lambda z, t: sn.losses.softmax_cross_entropy(z, t),
    "nll by name": lambda z, t: sn.losses.nll(sn.log_softmax(z), t),
}


@pytest.mark.parametrize("spelling", LABELLED.values(), ids=LABELLED)
def test_labels_give_p_minus_delta(spelling):
    z, t = logits(), sn.input("t", (N,), kind="label", classes=K)
    L = spelling(z, t)
    g = check_gradient(L, z)
    p = the_softmax(g, L, t)
    row, column = g.indices
    assert g.formula == (p[row, column] - sn.delta(t[row], column)) / N


def test_labels_of_sequences_give_p_minus_delta_over_both_counts():
    z, t = sn.input("z", (N, T, K)), sn.input("t", (N, T), kind="label", classes=K)
    L = sn.losses.softmax_cross_entropy(z, t)
    g = check_gradient(L, z)
    p = the_softmax(g, L, t)
    assert_formula(g, (n, s, k), (p[n, s, k] - sn.delta(t[n, s], k)) / (N * T))


@pytest.mark.parametrize("by_name", [True, False], ids=["by name", "index notation"])
def test_class_weights_of_labels_weigh_the_row(by_name):
    z, t, w = logits(), sn.input("t", (N,), kind="label", classes=K), sn.input("w", (K,), kind="positive")
    if by_name:
        L = sn.losses.softmax_cross_entropy(z, t, weights=w)
    else:
        L = sn.define("L", (), -sn.mean(w[t[n]] * sn.log(sn.softmax(z)[n, t[n]]), n))
    g = check_gradient(L, z)
    p = the_softmax(g, L, t, w)
    assert_short(g, (n, k), w[t[n]] * (p[n, k] - sn.delta(t[n], k)) / N)


def test_label_smoothing_of_labels_smooths_the_delta():
    z, t = logits(), sn.input("t", (N,), kind="label", classes=K)
    L = sn.losses.softmax_cross_entropy(z, t, label_smoothing=0.1)
    g = check_gradient(L, z)
    p = the_softmax(g, L, t)
    soft = sp.Rational(9, 10) * sn.delta(t[n], k) + sp.Rational(1, 10) / K
    assert_short(g, (n, k), (p[n, k] - soft) / N)


def test_temperature_of_labels_divides_p_minus_delta():
    z, t, tau = logits(), sn.input("t", (N,), kind="label", classes=K), sn.input("tau", (), kind="positive")
    L = sn.losses.cross_entropy(sn.softmax(z / tau), t)
    g = check_gradient(L, z)
    p = the_softmax(g, L, t, tau, tau="tau")
    assert_short(g, (n, k), (p[n, k] - sn.delta(t[n], k)) / (N * tau[()]))


def test_p_minus_delta_reaches_weights_and_bias():
    x, W, b, z = affine()
    p = sn.softmax(z).named("p")
    t = sn.input("t", (N,), kind="label", classes=K)
    for L, count in ((sn.losses.nll(sn.log(p), t), N), (sn.losses.nll(sn.log(p), t, reduction="sum"), 1)):
        assert_formula(check_gradient(L, W), (d, k), sn.sum(x[n, d] * (p[n, k] - sn.delta(t[n], k)), n) / count)
        assert_short(check_gradient(L, b), (k,), sn.sum(p[n, k] - sn.delta(t[n], k), n) / count)


def test_padding_masks_weigh_p_minus_delta():
    z, t = sn.input("z", (N, T, K)), sn.input("t", (N, T), kind="label", classes=K)
    mask = sn.input("mask", (N, T), kind="mask")
    p = sn.softmax(z).named("p")
    count = sn.define("count", (), sn.sum(mask[n, s], n, s))
    L = sn.define("L", (), -sn.sum(mask[n, s] * sn.log(p[n, s, t[n, s]]), n, s) / count)
    assert_short(check_gradient(L, z), (n, s, k), mask[n, s] * (p[n, s, k] - sn.delta(t[n, s], k)) / count)


# -- targets that are computed


def test_rows_made_from_labels_are_one_hot():
    z, t = logits(), sn.input("t", (N,), kind="label", classes=K)
    p = sn.softmax(z).named("p")
    y = sn.define("y", (n, k), sn.delta(t[n], k), shape=(N, K))
    L = sn.define("L", (), -sn.mean(sn.sum(y[n, k] * sn.log(p[n, k]), k), n))
    assert_short(check_gradient(L, z), (n, k), (p[n, k] - y[n, k]) / N)


@pytest.mark.parametrize("kind", ROWS)
def test_a_mixture_of_targets_is_a_target(kind):
    z, y, other, a = logits(), target(kind), sn.input("other", (N, K), kind="simplex"), sn.input("a", (N,))
    p = sn.softmax(z).named("p")
    mixed = a[n] * y[n, k] + (1 - a[n]) * other[n, k]
    L = sn.define("L", (), -sn.mean(sn.sum(mixed * sn.log(p[n, k]), k), n))
    assert_short(check_gradient(L, z), (n, k), (p[n, k] - mixed) / N)


@pytest.mark.parametrize("by_name", [True, False], ids=["by name", "index notation"])
def test_the_softmax_of_a_teacher_is_a_target(by_name):
    z, u = logits(), sn.input("u", (N, K))
    p = sn.softmax(z).named("p")
    if by_name:
        q = sn.softmax(u).named("q")
        L = sn.losses.nll(sn.log(p), q)
    else:
        q = sn.define("q", (n, k), sn.exp(u[n, k]) / sn.sum(sn.exp(u[n, j]), j))
        L = sn.define("L", (), -sn.mean(sn.sum(q[n, k] * sn.log(p[n, k]), k), n))
    assert_formula(check_gradient(L, z), (n, k), (p[n, k] - q[n, k]) / N)


def test_a_teacher_at_a_temperature_is_a_target():
    z, u, tau = logits(), sn.input("u", (N, K)), sn.input("tau", (), kind="positive")
    p, q = sn.softmax(z / tau).named("p"), sn.softmax(u / tau).named("q")
    L = sn.losses.kl_divergence(p, q) * tau**2
    assert_short(check_gradient(L, z), (n, k), tau[()] * (p[n, k] - q[n, k]) / N)


def test_p_minus_y_stands_beside_a_regulariser():
    x, W, _, z = affine()
    y, lam = target("onehot"), sn.input("lam", ())
    p = sn.softmax(z).named("p")
    L = sn.losses.cross_entropy(p, y) + sn.regularisers.l2(W, lam)
    wanted = sn.sum(x[n, d] * (p[n, k] - y[n, k]), n) / N + lam[()] * W[d, k]
    assert_short(check_gradient(L, W), (d, k), wanted)


# -- sigmoid with log loss


def sigmoid_typed(z, y):
    o = sn.define("s", (n, k), 1 / (1 + sn.exp(-z[n, k])))
    return sn.define("L", (), -sn.sum(y[n, k] * sn.log(o[n, k]) + (1 - y[n, k]) * sn.log(1 - o[n, k]), n, k) / N)


def sigmoid_of_growing_exponential(z, y):
    o = sn.define("s", (n, k), sn.exp(z[n, k]) / (1 + sn.exp(z[n, k])))
    return sn.define("L", (), -sn.sum(y[n, k] * sn.log(o[n, k]) + (1 - y[n, k]) * sn.log(1 - o[n, k]), n, k) / N)


def sigmoid_in_line(z, y):
    o = sn.sigmoid(z[n, k])
    return sn.define("L", (), -sn.sum(y[n, k] * sn.log(o) + (1 - y[n, k]) * sn.log(1 - o), n, k) / N)


def log_sigmoids(z, y):
    inner = y[n, k] * sn.log_sigmoid(z[n, k]) + (1 - y[n, k]) * sn.log_sigmoid(-z[n, k])
    return sn.define("L", (), -sn.sum(inner, n, k) / N)


def two_exponentials(z, y):
    inner = y[n, k] * sn.log(1 + sn.exp(-z[n, k])) + (1 - y[n, k]) * sn.log(1 + sn.exp(z[n, k]))
    return sn.define("L", (), sn.sum(inner, n, k) / N)


def array_log_loss(z, y):
    o = sn.sigmoid(z)
    return -(y * sn.log(o) + (1 - y) * sn.log(1 - o)).sum(axis=1).mean()


def by_mean_entry(loss):
    """Losses that average a sample's entries, times the number of entries."""
    return lambda z, y: loss(z, y) * K


SIGMOID = {
    "typed": sigmoid_typed,
    "typed with a growing exponential": sigmoid_of_growing_exponential,
    "in line": sigmoid_in_line,
    "log_sigmoid": log_sigmoids,
    "two exponentials": two_exponentials,
    "array notation": array_log_loss,
    "softplus(z) - y z": lambda z, y: (sn.softplus(z) - y * z).sum(axis=1).mean(),
    "binary_cross_entropy by name": by_mean_entry(lambda z, y: sn.losses.binary_cross_entropy(sn.sigmoid(z), y)),
    "log_loss by name": by_mean_entry(lambda z, y: sn.losses.log_loss(sn.sigmoid(z), y)),
    "bce_with_logits by name": by_mean_entry(lambda z, y: sn.losses.bce_with_logits(z, y)),
}
OF_BITS = {
    "softplus((1-2y) z)": lambda z, y: sn.define("L", (), sn.sum(sn.softplus((1 - 2 * y[n, k]) * z[n, k]), n, k) / N),
    "softplus((1-2y) z), array notation": lambda z, y: sn.softplus((1 - 2 * y) * z).sum(axis=1).mean(),
    "-log sigmoid((2y-1) z)": lambda z, y: sn.define(
        "L", (), -sn.sum(sn.log(sn.sigmoid((2 * y[n, k] - 1) * z[n, k])), n, k) / N
    ),
    "-log sigmoid((2y-1) z), array notation": lambda z, y: -sn.log(sn.sigmoid((2 * y - 1) * z)).sum(axis=1).mean(),
    "-log_sigmoid((2y-1) z), array notation": lambda z, y: -sn.log_sigmoid((2 * y - 1) * z).sum(axis=1).mean(),
    "log(1 + exp((1-2y) z))": lambda z, y: sn.define(
        "L", (), sn.sum(sn.log(1 + sn.exp((1 - 2 * y[n, k]) * z[n, k])), n, k) / N
    ),
    "log(1 + exp((1-2y) z)), array notation": lambda z, y: sn.log(1 + sn.exp((1 - 2 * y) * z)).sum(axis=1).mean(),
}


def is_s_minus_y(g, z, y, count):
    """The formula is (s - y)/count with s the sigmoid of z, by name or by its function."""
    row, column = g.indices
    named = reads_of(g.definition.formula, y, z)
    s_ = named[0][row, column] if named else sn.sigmoid(z[row, column])
    assert g.formula == (s_ - y[row, column]) / count
    if named:
        values = random_values(named[0])
        near(sn.evaluate(named[0], values), sigmoid(values["z"]))


@pytest.mark.parametrize("kind", ["real", "mask", "simplex", "onehot"])
@pytest.mark.parametrize("spelling", SIGMOID.values(), ids=SIGMOID)
def test_sigmoid_with_log_loss_is_s_minus_y(spelling, kind):
    z, y = logits(), target(kind)
    is_s_minus_y(check_gradient(spelling(z, y), z), z, y, N)


@pytest.mark.parametrize("kind", ["mask", "onehot"])
@pytest.mark.parametrize("spelling", OF_BITS.values(), ids=OF_BITS)
def test_sigmoid_with_log_loss_of_bits_is_s_minus_y(spelling, kind):
    z, y = logits(), target(kind)
    is_s_minus_y(check_gradient(spelling(z, y), z), z, y, N)


@pytest.mark.parametrize("spelling", OF_BITS.values(), ids=OF_BITS)
def test_the_softplus_form_of_real_targets_is_not_s_minus_y(spelling):
    z, y = logits(), target("real")
    g = check_gradient(spelling(z, y), z)
    values = random_values([g, y, z], 3)
    a = 1 - 2 * values["y"]
    near(sn.evaluate(g, values), a * sigmoid(a * values["z"]) / len(a))


def test_bce_by_name_averages_the_entries():
    z, y = logits(), target("mask")
    is_s_minus_y(check_gradient(sn.losses.bce_with_logits(z, y), z), z, y, N * K)


def test_weighted_log_loss_weighs_s_minus_y():
    z, y, c = sn.input("z", (N,)), sn.input("y", (N,)), sn.input("c", (N,), kind="positive")
    L = sn.losses.binary_cross_entropy(sn.sigmoid(z).named("s"), y, sample_weights=c)
    g = check_gradient(L, z)
    (o,) = reads_of(g.definition.formula, y, c)
    assert_short(g, n, c[n] * (o[n] - y[n]) / N)


def test_weights_of_the_positive_class_weigh_its_target():
    z, y, c = sn.input("z", (N,)), sn.input("y", (N,), kind="mask"), sn.input("c", ())
    o = sn.sigmoid(z).named("s")
    L = sn.define("L", (), -sn.mean(c * y[n] * sn.log(o[n]) + (1 - y[n]) * sn.log(1 - o[n]), n))
    assert_short(check_gradient(L, z), n, ((1 - y[n]) * o[n] - c[()] * y[n] * (1 - o[n])) / N)


@pytest.mark.parametrize("kind", ["real", "mask"])
def test_logistic_regression_is_x_times_s_minus_y(kind):
    x, w, y = sn.input("x", (N, D)), sn.param("w", (D,)), sn.input("y", (N,), kind=kind)
    o = sn.define("s", n, sn.sigmoid(sn.sum(x[n, d] * w[d], d)))
    L = sn.define("L", (), -sn.mean(y[n] * sn.log(o[n]) + (1 - y[n]) * sn.log(1 - o[n]), n))
    assert_formula(check_gradient(L, w), d, sn.sum(x[n, d] * (o[n] - y[n]), n) / N)


# -- squared error, Gaussian and Poisson


def half_squares(v, y):
    return sn.define("L", (), sn.sum((y[n, k] - v[n, k]) ** 2, n, k) / 2)


SQUARED = {
    "index notation": (half_squares, 1),
    "sides swapped": (lambda v, y: half_squares(y, v), 1),
    "array notation": (lambda v, y: ((v - y) ** 2).sum() / 2, 1),
    "square": (lambda v, y: sn.square(v - y).sum(axis=1).mean() / 2, N),
    "expanded": (lambda v, y: sn.define("L", (), sn.sum(v[n, k] ** 2 / 2 - v[n, k] * y[n, k], n, k)), 1),
    "squared_error by name": (lambda v, y: sn.losses.squared_error(v, y), N),
    "squared_error by name, summed": (lambda v, y: sn.losses.squared_error(v, y, reduction="sum"), 1),
    "mse by name": (lambda v, y: sn.losses.mse(v, y), N * K / sp.Integer(2)),
}


@pytest.mark.parametrize(("spelling", "count"), SQUARED.values(), ids=SQUARED)
def test_squared_error_is_v_minus_y(spelling, count):
    v, y = sn.input("v", (N, K)), sn.input("y", (N, K))
    g = check_gradient(spelling(v, y), v)
    row, column = g.indices
    assert g.formula == (v[row, column] - y[row, column]) / count


def test_weighted_squared_error_weighs_v_minus_y():
    v, y, c = sn.input("v", (N, K)), sn.input("y", (N, K)), sn.input("c", (N,))
    g = check_gradient(sn.losses.squared_error(v, y, sample_weights=c), v)
    assert_short(g, (n, k), c[n] * (v[n, k] - y[n, k]) / N)


GAUSSIAN = {
    "gaussian_nll by name": lambda a, y, c: (
        sn.losses.gaussian_nll(a, y, c, reduction="sum") * K,
        (a[n, k] - y[n, k]) * sn.exp(-c[n, k]),
    ),
    "the whole density": lambda a, y, c: (
        sn.losses.gaussian_nll(a, y, c, full=True, reduction="sum") * K,
        (a[n, k] - y[n, k]) * sn.exp(-c[n, k]),
    ),
    "a variance of one": lambda a, y, c: (
        sn.define("L", (), sn.sum((y[n, k] - a[n, k]) ** 2 / 2 + sp.log(2 * sp.pi) / 2, n, k)),
        a[n, k] - y[n, k],
    ),
    "log of the density": lambda a, y, c: (
        sn.define("L", (), -sn.sum(sn.log(sn.exp(-((y[n, k] - a[n, k]) ** 2) / 2) / sp.sqrt(2 * sp.pi)), n, k)),
        a[n, k] - y[n, k],
    ),
}


@pytest.mark.parametrize("spelling", GAUSSIAN.values(), ids=GAUSSIAN)
def test_gaussian_likelihood_is_weighted_mean_minus_target(spelling):
    a, y, c = sn.input("a", (N, K)), sn.input("y", (N, K)), sn.input("c", (N, K))
    L, wanted = spelling(a, y, c)
    assert_short(check_gradient(L, a), (n, k), wanted)


def test_gaussian_likelihood_with_a_variance_divides_by_it():
    a, y, v = sn.input("a", (N,)), sn.input("y", (N,)), sn.input("v", (N,), kind="positive")
    L = sn.define("L", (), sn.mean((y[n] - a[n]) ** 2 / (2 * v[n]) + sn.log(2 * sp.pi * v[n]) / 2, n))
    assert_short(check_gradient(L, a), n, (a[n] - y[n]) / (N * v[n]))
    assert_short(check_gradient(L, v), n, (v[n] - (a[n] - y[n]) ** 2) / (2 * N * v[n] ** 2))


POISSON = {
    "by name": lambda u, y, mu: sn.losses.poisson_nll(u, y, reduction="sum") * K,
    "rate and log link": lambda u, y, mu: sn.define("L", (), sn.sum(sn.exp(u[n, k]) - y[n, k] * u[n, k], n, k)),
    "rate named": lambda u, y, mu: sn.define("L", (), sn.sum(mu[n, k] - y[n, k] * sn.log(mu[n, k]), n, k)),
    "rate named, array notation": lambda u, y, mu: (mu - y * sn.log(mu)).sum(),
}


@pytest.mark.parametrize("spelling", POISSON.values(), ids=POISSON)
def test_poisson_likelihood_with_log_link_is_mean_minus_target(spelling):
    u, y = sn.input("u", (N, K)), sn.input("y", (N, K))
    mu = sn.define("mu", (n, k), sn.exp(u[n, k]))
    L = spelling(u, y, mu)
    g = check_gradient(L, u)
    row, column = g.indices
    named = reads_of(g.definition.formula, u, y)
    mean = named[0][row, column] if named else sn.exp(u[row, column])
    assert g.formula == mean - y[row, column]
    assert not named or formula_at(named[0], (n, k)) == sn.exp(u[n, k])


def test_poisson_likelihood_times_weights_is_weighted_mean_minus_target():
    u, y, c = sn.input("u", (N,)), sn.input("y", (N,)), sn.input("c", (N,))
    g = check_gradient(sn.losses.poisson_nll(u, y, sample_weights=c), u)
    assert_short(g, n, c[n] * (sn.exp(u[n]) - y[n]) / N)


# -- where the collapse is not true, it does not happen


def test_softmax_over_the_samples_keeps_the_column_sums():
    z, y = logits(), target("onehot")
    p = sn.define("p", (n, k), sn.exp(z[n, k]) / sn.sum(sn.exp(z[m, k]), m))
    L = sn.define("L", (), -sn.mean(sn.sum(y[n, k] * sn.log(p[n, k]), k), n))
    assert_formula(check_gradient(L, z), (n, k), (p[n, k] * sn.sum(y[m, k], m) - y[n, k]) / N)


def test_softmax_over_the_samples_by_name_keeps_the_column_sums():
    z, y = logits(), target("simplex")
    p = sn.softmax(z, axis=0).named("p")
    L = sn.losses.cross_entropy(p, y)
    assert_formula(check_gradient(L, z), (n, k), (p[n, k] * sn.sum(y[m, k], m) - y[n, k]) / N)


def test_exponentials_over_the_sum_of_others_do_not_collapse():
    z, u, y = logits(), sn.input("u", (N, K)), target("onehot")
    p = sn.define("p", (n, k), sn.exp(z[n, k]) / sn.sum(sn.exp(u[n, j]), j))
    L = sn.define("L", (), -sn.mean(sn.sum(y[n, k] * sn.log(p[n, k]), k), n))
    assert_formula(check_gradient(L, z), (n, k), -y[n, k] / N)
    g = check_gradient(L, u)
    values = random_values([L, g])
    near(sn.evaluate(g, values), softmax(values["u"]) / len(values["u"]))
    assert p not in reads_of(g.definition.formula)


def test_the_targets_of_another_tensor_do_not_borrow_its_rows():
    z, y, r = logits(), target("onehot"), sn.input("r", (N, K))
    p = sn.softmax(z).named("p")
    L = sn.define("L", (), -sn.mean(sn.sum((y[n, k] + r[n, k]) * sn.log(p[n, k]), k), n))
    g = check_gradient(L, z)
    assert_short(g, (n, k), (p[n, k] * (1 + sn.sum(r[n, j], j)) - y[n, k] - r[n, k]) / N)


def test_targets_of_other_samples_do_not_sum_to_one():
    z, y = sn.input("z", (K, K)), sn.input("y", (K, K), kind="onehot")
    p = sn.define("p", (j, k), sn.exp(z[j, k]) / sn.sum(sn.exp(z[j, m]), m))
    L = sn.define("L", (), -sn.sum(y[k, j] * sn.log(p[j, k]), j, k))
    assert_formula(check_gradient(L, z), (j, k), p[j, k] * sn.sum(y[m, j], m) - y[k, j])


def test_squared_targets_collapse_for_bits_only():
    z = logits()
    p = sn.softmax(z).named("p")

    def gradient(y):
        return check_gradient(sn.define("L", (), -sn.mean(sn.sum(y[n, k] ** 2 * sn.log(p[n, k]), k), n)), z)

    bits, shares = target("onehot"), target("simplex")
    assert_formula(gradient(bits), (n, k), (p[n, k] - bits[n, k]) / N)
    assert_formula(gradient(shares), (n, k), (p[n, k] * sn.sum(shares[n, j] ** 2, j) - shares[n, k] ** 2) / N)


def test_masks_are_no_rows():
    z, y = logits(), target("mask")
    p = sn.softmax(z).named("p")
    L = sn.losses.nll(sn.log(p), y)
    assert_formula(check_gradient(L, z), (n, k), (p[n, k] * sn.sum(y[n, j], j) - y[n, k]) / N)


def test_a_sum_over_some_classes_is_not_one():
    z, y = logits(), target("simplex")
    p = sn.softmax(z).named("p")
    inner = sn.where(k > 0, y[n, k] * sn.log(p[n, k]), 0)
    L = sn.define("L", (), -sn.mean(sn.sum(inner, k), n))
    kept = sn.sum(sn.where(j > 0, y[n, j], 0), j)
    assert_short(check_gradient(L, z), (n, k), (p[n, k] * kept - sn.where(k > 0, y[n, k], 0)) / N)


def test_an_epsilon_in_the_logarithm_keeps_its_sum():
    z, y = logits(), target("onehot")
    p = sn.softmax(z).named("p")
    g = check_gradient(sn.losses.cross_entropy(p, y, epsilon=1e-2), z)
    eps = sp.Rational(1, 100)
    kept = sn.sum(y[n, j] * p[n, j] / (p[n, j] + eps), j)
    assert_short(g, (n, k), p[n, k] * (kept - y[n, k] / (p[n, k] + eps)) / N)


def test_a_margin_on_the_logits_keeps_its_own_softmax():
    z, y, u = logits(), target("onehot"), sn.input("u", (N, K))
    p = sn.softmax(z).named("p")
    q = sn.softmax(z + u).named("q")
    L = sn.losses.cross_entropy(q, y)
    assert_formula(check_gradient(L, z), (n, k), (q[n, k] - y[n, k]) / N)
    both = sn.losses.cross_entropy(q, y) + sn.losses.cross_entropy(p, y)
    assert_short(check_gradient(both, z), (n, k), (p[n, k] + q[n, k] - 2 * y[n, k]) / N)
