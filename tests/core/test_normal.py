"""The normal form keeps what a program means."""

from __future__ import annotations

import numpy as np
import pytest

import symnet as sn

n, d = sn.indices("n d")
X = np.random.default_rng(0).normal(size=(4, 3))


@pytest.mark.parametrize("axis", [0, 1])
def test_labels_that_are_read_once_stay_tensors(axis: int) -> None:
    x = sn.input("x", ("N", "D"))
    best = x.argmax(axis=axis)
    largest = sn.define("g", (n,), x[n, best[n]]) if axis else sn.define("g", (d,), x[best[d], d])
    np.testing.assert_array_equal(sn.evaluate(largest, {"x": X}), X.max(axis=axis))
