"""Unquoted texts mean what the core schema of YAML 1.2 says."""

from __future__ import annotations

import pytest

from symnet.spec.files.item import Item
from symnet.spec.files.read import read_tree
from symnet.spec.passage import Problems


def tree(text: str, format: str = "yaml") -> Item:
    problems = Problems("m")
    found = read_tree(text, format, problems)
    assert problems.found == []
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[
            ("1e-3", 1e-3),
            ("1E3", 1000.0),
            (".5", 0.5),
            ("1.", 1.0),
            ("-0.1", -0.1),
            ("+2", 2),
            ("-7", -7),
            ("010", 10),
        ],
        *[("true", True), ("False", False), ("null", None), ("~", None), ("", None)],
        *[
            ("no", "no"),
            ("yes", "yes"),
            ("on", "on"),
            ("y", "y"),
            ("1_000", "1_000"),
            ("1:30", "1:30"),
            ("0x1f", "0x1f"),
        ],
        *[("2001-01-01", "2001-01-01"), (".inf", ".inf"), (".nan", ".nan"), ("1e", "1e"), ("'1'", "1"), ('"no"', "no")],
    ],
)
def test_a_value_is_resolved(text, value):
    found = tree(f"a: {text}").plain()["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("yaml", "a: 1\nbb: [x, {c: y}]\n"),
        ("json", '{"a": 1,\n"bb": ["x", {"c": "y"}]}'),
        ("toml", 'a = 1\nbb = ["x", {c = "y"}]'),
    ],
)
def test_values_and_keys_know_their_lines(format, text):
    found = tree(text, format)
    assert found.plain() == {"a": 1, "bb": ["x", {"c": "y"}]}
    assert (found.keys["a"].line, found.keys["bb"].line) == (1, 2)
    assert found.mark_of(("bb", 1, "c")).line == 2
    assert found.mark_of(("bb", 7)).line == 2


def test_lines_of_a_block_stand_where_they_are():
    found = tree("f: |\n    z = 1\n\n      + 2\n    q\nb: 1\n").at(("f",))
    assert found.lines[:4] == ((2, 5), (3, 1), (4, 5), (5, 5))


def test_quoted_texts_with_escapes_have_no_places_within():
    assert tree('a: "b\\tc"').at(("a",)).lines == ()
    assert tree("a: 'bc'").at(("a",)).lines == ((1, 5),)
