"""A corpus of wrong command lines: each gets its code and a hint, exit code 2, and no traceback."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from shell import symnet

from symnet.spec.codes import CODES

TABLE = [
    (line.rpartition(" -> ")[0].strip(), *line.rpartition(" -> ")[2].split(" ", 1))
    for line in (Path(__file__).parent / "wrong.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("# ")
]


def arguments(line: str, run: Path) -> list[str]:
    return [word.replace("{run}", str(run)) for word in shlex.split(line)]


def test_the_corpus_is_large():
    assert len(TABLE) >= 50
    assert len({line for line, _, _ in TABLE}) == len(TABLE)


@pytest.mark.parametrize(("line", "code", "words"), TABLE, ids=[line for line, _, _ in TABLE])
def test_a_wrong_line_gets_its_code_and_a_hint(line, code, words, folder, run):
    before = sorted(folder.rglob("*"))
    said = symnet(*arguments(line, run))
    assert said.code == 2, said.err
    assert said.out == ""
    assert f"{code} " in said.err
    assert words in said.err
    assert "Traceback" not in said.err
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(("line", "code", "words"), TABLE, ids=[line for line, _, _ in TABLE])
def test_the_same_as_json(line, code, words, folder, run):
    first, *rest = arguments(line, run)
    said = symnet(first, "--json", *rest)
    found = said.json
    assert (said.code, found["ok"], found["exit"], found["data"]) == (2, False, 2, {})
    assert code in [d["code"] for d in found["diagnostics"]]
    assert any(words in f"{d['message']} {d['hint']}" for d in found["diagnostics"])
    assert all(set(d) == {"code", "severity", "message", "file", "line", "col", "hint"} for d in found["diagnostics"])
    assert all(d["hint"] for d in found["diagnostics"])


@pytest.mark.parametrize("code", [code for code, about in CODES.items() if about.kind == "shell"])
def test_examples_of_codes_give_them(code, folder):
    (folder / "model.yaml").write_text((folder / "iris.yaml").read_text())
    said = symnet(*shlex.split(CODES[code].wrong)[1:], "--json")
    assert said.code in (2, 4)
    assert [d["code"] for d in said.json["diagnostics"]] == [code]


def test_what_failed_in_a_file_of_ones_own_is_told_with_its_line(folder):
    [found] = symnet("derive", "fails.py:L", "--json").json["diagnostics"]
    assert (found["file"], found["line"]) == ("fails.py", 4)
    [found] = symnet("derive", "syntax.py:L", "--json").json["diagnostics"]
    assert (Path(found["file"]).name, found["line"]) == ("syntax.py", 1)
    [found] = symnet("derive", "shape.py:y", "--json").json["diagnostics"]
    assert (found["file"], found["line"]) == ("shape.py", 3)


def test_mistakes_in_a_model_file_are_shown_with_carets(folder):
    said = symnet("check", "broken.yaml")
    assert "broken.yaml:6:1: E0010" in said.err
    assert "6 | los: L\n  | ^^^\n" in said.err


def test_mistakes_on_standard_input_are_shown_with_carets(folder):
    said = symnet("check", "-", stdin=(folder / "broken.yaml").read_bytes())
    assert (said.code, said.out) == (2, "")
    assert "-:6:1: E0010" in said.err
    assert "6 | los: L\n  | ^^^\n" in said.err
