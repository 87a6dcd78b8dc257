"""Small trained models that the tests of the report share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from report_data import Trained

import symnet as sn


def trained(name: str, output: sn.Tensor, loss: sn.Tensor, data: dict[str, np.ndarray], **options: Any) -> Trained:
    model = sn.Model(loss, outputs={output.name: output}, name=name, **options)
    run = model.compile(sn.optim.Adam(0.02), seed=0)
    run.fit(data, epochs=4, batch_size=32, validation=0.25, progress=False)
    return Trained(model, run, data)


@pytest.fixture(scope="session")
def digits() -> Trained:
    """Eight hidden units over images of 8 x 8, in which the class brightens a row."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 200)
    images = rng.uniform(0, 0.6, (200, 8, 8))
    images[np.arange(200), labels * 2] += 0.2
    x, t = sn.input("x", ("N", 64)), sn.input("t", ("N",), kind="label", classes=4)
    net = sn.layers.Sequential(sn.layers.Dense(8, "tanh"), sn.layers.Dense(4))
    p = sn.softmax(net(x)).named("p")
    loss = sn.losses.cross_entropy(p, t).named("L")
    data = {"x": images.reshape(200, 64), "t": labels}
    return trained("rows", p, loss, data, metrics=[sn.metrics.accuracy(p, t)])


@pytest.fixture(scope="session")
def moons() -> Trained:
    """Logistic regression in the plane, against yes and no."""
    rng = np.random.default_rng(1)
    points = rng.normal(size=(120, 2))
    x, y = sn.input("x", ("N", 2)), sn.input("y", ("N",), kind="mask")
    w = sn.param("w", (2,))
    n, d = sn.indices("n d")
    s = sn.define("s", n, sn.sigmoid(sn.sum(x[n, d] * w[d], d)))
    return trained("moons", s, sn.losses.log_loss(s, y).named("L"), {"x": points, "y": (points[:, 0] > 0) * 1.0})


@pytest.fixture(scope="session")
def line() -> Trained:
    """Linear regression."""
    rng = np.random.default_rng(2)
    x_values = rng.normal(size=(100, 3))
    x, y = sn.input("x", ("N", 3)), sn.input("y", ("N", 1))
    v = (x @ sn.param("W", (3, 1)) + sn.param("b", (1,))).named("v")
    loss = sn.losses.mse(v, y).named("L")
    return trained("line", v, loss, {"x": x_values, "y": x_values @ np.array([[1.0], [-2.0], [0.5]])})
