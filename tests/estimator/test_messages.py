"""What is said of parameters, targets and data that cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from flowers import HIDDEN, iris, labels, values

import symnet as sn
from symnet import SymnetClassifier, SymnetRegressor
from symnet.errors import ModelFileError, SymnetError

PARAMETERS = {
    "solver": ("adm", "solver is 'adm'", "did you mean 'adam'? solver is one of 'adam', 'sgd', 'lbfgs'"),
    "alpha": (-1, "alpha is -1", "alpha is a number, 0 or more"),
    "learning_rate_init": (0, "learning_rate_init is 0", "learning_rate_init is a number above 0"),
    "hidden_layer_sizes": (
        (8, 0),
        "hidden_layer_sizes is (8, 0)",
        "hidden_layer_sizes is the width of each hidden layer, such as (100,) or (64, 32)",
    ),
    "max_fun": ("a", "max_fun is 'a'", "max_fun is a whole number, 1 or more"),
    "batch_size": (0, "batch_size is 0", "batch_size is 'auto' or a number"),
    "max_iter": (1.5, "max_iter is 1.5", "max_iter is a whole number, 1 or more"),
    "early_stopping": (5, "early_stopping is 5", "early_stopping is True or False"),
    "beta_1": (1, "beta_1 is 1", "beta_1 is a number from 0 on and below 1"),
    "tol": (float("nan"), "tol is nan", "tol is a number, 0 or more"),
    "dtype": ("float16", "dtype is 'float16'", "did you mean 'float64'? dtype is None, 'float32' or 'float64'"),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_without_meaning_is_refused(name):
    value, message, hint = PARAMETERS[name]
    with pytest.raises(ValueError, match="E0401") as caught:
        SymnetClassifier(**{name: value}).fit(*iris())
    assert caught.value.message == f"SymnetClassifier: {message}"
    assert caught.value.hint == hint


def nothing(x, y):
    return None


def wide(x, y):
    return sn.layers.Dense(7, name="out")(x)


PARTS = {
    "loss": ({"loss": "focl"}, "there is no loss 'focl' for such targets", "did you mean 'focal'? there are cross_ent"),
    "loss of labels": ({"loss": "hinge"}, "there is no loss 'hinge' for such targets", "there are cross_entropy"),
    "activation": ({"activation": "rel"}, "there is no activation 'rel'", "did you mean 'relu'? there are identity"),
    "own loss": ({"loss": nothing}, "a loss gave NoneType", "it takes the scores and the targets"),
    "own model": ({"model": nothing}, "a model gave NoneType", "it gives scores or values (N, K)"),
    "width": ({"model": wide}, "the model gives 7 scores or values, but the data have 3", "change one of them"),
    "path": ({"model": "no.yaml"}, "model='no.yaml' cannot be read: No such file or directory", "see its path"),
    "kind": ({"model": 5}, "model is 5", "it is the path of a model file, or a function of x and y"),
}


@pytest.mark.parametrize(("options", "message", "hint"), PARTS.values(), ids=PARTS)
def test_part_without_meaning_is_refused(options, message, hint):
    with pytest.raises(SymnetError) as caught:
        SymnetClassifier(HIDDEN, **options).fit(*iris())
    assert caught.value.message == message
    assert caught.value.hint.startswith(hint)


def test_model_file_with_mistakes_says_them(tmp_path):
    path = tmp_path / "model.yaml"
    path.write_text("symnet: 1\nlos: L\n")
    with pytest.raises(ModelFileError, match=r"model\.yaml"):
        SymnetClassifier(model=path).fit(*iris())


X, Y = iris()
DATA = {
    "nan": (X * np.where(X > 2, np.nan, 1), Y, {}, "Input X contains NaN"),
    "no weight": (X, Y, {"sample_weight": np.zeros(150)}, "all sample weights are zero: no row counts"),
    "negative weight": (X, Y, {"sample_weight": np.full(150, -1)}, "sample_weight holds -1"),
    "few weights": (X, Y, {"sample_weight": np.ones(3)}, r"sample_weight has shape \(3,\), but there are 150 rows"),
    "numbers": (X, X[:, 0], {}, "Unknown label type: continuous"),
    "columns": (X, np.stack([Y, Y], axis=1), {}, r"y of shape \(150, 2\) has several columns of classes"),
}


@pytest.mark.parametrize(("x", "y", "given", "message"), DATA.values(), ids=DATA)
def test_data_that_cannot_be_learned_is_refused(x, y, given, message):
    with pytest.raises(ValueError, match=message):
        SymnetClassifier(HIDDEN).fit(x, y, **given)


def test_partial_fit_needs_all_classes_at_first():
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        SymnetClassifier(HIDDEN).partial_fit(*iris())
    found = SymnetClassifier(HIDDEN).partial_fit(*iris(), classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"y holds \[7\], but the classes are \[0, 1, 2\]"):
        found.partial_fit(X[:2], [7, 0])
    with pytest.raises(ValueError, match="not the same as on last call"):
        found.partial_fit(*iris(), classes=[0, 1])
    with pytest.raises(ValueError, match="y is not of the kind that was fitted before"):
        found.partial_fit(*labels())


def test_partial_fit_is_not_for_what_needs_all_data():
    assert not hasattr(SymnetClassifier(solver="lbfgs"), "partial_fit")
    with pytest.raises(ValueError, match="partial_fit with early_stopping"):
        SymnetRegressor(hidden_layer_sizes=HIDDEN, early_stopping=True).partial_fit(*values())


def test_counts_are_not_negative():
    with pytest.raises(ValueError, match="loss='poisson' takes counts, but y holds -"):
        SymnetRegressor("poisson", HIDDEN).fit(*values())


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_loss_that_is_not_finite_is_told(solver):
    x, y = values()
    with pytest.raises(ValueError, match="the loss is not finite") as caught:
        SymnetRegressor(hidden_layer_sizes=HIDDEN, solver=solver, learning_rate_init=10.0).fit(x * 1e200, y)
    assert "StandardScaler" in caught.value.hint


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_that_ended_early_warns():
    with pytest.warns(UserWarning, match="the 1 epochs of max_iter were not enough for the training to converge"):
        SymnetClassifier(HIDDEN, max_iter=1).fit(*iris())
    with pytest.warns(UserWarning, match="batch_size=500, but there are 150 rows"):
        SymnetClassifier(HIDDEN, max_iter=1, batch_size=500).fit(*iris())
