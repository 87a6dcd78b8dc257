"""A corpus of wrong model files: each gets all of its mistakes at once, with code, carets and hint, sorted by place."""

from __future__ import annotations

import pytest
from wrong_tables import HERE, Case, assert_as_expected, blocks, edited

from symnet.errors import Diagnostic, ModelFileError
from symnet.spec.model_file import read_model

BASE = (HERE / "base.yaml").read_text(encoding="utf-8")
CASES = list(blocks("files.txt"))
WHOLE = list(blocks("whole.txt"))


def mistakes(text: str, format: str = "yaml") -> list[Diagnostic]:
    with pytest.raises(ModelFileError) as caught:
        read_model("m.yaml", text, format)
    return list(caught.value.diagnostics)


def test_the_base_is_sound():
    assert read_model("m.yaml", BASE).loss.name == "L"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_wrong_model_file_gets_its_codes_places_and_hints(case: Case):
    assert case.expected, "a case says what must be said"
    found = mistakes(edited(case, BASE))
    assert_as_expected(found, case.expected)
    assert all(d.file == "m.yaml" for d in found)
    assert [(d.line, d.col) for d in found] == sorted((d.line, d.col) for d in found)


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case.title)
def test_a_wrong_text_of_any_format_gets_its_codes_places_and_hints(case: Case):
    assert case.expected, "a case says what must be said"
    format = case.title.split(":")[0]
    assert_as_expected(mistakes("\n".join(case.text.split("\n")[1:]), format), case.expected)
