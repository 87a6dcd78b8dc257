"""What each verb says: its help, its text and its JSON, against golden files; numbers of the machine are blurred."""

from __future__ import annotations

import json
import re

import pytest
from shell import MODELS, blurred, compare, symnet

from symnet.cli.frame import VERBS

SUM = "L = sum((sum(A[i,j]*x[j], j) - b[i])**2, i)"
SHOWN = {  # what depends on nothing but the formulas is compared as it is
    "derive": ("derive", MODELS / "digits.yaml", "--wrt", "z,W,b"),
    "derive-steps": ("derive", MODELS / "digits.yaml", "--wrt", "z", "--steps"),
    "derive-matrix": ("derive", "-e", SUM, "--form", "matrix"),
    "derive-hessian": ("derive", "-e", SUM, "--order", "2", "--wrt", "x,b"),
    "derive-jacobian": ("derive", "-e", "y[i] = tanh(sum(A[i,j]*x[j], j))"),
    "derive-layers": ("derive", MODELS / "mlp.yaml", "--wrt", "h.W"),
    "derive-md": ("derive", MODELS / "digits.yaml", "--wrt", "z,W", "--steps", "--format", "md"),
    "derive-latex": ("derive", MODELS / "digits.yaml", "--format", "latex", "--form", "matrix"),
    "derive-html": ("derive", "-e", "L = x**2", "--format", "html", "--steps"),
    "graph": ("graph", MODELS / "iris.yaml"),
    "graph-mermaid": ("graph", MODELS / "digits.yaml", "--format", "mermaid", "--backward"),
    "compile-schedule": ("compile", MODELS / "digits.yaml", "--schedule"),
    "new": ("new", "-", "--kind", "loss"),
    "explain": ("explain", "E0203"),
    "completion": ("completion", "fish"),
}
BLURRED = {
    "check": ("check", MODELS / "iris.yaml"),
    "explain-all": ("explain",),
}


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


def masked(value):
    """JSON with its floating numbers blurred."""
    if isinstance(value, float):
        return "#"
    if isinstance(value, dict):
        return {key: masked(inner) for key, inner in value.items()}
    return [masked(inner) for inner in value] if isinstance(value, list) else value


def pretty(said) -> str:
    return json.dumps(masked(said.json), indent=1, ensure_ascii=False) + "\n"


def test_help(update_golden):
    compare("help.txt", symnet("--help").out, update_golden)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb(verb, update_golden):
    compare(f"{verb}.help.txt", symnet(verb, "--help").out, update_golden)


@pytest.mark.parametrize("name", SHOWN)
def test_text(name, update_golden):
    said = symnet(*SHOWN[name])
    assert (said.code, said.err) == (0, "")
    compare(f"{name}.txt", said.out, update_golden)


@pytest.mark.parametrize(
    "name", ["derive-steps", "derive-jacobian", "graph", "explain", "compile-schedule", "new", "completion"]
)
def test_json(name, update_golden):
    compare(f"{name}.json", pretty(symnet(*SHOWN[name], "--json")), update_golden)


@pytest.mark.parametrize("name", BLURRED)
def test_text_with_numbers(name, update_golden):
    said = symnet(*BLURRED[name])
    assert (said.code, said.err) == (0, "")
    compare(f"{name}.txt", blurred(said.out), update_golden)


def test_json_of_a_check(update_golden):
    compare("check.json", pretty(symnet(*BLURRED["check"], "--json")), update_golden)


def test_evaluate_and_predict(run, update_golden, monkeypatch):
    monkeypatch.chdir(run.parent)
    compare("evaluate.txt", blurred(symnet("evaluate", "run").out), update_golden)
    compare("evaluate.json", pretty(symnet("evaluate", "run", "--json")), update_golden)
    head = symnet("predict", "run").out.split("\n")[:2]
    compare("predict.txt", blurred("\n".join(head)), update_golden)


def test_train(folder, run, update_golden):
    """The kernel is that of the shared run."""
    said = symnet("train", "iris.yaml", "--epochs", "3", "--out", "run")
    compare("train.txt", blurred(said.out), update_golden)
    lines = symnet("train", "iris.yaml", "--epochs", "3", "--out", "run", "-f", "--json").lines
    compare("train.json", json.dumps(masked(lines), indent=1) + "\n", update_golden)


def test_doctor(update_golden):
    """Only what is told is fixed, not what is found."""
    found = symnet("doctor", "--json").json["data"]
    told = {key: sorted(value) for key, value in found.items()}
    compare("doctor.json", json.dumps(told, indent=1) + "\n", update_golden)


@pytest.mark.parametrize(
    "arguments",
    [
        ("derive", MODELS / "digits.yaml", "--steps"),
        ("check", MODELS / "digits.yaml"),
        ("graph", MODELS / "lstm.yaml", "--backward"),
        ("compile", MODELS / "two_moons.yaml"),
        ("schema",),
        ("check", "none.yaml"),
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_the_same_bytes_come_again(arguments):
    first = symnet(*arguments, "--json")
    assert first.raw == symnet(*arguments, "--json").raw
    assert first.json["schema"] == f"symnet.{arguments[0]}/1"


def test_report(tmp_path, monkeypatch, update_golden):
    monkeypatch.chdir(tmp_path)
    said = symnet("report", MODELS / "iris.yaml", "-o", "told.html")
    compare("report.txt", said.out + said.err, update_golden)
    answer = symnet("report", MODELS / "iris.yaml", "-o", "page.html", "--json")
    size = (tmp_path / "page.html").stat().st_size  # it holds the model's path, so each checkout has its own
    compare("report.json", pretty(answer).replace(f'"bytes": {size},', '"bytes": #,'), update_golden)


def test_bench(update_golden):
    asked = ("bench", MODELS / "iris.yaml", "--against", "numpy")
    compare("bench.json", pretty(symnet(*asked, "--json")), update_golden)
    said = re.sub(r"(?m)^(symnet|numpy) +\S+", r"\1  #", blurred(symnet(*asked).out))
    compare("bench.txt", said, update_golden)


def test_schema(update_golden):
    """What can be said in a model file; how the schema words it is pydantic's own."""
    schema = symnet("schema", "--json").json["data"]["schema"]
    assert json.loads(symnet("schema").out) == schema
    told = {"file": sorted(schema["properties"])} | {
        name: sorted(part.get("properties", ())) for name, part in sorted(schema["$defs"].items())
    }
    compare("schema.json", json.dumps(told, indent=1) + "\n", update_golden)
