"""Formulas as text: what Python makes of the text is the formula's value, in the kernel's type, NaN included."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from plain_kernels import FUNCTIONS, MATH

import symnet as sn
from symnet.core.definition import Program
from symnet.core.expr import Bracket, where
from symnet.core.normal import normalise
from symnet.emit.scalar import Scalars, wrapped
from symnet.run.reference import evaluate_flat
from symnet.schedule.native import NATIVE, expand_foreign

N, M = sn.dims("N M")
i, j = sn.indices("i j")
a, b, c = (sn.input(name, ()).read() for name in "abc")
t, u = (sn.input(name, (), kind="label").read() for name in "tu")
NUMBERS = {"a": 0.7, "b": -1.3, "c": 2.5, "t": 3, "u": 1}
WHOLE = {"i": 5, "j": 2, "N": 7, "M": 4}
COMMON = {"zero": 0.0, "one": 1.0, "half": 0.5, "two": 2.0}


def printed(expr: sp.Expr, real: type, double: bool = False, whole: bool = False) -> str:
    """The text of a formula; a read is printed as the name of its tensor, cast where a number is wanted."""

    def read(node: sp.Indexed, _: bool) -> str:
        return str(node.args[0].node.name)

    bare = double or real is np.float64
    scalars = Scalars(read, lambda symbol: symbol.name, double and real is np.float32, set(), bare)
    expr = expand_foreign(sp.sympify(expr))
    return scalars.whole(expr) if whole else scalars.real(expr)


def computed(text: str, real: type, values: dict[str, float] = NUMBERS) -> Any:
    """The value of a text, numbers of its names having the types that they have in a kernel."""
    names = {name: real(value) if name in "abc" else np.int64(value) for name, value in {**values, **WHOLE}.items()}
    space = {"np": np, "math": MATH, "real": real, **FUNCTIONS, **{n: real(v) for n, v in COMMON.items()}, **names}
    with np.errstate(all="ignore"):
        return eval(text, space)


def wanted(expr: sp.Expr, values: dict[str, float] = NUMBERS) -> float:
    """The interpreter's value of a formula of numbers, places and sizes."""
    result = sn.define("result", (), sp.sympify(expr).xreplace({i: sp.Integer(WHOLE["i"]), j: sp.Integer(WHOLE["j"])}))
    sizes = {symbol: sp.Integer(WHOLE[symbol.name]) for symbol in (N, M)}
    flat = normalise(Program.of([result]))
    formula = flat[result].formula.xreplace(sizes)
    number = sn.define("number", (), formula)
    return float(evaluate_flat(normalise(Program.of([number])), values)[number])


FORMULAS = {
    "a sum": a + b - 2 * c,
    "signs": -a - b,
    "a product of signs": -a * -(b + 1),
    "a quotient": a / (b * c),
    "a quotient of sums": (a + 1) / (b - c) / 3,
    "one over": 1 / a,
    "rationals": a / 3 + sp.Rational(2, 7),
    "irrational numbers": sp.sqrt(2) * a / sp.pi + sp.E,
    "large and small numbers": a * 10**20 + b * sp.Rational(1, 10**20),
    "squares": a**2 + b**3 + c**4,
    "high powers": c**7,
    "negative powers": c**-2 + c ** sp.Rational(-3, 2),
    "roots": sp.sqrt(c) + c ** sp.Rational(5, 2) + c ** sp.Rational(1, 3),
    "a power that is read": c**a,
    "a power of a number": 2**b,
    "a square of a negative": (a - c) ** 2,
    "a quotient in a power": (a / c) ** 2,
    "nested": sp.exp(-((a - b) ** 2) / (2 * c**2)) * sp.log(1 + sp.exp(b)),
    "absolute values and signs": sp.Abs(b) * sp.sign(b) + sp.sign(a) + sp.sign(a - a),
    "a bracket": Bracket(a > b) * c,
    "a false bracket": Bracket(a < b) / (a - a + b),
    "two brackets": Bracket(a > b) * Bracket(c >= 2) * a,
    "bracket alone": Bracket(sp.Ne(a, b)) + 1,
    "a choice": where(a > 1, b, c),
    "choices within choices": where(a > 0, where(b > 0, 1, c), where(c > 0, a, b)),
    "or": Bracket(sp.Or(a > 1, b < 0)) * c,
    "not": Bracket(sp.Not(sp.Or(a > 1, b > 0))) * c,
    "equal numbers": Bracket(sp.Eq(a, b)) + Bracket(sp.Eq(a * 2, a + a)),
    "a delta": sp.KroneckerDelta(i, j + 3) * a + sp.KroneckerDelta(i, j) * b,
    "places as numbers": a * (i + 1) / N - j,
    "a place halved": a * i / 2 + sp.Rational(1, 2) * j,
    "a root of a size": a / sp.sqrt(N * M),
    "labels as numbers": a * t / (1 + u),
    "a condition on places": Bracket(2 * i - j < N) * a + Bracket(i >= N) * b,
    "a condition with halves": Bracket(sp.Rational(1, 2) * i - sp.Rational(1, 2) < M) * a,
}
CALLS = {name: function for name, function in NATIVE.items() if function in FUNCTIONS}


@pytest.mark.parametrize("real", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("expr", FORMULAS.values(), ids=FORMULAS)
def test_texts_have_the_value_of_their_formula_and_the_type_of_the_kernel(expr: sp.Expr, real: type) -> None:
    found = computed(printed(expr, real), real)
    assert isinstance(found, real) or (real is np.float64 and isinstance(found, float))
    assert float(found) == pytest.approx(wanted(expr), rel=1e-13 if real is np.float64 else 2e-6)


@pytest.mark.parametrize("expr", FORMULAS.values(), ids=FORMULAS)
def test_scalars_of_the_program_are_computed_in_float64(expr: sp.Expr) -> None:
    found = computed(printed(expr, np.float32, double=True), np.float64)
    assert float(found) == pytest.approx(wanted(expr), rel=1e-13)


LIBRARY = [
    "log1p",
    "expm1",
    "sigmoid",
    "log_sigmoid",
    "softplus",
    "silu",
    "mish",
    "softsign",
    "hard_tanh",
    "selu",
    "gelu",
]
LIBRARY += ["log_cosh", "relu", "leaky_relu", "elu", "sin", "cos", "tanh", "cosh", "sinh", "erf", "erfc", "exp", "sqrt"]


@pytest.mark.parametrize("name", LIBRARY)
def test_every_function_of_the_library_can_be_printed(name: str) -> None:
    for read, argument in ((a, a), (b, -b), (c, c / 2)):
        expr = getattr(sn, name)(argument)
        found = computed(printed(expr, np.float32), np.float32)
        assert isinstance(found, np.float32), read
        assert float(found) == pytest.approx(wanted(expr), rel=1e-5, abs=1e-7)


INTEGERS = {
    "a sum": i + 2 * j - 3,
    "a negative first": -i + N,
    "only negatives": -i - j,
    "a product": 2 * (i - j) * N,
    "a power": N**2 * M,
    "a floor": sp.floor(i / 2),
    "a floor of a sum": sp.floor((i - 7) / 3),
    "a floor by a product": sp.floor(i / (2 * M)),
    "a floor of halves": sp.floor(i / 2 - sp.Rational(1, 2)),
    "a remainder": sp.Mod(i, 3),
    "a remainder by a product": sp.Mod(3 * i + 1, 2 * M),
    "a remainder by a sum": sp.Mod(i * N, M + 1),
    "a remainder of a negative": sp.Mod(j - i, M),
    "a remainder times a size": N * sp.Mod(i, 3) + sp.floor(i / 3),
    "a size halved": M / 2,
    "a size over two, times": i * M / 2 + 1,
    "labels": 2 * t - u,
    "a bracket": Bracket(i > j) * N + Bracket(t > 4),
}


@pytest.mark.parametrize("expr", INTEGERS.values(), ids=INTEGERS)
def test_places_are_integer_arithmetic(expr: sp.Expr) -> None:
    found = computed(printed(expr, np.float64, whole=True), np.float64)
    assert isinstance(found, (int, np.integer))
    assert found == wanted(expr)


NOT_A_NUMBER = {
    "relu": Bracket(a > 0) * a,
    "relu of the other side": Bracket(a <= 0) * a,
    "clipped": where(a < -1, -1, where(a > 1, 1, a)),
    "or": Bracket(sp.Not(sp.Or(a > 1, a < -1))) * a,
}


@pytest.mark.parametrize("expr", NOT_A_NUMBER.values(), ids=NOT_A_NUMBER)
def test_a_number_that_is_none_goes_on_through_brackets(expr: sp.Expr) -> None:
    assert math.isnan(computed(printed(expr, np.float64), np.float64, {**NUMBERS, "a": math.nan}))


STRONG = {
    "a division by zero": Bracket(a > 1) / (j - 2),
    "a logarithm": Bracket(b > 0) * sp.log(b),
    "a root": where(b > 0, sp.sqrt(b), c),
    "an overflow": Bracket(i > N) * sp.exp(1000 * a),
}


@pytest.mark.parametrize("expr", STRONG.values(), ids=STRONG)
def test_a_false_bracket_is_zero_whatever_it_multiplies(expr: sp.Expr) -> None:
    found = computed(printed(expr, np.float64), np.float64)
    assert found in (0.0, NUMBERS["c"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        *[
            ("x", "x"),
            ("2.5", "2.5"),
            ("f(a, b)", "f(a, b)"),
            ("(a + b)", "(a + b)"),
            ("ws[n * 3 + i]", "ws[n * 3 + i]"),
        ],
        *[
            ("a + b", "(a + b)"),
            ("-a", "(-a)"),
            ("(a) + (b)", "((a) + (b))"),
            ("1e-05", "(1e-05)"),
            ("f(a)(b)", "(f(a)(b))"),
        ],
    ],
)
def test_texts_are_wrapped_unless_they_are_one_piece(text: str, found: str) -> None:
    assert wrapped(text) == found


def test_functions_that_a_kernel_calls_are_noted() -> None:
    used: set[str] = set()
    scalars = Scalars(lambda read, _: str(read), str, False, used, False)
    scalars.real(sp.exp(a) + sp.tanh(b) * sp.sqrt(c))
    assert used == {"exp", "tanh"}


def test_every_native_function_has_a_double_of_its_own() -> None:
    """The text for a scalar of the whole program calls nothing but `math`."""
    space = {"math": SimpleNamespace(**vars(math)), "max": max, "min": min, "abs": abs, "a": 0.7}
    for name in NATIVE:
        call = next((f for f in (getattr(sp, name, None), getattr(sn, name, None)) if f), None)
        if call is None:
            continue
        text = printed(call(a), np.float32, double=True)
        assert eval(text, space) == pytest.approx(float(computed(printed(call(a), np.float64), np.float64)), rel=1e-12)
