"""What verbs do beside printing: files, formats, exit codes, standard input, Python files of one's own."""

from __future__ import annotations

import html
import json
import os
import re
import runpy
import stat
from xml.etree import ElementTree

import numpy as np
import pytest
from shell import MODELS, symnet

from symnet.checks.numeric import ENTRIES
from symnet.cli.answer import Table
from symnet.cli.call import plain
from symnet.cli.drawn import draw
from symnet.cli.frame import VERBS
from symnet.cli.progress import short_text, values_text
from symnet.cli.verbs.new import KINDS
from symnet.errors import MissingPart

# -- derive


def test_a_gradient_is_derived_from_one_formula():
    said = symnet("derive", "-e", "L = sum((sum(A[i,j]*x[j], j) - b[i])**2, i)", "--wrt", "x", "--json")
    [found] = said.json["data"]["derived"]
    assert (found["of"], found["shape"], found["matrix"]) == (["x"], ["J"], "x_bar = 2 * A.T @ (A @ x - b)")


@pytest.mark.parametrize(
    ("formula", "name", "matrix"),
    [
        ("L = sum(x[i]*A[i,j]*x[j], i, j)", "x", "x_bar = (A.T + A) @ x"),
        ("L = sum(A[i,i], i)", "A", "A_bar = eye(I)"),
        ("L = sum(log(1 + exp(-y[n]*sum(X[n,d]*w[d], d))), n)", "b", None),
        ("y[i] = sum(A[i,j]*x[j], j)", "x", "dy_dx = A"),
        ("L = sum(exp(x[i]), i)", "x", "x_bar = exp(x)"),
    ],
    ids=["quadratic form", "trace", "no such tensor", "jacobian", "entrywise"],
)
def test_classic_derivatives_in_matrix_form(formula, name, matrix):
    said = symnet("derive", "-e", formula, "--wrt", name, "--json")
    if matrix is None:
        assert (said.code, said.json["diagnostics"][0]["code"]) == (2, "E0602")
    else:
        assert said.json["data"]["derived"][-1]["matrix"] == matrix


def test_a_gradient_that_is_zero_comes_with_a_warning(folder):
    said = symnet("derive", "-e", "a = sum(y[i], i); L = x**2", "--wrt", "x,y")
    assert said.code == 0
    assert "warning: L does not depend on y" in said.err
    found = symnet("derive", "-e", "a = sum(y[i], i); L = x**2", "--wrt", "x,y", "--json").json
    assert [(d["severity"], d["code"]) for d in found["diagnostics"]] == [("warning", "W0001")]


def test_formats_go_by_the_ending_of_the_file(folder):
    starts = {"a.tex": r"\begin{aligned}", "a.md": "# iris", "a.html": "<!doctype html>", "a.txt": "# declared"}
    starts |= {"a.markdown": "# iris", "a.htm": "<!doctype html>"}
    for name, start in starts.items():
        said = symnet("derive", "iris.yaml", "--wrt", "W", "-o", f"deep/er/{name}")
        assert (said.code, said.out, said.err) == (0, "", f"wrote deep/er/{name}\n")
        assert (folder / "deep" / "er" / name).read_text().startswith(start)
    symnet("derive", "iris.yaml", "--wrt", "W", "-o", "a.json")
    assert json.loads((folder / "a.json").read_text())["loss"] == "L"


def test_a_format_that_is_asked_for_goes_before_an_ending(folder):
    assert symnet("derive", "iris.yaml", "--format", "md", "-o", "notes").code == 0
    assert (folder / "notes").read_text().startswith("# iris")
    assert symnet("graph", "iris.yaml", "--format", "svg", "-o", "g.picture").code == 0
    assert (folder / "g.picture").read_text().startswith("<svg")


def test_a_file_holds_what_its_ending_says_beside_json(folder):
    said = symnet("derive", "iris.yaml", "--json", "-o", "a.md")
    assert said.json["data"]["path"] == "a.md"
    assert (folder / "a.md").read_text().startswith("# iris")


def test_a_page_of_html_has_mathml_and_no_network(folder):
    page = symnet("derive", "digits.yaml", "--steps", "--format", "html").out
    assert page.count("<math") > 10
    assert "http" not in page.replace("http://www.w3.org/1998/Math/MathML", "")


def test_a_pdf_needs_pdflatex(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    said = symnet("derive", "iris.yaml", "--format", "pdf", "-o", "a.pdf", "--json")
    [found] = said.json["diagnostics"]
    assert (said.code, found["code"]) == (4, "E0701")
    assert "texlive" in found["hint"]
    assert not (folder / "a.pdf").exists()


def test_a_pdf_is_what_pdflatex_makes(folder, monkeypatch):
    tool = folder / "pdflatex"
    tool.write_text("#!/bin/sh\ngrep -c aligned page.tex >/dev/null && printf %%PDF-made > page.pdf\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    assert symnet("derive", "iris.yaml", "--format", "pdf", "-o", "a.pdf").code == 0
    assert (folder / "a.pdf").read_bytes() == b"%PDF-made"


def test_a_file_is_read_from_standard_input(folder):
    text = (folder / "iris.yaml").read_bytes()
    assert symnet("derive", "-", stdin=text).out == symnet("derive", "iris.yaml").out
    assert symnet("graph", "-", stdin=text).out == symnet("graph", "iris.yaml").out


# -- Python files


@pytest.mark.parametrize(("name", "slope"), [("L", "A_bar"), ("model", "w_bar"), ("x", "dx_dx")])
def test_a_python_file_of_ones_own(folder, name, slope):
    said = symnet("derive", f"own.py:{name}")
    assert said.code == 0
    assert slope in said.out
    assert said.err == "hello\n"


def test_nothing_declared_has_no_heading(folder):
    assert symnet("derive", "own.py:x").out.splitlines()[0] == "# jacobians"


def test_a_tensor_compiles_to_a_module_with_its_gradients(folder):
    said = symnet("compile", "own.py:L", "-o", "made.py")
    assert said.code == 0
    assert "A_bar" in (folder / "made.py").read_text()


def test_sizes_that_are_open_are_read_off_the_data(folder):
    data = "data: {file: three.csv, inputs: {x: [a, b]}, target: {y: c}}\n"
    (folder / "open.yaml").write_text((folder / "open.yaml").read_text() + data)
    (folder / "three.csv").write_text("a,b,c\n1,2,3\n4,5,7\n")
    said = symnet("compile", "open.yaml", "-o", "made.py")
    assert said.code == 0, said.err
    assert runpy.run_path(str(folder / "made.py"))["forward"]


# -- check


def test_a_check_that_fails_exits_with_1(folder):
    said = symnet("check", "iris.yaml", "--method", "central", "--rtol", "1e-300")
    assert said.code == 1
    assert "WRONG" in said.out
    found = symnet("check", "iris.yaml", "--method", "central", "--rtol", "1e-300", "--json").json
    assert (found["ok"], found["exit"], found["diagnostics"]) == (False, 1, [])
    assert "wrong" in {row["verdict"] for row in found["data"]["tensors"]}


def test_all_entries_are_compared_up_to_as_many_as_in_python(folder):
    found = symnet("check", "digits.yaml", "--wrt", "W", "--json").json["data"]["tensors"]
    assert [(row["checked"], row["note"]) for row in found] == [(640, "")]
    assert f"[default: {ENTRIES}]" in " ".join(symnet("check", "--help").out.split())


def test_a_direction_that_was_sampled_is_called_one(folder):
    said = symnet("check", "digits.yaml", "--wrt", "W", "--entries", "5")
    assert said.code == 0
    assert "[]" not in said.out
    assert re.search(r"^W .*  (a direction|\[\d+, \d+\])  .* 13 entries and directions sampled$", said.out, re.M)


# -- training and what follows


def test_predictions_go_to_files(folder, run):
    assert symnet("predict", run, "-o", "out/p.csv").err == "wrote 150 rows to out/p.csv\n"
    assert symnet("predict", run, "-o", "out/p.npz").code == 0
    lines = (folder / "out" / "p.csv").read_text().splitlines()
    assert lines[0] == "setosa,versicolor,virginica,predicted"
    assert len(lines) == 151
    assert symnet("predict", run).out.splitlines() == lines
    with np.load(folder / "out" / "p.npz") as saved:
        assert saved["p"].shape == (150, 3)
    assert symnet("predict", run, "-o", "out/p.csv").code == 2
    assert symnet("predict", run, "-o", "out/p.csv", "-f").code == 0


def test_measures_go_to_files(folder, run):
    assert symnet("evaluate", run, "-o", "m.json").code == 0
    assert symnet("evaluate", run, "-o", "m.csv").code == 0
    found = json.loads((folder / "m.json").read_text())
    assert set(found) == {"loss", "accuracy"}
    assert found == symnet("evaluate", run, "--json").json["data"]["values"]
    assert symnet("evaluate", run, "-o", "m.npz").code == 0
    with np.load(folder / "m.npz") as saved:
        assert {name: float(saved[name]) for name in saved} == found
    assert (folder / "m.csv").read_text().startswith(f"name,value\nloss,{found['loss']!r}\n")


def test_a_finished_run_stays_as_it_is(folder, run):
    said = symnet("train", MODELS / "iris.yaml", "--out", run, "--epochs", "3", "--resume")
    assert said.code == 0
    assert "finished before, unchanged: 3 epochs" in said.out


def test_one_epoch_is_no_plural(folder):
    assert "trained: 1 epoch, " in symnet("train", "iris.yaml", "--epochs", "1").out


def test_data_that_are_given_need_no_section_that_names_them(folder):
    text = (folder / "bare.yaml").read_text()
    assert "data:" not in text
    (folder / "own.csv").write_text("x\n" + "1\n" * 9)
    for arguments in (("--data", "own.csv", "--epochs", "2"), ("--resume", "--epochs", "3")):
        said = symnet("train", "bare.yaml", "--out", "run", *arguments)
        assert said.code == 0, said.err


def test_lines_of_json_end_with_a_result(folder, run):
    lines = symnet("train", "iris.yaml", "--epochs", "3", "--json").lines
    assert [line["event"] for line in lines] == ["start", "epoch", "epoch", "epoch", "result"]
    assert {line["schema"] for line in lines} == {"symnet.train/1"}
    assert (lines[-1]["ok"], lines[-1]["exit"], lines[-1]["data"]["epochs"]) == (True, 0, 3)
    assert lines[-1]["data"]["last"]["loss"] == lines[-2]["loss"]


def test_training_that_fails_ends_with_a_result_too(folder):
    [line] = symnet("train", "none.yaml", "--json").lines
    assert (line["event"], line["ok"], line["exit"]) == ("result", False, 2)


def test_a_loss_that_is_not_finite_exits_with_1(folder):
    text = (folder / "bare.yaml").read_text().replace("(x[n] - w)**2", "log(w - x[n]**2)")
    (folder / "bare.yaml").write_text(text + "data: {file: x.csv}\ntrain: {epochs: 1}\n")
    (folder / "x.csv").write_text("x\n1\n2\n")
    said = symnet("train", "bare.yaml", "--json", "--out", "run")
    [found] = said.lines[-1]["diagnostics"]
    assert (said.code, found["code"]) == (1, "E0504")
    assert "not finite at step 1" in found["message"]


def test_workers_are_not_there_yet(folder):
    assert symnet("train", "iris.yaml", "--workers", "2").code == 4


# -- new, explain, doctor, schema, completion


@pytest.mark.parametrize("kind", KINDS)
def test_a_starter_file_holds_and_checks(kind, folder):
    assert symnet("new", f"{kind}.yaml", "--kind", kind).code == 0
    assert f"symnet train {kind}.yaml" in (folder / f"{kind}.yaml").read_text()
    assert symnet("check", f"{kind}.yaml", "--entries", "20").code == 0


def test_a_module_runs_by_itself(folder, capsys):
    assert symnet("compile", "two_moons.yaml", "-o", "generated/moons.py").code == 0
    assert stat.S_IMODE((folder / "generated" / "moons.py").stat().st_mode) & 0o044
    runpy.run_path(str(folder / "generated" / "moons.py"), run_name="__main__")
    assert "loss" in capsys.readouterr().out


def test_pictures_go_by_the_ending_of_the_file(folder):
    assert symnet("graph", "iris.yaml", "-o", "g.svg").code == 0
    assert ElementTree.fromstring((folder / "g.svg").read_text()).tag.endswith("svg")
    assert symnet("graph", "iris.yaml", "-o", "g.dot", "--backward").code == 0
    assert (folder / "g.dot").read_text().startswith("digraph")


def test_a_report_is_made_of_a_run_and_of_a_model(folder, run):
    assert symnet("report", run, "-o", "run.html").code == 0
    page = (folder / "run.html").read_text()
    assert "Learning curves" in page
    assert f"symnet report {run} -o run.html" in page
    assert symnet("report", "iris.yaml").out.startswith("<!doctype html>")


def shown(page):
    """The text of a page's Reproduce section, and its schedule's."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))


def test_a_report_tells_how_its_run_was_begun(folder):
    options = "--epochs 2 --batch 8 --lr 0.1 --seed 3"
    assert symnet("train", "iris.yaml", *options.split(), "--out", "run").code == 0
    assert symnet("report", "run", "-o", "run.html").code == 0
    page = shown((folder / "run.html").read_text())
    assert f"symnet train iris.yaml {options} --out run && symnet report run -o run.html" in page
    assert "batch 8" in page
    assert "at N = 8" in page
    (folder / "iris.yaml").unlink()
    assert symnet("report", "run", "-o", "run.html", "-f").code == 0
    assert f"symnet train - {options} --out run < run/model.yaml" in shown((folder / "run.html").read_text())


def test_a_report_of_a_model_file_counts_at_its_batch(folder):
    assert "at N = 16" in shown(symnet("report", "iris.yaml").out)


def test_a_report_without_a_file_is_in_the_json_object(folder):
    data = symnet("report", "iris.yaml", "--json").json["data"]
    assert data["page"].startswith("<!doctype html>")
    assert data["bytes"] == len(data["page"].encode())
    assert symnet("report", "iris.yaml", "--json", "-o", "page.html").json["data"].keys() == {"bytes", "path"}


def test_the_schema_accepts_the_starters_keys():
    schema = symnet("schema").out
    assert json.loads(schema)["properties"].keys() >= {"symnet", "tensors", "formulas", "layers", "loss", "train"}
    assert symnet("schema", "--json").json["data"]["schema"] == json.loads(schema)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell):
    assert "_SYMNET_COMPLETE" in symnet("completion", shell).out


def test_verbs_are_completed(monkeypatch):
    monkeypatch.setenv("_SYMNET_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "symnet de")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert symnet("de").out == "plain,derive\n"


def test_doctor_finds_what_is_needed():
    said = symnet("doctor", "--json")
    assert (said.code, said.json["data"]["missing"]) == (0, [])
    assert said.json["data"]["cache"]["usable"]
    assert symnet("doctor").out.startswith("what ")


# -- the frame


def test_without_a_verb_there_is_help():
    assert symnet().out == symnet("--help").out
    assert all(f"  {verb} " in symnet().out for verb in VERBS)


def test_a_bug_is_told_as_one(monkeypatch, tmp_path):
    def broken(*_):
        raise TypeError("something nobody thought of")

    monkeypatch.setattr("symnet.spec.codes.explain", broken)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    said = symnet("explain", "E0203")
    assert (said.code, said.out) == (3, "")
    assert "this is a bug in symnet, not a mistake of yours: TypeError: something nobody thought of" in said.err
    assert "Traceback" not in said.err
    [kept] = tmp_path.glob("symnet-bug-*.txt")
    assert str(kept) in said.err
    assert "Traceback" in kept.read_text()
    monkeypatch.setenv("SYMNET_DEBUG", "1")
    assert "Traceback" in symnet("explain", "E0203").err


def test_a_missing_part_exits_with_4(monkeypatch):
    def missing(*_):
        raise MissingPart("a part is missing", "pip install it")

    monkeypatch.setattr("symnet.spec.codes.explain", missing)
    said = symnet("explain", "E0203")
    assert (said.code, said.err) == (4, "E0701 a part is missing\nhint: pip install it\n")


def test_ctrl_c_exits_with_130(monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("symnet.spec.codes.explain", stopped)
    said = symnet("explain", "E0203", "--json")
    assert (said.code, said.json["exit"], said.json["diagnostics"][0]["code"]) == (130, 130, "E0608")


def test_numbers_that_are_not_finite_are_null():
    assert plain({"a": float("nan"), "b": [np.float32("inf"), np.arange(2)], "c": np.int64(3)}) == {
        "a": None,
        "b": [None, [0, 1]],
        "c": 3,
    }


@pytest.mark.parametrize("width", ["60", "160"])
def test_tables_on_a_terminal_are_drawn_where_they_fit(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("NO_COLOR", "1")
    draw(Table(("name", "value"), [("a" * 50, "1"), ("b", "2")], "a title", lambda row: row[0] == "b"))
    said = capsys.readouterr().out
    assert said.startswith("a title\n")
    assert ("╭" in said) is (width == "160")
    assert f"{'a' * 50}" in said


def test_a_bar_shows_what_is_held_out():
    event = {"event": "epoch", "epoch": 1, "loss": 0.5, "accuracy": 0.25, "val_loss": 0.125, "seconds": 1.0}
    assert short_text(event) == "loss 0.5  val_loss 0.125"
    assert values_text(event) == "loss 0.5  accuracy 0.25  val_loss 0.125"
