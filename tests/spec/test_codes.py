"""Every code has a text, and every example gives its code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import symnet as sn
from symnet import errors
from symnet.errors import SymnetError
from symnet.spec.codes import CODES, KINDS, UnknownCode, explain
from symnet.spec.model_file import read_model
from symnet.spec.sources import load

MODEL = """symnet: 1
dims: {{N: batch, D: 2, K: 2}}
tensors:
  x: {{shape: [N, D], role: input}}
  t: {{shape: [N], role: target, kind: label, classes: K}}
  W: {{shape: [D, K], role: param}}
{tensors}
formulas: |
  z = x @ W
{formulas}
{rest}
"""
LOSS = "loss: softmax_cross_entropy(z, t)"
DATA = "data: {file: flowers.csv, inputs: {x: [a, b]}, target: {t: species}}"
TABLE = "a,b,species\n1,2,red\n3,4,blue\n"
RUN = [code for code, found in CODES.items() if found.kind not in ("", "shell")]


def model_text(kind: str, example: str) -> tuple[str, str]:
    """A whole text around an example, and its format."""
    if kind in ("file", "json", "toml"):
        return example, "yaml" if kind == "file" else kind
    parts = {"tensors": "", "formulas": "", "rest": LOSS}
    if kind == "table":
        parts["rest"] += f"\n{DATA}"
    elif kind == "section":
        parts["rest"] = example if example.startswith("loss") else f"{LOSS}\n{example}"
    else:
        parts[kind] = example
    return MODEL.format(**parts), "yaml"


def codes_of(kind: str, example: str, folder: Path) -> set[str]:
    """The codes of everything that is said of an example, its data loaded if it has any."""
    try:
        if kind == "python":
            exec(example, {"sn": sn})
            return set()
        text, format = model_text(kind, example)
        (folder / "flowers.csv").write_text(example if kind == "table" else TABLE)
        spec = read_model(folder / "m.yaml", text, format)
        if spec.data is not None:
            load(spec, spec.data, folder)
    except SymnetError as error:
        return {d.code for d in getattr(error, "diagnostics", [error])}
    return set()


@pytest.mark.parametrize("code", RUN)
def test_a_wrong_example_gives_its_code_and_nothing_else(code, tmp_path):
    assert codes_of(CODES[code].kind, CODES[code].wrong, tmp_path) == {code}


@pytest.mark.parametrize("code", [code for code in RUN if CODES[code].right])
def test_a_right_example_gives_none(code, tmp_path):
    assert codes_of(CODES[code].kind, CODES[code].right, tmp_path) == set()


@pytest.mark.parametrize("code", [code for code, found in CODES.items() if found.kind == "shell"])
def test_a_wrong_command_gives_its_code(code, tmp_path):
    text = MODEL.format(tensors="", formulas="", rest=LOSS)
    (tmp_path / "model.yaml").write_text(re.sub(r"\n+", "\n", text))
    command = [sys.executable, "-m", "symnet.cli", *CODES[code].wrong.split()[1:], "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    answer = json.loads(done.stdout)
    expected = 4 if code.startswith("E07") else 2
    assert (done.returncode, [d["code"] for d in answer["diagnostics"]]) == (expected, [code])


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_explained(code):
    found = CODES[code]
    text = explain(code)
    assert text.startswith(f"{code}: {found.title}")
    assert found.text in text.replace("\n", " ")
    assert bool(found.wrong) == bool(found.kind)
    assert found.kind in ("", *KINDS)
    assert max(map(len, text.split("\n"))) <= 120
    assert text.isprintable() or "\n" in text


def test_every_code_in_the_package_is_explained():
    root = Path(errors.__file__).parent
    used = {code for path in root.rglob("*.py") for code in re.findall(r"\b[EW]0\d{3}\b", path.read_text())}
    assert used <= set(CODES)


def test_every_error_has_a_code_that_is_explained():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SymnetError)]
    assert len(kinds) > 10
    assert {kind.code for kind in kinds} <= set(CODES)


def test_a_code_may_be_written_in_small_letters():
    assert explain(" e0203 ") == explain("E0203")


def test_an_unknown_code_is_refused_with_a_guess():
    with pytest.raises(UnknownCode, match="there is no code") as caught:
        explain("E0230")
    assert "did you mean 'E0" in caught.value.hint
