"""What a model predicts and measures has names that nothing else has."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.errors import FormulaProblem, NameProblem, NonScalarLoss

x, y = sn.input("x", ("N", 2)), sn.input("y", ("N",))
v = (x @ sn.param("w", (2,), init="ones")).named("v")
loss, mae = sn.losses.mse(v, y), sn.losses.mae(v, y)
X = np.random.default_rng(0).normal(size=(12, 2))
DATA = {"x": X, "y": np.zeros(12)}
ERROR = X.sum(1)


def trained(**options: object):
    run = sn.Model(loss, **options).compile(sn.optim.SGD(0.0), dtype="float64")
    return run, run.fit(DATA, progress=False)


def test_a_loss_with_a_name_of_its_own_is_a_metric():
    run, history = trained(metrics=[mae.named("mae"), sn.losses.huber(v, y).named("huber")])
    assert list(history) == ["loss", "mae", "huber", "seconds"]
    expected = {"loss": (ERROR**2).mean(), "mae": np.abs(ERROR).mean()}
    assert {name: run.evaluate(DATA)[name] for name in expected} == pytest.approx(expected)
    assert {name: history[name][0] for name in expected} == pytest.approx(expected)


def test_outputs_may_be_called_as_measures_are():
    run, history = trained(outputs={"loss": v, "mae": mae}, metrics=[sn.metrics.mae(v, y)])
    assert history["loss"][0] == run.evaluate(DATA)["loss"] == pytest.approx((ERROR**2).mean())
    np.testing.assert_allclose(run.predict(DATA)["loss"], ERROR)
    assert run.predict(DATA)["mae"] == run.evaluate(DATA)["mae"] == pytest.approx(np.abs(ERROR).mean())


def test_one_tensor_need_not_stand_in_a_list():
    accuracy = sn.metrics.mae(v, y)
    model = sn.Model(loss, outputs=v, metrics=accuracy)
    assert (model.outputs, model.metrics) == ({"v": v}, {"mae": accuracy})
    assert sn.Model(loss, metrics=[accuracy, accuracy]).metrics == {"mae": accuracy}


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"metrics": [mae]}, NameProblem, "cannot be called loss"),
        ({"metrics": [mae.named("seconds")]}, NameProblem, "cannot be called seconds"),
        ({"metrics": [mae.named("epoch")]}, NameProblem, "cannot be called epoch"),
        ({"metrics": [mae.named("val_loss")]}, NameProblem, "cannot be called val_loss"),
        ({"metrics": [mae.named("m"), mae.named("val_m")]}, NameProblem, "cannot be called val_m"),
        ({"metrics": [mae.named("m"), loss.named("m")]}, NameProblem, "two of the metrics are called m"),
        ({"outputs": [v, (v * 2).named("v")]}, NameProblem, "two of the outputs are called v"),
        ({"metrics": [v]}, NonScalarLoss, r"metric v has shape \(N\)"),
        ({"metrics": ["accuracy"]}, FormulaProblem, "metric 'accuracy' is no tensor"),
        ({"metrics": "accuracy"}, FormulaProblem, "metric 'accuracy' is no tensor"),
        ({"metrics": 3}, FormulaProblem, "metric 3 is no tensor"),
        ({"outputs": ["p"]}, FormulaProblem, "output 'p' is no tensor"),
        ({"outputs": {"p": "p"}}, FormulaProblem, "output 'p' must be a tensor under a name, but is 'p'"),
        ({"outputs": {v: v}}, FormulaProblem, "must be a tensor under a name"),
    ],
)
def test_names_that_clash_and_what_has_none_are_refused(options, error, words):
    with pytest.raises(error, match=words) as caught:
        sn.Model(loss, **options)
    assert caught.value.hint
