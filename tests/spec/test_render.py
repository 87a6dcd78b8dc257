"""Diagnostics as text: the place, the line, carets under every culprit, the hint."""

from __future__ import annotations

import pytest

from symnet.errors import Diagnostic, Mark, ModelFileError
from symnet.spec.model_file import read_model
from symnet.spec.render import render


def at(*marks: Mark, message: str = "wrong", hint: str = "") -> Diagnostic:
    first = marks[0] if marks else Mark(1, 1)
    return Diagnostic("E0203", message, file="m.yaml", line=first.line, col=first.col, hint=hint, marks=marks)


def test_two_culprits_of_one_line_have_carets():
    assert render(at(Mark(1, 3), Mark(1, 7, 2), hint="do"), "abcdefghij") == (
        "m.yaml:1:3: E0203 wrong\n1 | abcdefghij\n  |   ^   ^^\nhint: do"
    )


def test_culprits_of_two_lines_have_both_lines():
    text = "\n" * 8 + "first\nsecond"
    assert render(at(Mark(9, 1), Mark(10, 2)), text).split("\n")[1:] == [
        " 9 | first",
        "   | ^",
        "10 | second",
        "   |  ^",
    ]


def test_a_place_without_marks_has_a_caret():
    found = render(Diagnostic("E0001", "x", file="f", line=1, col=2), "abc")
    assert found.split("\n")[1:] == ["1 | abc", "  |  ^"]


def test_without_a_place_there_is_only_the_message():
    assert render(Diagnostic("E0001", "x", hint="y"), "abc") == "E0001 x\nhint: y"


def test_without_a_source_there_is_no_line():
    assert render(at(Mark(3, 1))) == "m.yaml:3:1: E0203 wrong"


@pytest.mark.parametrize(
    ("line", "col", "carets"),
    [("\tx", 2, "\t^"), ("漢字x", 3, "    ^"), ("漢字x", 2, "  ^^"), ("é=x", 3, "  ^"), ("x", 5, "    ^")],
    ids=["tab", "wide before", "wide itself", "accent", "behind the end"],
)
def test_carets_stand_below_their_character(line, col, carets):
    assert render(at(Mark(1, col)), line).split("\n")[2] == f"  | {carets}"


def test_a_long_line_is_cut_around_the_first_caret():
    shown = render(at(Mark(1, 1001)), "a" * 1000 + "B" + "c" * 1000).split("\n")
    assert len(shown[1]) < 180
    assert shown[1][shown[2].index("^")] == "B"


def test_nothing_steers_the_terminal():
    assert "\x1b" not in render(at(Mark(1, 1), message="\x1b[2J", hint="\x1b"), "\x1b[31mred")


def test_the_message_of_a_model_file():
    text = """symnet: 1
dims: {N: batch, D: 64, K: 10}
tensors:
  x: {shape: [N, D], role: input}
  W: {shape: [D, K], role: param}
formulas: |
  z[n,k] = sum(x[n,d]*W[k,d], d)
loss: mean(z)
"""
    with pytest.raises(ModelFileError) as caught:
        read_model("model.yaml", text)
    assert render(caught.value.diagnostics[0], text) == (
        "model.yaml:7:20: E0203 index 'd' of x runs over D=64, but of W over K=10\n"
        "7 |   z[n,k] = sum(x[n,d]*W[k,d], d)\n"
        "  |                    ^      ^\n"
        "hint: give one of them another index, or the same dim"
    )
