"""Trained runs asked from their folders alone."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
from flowers_model import TEXT, trained, written

from symnet.errors import DataFileError, RunProblem
from symnet.report.given import given
from symnet.runs.asking import evaluate, held_out, predict, write_table
from symnet.runs.opened import open_run

CLASSES = ["setosa", "versicolor", "virginica"]


@pytest.fixture(scope="module")
def opened(run):
    return open_run(run)


@pytest.fixture(scope="module")
def table(opened):
    return predict(opened)


def by_hand(opened, rows):
    """The probabilities of rows, in float64."""
    mean, deviation = (np.array(opened.facts["standard"]["x"][k]) for k in ("mean", "deviation"))
    w, c, v = (np.asarray(opened.run.params[n], float) for n in "WcV")
    z = np.tanh((rows - mean) / deviation @ w + c) @ v
    p = np.exp(z - z.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def flowers(model):
    return np.loadtxt(model.parent / "iris.csv", delimiter=",", skiprows=1, usecols=range(4))


def test_a_folder_gives_back_what_was_trained(opened, run):
    assert opened.model.name == opened.spec.name == "flowers"
    assert opened.history.epochs == 6
    assert opened.facts["status"] == "finished"
    assert opened.classes == {"t": tuple(CLASSES)}
    assert opened.dataset().count == 90
    assert len(opened.division(90).test) == 18


def test_columns_bear_the_names_of_the_classes(opened, table, model):
    assert list(table.columns) == [*CLASSES, "predicted"]
    expected = by_hand(opened, flowers(model))
    found = np.stack([table.columns[name] for name in CLASSES], 1)
    assert np.abs(found - expected).max() < 1e-6
    assert table.columns["predicted"].tolist() == [CLASSES[k] for k in expected.argmax(1)]
    assert (table.rows, table.outputs["p"].shape) == (90, (90, 3))


def test_other_data_need_no_target(opened, model, tmp_path):
    (tmp_path / "new.csv").write_text("pw;pl;sw;sl\n0.2;1.4;3.5;5.1\n1.8;5.1;3.0;5.9\n")
    table = predict(opened, tmp_path / "new.csv")
    expected = by_hand(opened, np.array([[5.1, 3.5, 1.4, 0.2], [5.9, 3.0, 5.1, 1.8]]))
    assert np.abs(table.outputs["p"] - expected).max() < 1e-6
    with pytest.raises(DataFileError, match=r"new\.csv:1: E0404 t: there is no column 'species'"):
        evaluate(opened, tmp_path / "new.csv")


def test_evaluation_takes_the_rows_that_were_held_out(opened, model):
    what, rows = held_out(opened, 90)
    assert (what, len(rows)) == ("test", 18)
    expected = by_hand(opened, flowers(model))[rows]
    truth = np.repeat(range(3), 30)[rows]
    found = evaluate(opened)
    assert found["loss"] == pytest.approx(-np.log(expected[np.arange(18), truth]).mean(), abs=1e-6)
    assert found["accuracy"] == pytest.approx((expected.argmax(1) == truth).mean())


def test_rows_are_called_held_out_only_in_the_data_of_training(tmp_path):
    file = written(tmp_path)
    trained(file, tmp_path / "run", epochs=1)
    table = tmp_path / "iris.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:80]))
    opened = open_run(tmp_path / "run")
    with pytest.raises(RunProblem, match=r"the data in .*iris\.csv are not those that .*run was begun with") as raised:
        evaluate(opened)
    assert "--data" in raised.value.hint
    assert evaluate(opened, table)["loss"] > 0
    assert given(opened.model, run=opened).no_data == raised.value.message


def test_evaluation_of_a_file_takes_all_of_it(opened, model, tmp_path):
    shutil.copy(model.parent / "iris.csv", tmp_path / "same.csv")
    expected = by_hand(opened, flowers(model))
    truth = np.repeat(range(3), 30)
    assert evaluate(opened, tmp_path / "same.csv")["accuracy"] == pytest.approx((expected.argmax(1) == truth).mean())


def test_a_class_that_training_never_met_is_named(opened, tmp_path):
    (tmp_path / "new.csv").write_text("sl,sw,pl,pw,species\n5,3,1,1,setosa\n5,3,1,1,vergenica\n")
    with pytest.raises(DataFileError) as raised:
        evaluate(opened, tmp_path / "new.csv")
    place = "new.csv:3: E0407 row 2, column 'species': 'vergenica' is none of the classes"
    assert str(raised.value).endswith(f"{place}\n  hint: did you mean 'virginica'?")


def test_a_run_works_where_its_folder_was_moved(run, table, tmp_path, monkeypatch):
    shutil.copytree(run, tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    again = predict(open_run("elsewhere"))
    assert all(np.array_equal(again.columns[name], table.columns[name]) for name in table.columns)


def test_tables_are_written_and_read_back(table, tmp_path):
    write_table(table, tmp_path / "new" / "p.csv")
    with open(tmp_path / "new" / "p.csv", newline="") as file:
        head, *rows = list(csv.reader(file))
    assert head == [*CLASSES, "predicted"]
    assert np.array_equal(np.array([row[:3] for row in rows], np.float32), table.outputs["p"])
    write_table(table, tmp_path / "p.npz")
    with np.load(tmp_path / "p.npz", allow_pickle=False) as file:
        assert np.array_equal(file["p"], table.outputs["p"])
        assert file["predicted"].tolist() == table.columns["predicted"].tolist()
    before = (tmp_path / "p.npz").read_bytes()
    write_table(table, tmp_path / "p.npz")
    assert (tmp_path / "p.npz").read_bytes() == before


@pytest.mark.parametrize("name", ["p.xlsx", "p"])
def test_tables_of_other_kinds_are_refused(name, table, tmp_path):
    with pytest.raises(RunProblem, match="cannot be written") as raised:
        write_table(table, tmp_path / name)
    assert ".csv" in raised.value.hint


def test_a_place_that_cannot_be_written_is_named(table, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunProblem, match="cannot be written"):
        write_table(table, tmp_path / "file" / "p.csv")


def test_columns_are_numbered_where_classes_have_no_names(tmp_path):
    text = TEXT.replace("{file: iris.csv, ", "{builtin: iris, ").replace("[sl, sw, pl, pw]", '["*(cm)"]')
    text = text.replace("t: species", "t: target").replace("outputs: [p]", "outputs: [p, h]")
    file = written(tmp_path / "model", text)
    trained(file, tmp_path / "run", epochs=1)
    opened = open_run(tmp_path / "run")
    opened.facts["classes"] = {}
    table = predict(opened)
    assert list(table.columns) == ["p_0", "p_1", "p_2", *(f"h_{i}" for i in range(5)), "predicted"]
    assert np.array_equal(table.columns["predicted"], table.outputs["p"].argmax(1))
    assert np.array_equal(table.columns["h_3"], table.outputs["h"][:, 3])


def in_classes(folder, classes, outputs="[p]"):
    """What a run says whose classes and outputs have such names."""
    text = TEXT.replace("outputs: [p]", f"outputs: {outputs}")
    text = text.replace("  L = ", "  predicted[n] = sum(x[n,d], d)\n  p_setosa[n] = x[n,0]\n  L = ")
    file = written(folder, text)
    table = file.parent / "iris.csv"
    content = table.read_text()
    for old, new in zip(CLASSES, classes, strict=True):
        content = content.replace(old, new)
    table.write_text(content)
    trained(file, folder / "run", epochs=1)
    return predict(open_run(folder / "run"))


@pytest.mark.parametrize(
    ("classes", "outputs", "shares", "label"),
    [
        (["no", "predicted", "yes"], "[p]", ["p_no", "p_predicted", "p_yes"], "predicted"),
        (CLASSES, "[p, predicted]", CLASSES, "p_predicted"),
        (["p_setosa", *CLASSES[1:]], "[p, p_setosa]", ["p_p_setosa", "p_versicolor", "p_virginica"], "predicted"),
        (["no", "predicted", "setosa"], "[p_setosa, p]", ["p_no", "p_predicted", "p_setosa_"], "predicted"),
        (CLASSES, "[p, z]", [f"p_{name}" for name in CLASSES], "p_predicted"),
    ],
    ids=["class", "output", "class-and-output", "both", "several"],
)
def test_no_column_takes_the_place_of_another(classes, outputs, shares, label, tmp_path):
    table = in_classes(tmp_path, classes, outputs)
    found = np.stack([table.columns[name] for name in shares], 1)
    assert np.array_equal(found, table.outputs["p"])
    assert table.columns[label].tolist() == [classes[k] for k in found.argmax(1)]
    entries = sum(array[0].size for name, array in table.outputs.items() if array.dtype.kind == "f")
    assert len(table.columns) == entries + (2 if "z" in outputs else 1)


def test_words_in_a_column_of_targets_do_not_matter_to_a_prediction(opened, tmp_path):
    (tmp_path / "new.csv").write_text("sl,sw,pl,pw,species\n5,3,1,1,unheard of\n5,3,1,1,\n")
    assert predict(opened, tmp_path / "new.csv").rows == 2
