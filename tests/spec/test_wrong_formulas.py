"""A corpus of wrong formulas: each gets its code, its carets and its hint, and nothing else is said."""

from __future__ import annotations

import pytest
import sympy as sp
from wrong_tables import Case, assert_as_expected, blocks

import symnet as sn
from symnet.errors import Diagnostic
from symnet.spec.formula import define_all, read_formulas
from symnet.spec.names import Known
from symnet.spec.passage import Passage, Problems

SHAPES = {
    **{"x": "N D", "w": "D K", "b": "K", "c": "N", "s": "", "v": "T", "a": "N T K", "u": "K K", "E": "V D", "g": "Q"},
    **{"pos": "N", "y": "N K", "mask": "N D", "t": "N", "ids": "N"},
}
KINDS = {"pos": "positive", "y": "onehot", "mask": "mask", "t": "label", "ids": "label"}
CLASSES = {"t": "K", "ids": "V"}
CASES = list(blocks("formulas.txt"))


def mistakes(text: str) -> list[Diagnostic]:
    """All that is said of formulas among the tensors of the table."""
    known = Known(dims={**{name: sn.dims(name) for name in "NDKTV"}, "Q": sp.Integer(3)})
    for name, shape in SHAPES.items():
        sizes = [known.dims[letter] for letter in shape.split()]
        known.add(sn.input(name, sizes, kind=KINDS.get(name, "real"), classes=CLASSES.get(name)))
    problems = Problems("f")
    jobs, broken = read_formulas(Passage.alone(text), problems)
    define_all(jobs, known, problems, broken)
    return problems.sorted()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title[:50])
def test_a_wrong_formula_gets_its_code_place_and_hint(case: Case):
    assert case.expected, "a case says what must be said"
    assert_as_expected(mistakes(case.text), case.expected)
