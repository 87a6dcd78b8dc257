"""Step by step as scikit-learn's own networks: from one seed, the same weights to rounding."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from flowers import HIDDEN, iris, labels, values
from sklearn.neural_network import MLPClassifier, MLPRegressor

from symnet import SymnetClassifier, SymnetRegressor

CLASSES = {
    "adam": {},
    "sgd": {"solver": "sgd"},
    "sgd in order": {"solver": "sgd", "shuffle": False, "alpha": 0.1},
    "no momentum": {"solver": "sgd", "momentum": 0, "nesterovs_momentum": False},
    "momentum": {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False, "learning_rate_init": 0.01},
    "inverse scaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.25},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 2},
    "lbfgs": {"solver": "lbfgs", "alpha": 0.1},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 3},
    "until it stands still": {"tol": 0.01, "n_iter_no_change": 3},
    "small batches": {"batch_size": 32},
    "other numbers": {"learning_rate_init": 0.02, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-4, "alpha": 0},
}
DEEP = {"activation": "logistic", "hidden_layer_sizes": (5, 3), "solver": "sgd", "learning_rate_init": 0.1}


def fitted(theirs, ours, data, options, weight=None):
    given = {"hidden_layer_sizes": HIDDEN, "random_state": 3, "max_iter": 30, **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [kind(**given).fit(*data, sample_weight=weight) for kind in (theirs, ours)]


def assert_same(theirs, ours, rtol=1e-6):
    assert ours.n_iter_ == theirs.n_iter_
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-8)


@pytest.mark.parametrize("options", CLASSES.values(), ids=CLASSES)
def test_classifier_learns_as_mlp_classifier(options):
    theirs, ours = fitted(MLPClassifier, SymnetClassifier, iris(), options)
    assert_same(theirs, ours)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-9)
    assert ours.out_activation_ == theirs.out_activation_ == "softmax"
    np.testing.assert_allclose(ours.predict_proba(iris()[0]), theirs.predict_proba(iris()[0]), atol=1e-9)
    if options.get("solver") != "lbfgs":
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


def test_best_values_are_those_of_mlp_classifier():
    theirs, ours = fitted(MLPClassifier, SymnetClassifier, iris(), CLASSES["early stopping"])
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_)
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
    theirs, ours = fitted(MLPClassifier, SymnetClassifier, iris(), {})
    assert ours.best_loss_ == pytest.approx(theirs.best_loss_)


def test_samples_weigh_as_in_mlp_classifier():
    weight = np.random.default_rng(0).uniform(0.5, 3, 150)
    theirs, ours = fitted(MLPClassifier, SymnetClassifier, iris(), {"alpha": 0.5}, weight)
    assert_same(theirs, ours)


def test_two_classes_have_one_output_as_in_mlp_classifier():
    x, y = iris()
    theirs, ours = fitted(MLPClassifier, SymnetClassifier, (x, np.where(y == 1, "yes", "no")), {})
    assert_same(theirs, ours)
    assert ours.out_activation_ == theirs.out_activation_ == "logistic"
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))
    np.testing.assert_allclose(ours.predict_log_proba(x), theirs.predict_log_proba(x), rtol=1e-6)


def test_several_labels_are_learned_as_by_mlp_classifier():
    theirs, ours = fitted(MLPClassifier, SymnetClassifier, labels(), {})
    assert_same(theirs, ours)
    np.testing.assert_array_equal(ours.predict(labels()[0]), theirs.predict(labels()[0]))
    np.testing.assert_allclose(ours.predict_proba(labels()[0]), theirs.predict_proba(labels()[0]), atol=1e-9)


def test_parts_of_the_data_are_met_as_by_mlp_classifier():
    x, y = iris()
    pair = [kind(HIDDEN, random_state=0) for kind in (MLPClassifier, SymnetClassifier)]
    for estimator in pair:
        for start in (0, 40, 80):
            estimator.partial_fit(x[start : start + 60], y[start : start + 60], classes=[0, 1, 2])
    assert_same(*pair)
    assert [e.t_ for e in pair] == [180, 180]


def test_warm_start_goes_on_as_mlp_classifier():
    pair = fitted(MLPClassifier, SymnetClassifier, iris(), {"warm_start": True, "max_iter": 5})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same(*[estimator.fit(*iris()) for estimator in pair])
    assert len(pair[1].loss_curve_) == 10


@pytest.mark.parametrize("options", [{}, DEEP], ids=["adam", "deep"])
def test_regressor_learns_as_mlp_regressor(options):
    theirs, ours = fitted(MLPRegressor, SymnetRegressor, values(), options)
    assert_same(theirs, ours)
    np.testing.assert_allclose(ours.predict(values()[0]), theirs.predict(values()[0]), rtol=1e-6)


def test_one_value_is_minimised_as_by_mlp_regressor():
    x, y = values()
    assert_same(*fitted(MLPRegressor, SymnetRegressor, (x, y[:, 0]), {"solver": "lbfgs"}))


def test_rates_are_learned_as_by_mlp_regressor():
    x, y = values()
    theirs, ours = fitted(MLPRegressor, SymnetRegressor, (x, np.exp(y[:, 0])), {"loss": "poisson"})
    assert_same(theirs, ours)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-6)
    assert ours.predict(x).min() > 0
