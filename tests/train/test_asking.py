"""What a run is asked for, and what it is then told of."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.errors import ValueProblem

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
