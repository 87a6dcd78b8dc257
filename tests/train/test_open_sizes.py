"""One kernel for networks of many sizes: what it computes is what kernels for each size compute."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn
from symnet.pipeline import gradients, lower
from symnet.train.data import kernel_view
from symnet.train.kernel import Kernel, Request
from symnet.train.step import parts_of

D, H, K = sn.dims("D H K")
SIZES = {"small": (3, 5, 2), "wide": (7, 40, 3), "one": (1, 1, 1)}
BATCH = 16


def network():
    x, y = sn.input("x", ("N", D)), sn.input("y", ("N", K))
    W, b = sn.param("W", (D, H)), sn.param("b", (H,))
    V, c = sn.param("V", (H, K)), sn.param("c", (K,))
    loss = sn.losses.squared_error(sn.tanh(x @ W + b) @ V + c, y)
    return parts_of(loss, [], [])


@pytest.fixture(scope="module")
def parts():
    return network()


def kernel(parts, sizes, is_open):
    numbers = dict(zip((D, H, K), sizes, strict=True))
    closed, opened = ({}, numbers) if is_open else (numbers, {})
    optimizer = sn.optim.Adam(0.01)
    return Kernel(Request(parts, optimizer, closed, BATCH, "float64", gradients, lower, open=opened))


def trained(made, sizes, rows=40):
    rng = np.random.default_rng(0)
    d, h, k = sizes
    shapes = {"W": (d, h), "b": (h,), "V": (h, k), "c": (k,)}
    values = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    made.adopt(values, {})
    data = {"x": rng.normal(size=(rows, d)), "y": rng.normal(size=(rows, k))}
    arrays = [kernel_view(data[name]) for name in made.plan.data]
    for epoch in range(3):
        assert made.steps(arrays, np.arange(rows), 0, 3, 3 * epoch, 0) == 3
    return {name: value.copy() for name, value in values.items()}, made.sums.copy()


@pytest.mark.parametrize("name", SIZES)
def test_open_sizes_change_no_result(parts, name):
    sizes = SIZES[name]
    found, sums = trained(kernel(parts, sizes, True), sizes)
    wanted, right = trained(kernel(parts, sizes, False), sizes)
    for key in wanted:
        np.testing.assert_allclose(found[key], wanted[key], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(sums, right, rtol=1e-12)


def test_open_sizes_share_a_kernel(parts):
    kernels = [kernel(parts, sizes, True) for sizes in SIZES.values()]
    assert len({made.request.key() for made in kernels}) == 1
    assert len({id(made.module) for made in kernels}) == 1
    assert [made.plan.theta for made in kernels] == [3 * 5 + 5 + 5 * 2 + 2, 7 * 40 + 40 + 40 * 3 + 3, 4]
    assert kernels[0].plan.params["V"] == (20, (5, 2))


def test_open_sizes_are_in_the_source(parts):
    made = kernel(parts, SIZES["small"], True)
    assert "def room(D, H, K):" in made.source
    assert made.request.given == [3, 5, 2]
    assert made.plan.work["ws"] == made.module.room(3, 5, 2)[0] > 0
