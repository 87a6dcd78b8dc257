"""The cases of tests/data/stability.json on emitted kernels, from the naive spelling, in both types."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest

import symnet as sn

# the file gives 0.0 for the slope at 710, which is exp(-710): a subnormal number, and a kernel gives that
SLOPES = {("sigmoid_flipped", 710.0): str(mpmath.exp(-710))}
CASES = json.loads((Path(__file__).parents[1] / "data" / "stability.json").read_text())
I, J = sn.indices("i j")
FORMULAS = {
    "sigmoid": lambda x: 1 / (1 + sn.exp(-x)),
    "sigmoid_flipped": lambda x: sn.exp(x) / (1 + sn.exp(x)),
    "softplus": lambda x: sn.log(1 + sn.exp(x)),
    "log_sigmoid": lambda x: sn.log(1 / (1 + sn.exp(-x))),
    "log_one_minus_sigmoid": lambda x: sn.log(1 - 1 / (1 + sn.exp(-x))),
    "tanh_quotient": lambda x: (sn.exp(x) - sn.exp(-x)) / (sn.exp(x) + sn.exp(-x)),
    "log1p": lambda x: sn.log(1 + x),
    "expm1": lambda x: sn.exp(x) - 1,
    "log_cosh": lambda x: sn.log(sn.cosh(x)),
    "silu": lambda x: x / (1 + sn.exp(-x)),
    "gelu": lambda x: x * (1 + sn.erf(x / sn.sqrt(2))) / 2,
    "mish": lambda x: x * sn.tanh(sn.log(1 + sn.exp(x))),
    "bce_y0": lambda x: -sn.log(1 - 1 / (1 + sn.exp(-x))),
    "pseudo_huber": lambda x: sn.sqrt(1 + x**2) - 1,
}
SUMS = ("softmax", "log_softmax", "logsumexp", "ce_gradient_true_class_0")


def ulps(found: float, true: str, dtype: str) -> float:
    """How many units in the last place a value is off."""
    exact = Fraction(true)
    unit = max(float(np.spacing(abs(np.dtype(dtype).type(float(exact))))), float(np.finfo(dtype).smallest_subnormal))
    return abs(float((Fraction(float(found)) - exact) / Fraction(unit)))


def is_exact(case: dict, dtype: str) -> bool:
    """Whether the arguments are numbers of the type; where not, the true value is another."""
    values = case["x"] if isinstance(case["x"], list) else [case["x"]]
    return all(float(np.dtype(dtype).type(v)) == v for v in values)


def rows(names: object, dtype: str) -> list[dict]:
    return [c for c in CASES if c["name"] in names and (dtype == "float64" or is_exact(c, dtype))]


def cases(names: object) -> list:
    found = [(dtype, case) for dtype in ("float64", "float32") for case in rows(names, dtype)]
    return [pytest.param(d, c, id=f"{d}-{c['name']}-{c['x']}", marks=known(d, c)) for d, c in found]


def known(dtype: str, case: dict) -> list:
    """silu(-100) in float32: its sigmoid is subnormal, with five binary digits left, and so is the product."""
    lost = dtype == "float32" and case["name"] == "silu" and case["x"] == -100
    return [pytest.mark.xfail(strict=True, reason="the factor sigmoid(-100) has lost its digits")] if lost else []


@pytest.fixture(scope="module")
def elementwise():
    """All elementwise formulas with their derivatives, in one kernel for each type."""
    found = {}
    for dtype in ("float32", "float64"):
        outputs = []
        for name, formula in FORMULAS.items():
            x = sn.input(f"x_{name}", (f"N_{name}",))
            y = sn.define(f"y_{name}", (I,), formula(x[I]))
            outputs += [y, sn.grad(sn.define(f"L_{name}", (), sn.sum(y[I], I)), x)]
        values = {f"x_{n}": [c["x"] for c in rows([n], dtype)] for n in FORMULAS}
        results = sn.function(outputs, dtype=dtype)(values)
        for number, name in enumerate(FORMULAS):
            for at, case in enumerate(rows([name], dtype)):
                found[dtype, name, case["x"]] = float(results[2 * number][at]), float(results[2 * number + 1][at])
    return found


@pytest.mark.parametrize(("dtype", "case"), cases(FORMULAS))
def test_elementwise_case_is_right_to_four_places(elementwise, dtype, case):
    value, slope = elementwise[dtype, case["name"], case["x"]]
    assert ulps(value, case["value"], dtype) <= 4, (value, case["value"])
    true = SLOPES.get((case["name"], case["x"]), case["derivative"])
    assert ulps(slope, true, dtype) <= 4, (slope, true)


@pytest.fixture(scope="module")
def sums():
    """The formulas with sums, one kernel for each and type."""
    x = sn.input("x", ("K",))
    total = sn.sum(sn.exp(x[J]), J)
    softmax = sn.exp(x[I]) / total
    made = {
        "softmax": sn.define("p", (I,), softmax),
        "log_softmax": sn.define("q", (I,), sn.log(softmax)),
        "logsumexp": sn.define("s", (), sn.log(total)),
        "ce_gradient_true_class_0": sn.grad(sn.define("L", (), -sn.log(sn.exp(x[0]) / total)), x),
    }
    return {(d, name): sn.function(tensor, dtype=d) for d in ("float32", "float64") for name, tensor in made.items()}


@pytest.mark.parametrize(("dtype", "case"), cases(SUMS))
def test_case_with_sums_is_right_to_sixteen_places(sums, dtype, case):
    found = np.atleast_1d(sums[dtype, case["name"]](x=case["x"]))
    assert [(v, t) for v, t in zip(found, case["value"], strict=True) if ulps(v, t, dtype) > 16] == []


FAR = {
    "sigmoid*erf": (lambda x: sn.sigmoid(x) * sn.erf(x), lambda x: mpmath.erf(x) / (1 + mpmath.exp(-x))),
    "elu*sigmoid": (
        lambda x: sn.where(x > 0, x, sn.exp(x) - 1) * sn.sigmoid(x),
        lambda x: (x if x > 0 else mpmath.expm1(x)) / (1 + mpmath.exp(-x)),
    ),
    "gauss*softplus": (
        lambda x: sn.exp(-(x**2) / 2) * sn.softplus(x),
        lambda x: mpmath.exp(-x * x / 2) * mpmath.log1p(mpmath.exp(x)),
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FAR)
def test_slope_of_a_product_with_exponentials_is_right_far_out(name, dtype):
    formula, exact = FAR[name]
    x = sn.input("x", ("N",))
    slope = sn.grad(sn.define("L", (), sn.sum(formula(x[I]), I)), x)
    points = np.array([-300.0, -40.0, -9.5, 0.5, 9.5, 12.0, 27.0, 30.0, 300.0, 800.0], dtype)
    with mpmath.workdps(60):
        true = [float(mpmath.diff(exact, mpmath.mpf(float(p)))) for p in points]
    found = sn.function(slope, dtype=dtype)(x=points)
    assert found == pytest.approx(true, rel=1e-5 if dtype == "float32" else 1e-11, abs=1e-38)


NORMS = {
    "a root": (lambda x: sn.sqrt(sn.sum(x[I] ** 2, I)), [0.0, 0.0, 0.0]),
    "a named norm": (lambda x: sn.define("r", (), sn.sqrt(sn.sum(x[I] ** 2, I)))[()] ** 2 / 2, [0.0, 0.0, 0.0]),
    "a distance": (lambda x: sn.sqrt(sn.sum((x[I] - sn.param("c", ("N",))[I]) ** 2, I)), [0.0, 0.0, 0.0]),
    "a power": (lambda x: sn.sum(x[I] ** sn.param("q", ()), I), [0.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("name", NORMS)
def test_slope_of_a_norm_is_zero_at_zero(name):
    formula, true = NORMS[name]
    x = sn.input("x", ("N",))
    f = sn.function(sn.grad(sn.define("L", (), formula(x)), x), dtype="float64")
    assert f(x=np.zeros(3), c=np.zeros(3), q=2.0).tolist() == true


def test_what_else_is_divided_by_a_norm_is_not_gated():
    x = sn.input("x", ("N",))
    r = sn.define("r", (), 1 / sn.sqrt(sn.sum(x[I] ** 2, I)))
    assert sn.function(r, dtype="float64")(x=np.zeros(3)) == np.inf
