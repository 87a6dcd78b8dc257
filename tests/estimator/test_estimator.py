"""The estimators among scikit-learn's other parts: scores, pipelines, searches, copies, files."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from flowers import HIDDEN, iris, labels, values
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import symnet
from symnet import SymnetClassifier, SymnetRegressor
from symnet.estimator.epochs import Watch
from symnet.estimator.training import capacity

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def kernels() -> int:
    return sum(path.is_dir() for path in Path(os.environ["SYMNET_CACHE_DIR"]).iterdir())


def quick(**options):
    return SymnetClassifier(HIDDEN, **{"learning_rate_init": 0.02, "random_state": 0, "max_iter": 60, **options})


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(*iris())


# -- how well


def test_digits_are_told_apart():
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
    found = make_pipeline(StandardScaler(), SymnetClassifier(random_state=0)).fit(x_train, y_train)
    assert found.score(x_test, y_test) >= 0.97


def test_flowers_are_told_apart_across_folds():
    assert cross_val_score(quick(), *iris(), cv=3).mean() >= 0.94


def test_values_are_predicted():
    found = SymnetRegressor(hidden_layer_sizes=HIDDEN, learning_rate_init=0.02, random_state=0, max_iter=200)
    assert found.fit(*values()).score(*values()) >= 0.8
    assert found.predict(values()[0]).shape == (150, 2)
    assert [w.shape for w in found.coefs_] == [(4, 8), (8, 2)]


# -- what is known of a fitted estimator


def test_a_fitted_classifier_tells_of_itself(fitted):
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert (fitted.n_features_in_, fitted.n_outputs_, fitted.n_layers_, fitted.n_iter_) == (4, 3, 3, 60)
    assert len(fitted.loss_curve_) == 60
    assert fitted.loss_ == fitted.loss_curve_[-1]
    assert fitted.best_loss_ == min(fitted.loss_curve_)
    assert fitted.t_ == 60 * 150
    assert [b.shape for b in fitted.intercepts_] == [(8,), (3,)]


def test_probabilities_sum_to_one(fitted):
    p = fitted.predict_proba(iris()[0])
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(p.argmax(axis=1), fitted.predict(iris()[0]))
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(iris()[0])), p)


def test_classes_may_be_words():
    x, y = iris()
    names = np.array(["setosa", "versicolor", "virginica"], object)
    found = quick().fit(x, names[y])
    np.testing.assert_array_equal(found.classes_, names)
    assert found.score(x, names[y]) >= 0.95


def test_one_class_is_certain():
    found = quick(max_iter=2).fit(iris()[0], np.full(150, "a"))
    assert found.predict(iris()[0][:2]).tolist() == ["a", "a"]
    np.testing.assert_array_equal(found.predict_proba(iris()[0][:2]), np.ones((2, 1)))


def test_labels_are_rows_of_zeros_and_ones():
    x, y = labels()
    found = quick().fit(x, y)
    assert found.predict(x).shape == y.shape
    assert found.score(x, y) >= 0.9


@pytest.mark.filterwarnings("ignore:batch_size=300")
@pytest.mark.parametrize("weight", [0, 2], ids=["none", "two"])
def test_a_weight_says_how_often_a_row_counts(weight):
    x, y = iris()
    weights = np.where(np.arange(150) % 3, 1, weight)
    rows = np.repeat(np.arange(150), weights)
    weighed = quick(shuffle=False, max_iter=20, batch_size=300).fit(x, y, sample_weight=weights)
    repeated = quick(shuffle=False, max_iter=20, batch_size=300).fit(x[rows], y[rows])
    for a, b in zip(weighed.coefs_, repeated.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_weights_have_the_type_of_the_data_or_the_one_asked_for():
    x, y = iris()
    assert quick(max_iter=2).fit(x.astype(np.float32), y).coefs_[0].dtype == np.float32
    found = quick(max_iter=2, dtype="float32").fit(x, y)
    assert found.coefs_[0].dtype == found.predict_proba(x).dtype == np.float32


def test_verbose_tells_each_epoch(capsys):
    quick(max_iter=2, verbose=True, early_stopping=True).fit(*iris())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch 2: loss 1.")
    assert "validation score 0." in lines[1]


# -- among others


def test_a_search_over_numbers_and_widths_compiles_no_kernel_for_each(fitted):
    before = kernels()
    grid = {"alpha": [1e-5, 10.0], "learning_rate_init": [1e-3, 2e-2], "beta_1": [0.8, 0.9]}
    grid["hidden_layer_sizes"] = [(8,), (12,)]
    search = GridSearchCV(quick(), grid, cv=3).fit(*iris())
    assert kernels() == before
    assert search.best_score_ >= 0.94
    assert search.best_params_["learning_rate_init"] == 0.02


def test_a_clone_learns_the_same(fitted):
    twin = clone(fitted)
    assert not hasattr(twin, "params_")
    np.testing.assert_array_equal(twin.fit(*iris()).predict_proba(iris()[0]), fitted.predict_proba(iris()[0]))


def test_copies_through_files_predict_the_same(fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "flowers.joblib")
    for other in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "flowers.joblib")):
        np.testing.assert_array_equal(other.predict_proba(iris()[0]), fitted.predict_proba(iris()[0]))
        assert other.partial_fit(*iris()).t_ == fitted.t_ + 150


def test_a_fitted_estimator_holds_plain_values_only(fitted):
    plain = (np.ndarray, np.generic, int, float, str, bool, tuple, list, dict, type(None))
    held = [*vars(fitted).values(), *fitted.params_.values(), *fitted._memory["states"].values()]
    assert [value for value in held if not isinstance(value, plain)] == []


def test_another_process_predicts_the_same(fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "flowers.joblib")
    np.save(tmp_path / "x.npy", iris()[0])
    code = "import joblib, numpy as np; print(joblib.load('flowers.joblib').predict(np.load('x.npy')).tolist())"
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(fitted.predict(iris()[0]).tolist())


def test_without_scikit_learn_there_is_a_hint():
    code = """import sys; sys.modules["sklearn"] = None
import symnet
try: symnet.SymnetClassifier
except symnet.SymnetError as problem: print(problem)
from symnet import *"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == [
        "E0701 the estimators need scikit-learn, which is not installed",
        "  hint: pip install symnet[sklearn]",
    ]


def test_the_estimators_are_among_the_public_names():
    assert {"SymnetClassifier", "SymnetRegressor"} <= set(dir(symnet))


# -- parts


@pytest.mark.parametrize(
    ("batch", "count", "room"),
    [(200, 10, 200), (200, 5000, 200), (32, 10, 32), (500, 300, 512), (500, 100, 200), (500, 600, 500), (200, 1, 200)],
)
def test_a_kernel_has_room_for_data_of_many_sizes(batch, count, room):
    assert capacity(batch, count) == room


def test_a_watch_is_over_when_nothing_falls():
    watch = Watch(tol=0.1, patience=1)
    assert [watch.better(v) for v in (1.0, 0.95, 0.5, 0.45)] == [True, True, True, True]
    assert (watch.waited, watch.is_over) == (1, False)
    assert not watch.better(0.45)
    assert watch.is_over
