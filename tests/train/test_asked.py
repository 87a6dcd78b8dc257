"""What a run is asked for, and the parameters by which it answers."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.errors import ShapeProblem, SymnetError, ValueProblem

x, y = sn.input("x", ("N", 2)), sn.input("y", ("N",))
v = (x @ sn.param("w", (2,), init="ones")).named("v")
LOST = np.array([[1.0, 2.0], [np.nan, 1.0], [3.0, 4.0]])
DATA = {"x": LOST, "y": np.zeros(3)}


def run():
    return sn.Model(sn.losses.mse(v, y), outputs=v).compile(sn.optim.SGD(0.0), dtype="float64")


def test_values_that_are_not_finite_are_predicted_from_where_that_is_said():
    with pytest.raises(ValueProblem, match="row 2") as caught:
        run().predict(DATA)
    assert "allow_nonfinite=True" in caught.value.hint
    np.testing.assert_array_equal(run().predict(DATA, allow_nonfinite=True)["v"], [3.0, np.nan, 7.0])
    assert np.isnan(run().evaluate(DATA, allow_nonfinite=True)["loss"])
    assert run().evaluate(DATA, rows=[0, 2], allow_nonfinite=True)["loss"] == 29.0


def test_a_fit_that_allows_them_allows_them_in_other_data_too():
    sound = {"x": LOST[::2], "y": np.zeros(2)}
    history = run().fit(sound, validation=DATA, allow_nonfinite=True, progress=False)
    assert np.isnan(history["val_loss"][0])


# -- parameters


def test_params_are_a_mapping():
    params = run().params
    assert ("w" in params, "zz" in params) == (True, False)
    assert params.get("zz") is None
    assert params.get("zz", 3) == 3
    with pytest.raises(KeyError):
        params["zz"]
    with pytest.raises(ValueProblem, match="no parameter 'zz'") as caught:
        params["zz"] = 1
    assert caught.value.hint == "there are w"


def test_values_that_fit_are_copied_into_a_parameter():
    params = run().params
    params["w"] = [3, 4]
    np.testing.assert_array_equal(params["w"], [3.0, 4.0])
    params["w"] = 2
    np.testing.assert_array_equal(params["w"], [2.0, 2.0])


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (np.ones((2, 2)), ShapeProblem, r"w has shape \(2,\), but was given \(2, 2\)"),
        (np.ones(3), ShapeProblem, r"w has shape \(2,\), but was given \(3,\)"),
        ("abc", ValueProblem, "w holds real numbers"),
        (1j, ValueProblem, "was given complex128"),
        (None, ValueProblem, "was given object"),
    ],
)
def test_values_that_do_not_fit_leave_a_parameter_as_it_is(value, error, words):
    params = run().params
    with pytest.raises(error, match=words) as caught:
        params["w"] = value
    assert caught.value.hint
    np.testing.assert_array_equal(params["w"], [1.0, 1.0])


# -- checkpoints


def test_a_checkpoint_before_the_first_fit_is_one_to_go_on_from(tmp_path):
    first = run()
    first.params["w"] = [5.0, 6.0]
    first.checkpoint(tmp_path / "set")
    run().checkpoint(tmp_path / "untouched")
    for folder, expected in (("set", [5.0, 6.0]), ("untouched", [1.0, 1.0])):
        again = sn.Model(sn.losses.mse(v, y)).compile(sn.optim.SGD(0.0), dtype="float64", resume=tmp_path / folder)
        np.testing.assert_array_equal(again.params["w"], expected)


@pytest.mark.parametrize("asked", ["predict", "evaluate", "fit"])
@pytest.mark.parametrize("data", [None, [], "x", 3, np.ones((3, 2)), (LOST, LOST)], ids=lambda d: type(d).__name__)
def test_data_without_names_is_refused(asked, data):
    with pytest.raises(SymnetError, match="the data is") as caught:
        getattr(run(), asked)(data)
    assert "names of inputs" in caught.value.hint
