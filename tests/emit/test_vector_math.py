"""The emitted vector math: right to the last places for all numbers, vectorised, and deaf to its caller's flags.

References: float64 for float32; for float64 the 64 digits of an x86 `long double`, in formulas that lose none of them
that matter, and mpmath where ranges are nasty.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
import scipy.special
from llvmlite.binding import llvm_version_info
from numba import types

from symnet.emit.vector_math import available, source

NAMES = sorted(available() - {"maximum", "minimum", "difference", "normal_cdf"})
DTYPES = ("float32", "float64")
LIMIT = {"float32": float(os.environ.get("VECTOR_MATH_LIMIT", 2)), "float64": 4.0}
DIGITS = {"float32": (24, -149, 128), "float64": (53, -1074, 1024)}
COUNT = int(os.environ.get("VECTOR_MATH_POINTS", 10**6))
LONG = np.longdouble
PI = LONG("3.14159265358979323846264338327950288")
LOG_2 = LONG("0.693147180559945309417232121458176568")
X86 = platform.machine().lower() in ("x86_64", "amd64")

KERNEL = """

@njit(fastmath={{"contract", "reassoc", "nsz"}}, error_model="numpy", boundscheck=False)
def loop_{name}(x, y):
    for i in range(x.size):
        y[i] = {name}(x[i])
"""

# beside all bit patterns, where a function turns from one formula to another, is steep, or leaves the normal numbers
RANGES = {
    "exp": [(-1, 1), (-110, 90), (-746, 710)],
    "expm1": [(-1, 1), (-40, 90), (0, 710)],
    "log": [(0.5, 2), (0, 1e-37), (0, 1e-307), (0, 100)],
    "log1p": [(-1, 1), (0, 100), (-1, -0.999)],
    "tanh": [(-1, 1), (-22, 22)],
    "sigmoid": [(-3, 3), (-110, 40), (-746, 40)],
    "softplus": [(-3, 3), (-110, 40), (-746, 40)],
    "log_sigmoid": [(-3, 3), (-40, 110), (-40, 746)],
    "sech2": [(-2, 2), (-55, 55), (-375, 375)],
    "log_cosh": [(-1, 1), (-20, 20), (0.6, 0.8)],
    "erf": [(-1.2, 1.2), (-6, 6)],
    "erfc": [(-1, 1), (-6, 11), (0, 27.3)],
    "sin": [(-4, 4), (-1e6, 1e6)],
    "cos": [(-4, 4), (-1e6, 1e6)],
}


# -- references


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def sech2(x):
    e = np.exp(-2 * np.abs(x))
    return 4 * e / (1 + e) ** 2


def log_cosh(x):
    a = np.abs(x)
    half = np.sinh(np.minimum(a, 1) / 2)
    return np.where(a < 1, np.log1p(2 * half**2), a + np.log1p(np.exp(-2 * a)) - LOG_2.astype(x.dtype))


def erf_long(x):
    """The series of erf, for |x| < 1.5."""
    term = total = np.ones_like(x)
    for n in range(1, 40):
        term = term * -(x * x) / n
        total = total + term / (2 * n + 1)
    return 2 / np.sqrt(PI) * x * total


def erfc_long(x):
    """1 - erf below 1.5; from there a continued fraction times e^(-x^2), x^2 in two parts of which one is exact."""
    result = np.where(np.isnan(x), x, 0)
    near, far = np.abs(x) < 1.5, (np.abs(x) >= 1.5) & (np.abs(x) < 120)
    result[near] = 1 - erf_long(x[near])
    a = fraction = np.abs(x[far])
    for n in range(120, 0, -1):
        fraction = a + LONG(n) / 2 / fraction
    upper = a.astype(np.float32).astype(LONG)
    result[far] = np.exp(-upper * upper) * np.exp((upper - a) * (upper + a)) / (np.sqrt(PI) * fraction)
    return np.where(x <= -1.5, 2 - result, result)


def erf_or_long(x):
    if x.dtype == np.float64:
        return scipy.special.erf(x)
    near = np.abs(x) < 1.5
    return np.where(near, erf_long(np.where(near, x, 0)), np.copysign(1 - erfc_long(np.abs(x)), x))


REFERENCES = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "log_sigmoid": lambda x: -softplus(-x),
    "sech2": sech2,
    "log_cosh": log_cosh,
    "erf": erf_or_long,
    "erfc": lambda x: scipy.special.erfc(x) if x.dtype == np.float64 else erfc_long(x),
    "sin": np.sin,
    "cos": np.cos,
}
EXACT = {
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": mp.log1p,
    "tanh": mp.tanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "log_sigmoid": lambda x: -mp.log1p(mp.exp(-x)),
    "sech2": mp.sech,
    "log_cosh": lambda x: mp.log1p(2 * mp.sinh(x / 2) ** 2),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "sin": mp.sin,
    "cos": mp.cos,
}


# -- tools


def load(folder: Path, names: list[str], dtype: str, loops: str | None = None):
    """A module of the named functions with a loop over an array for each, imported."""
    text = "import numpy as np\nfrom numba import njit\n" + source(names, dtype)
    text += "".join(KERNEL.format(name=name) for name in names) if loops is None else loops
    path = folder / f"vector_math_{dtype}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    return {dtype: load(tmp_path_factory.mktemp(dtype), NAMES, dtype) for dtype in DTYPES}


def values(modules, name, dtype, x):
    x = np.ascontiguousarray(x, dtype)
    y = np.empty_like(x)
    with np.errstate(all="raise"):
        getattr(modules[dtype], f"loop_{name}")(x, y)
    return y


def errors(y, reference):
    """Units in the last place between values and their references; the reference is finer and reaches further.

    Infinite, undefined and zero references must be met, sign and all.
    """
    digits, least, most = DIGITS[y.dtype.name]
    y, wide = y.astype(reference.dtype), reference.dtype.type
    met = np.where(np.isnan(reference), np.isnan(y), (y == reference) & (np.signbit(y) == np.signbit(reference)))
    plain = np.isfinite(reference) & (reference != 0) & ~np.isnan(y)
    edge = np.ldexp(wide(1), most)
    a, b = np.clip(y, -edge, edge), np.clip(np.where(plain, reference, 1), -edge, edge)
    unit = np.ldexp(wide(1), np.maximum(np.frexp(b)[1] - digits, least))
    return np.where(plain, np.abs(a - b) / unit, np.where(met, 0, np.inf))


def bit_patterns(dtype, seed):
    word = {"float32": np.uint32, "float64": np.uint64}[dtype]
    return np.random.default_rng(seed).integers(0, 2 ** (8 * word().itemsize), COUNT, word).view(dtype)


def points(name, dtype, seed=0):
    """Random bit patterns, and as many numbers spread over the ranges of interest."""
    spread = [np.random.default_rng(seed).uniform(*r, COUNT // len(RANGES[name])) for r in RANGES[name]]
    return np.concatenate([bit_patterns(dtype, seed), *(s.astype(dtype) for s in spread)])


def kernel_text(module, name, dtype):
    kernel = getattr(module, f"loop_{name}")
    signature = (types.Array(getattr(types, dtype), 1, "C"),) * 2
    kernel.compile(signature)
    return kernel.inspect_llvm(signature)


# -- accuracy


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_right_to_2_units(modules, name):
    x = points(name, "float32")
    y = values(modules, name, "float32", x)
    with np.errstate(all="ignore"):
        found = errors(y, REFERENCES[name](x.astype(np.float64)))
    at = np.argmax(found)
    assert found[at] <= LIMIT["float32"], f"{name}({x[at]!r}) = {y[at]!r} is off by {found[at]}"


@pytest.mark.skipif(np.finfo(LONG).nmant < 63, reason="the reference needs the 64 digits of an x86 long double")
@pytest.mark.parametrize("name", NAMES)
def test_float64_is_right_to_4_units(modules, name):
    x = points(name, "float64")
    y = values(modules, name, "float64", x)
    with np.errstate(all="ignore"):
        found = errors(y, REFERENCES[name](x.astype(LONG)))
    at = np.argmax(found)
    assert found[at] <= LIMIT["float64"], f"{name}({x[at]!r}) = {y[at]!r} is off by {found[at]}"


def nasty(name):
    """Numbers of float64 at the seams: of formulas, of binary exponents, of the subnormal numbers, of the zeros."""
    rng = np.random.default_rng(1)
    tiny = 10 ** rng.uniform(-323, -1, 200)
    near_one = 1 + np.concatenate([tiny, -tiny])
    highest = rng.uniform(709.7, 709.79, 50)
    quarters = np.pi / 2 * rng.integers(1, 2**40, 200)
    worst = np.array([6381956970095103.0 * 2.0**797, 5319372648326541.0 * 2.0**-50, 22.0, 355.0, 1e22, 1.7e308])
    seams = {
        "exp": [rng.uniform(-746, -708, 200), highest, np.log(2) * (np.arange(-1074, 1024) + 0.5)],
        "expm1": [rng.uniform(-38, -36, 50), highest, np.log(2) * (np.arange(-50, 60) + 0.5)],
        "log": [near_one, tiny, 2.0 ** np.arange(-1074, 1024), np.sqrt(0.5) * (1 + tiny)],
        "log1p": [-near_one[near_one < 1], 2.0 ** np.arange(-60, 1024), np.sqrt(2) - 1 + tiny],
        "tanh": [rng.uniform(17, 21, 50), rng.uniform(0.15, 0.65, 200)],
        "sigmoid": [rng.uniform(-746, -707, 200), rng.uniform(30, 40, 50)],
        "softplus": [rng.uniform(-746, -707, 200), rng.uniform(30, 40, 50)],
        "log_sigmoid": [rng.uniform(707, 746, 200), rng.uniform(-40, -30, 50)],
        "sech2": [rng.uniform(353, 374, 200), rng.uniform(-374, -353, 200)],
        "log_cosh": [rng.uniform(0.65, 0.75, 300), np.array([1000.0, -1000.0, 1e300])],
        "erf": [rng.uniform(0.9, 1.1, 200), rng.uniform(5, 6, 50)],
        "erfc": [rng.uniform(25.5, 27.3, 300), rng.uniform(-0.1, 0.1, 100), np.array([5 * 2**0.5, 7.0710678118654755])],
        "sin": [worst, quarters, quarters + np.pi / 4, rng.uniform(0.5, 1, 300) * 2.0 ** rng.integers(-60, 1024, 300)],
    }
    seams["cos"] = seams["sin"]
    most = np.concatenate([*seams[name], tiny, -tiny])
    return most[most > {"log": 0, "log1p": -1}.get(name, -np.inf)]


@pytest.mark.parametrize("name", NAMES)
def test_float64_is_right_at_the_seams(modules, name):
    x = nasty(name)
    y = values(modules, name, "float64", x)
    digits, least, _ = DIGITS["float64"]
    with mp.workprec(300):
        for at, value in zip(x.tolist(), y.tolist(), strict=True):
            exact = EXACT[name](mp.mpf(at))
            exact = exact**2 if name == "sech2" else exact
            unit = mp.ldexp(1, max(mp.frexp(exact)[1] - digits, least))
            if abs(exact) < mp.ldexp(1, 1024):
                assert abs(value - exact) <= LIMIT["float64"] * unit, f"{name}({at!r}) = {value!r}, not {exact}"


SPECIAL = {
    "exp": "inf:inf -inf:0 0:1 -0:1 1e4:inf -1e4:0",
    "expm1": "inf:inf -inf:-1 0:0 -0:-0 1e4:inf -1e4:-1",
    "log": "inf:inf -inf:nan 0:-inf -0:-inf 1:0 -1:nan",
    "log1p": "inf:inf -inf:nan 0:0 -0:-0 -1:-inf -2:nan",
    "tanh": "inf:1 -inf:-1 0:0 -0:-0 1e4:1 -1e4:-1",
    "sigmoid": "inf:1 -inf:0 0:0.5 -0:0.5 1e4:1 -1e4:0",
    "softplus": "inf:inf -inf:0 1e4:1e4 -1e4:0",
    "log_sigmoid": "inf:-0 -inf:-inf 1e4:-0 -1e4:-1e4",
    "sech2": "inf:0 -inf:0 0:1 -0:1 1e4:0",
    "log_cosh": "inf:inf -inf:inf 0:0 -0:0",
    "erf": "inf:1 -inf:-1 0:0 -0:-0 1e4:1",
    "erfc": "inf:0 -inf:2 0:1 -0:1 1e4:0 -1e4:2",
    "sin": "inf:nan -inf:nan 0:0 -0:-0",
    "cos": "inf:nan -inf:nan 0:1 -0:1",
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_special_values(modules, name, dtype):
    pairs = [pair.split(":") for pair in f"nan:nan {SPECIAL[name]}".split()]
    x, expected = np.array(pairs, dtype="U4").astype(dtype).T
    for lead in (0, 64):  # among many they are met by vectors, alone by the loop for the rest
        y = values(modules, name, dtype, np.concatenate([np.full(lead, 0.5), x, np.full(lead, 0.5)]))
        np.testing.assert_array_equal(y[lead : lead + len(x)], expected)
        known = ~np.isnan(expected)
        assert (np.signbit(y[lead : lead + len(x)]) == np.signbit(expected))[known].all()


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("exp", -100, 3.783505853677006e-44),
        ("sigmoid", -100, 3.783505853677006e-44),
        ("softplus", -100, 3.783505853677006e-44),
        ("sech2", 51, 2.016e-44),
        ("erfc", 10, 2.088487583762545e-45),
        ("erfc", 5 * 2**0.5, 1.5239706048321052e-23),
        ("log_cosh", 1e-3, 4.9999991666667e-07),
    ],
)
def test_tails_of_float32(modules, name, x, expected):
    assert values(modules, name, "float32", [x])[0] == pytest.approx(expected, rel=2e-7, abs=2.9e-45)


@pytest.mark.skipif(not X86, reason="names an x86 processor")
@pytest.mark.skipif("VECTOR_MATH_POINTS" in os.environ, reason="is the inner run")
def test_accuracy_without_fused_multiplication():
    """The accuracy tests again on the oldest processor of its kind: no sum may hang on a fused multiply-add.

    What is not fused is rounded once more, which costs softplus, at the worst of all float32, 0.13 units above 2.
    """
    settings = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "+sse2"}
    settings |= {"VECTOR_MATH_POINTS": "100000", "VECTOR_MATH_LIMIT": "2.2"}
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "right or special or tails", __file__]
    run = subprocess.run([sys.executable, *arguments], env=os.environ | settings, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:]


# -- compiled form


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_loops_are_vectorised(modules, name, dtype):
    text = kernel_text(modules[dtype], name, dtype)
    number = {"float32": "float", "float64": "double"}[dtype]
    packed = re.findall(rf"= (?:tail call .*@llvm\.fmuladd\.v\d+f|fmul |fadd |fdiv ).*<(?:4|8|16) x {number}>", text)
    in_double = dtype == "float32" and name in ("sin", "cos", "erfc")
    assert packed or (in_double and re.search(r"fmul <\d+ x double>", text))
    called = set(re.findall(r"call .*?@([\w.]+)\(", text.split("define")[1]))
    plain = r"llvm\.(fmuladd|copysign|fabs|umax|umin|usub\.sat|is\.fpclass|masked\.gather)\."
    assert all(re.match(plain, c) for c in called), f"calls are left in the loop: {called}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_flags_of_the_caller_stay_outside(modules, name, dtype):
    text = kernel_text(modules[dtype], name, dtype)
    assert not re.search(r"\b(reassoc|nnan|ninf|arcp|afn|fast)\b", text)


REDUCTION = """

@njit(fastmath={{"contract", "reassoc", "nsz"}}, error_model="numpy", boundscheck=False)
def loop_{name}(x, y):
    best = x[0]
    for i in range(x.size):
        best = {name}(best, x[i])
    y[0] = best
"""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_extremes_are_vectorised_and_propagate_nan(tmp_path, name, dtype):
    module = load(tmp_path, [name], dtype, REDUCTION.format(name=name))
    text = kernel_text(module, name, dtype)
    assert llvm_version_info[0] < 20 or re.search(rf"call .*@llvm\.vector\.reduce\.f{name}\.v\d+f", text)
    x = np.random.default_rng(0).normal(size=1003).astype(dtype)
    y = np.empty(1, dtype)
    loop, expected = getattr(module, f"loop_{name}"), getattr(np, name).reduce
    loop(x, y)
    assert y[0] == expected(x)
    for at in (0, 500, 1002):
        spoilt = x.copy()
        spoilt[at] = np.nan
        loop(spoilt, y)
        assert np.isnan(y[0])


# -- text


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(available() - {"difference", "normal_cdf"}))
def test_each_stands_alone_with_no_more_than_it_needs(tmp_path, name, dtype):
    text = source([name], dtype)
    assert load(tmp_path, [name], dtype, "")
    assert set(re.findall(r"^def ([a-z]\w*)\(", text, re.MULTILINE)) == {name}
    for given in re.findall(r"^(?:def )?(_\w+)(?:\(| = )", text, re.MULTILINE):
        assert len(re.findall(rf"\b{given}\b", text)) > 1, f"{given} is not used"


def test_text_depends_on_the_set_of_names_alone():
    assert source(["tanh", "exp"], "float32") == source(["exp", "tanh", "exp"], "float32")
    assert source([], "float32") == ""


def test_wrong_names_are_refused():
    with pytest.raises(KeyError, match="no vector math for 'arctan'"):
        source(["arctan"], "float32")


def test_the_interpreter_is_refused(modules):
    with pytest.raises(NotImplementedError, match="exp is for compiled callers"):
        modules["float32"].exp(np.float32(1))
