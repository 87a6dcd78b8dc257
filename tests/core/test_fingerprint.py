"""Programs share a fingerprint when they are the same, and only then."""

from __future__ import annotations

import symnet as sn
from symnet.core.definition import Program
from symnet.core.fingerprint import fingerprint

N = sn.indices("n")


def of(function) -> str:
    x = sn.input("x", ("N",))
    return fingerprint(Program.of([sn.define("y", N, function(x[N]))]))


def act_of(body):
    def act(x):
        return body(x)

    return sn.elementwise(act)


def test_a_function_counts_by_its_formula_not_its_name():
    half, again, triple = act_of(lambda x: x / 2), act_of(lambda x: x / 2), act_of(lambda x: x * 3)
    assert of(half) == of(again)
    assert of(half) != of(triple)


def test_a_function_counts_by_the_functions_inside_of_its_formula():
    inner, other = act_of(lambda x: x / 2), act_of(lambda x: x * 3)
    assert of(act_of(lambda x: inner(x) + 1)) != of(act_of(lambda x: other(x) + 1))
