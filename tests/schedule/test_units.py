"""Factors that go with a matrix product: only where the product is read at one place."""

from __future__ import annotations

import numpy as np
import pytest
from compiled import plain_function

import symnet as sn

n, m, d = sn.indices("n m d")
x, W, s = sn.input("x", ("N", "D")), sn.input("W", ("D", "N")), sn.input("s", ())
C = sn.define("C", (n, m), sn.sum(x[n, d] * W[d, m], d))


@pytest.mark.parametrize(
    "formula",
    [
        pytest.param(2 * sn.sin(x[n, 0]) * C[n, m], id="at one place"),
        pytest.param(2 * C[n, m] * C[m, n], id="transposed as well"),
        pytest.param(2 * C[n, m] * sn.sin(C[m, n]), id="transposed inside a function"),
        pytest.param(s * C[n, m] * C[n, 0], id="in its first column as well"),
        pytest.param(C[0, 0] * C[n, m], id="the factor is an entry of the product"),
        pytest.param(C[0, 0] * C[n, m] * sn.sin(x[n, 0]), id="an entry of the product, among others"),
    ],
)
def test_a_factor_scales_a_product_once(formula):
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(6, 4)), "W": rng.normal(size=(4, 6)), "s": 3.0}
    tensor = sn.define("B", (n, m), formula)
    assert np.allclose(plain_function([tensor])(values)[0], sn.evaluate([tensor], values)[0], rtol=1e-12)
