"""Rows of shuffled data are asked for one sample ahead."""

from __future__ import annotations

import re

import numpy as np
import pytest

import symnet as sn


def trained(width: int, rows: int = 70) -> tuple[sn.Model, dict[str, np.ndarray]]:
    x, y = sn.input("x", ("N", width)), sn.input("y", ("N", 2))
    model = sn.Model(sn.losses.mse(sn.layers.Dense(2, name="out")(x), y))
    rng = np.random.default_rng(0)
    return model, {"x": rng.normal(size=(rows, width)), "y": rng.normal(size=(rows, 2))}


@pytest.mark.parametrize(
    ("width", "asked"),
    [pytest.param(40, [40], id="a row of some lines"), pytest.param(4, [], id="a row within a line"),
     pytest.param(3000, [1024], id="a long row, its first entries")],
)  # fmt: skip
def test_rows_of_some_length_are_asked_for(width: int, asked: list[int]) -> None:
    model, data = trained(width)
    run = model.compile(sn.optim.SGD(0.1), dtype="float64")
    run.fit(data, epochs=1, batch_size=32, progress=False)
    assert [int(n) for n in re.findall(r"^ +fetch\(data\w+, rows\[.*\] \* \d+, (\d+)\)$", run.source, re.M)] == asked


def test_the_last_row_asks_for_no_row_behind_the_data() -> None:
    model, data = trained(40)
    run = model.compile(sn.optim.SGD(0.0), dtype="float64", seed=1)
    history = run.fit(data, epochs=1, batch_size=32, shuffle=False, progress=False)
    W, b = run.params["out.W"], run.params["out.b"]
    np.testing.assert_allclose(history["loss"], [np.mean((data["x"] @ W + b - data["y"]) ** 2)], rtol=1e-12)
    assert re.search(r"after = (n_\d+ \+ begin) \+ 1 if \1 \+ 1 < total else \1$", run.source, re.M)


def test_rows_of_an_embedding_are_not_asked_for_before_their_place_is_known() -> None:
    t, y = sn.input("t", ("N",), kind="label", classes=5), sn.input("y", ("N", 16))
    model = sn.Model(sn.losses.mse(sn.layers.Embedding(5, 16, name="table")(t), y))
    run = model.compile(sn.optim.SGD(0.0), dtype="float64", seed=1)
    data = {"t": np.arange(40) % 5, "y": np.random.default_rng(0).normal(size=(40, 16))}
    history = run.fit(data, epochs=1, batch_size=32, progress=False)
    np.testing.assert_allclose(history["loss"], [np.mean((run.params["table.W"][data["t"]] - data["y"]) ** 2)])
    assert not re.search(r"fetch\(theta", run.source)
