"""Losses, activations and models beyond scikit-learn's."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from flowers import HIDDEN, iris, values

import symnet as sn
from symnet import SymnetClassifier, SymnetRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
QUICK = {"hidden_layer_sizes": HIDDEN, "learning_rate_init": 0.02, "random_state": 0, "max_iter": 60}
FILE = """\
symnet: 1
name: softmax-regression
dims: {N: batch, D: 4, K: 3}
tensors:
  x: {shape: [N, D], role: input}
  y: {shape: [N, K], role: target, kind: onehot}
  W: {shape: [D, K], role: param, init: glorot_uniform}
  b: {shape: [K], role: param, init: zeros}
formulas: |
  z[n,k] = sum(x[n,d]*W[d,k], d) + b[k]
  p[n,k] = exp(z[n,k]) / sum(exp(z[n,j]), j)
  L = -mean(sum(y[n,k]*log(p[n,k]), k), n)
loss: L
outputs: [p]
"""


def smoothed(z, y):
    return sn.losses.softmax_cross_entropy(z, y, label_smoothing=0.1)


def steep(v, y):
    return sn.mean(abs(v - y) ** 1.5)


def bent(z):
    return sn.where(z > 0, z, z / 8)


def scores(x, y):
    h = sn.layers.Dense(8, "tanh", name="hidden")(x)
    return sn.layers.Dense(3, name="out")(h)


def focused(x, y):
    z = scores(x, y)
    return sn.losses.focal(z, y), sn.softmax(z)


def as_model(x, y):
    z = scores(x, y)
    return sn.Model(sn.losses.softmax_cross_entropy(z, y), outputs={"p": sn.softmax(z)})


def yes_or_no(x, y):
    return sn.layers.Dense(2, name="out")(x)


def line(x, y):
    w = sn.param("w", (x.shape[1],))
    n, d = sn.indices("n d")
    return sn.define("v", n, sn.sum(x[n, d] * w[d], d))


def cost_by_hand(name, p, y):
    """Of probabilities of three classes."""
    hit = p[np.arange(len(y)), y]
    return {"focal": -((1 - hit) ** 2) * np.log(hit), "kl_divergence": -np.log(hit)}[name]


@pytest.mark.parametrize("loss", ["focal", "kl_divergence"])
def test_loss_of_classes_is_the_one_that_was_named(loss):
    x, y = iris()
    found = SymnetClassifier(**QUICK, loss=loss, alpha=0).fit(x, y)
    after = cost_by_hand(loss, found.predict_proba(x), y).mean()
    assert after <= found.loss_ <= after * 1.05
    assert found.score(x, y) >= 0.93


@pytest.mark.parametrize("loss", ["hinge", "squared_error"])
def test_loss_of_two_classes_may_be_another(loss):
    x, y = iris()
    assert SymnetClassifier(**QUICK, loss=loss).fit(x, y == 0).score(x, y == 0) == 1


def test_loss_of_values_is_the_one_that_was_named():
    x, y = values()
    found = SymnetRegressor(**QUICK, loss="log_cosh", alpha=0).fit(x, y)
    cost = np.log(np.cosh(found.predict(x) - y))
    assert found.loss_ == pytest.approx(cost.sum(axis=1).mean(), rel=0.1)


def test_own_loss_is_minimised():
    x, y = iris()
    found = SymnetClassifier(**QUICK, loss=smoothed).fit(x, y)
    assert found.score(x, y) >= 0.95
    assert 0.3 < found.loss_ < 0.4  # what was spread costs 0.3
    x, y = values()
    found = SymnetRegressor(**QUICK, loss=steep, alpha=0).fit(x, y)
    assert found.loss_ == pytest.approx((np.abs(found.predict(x) - y) ** 1.5).mean(), rel=0.1)


def test_own_loss_weighs_its_samples():
    x, y = iris()
    weights = np.where(y == 2, 1e-9, 1.0)
    found = SymnetClassifier(**QUICK, loss=smoothed).fit(x, y, sample_weight=weights)
    assert found.predict_proba(x)[:, 2].max() < 0.1


def test_own_activation_is_used():
    x, y = iris()
    found = SymnetClassifier(**QUICK, activation=bent).fit(x, y)
    (W1, W2), (b1, b2) = found.coefs_, found.intercepts_
    a = x @ W1 + b1
    z = np.where(a > 0, a, a / 8) @ W2 + b2
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.predict_proba(x), p, rtol=1e-9)


@pytest.mark.parametrize("model", [scores, focused, as_model])
def test_own_model_is_trained(model):
    x, y = iris()
    found = SymnetClassifier(**QUICK, model=model).fit(x, y)
    assert found.score(x, y) >= 0.95
    assert {name: value.shape for name, value in found.params_.items()} == {
        **{"hidden.W": (4, 8), "hidden.b": (8,)},
        **{"out.W": (8, 3), "out.b": (3,)},
    }
    np.testing.assert_allclose(found.predict_proba(x).sum(axis=1), 1)
    assert not hasattr(found, "coefs_")


def test_own_model_of_two_classes_has_scores_for_both():
    x, y = iris()
    found = SymnetClassifier(**QUICK, model=yes_or_no).fit(x, y == 0)
    assert (found.out_activation_, found.n_outputs_) == ("softmax", 2)
    assert found.score(x, y == 0) == 1


def test_own_model_of_one_value_may_have_no_axis_for_it():
    x = iris()[0]
    found = SymnetRegressor(**{**QUICK, "solver": "lbfgs"}, model=line, alpha=0).fit(x, x @ [1.0, -2.0, 0.5, 3.0])
    np.testing.assert_allclose(found.params_["w"], [1, -2, 0.5, 3], atol=1e-3)


def test_model_file_is_trained_and_no_longer_needed(tmp_path):
    x, y = iris()
    path = tmp_path / "model.yaml"
    path.write_text(FILE)
    found = SymnetClassifier(**QUICK, model=str(path)).fit(x, y)
    assert found.score(x, y) >= 0.93
    assert found.params_["W"].shape == (4, 3)
    path.unlink()
    other = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(other.predict(x), found.predict(x))
