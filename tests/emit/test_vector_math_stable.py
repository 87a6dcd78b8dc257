"""The functions that stable formulas need: differences that no compiler orders anew, and the normal tail."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import symnet as sn
from symnet.simplify.stable.heads import Difference, NormalCdf

DTYPES = ("float32", "float64")
I = sn.indices("i")


def compiled(formula, dtype, *names):
    tensors = [sn.input(name, ("N",)) for name in names]
    return sn.function(sn.define("y", (I,), formula(*[t[I] for t in tensors])), dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_normal_cdf_keeps_its_tail(dtype):
    low = -37.0 if dtype == "float64" else -12.5
    x = np.random.default_rng(0).uniform(low, 6, 2000).astype(dtype)
    found = compiled(NormalCdf, dtype, "x")(x=x)
    true = [mpmath.ncdf(mpmath.mpf(float(v))) for v in x]
    off = [abs(mpmath.mpf(float(a)) - t) / mpmath.mpf(float(np.spacing(a))) for a, t in zip(found, true, strict=True)]
    assert max(off) <= 4


@pytest.mark.parametrize("dtype", DTYPES)
def test_normal_cdf_at_the_ends(dtype):
    found = compiled(NormalCdf, dtype, "x")(x=np.array([-np.inf, np.inf, np.nan, 0.0], dtype))
    assert found[:2].tolist() == [0.0, 1.0]
    assert np.isnan(found[2])
    assert found[3] == 0.5


@pytest.mark.parametrize("dtype", DTYPES)
def test_difference_is_taken_first(dtype):
    tiny = np.finfo(dtype).eps / 8
    function = compiled(lambda a, b, c: Difference(a, b) - c, dtype, "a", "b", "c")
    found = function(a=[1000.0] * 20, b=[1000.0] * 20, c=[tiny] * 20)
    assert found.tolist() == [-tiny] * 20
