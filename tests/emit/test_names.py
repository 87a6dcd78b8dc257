"""Names in emitted code: plain words, each for one thing, whatever the user's names are."""

from __future__ import annotations

import builtins
import keyword

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_kernels import PlainFunction

import symnet as sn
from symnet.core.normal import normalise
from symnet.emit.names import Names, is_free, mangle, reserved
from symnet.errors import NameProblem

MANGLED = {
    "a word stays": ("hidden", "hidden"),
    "digits and capitals stay": ("W2x", "W2x"),
    "dots of layers": ("dense1.W", "dense1_W"),
    "Greek": ("β", "beta"),
    "Greek capitals": ("Σ", "sigma"),
    "Greek among others": ("x_λ", "x_lamda"),
    "subscripts are digits": ("x₁", "x1"),
    "no letter left": ("变量", "t"),
    "underscores at the ends go": ("__init__", "init"),
    "only underscores": ("__", "t"),
    "a digit in front": ("2x", "t2x"),
    "dunder inside": ("a__b", "a_b"),
}
HOSTILE = [
    "lambda",
    "for",
    "None",
    "sum",
    "max",
    "print",
    "np",
    "real",
    "kernel",
    "ws",
    "zero",
    "gemm",
    "exp",
    "β",
    "sigma",
]
HOSTILE += [
    "n_N",
    "N",
    "D",
    "i",
    "i_0",
    "n",
    "x",
    "x_out",
    "forward",
    "scalars",
    "given",
    "math",
    "σ",
    "float",
    "t",
    "s",
]


@pytest.mark.parametrize(("name", "wanted"), MANGLED.values(), ids=MANGLED)
def test_names_become_plain_words(name: str, wanted: str) -> None:
    assert mangle(name) == wanted


@pytest.mark.parametrize(
    "name", [*keyword.kwlist, *keyword.softkwlist, *sorted(reserved()), "sum", "print", "TypeError"]
)
def test_words_with_a_meaning_are_never_given(name: str) -> None:
    found = Names().fresh(name)
    assert found.isidentifier()
    assert found not in reserved()
    assert not keyword.iskeyword(found)
    assert not hasattr(builtins, found)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=20))
def test_any_texts_have_distinct_plain_names(texts: list[str]) -> None:
    names = Names()
    found = [names(number, text) for number, text in enumerate(texts)]
    assert len(set(found)) == len(found)
    for name in found:
        assert name.isascii()
        assert name.isidentifier()
        assert is_free(name)


@pytest.mark.parametrize(
    "pair", [("a.b", "a_b"), ("x", "x"), ("β", "beta"), ("σ", "ς"), ("for", "for_2"), ("x_2", "x")]
)
def test_names_that_would_meet_are_told_apart(pair: tuple[str, str]) -> None:
    names = Names()
    first, second, third = names(0, pair[0]), names(1, pair[1]), names(2, pair[0])
    assert len({first, second, third}) == 3


def test_a_thing_keeps_its_name() -> None:
    names = Names()
    assert names("thing", "x") == names("thing", "y") == "x"
    assert names("other", "x") == "x_2"
    further = names.copy()
    assert further("thing", "z") == "x"
    assert further("third", "x") == "x_3"
    assert "third" not in names.of


@pytest.mark.parametrize(
    "name", ["a\nb", "a b", 'a"b', "a'b", "a;b", "a#b", "", "1a", "a-b", "a\\b", "x\n", "ａ\u200bb"]
)
def test_names_that_could_end_a_line_or_a_text_are_refused_when_declared(name: str) -> None:
    with pytest.raises(NameProblem):
        sn.input(name, ("N",))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_hostile_names_of_tensors_sizes_and_indices(dtype: str) -> None:
    """Inputs, results, sizes and indices that are called like words of the emitted module."""
    rng = np.random.default_rng(0)
    names = HOSTILE[:]
    inputs = [sn.input(name, (size,)) for name, size in zip(names, ["np", "real", "ws"] * len(names), strict=False)]
    row = sn.indices("for")
    parts = [sn.define(f"{t.name}_out", (row,), sn.exp(t[row] / 4) * (row + 1)) for t in inputs if t.name != "x"]
    total = sn.define("kernel_out2", (), sum(sn.sum(part[row], row) for part in parts))
    outputs = [total, *parts, *sn.grad(total, inputs[:3])]
    lengths = {"np": 2, "real": 3, "ws": 4}
    values = {t.name: rng.normal(size=lengths[str(t.shape[0])]) for t in inputs}
    found = PlainFunction(outputs, dtype, lambda p: normalise(p, keep=p.outputs))(values)
    for one, other in zip(found, sn.evaluate(outputs, values), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12 if dtype == "float64" else 1e-5)
