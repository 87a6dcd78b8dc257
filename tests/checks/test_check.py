"""The check can fail: wrong gradients of every kind are flagged, and right ones at a kink are not."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.errors import KindProblem, NonScalarLoss, RangeProblem, ShapeProblem, SymnetError, ValueProblem

N, D, K, H = sn.dims("N D K H")
n, d, k, h, i, j, m = sn.indices("n d k h i j m")
METHODS = ("complex", "central")
RNG = np.random.default_rng(5)

# one layer; inputs of very different sizes make entries of the gradient that differ as much
x, y, W = sn.input("x", (N, D)), sn.input("y", (N, K)), sn.param("W", (D, K))
LAYER = sn.losses.mse(sn.tanh(x @ W), y)
SLOPE = sn.grad(LAYER, W)
VALUES = {"x": RNG.normal(size=(5, 4)) * [1, 1, 1e-2, 1e-4], "y": RNG.normal(size=(5, 3)), "W": RNG.normal(size=(4, 3))}

# a vector for what bends
w = sn.param("w", (D,))

# two layers that share one square weight
u, U = sn.input("u", (N, H)), sn.param("U", (H, H))
a = sn.define("a", (n, h), sn.sum(u[n, j] * U[j, h], j))
p = sn.tanh(a).named("p")
q = sn.define("q", (n, h), sn.sum(p[n, j] * U[j, h], j))
TWICE = sn.define("L", (), sn.mean(sn.sum(q[n, h] ** 2, h), n))
above, below = 2 * q[n, h] / N, sn.sum(2 * q[n, m] / N * U[h, m], m) * (1 - p[n, h] ** 2)
FIRST, SECOND = sn.sum(u[n, j] * below, n), sn.sum(p[n, j] * above, n)
WRONG = {
    "missing 1/N": N * (FIRST + SECOND),
    "missing factor 2": (FIRST + SECOND) / 2,
    "wrong sign": -FIRST - SECOND,
    "wrong sign of one path": FIRST - SECOND,
    "first path only": FIRST,
    "second path only": SECOND,
    "transposed weight": sn.sum(u[n, j] * sn.sum(2 * q[n, m] / N * U[m, h], m) * (1 - p[n, h] ** 2), n) + SECOND,
    "swapped index": sn.sum(u[n, h] * below.xreplace({h: j}), n) + sn.sum(p[n, h] * above.xreplace({h: j}), n),
    "forgotten slope": sn.sum(u[n, j] * sn.sum(2 * q[n, m] / N * U[h, m], m), n) + SECOND,
    "value before activation": FIRST + sn.sum(a[n, j] * above, n),
    "rows reversed": sn.sum(u[n, H - 1 - j] * below, n) + SECOND,
}


def report_of(formula, **options):
    """The check of TWICE with a formula in place of its derived gradient."""
    return sn.check(TWICE, U, gradient={U: sn.define("own", (j, h), formula, shape=(H, H))}, **options)


def off_by(factor, place):
    """The gradient of LAYER with the entry at a place multiplied."""
    here = sn.delta(d, place[0]) * sn.delta(k, place[1])
    return sn.define("off", (d, k), SLOPE[d, k] * (1 + (factor - 1) * here))


# -- wrong gradients are flagged


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", list(np.ndindex(4, 3)), ids=str)
def test_one_entry_off_by_one_percent_is_flagged_and_named(place, method):
    report = sn.check(LAYER, W, VALUES, method=method, gradient={W: off_by(1.01, place)})
    (row,) = report.rows
    assert not report.ok
    assert row.worst == place
    assert row.symbolic == pytest.approx(1.01 * row.numeric, rel=1e-4)


def test_the_entries_differ_by_orders_of_magnitude():
    """Says that the table above has small entries to miss."""
    sizes = np.abs(sn.evaluate(SLOPE, VALUES))
    assert sizes.min() < 1e-4 * sizes.max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("formula", WRONG.values(), ids=WRONG)
def test_wrong_formulas_are_flagged(formula, method):
    report = report_of(formula, method=method)
    assert not report.ok
    assert "WRONG" in str(report)


@pytest.mark.parametrize("method", METHODS)
def test_the_right_formula_is_not_flagged(method):
    assert report_of(FIRST + SECOND, method=method).ok


@pytest.mark.parametrize("seed", range(5))
def test_a_wrong_formula_is_flagged_for_every_seed(seed):
    assert not report_of(WRONG["transposed weight"], seed=seed).ok
    assert report_of(FIRST + SECOND, seed=seed).ok


def test_one_wrong_tensor_among_right_ones_is_the_one_that_is_named():
    report = sn.check(LAYER, [x, W, y], VALUES, gradient={W: off_by(1.01, (1, 2))})
    assert [row.ok for row in report.rows] == [True, False, True]
    assert not report.ok


@pytest.mark.parametrize("wrong", [SLOPE.sum(), SLOPE.sum(axis=0), SLOPE.T], ids=["sum", "row", "transpose"])
def test_a_gradient_of_another_shape_is_refused(wrong):
    with pytest.raises(ShapeProblem, match="W"):
        sn.check(LAYER, W, VALUES, gradient={W: wrong})


def test_a_wrong_gradient_of_an_intermediate_is_flagged():
    right = sn.grad(TWICE, p)
    assert sn.check(TWICE, [p, q, U]).ok
    assert not sn.check(TWICE, p, gradient={p: 1.01 * right}).ok
    assert not sn.check(TWICE, p, gradient={p: sn.define("own", (n, h), below)}).ok


def test_a_large_loss_does_not_excuse_a_small_gradient():
    """A complex step does not cancel, however large the loss is."""
    loss = LAYER / 10**6 + 10**6
    right = sn.grad(loss, W)
    assert sn.check(loss, W, VALUES, gradient={W: right}).ok
    assert not sn.check(loss, W, VALUES, gradient={W: 1.01 * right}).ok


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_flagged(value):
    assert not sn.check(LAYER, W, {**VALUES, "x": np.full((5, 4), value)}).ok


@pytest.mark.parametrize("method", METHODS)
def test_an_infinite_slope_is_flagged_and_hides_nothing(method):
    """The root at 0, beside a wrong gradient of finite size."""
    loss = LAYER + sn.define("root", (), sn.sum(sn.sqrt(w[i]), i))
    given, wrong = {**VALUES, "w": np.zeros(4)}, off_by(1.01, (0, 0))
    report = sn.check(loss, [W, w], given, method=method, gradient={W: wrong})
    assert [row.ok for row in report.rows] == [False, False]


def test_a_large_tensor_is_sampled_and_a_wrong_row_is_flagged():
    B = sn.param("B", (D, K))
    wave = sn.define("wave", (), sn.sum(sn.sin(B[d, k]) * (1 + d) / (2 + k), d, k))
    values, right = {"B": RNG.normal(size=(101, 100))}, sn.grad(wave, B)
    row = sn.define("row", (d, k), right[d, k] * (1 + sn.delta(d, 17) / 100))
    report = sn.check(wave, B, values, gradient={B: right})
    assert report.ok
    assert "sampled" in report.rows[0].note
    assert report.rows[0].checked < B.rank * 101 * 100
    assert not sn.check(wave, B, values, gradient={B: row}).ok


def test_a_large_tensor_with_one_wrong_entry_is_flagged():
    """Directions meet every entry, also those that are not sampled."""
    B = sn.param("B", (D, K))
    wave = sn.define("wave", (), sn.sum(sn.sin(B[d, k]), d, k))
    one = sn.define("one", (d, k), sn.cos(B[d, k]) * (1 + sn.delta(d, 17) * sn.delta(k, 3) / 100))
    assert not sn.check(wave, B, {"B": RNG.normal(size=(101, 100))}, gradient={B: one}).ok


# -- kinks: named, left out, and never taken for an error

KINKS = {
    "relu": (sn.sum(sn.relu(w[i]) * (i + 1), i), [0.0, 1, -1, 2], [0]),
    "near relu": (sn.sum(sn.relu(w[i]) * (i + 1), i), [1e-4, 1, -1e-4, 2], [0, 2]),
    "abs": (sn.sum(abs(w[i]) * (i + 1), i), [3.0, 0, -1, 2], [1]),
    "near abs": (sn.sum(abs(w[i]) * (i + 1), i), [3.0, 1, -1e-4, 2], [2]),
    "tie of max": (sn.max(w[i], i) ** 2 + sn.sum(w[i] ** 2, i), [1.0, 3, 3, 2], [1, 2]),
    "near tie of max": (sn.max(w[i], i) ** 2 + sn.sum(w[i] ** 2, i), [3.0, 1, 3 + 1e-4, 2], [0, 2]),
    "tie of min": (sn.min(w[i], i) ** 2 + sn.sum(w[i] ** 2, i), [3.0, 1, 4, 1], [1, 3]),
    "maximum": (sn.maximum(w[0], w[1]) ** 2 + sn.sum(w[i] ** 2, i), [2.0, 2, 2, 2], [0, 1]),
    "clip": (sn.sum(sn.clip(w[i], -1, 1) * (i + 1), i), [1.0, 0, -1, 2], [0, 2]),
    "hard_tanh": (sn.sum(sn.hard_tanh(w[i]) * (i + 1), i), [1.0, 0, -1, 2], [0, 2]),
    "where": (sn.sum(sn.where(w[i] > 1, w[i] ** 2, w[i]), i), [1.0, 0, -1, 2], [0]),
    "sign": (sn.sum(sn.sign(w[i]) * w[i] ** 2, i), [0.0, 1, -1, 2], [0]),
}


@pytest.mark.parametrize(("formula", "values", "places"), KINKS.values(), ids=KINKS)
def test_a_kink_is_named_and_left_out(formula, values, places):
    report = sn.check(sn.define("bent", (), formula), w, {"w": np.array(values)})
    (row,) = report.rows
    assert report.ok, report
    assert row.kinks == tuple((place,) for place in places)
    assert row.checked == len(values) - len(places)
    assert f"{len(places)} at a kink, left out: [{places[0]}]" in row.note


@pytest.mark.parametrize(("formula", "values", "places"), KINKS.values(), ids=KINKS)
def test_a_kink_hides_no_error_elsewhere(formula, values, places):
    loss = sn.define("bent", (), formula)
    other = next(place for place in range(len(values)) if place not in places)
    wrong = sn.define("wrong", (i,), sn.grad(loss, w)[i] + sn.delta(i, other) / 100)
    assert not sn.check(loss, w, {"w": np.array(values)}, gradient={w: wrong}).ok


def test_a_network_at_a_relu_kink_is_not_flagged():
    """The first sample is 0, and so are the biases: its hidden units stand at their kinks."""
    dense = sn.layers.Sequential(sn.layers.Dense(H, "relu"), sn.layers.Dense(K))
    loss = sn.losses.mse(dense(x), y)
    given = {"x": np.vstack([np.zeros((1, 4)), RNG.normal(size=(4, 4))]), "dense1.b": np.zeros(6), "y": VALUES["y"]}
    report = sn.check(loss, None, given)
    rows = {row.name: row for row in report.rows}
    assert report.ok, report
    assert report.method == "central"
    assert rows["x"].kinks == tuple((0, place) for place in range(4))
    assert rows["dense1.b"].kinks == tuple((place,) for place in range(6))
    assert not rows["dense1.W"].kinks


def test_a_complex_step_passes_no_kink_silently():
    """A step that stays on one side cannot see a kink; that the values stand on it can be seen all the same."""
    loss = sn.define("bent", (), sn.sum(sn.relu(w[i]), i))
    report = sn.check(loss, w, {"w": np.array([0.0, 1, -1, 2])}, method="complex")
    assert report.rows[0].kinks == ((0,),)


def test_nothing_but_kinks_is_no_success():
    report = sn.check(sn.define("bent", (), sn.sum(sn.relu(w[i]), i)), w, {"w": np.zeros(4)})
    assert not report.ok
    assert "not compared" in str(report)
    assert "WRONG" not in str(report).splitlines()[-1]


# -- methods, values, and what cannot be done


def test_both_methods_agree():
    found = {method: sn.check(TWICE, method=method) for method in METHODS}
    assert all(report.ok and report.method == method for method, report in found.items())
    for one, other in zip(*(report.rows for report in found.values()), strict=True):
        assert one.name == other.name
        assert one.nonzero == other.nonzero == 1.0
        assert one.max_rel < 1e-13
        assert other.max_rel < 1e-9


@pytest.mark.parametrize(
    ("formula", "method"),
    [
        (sn.sum(sn.tanh(w[i]) * sn.erf(w[i]), i), "complex"),
        (sn.logsumexp(sn.softplus(w[i]) + sn.silu(w[i]), i), "complex"),
        (sn.sum(sn.where(i > 0, w[i] ** 2, w[i]), i), "complex"),
        (sn.sum(abs(w[i]), i), "central"),
        (sn.sum(sn.relu(w[i]), i), "central"),
        (sn.sum(sn.softsign(w[i]), i), "central"),
        (sn.max(w[i], i), "central"),
    ],
    ids=["tanh", "softplus", "where-of-places", "abs", "relu", "softsign", "max"],
)
def test_auto_takes_the_complex_step_where_every_function_is_analytic(formula, method):
    report = sn.check(sn.define("L", (), formula), w)
    assert report.ok, report
    assert report.method == method


def test_a_mask_does_not_keep_a_network_from_the_complex_step():
    """What is compared there does not move with any real input."""
    keep = sn.input("keep", (D,), kind="mask")
    assert sn.check(sn.define("L", (), sn.sum(sn.where(keep[i] > 0, sn.exp(w[i]), 0), i)), w).method == "complex"


def test_rtol_decides():
    off = {W: off_by(1.01, (0, 0))}
    assert not sn.check(LAYER, W, VALUES, rtol=1e-4, gradient=off).ok
    assert sn.check(LAYER, W, VALUES, rtol=0.1, gradient=off).ok


def test_max_error_is_the_worst_row():
    report = sn.check(LAYER, [x, W], VALUES, gradient={W: off_by(1.01, (1, 1))})
    sizes = np.abs(sn.evaluate(SLOPE, VALUES))
    assert report.max_error == max(row.max_rel for row in report.rows)
    assert report.max_error == pytest.approx(0.01 * sizes[1, 1] / sizes.max(), rel=0.011)


def test_small_errors_are_shown_as_they_are():
    """Central differences are never exact; a report that says 0 hides what it found."""
    assert 0 < sn.check(LAYER, W, VALUES, method="central").max_error < 1e-7


def test_values_that_are_not_given_are_drawn_from_the_seed():
    one, same, other = (sn.check(LAYER, W, {"x": VALUES["x"]}, seed=seed) for seed in (1, 1, 2))
    assert str(one) == str(same)
    assert str(one) != str(other)
    assert one.rows[0].shape[0] == 4


def test_sizes_that_are_not_given_are_all_distinct():
    rows = sn.check(LAYER, [x, W, y]).rows
    (samples, features), (_, outputs), _ = (row.shape for row in rows)
    assert len({samples, features, outputs}) == 3


def test_without_wrt_all_parameters_and_real_inputs_are_checked():
    labels, keep = sn.input("t", (N,), kind="label", classes=K), sn.input("keep", (N, D), kind="mask")
    loss = sn.losses.softmax_cross_entropy((x * keep) @ W, labels)
    assert {row.name for row in sn.check(loss).rows} == {"x", "W"}


def test_zero_on_both_sides_is_noted():
    report = sn.check(sn.define("L", (), sn.sum(sn.where(w[i] > 9, w[i], 0), i)), w, {"w": np.ones(4)})
    assert report.rows[0].nonzero == 0
    assert report.rows[0].note == "both sides are zero: this proves little"


def test_a_tensor_that_the_loss_does_not_read_has_gradient_zero():
    with pytest.warns(sn.SymnetWarning, match="does not depend on w"):
        report = sn.check(LAYER, [W, w], VALUES)
    assert report.rows[0].ok
    assert report.rows[1].nonzero == 0
    assert "both sides are zero" in report.rows[1].note


REFUSED = {
    "method": (lambda: sn.check(LAYER, W, VALUES, method="forward"), ValueProblem, "no method 'forward'.*complex"),
    "no tensor": (lambda: sn.check(3.0), SymnetError, "3.0"),
    "no scalar": (lambda: sn.check(SLOPE), NonScalarLoss, r"\(D, K\)"),
    "wrt no tensor": (lambda: sn.check(LAYER, ["W"]), SymnetError, "'W'"),
    "wrt labels": (lambda: sn.check(LAYER, sn.input("t", (N,), kind="label", classes=3)), KindProblem, "t"),
    "unknown name": (lambda: sn.check(LAYER, W, {"v": np.ones(3)}), ValueProblem, "named v.*there are .*W"),
    "rank": (lambda: sn.check(LAYER, W, {"x": np.ones(3)}), ShapeProblem, r"x\(N, D\).*\(3,\)"),
    "sizes": (lambda: sn.check(LAYER, W, {"x": np.ones((5, 4)), "y": np.ones((6, 3))}), ShapeProblem, "N is 5 in x.*6"),
    "no numbers": (lambda: sn.check(LAYER, W, {"x": np.array([["a"]])}), ValueProblem, "x"),
    "own gradient of what is not checked": (lambda: sn.check(LAYER, W, gradient={x: SLOPE}), SymnetError, "x"),
    "own gradient by an unknown name": (lambda: sn.check(LAYER, W, gradient={"V": SLOPE}), SymnetError, "V"),
    "own gradient that is no tensor": (lambda: sn.check(LAYER, W, gradient={W: 3.0}), SymnetError, "W"),
}


@pytest.mark.parametrize(("call", "problem", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_checked_is_refused_by_name(call, problem, text):
    with pytest.raises(problem, match=f"(?s){text}"):
        call()


def test_labels_out_of_range_are_refused():
    t = sn.input("t", (N,), kind="label", classes=K)
    loss = sn.losses.softmax_cross_entropy(x @ W, t)
    with pytest.raises(RangeProblem, match=r"label 3 at row 2 of t: allowed 0\.\.2"):
        sn.check(loss, W, {"x": np.ones((2, 4)), "W": np.ones((4, 3)), "t": np.array([0, 3])})


# -- the report


GOLDEN = """\
gradients of L: WRONG (method central, rtol 1e-07)
tensor  shape  max abs  max rel  at      symbolic  numeric  nonzero         note
w       2      0.0e+00  0.0e+00  [1]     2         2        100%     ok     1 at a kink, left out: [0]
W       2x3    3.9e+00  5.0e-01  [0, 1]  7.8125    3.90625  50%      WRONG"""


def test_the_report_reads_as_a_table():
    """At numbers of few bits, where the differences of squares are exact."""
    bent = sn.define("L", (), sn.sum(sn.relu(w[i]) * (i + 1), i) + sn.sum(W[0, k] ** 2, k) / 2)
    own = sn.define("own", (d, k), sn.delta(d, 0) * W[d, k] * (1 + sn.delta(k, 1)), shape=(D, K))
    values = {"w": np.array([0, 1.953125]), "W": np.array([[1.953125, 3.90625, -1.953125], [0, 0, 0]])}
    assert str(sn.check(bent, [w, W], values, gradient={W: own})) == GOLDEN


def test_a_report_is_true_when_it_is_ok():
    assert sn.check(TWICE)
    assert not report_of(FIRST)
