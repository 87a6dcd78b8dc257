"""Kernels that threads share: scalars that each thread has a part of, and where those parts lie."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

import symnet as sn
from symnet.train import model as training
from symnet.train.kernel import Request
from symnet.train.model import Run, gradients, lower
from symnet.train.source import model_source

ROWS, WIDTH = 64, 16
WAYS: dict[str, Callable[[sn.Tensor, sn.Tensor], sn.Tensor]] = {
    "a factor": lambda a, x: a * x,
    "a factor and a summand": lambda a, x: sn.tanh(a * x) + a**2,
}


@pytest.fixture(autouse=True)
def shared_whatever_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "worth_sharing", lambda parts, numbers, batch_size, threads: threads > 1)


def many_sums(count: int) -> sn.Model:
    """A network with many metrics, each a sum over samples."""
    x, y = sn.input("x", ("N", 3)), sn.input("y", ("N", WIDTH))
    v = sn.layers.Dense(WIDTH, name="d")(x)
    return sn.Model(sn.losses.mse(v, y), metrics=[sn.mean(sn.sin(v * i)).named(f"m{i}") for i in range(2, count + 2)])


def scaled(way: Callable[[sn.Tensor, sn.Tensor], sn.Tensor]) -> sn.Model:
    """A network of an input that a learned scalar changes."""
    x, y, a = sn.input("x", ("N", 3)), sn.input("y", ("N", 10)), sn.param("a", (), init="ones")
    h = sn.layers.Dense(WIDTH, activation="tanh", name="d")(way(a, x))
    return sn.Model(sn.losses.mse(sn.layers.Dense(10, name="e")(h), y))


def trained(model: sn.Model, optimizer: sn.optim.Optimizer, threads: int, width: int) -> tuple[Run, list[float]]:
    """A run after two epochs, and its losses."""
    run = model.compile(optimizer, dtype="float64", seed=0, threads=threads)
    values = {"x": np.random.default_rng(0).normal(size=(2 * ROWS, 3)), "y": np.ones((2 * ROWS, width))}
    losses = run.fit(values, epochs=2, batch_size=ROWS, progress=False)["loss"]
    assert run._latest.request.threads == threads
    return run, losses


def test_parts_of_scalars_have_room():
    model = many_sums(70)
    request = Request(model.parts, sn.optim.SGD(0.01), {}, ROWS, "float64", gradients, lower, threads=2)
    module, plan = request.emitted()
    used = {int(at) for at in re.findall(r"shared\[\((\d+) \* 2 \+ tid\) \* 8\]", module.source)}
    assert used == set(range(len(used)))
    assert len(used) > 70
    assert plan.work["shared"] == len(used) * 2 * 8
    assert f"shared = np.zeros({plan.work['shared']})" in model_source("many", request, [])


@pytest.mark.parametrize("way", WAYS)
def test_threads_learn_a_scalar_as_one_does(way):
    model = scaled(WAYS[way])
    one, wanted = trained(model, sn.optim.Adam(1e-2), 1, 10)
    bits = set()
    for _ in range(10):
        two, found = trained(model, sn.optim.Adam(1e-2), 2, 10)
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
        assert all(np.abs(one.params[name] - two.params[name]).max() < 1e-12 for name in one.params)
        bits.add((*found, *(two.params[name].tobytes() for name in two.params)))
    assert len(bits) == 1
