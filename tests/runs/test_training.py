"""What training by a model file leaves, tells and refuses."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from flowers_model import TEXT, bits, left, trained, written

from symnet.errors import DataFileError, Diverged, RunProblem, SymnetError, ValueProblem
from symnet.runs.division import divided
from symnet.runs.folder import RunFolder
from symnet.runs.training import train
from symnet.spec.model_file import read_model

SCHEMA = "symnet.train/1"


def test_a_run_folder_holds_everything(model, run):
    folder = RunFolder(run)
    assert sorted(p.name for p in run.iterdir()) == [
        "checkpoints",
        "history.jsonl",
        "kernel.py",
        "model.yaml",
        "params.safetensors",
        "run.json",
    ]
    assert folder.model_yaml.read_bytes() == model.read_bytes()
    facts = folder.read_facts()
    assert facts["options"] == {
        "epochs": 6,
        "batch": 16,
        "lr": None,
        "seed": 3,
        "threads": 1,
        "data": None,
        "validation": 0.2,
        "test": 0.2,
    }
    assert (facts["status"], facts["model"], facts["epochs"], facts["parameters"]) == ("finished", "flowers", 6, 40)
    assert facts["data"]["count"] == 90
    assert facts["data"]["digest"].startswith("sha256:")
    assert facts["classes"] == {"t": ["setosa", "versicolor", "virginica"]}
    assert {"symnet", "numpy", "numba", "python"} <= facts["versions"].keys()
    assert len(facts["standard"]["x"]["mean"]) == 4
    assert [json.loads(line)["epoch"] for line in folder.history.read_text().splitlines()] == [1, 2, 3, 4, 5, 6]
    assert folder.has_checkpoints()


def test_the_kernel_of_a_run_is_the_whole_model_as_a_module(run):
    names = {node.name for node in ast.parse((run / "kernel.py").read_text()).body if isinstance(node, ast.FunctionDef)}
    assert {"forward", "loss_and_gradients", "train_steps"} <= names


def test_moments_are_those_of_the_rows_that_train(model, run):
    facts = RunFolder(run).read_facts()
    rows = np.loadtxt(model.parent / "iris.csv", delimiter=",", skiprows=1, usecols=range(4))
    division = divided(90, 0.2, 0.2, 3)
    assert np.abs(rows[division.train].mean(0) - facts["standard"]["x"]["mean"]).max() < 1e-12
    assert np.abs(rows[division.train].std(0) - facts["standard"]["x"]["deviation"]).max() < 1e-12


def test_rows_are_divided_without_overlap():
    division = divided(100, 0.2, 0.25, 7)
    parts = [division.train, division.validation, division.test]
    assert [len(part) for part in parts] == [60, 20, 20]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(100))
    assert np.array_equal(np.sort(np.concatenate(parts[:2])), division.fitted)
    assert not np.array_equal(divided(100, 0.2, 0.25, 8).test, division.test)
    with pytest.raises(ValueProblem, match="cannot be split"):
        divided(1, 0.5, 0, 0)


def test_events_are_lines_of_json(model, tmp_path):
    events = []
    result = trained(model, tmp_path / "run", on_event=events.append)
    assert {event["schema"] for event in events} == {SCHEMA}
    assert json.loads(json.dumps(events, allow_nan=False)) == events
    told = [event for event in events if event["event"] != "progress"]
    assert [event["event"] for event in told] == ["start", *["epoch"] * 6, "result"]
    start, *epochs, last = told
    assert (start["rows"], start["validation"], start["test"], start["resumed"]) == (58, 14, 18, False)
    assert [event["epoch"] for event in epochs] == [1, 2, 3, 4, 5, 6]
    assert [event["loss"] for event in epochs] == result.history["loss"]
    assert set(epochs[0]) == {
        *("schema", "event", "epoch", "epochs", "steps", "loss", "accuracy", "val_loss", "val_accuracy", "seconds")
    }
    assert (last["ok"], last["exit"], last["epochs"], last["steps"], last["unchanged"]) == (True, 0, 6, 24, False)
    progress = [event for event in events if event["event"] == "progress"]
    assert all(0 < event["share"] <= 1 for event in progress)


def test_the_same_training_leaves_the_same_bits(model, run, tmp_path):
    trained(model, tmp_path / "again")
    assert left(tmp_path / "again") == left(run)
    for name in ("params.safetensors", "kernel.py", "model.yaml"):
        assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes()


def test_options_go_before_those_of_the_file(model, tmp_path):
    out = tmp_path / "run"
    result = trained(model, out, epochs=2, batch=29, lr=0.5, seed=9, threads=2)
    assert (result.run.done, result.run.seed, result.run.threads, result.run.epoch) == (4, 9, 2, 2)
    assert result.run.optimizer.lr == 0.5
    assert RunFolder(out).read_facts()["options"]["lr"] == 0.5


def test_training_without_a_folder_leaves_nothing(model, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = trained(model, None)
    assert result.folder is None
    assert {name: value.tobytes() for name, value in result.run.params.items()} == bits(run)
    assert not list(tmp_path.iterdir())


def test_data_of_the_command_line_take_the_place_of_the_file(model, tmp_path):
    rows = (model.parent / "iris.csv").read_text().splitlines()
    other = tmp_path / "other.csv"
    other.write_text("\n".join(rows[:1] + rows[1::2]) + "\n")
    out = tmp_path / "run"
    result = trained(model, out, data=other, epochs=1)
    assert result.dataset.count == 45
    assert RunFolder(out).read_facts()["options"]["data"] == str(other)


@pytest.mark.parametrize("ending", [".toml", ".json"])
def test_model_files_of_other_formats_are_kept_as_such(ending, model, tmp_path):
    plain = {
        "symnet": 1,
        "name": "line",
        "dims": {"N": "batch"},
        "tensors": {
            "x": {"shape": ["N", 2], "role": "input"},
            "y": {"shape": ["N"], "role": "target"},
            "w": {"shape": [2], "role": "param"},
        },
        "formulas": "v[n] = sum(x[n,d]*w[d], d)\nL = mean((v[n] - y[n])**2, n)",
        "loss": "L",
        "outputs": ["v"],
        "data": {"builtin": "xor"},
    }
    toml = "\n".join(
        [
            'symnet = 1\nname = "line"\nloss = "L"\noutputs = ["v"]',
            'formulas = """v[n] = sum(x[n,d]*w[d], d)\nL = mean((v[n] - y[n])**2, n)"""',
            '[dims]\nN = "batch"\n[tensors]\nx = {shape = ["N", 2], role = "input"}',
            'y = {shape = ["N"], role = "target"}',
            'w = {shape = [2], role = "param"}\n[data]\nbuiltin = "xor"\n',
        ]
    )
    file = tmp_path / f"line{ending}"
    file.write_text(toml if ending == ".toml" else json.dumps(plain))
    trained(file, tmp_path / "run", epochs=1)
    folder = RunFolder(tmp_path / "run")
    assert folder.model_yaml.name == f"model{ending}"
    assert folder.model_yaml.read_bytes() == file.read_bytes()
    assert trained(file, tmp_path / "run", resume=True).unchanged


def test_a_model_from_standard_input_has_its_data_in_the_working_directory(model, run, tmp_path, monkeypatch):
    monkeypatch.chdir(model.parent)
    train(read_model("-", text=TEXT), tmp_path / "run")
    assert left(tmp_path / "run") == left(run)


# -- what is refused


def test_a_run_is_not_overwritten(model, run):
    before = left(run)
    with pytest.raises(RunProblem, match="holds a run already") as raised:
        trained(model, run)
    assert "--resume" in raised.value.hint
    assert left(run) == before


@pytest.mark.parametrize("kept", ["params.safetensors", "kernel.py", "checkpoints"])
def test_what_is_left_of_a_run_is_not_overwritten(kept, model, run, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(run, out)
    for path in out.iterdir():
        if path.name != kept:
            path.unlink() if path.is_file() else shutil.rmtree(path)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(RunProblem, match=f"holds {kept}, but no run.json"):
        train(read_model(model), out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    train(read_model(model), out, force=True, epochs=1)
    assert RunFolder(out).read_facts()["status"] == "finished"


def test_force_replaces_a_run_and_nothing_else(model, tmp_path):
    out = tmp_path / "run"
    trained(model, out, epochs=1, seed=1)
    (out / "notes.txt").write_text("mine")
    trained(model, out, epochs=2, force=True)
    assert RunFolder(out).read_facts()["epochs"] == 2
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_other_things_is_left_alone(force, model, tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunProblem, match=r"is not empty: it holds thesis\.tex"):
        trained(model, tmp_path, force=force)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_cannot_be_made_is_named(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunProblem, match="cannot hold a run"):
        trained(model, tmp_path / "file" / "run")


def test_data_that_are_wrong_leave_no_folder(model, tmp_path):
    file = written(tmp_path / "model", TEXT.replace("iris.csv", "broken.csv"))
    rows = (model.parent / "iris.csv").read_text().splitlines()
    (file.parent / "broken.csv").write_text("\n".join([*rows[:4], "1,2,,4,setosa", *rows[4:]]))
    with pytest.raises(DataFileError, match=r"broken\.csv:5: E0405 row 4, column 'pl': the value is missing"):
        trained(file, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_values_that_the_model_refuses_name_their_file(tmp_path):
    text = TEXT.replace("kind: label, classes: K}", "kind: label}").replace("file: iris.csv", "file: d.npz")
    text = text.replace("inputs: {x: [sl, sw, pl, pw]}, target: {t: species}, ", "")
    file = written(tmp_path / "model", text)
    np.savez(file.parent / "d.npz", x=np.ones((9, 4)), t=np.array([0, 1, 2, 0, 7, 1, 2, 0, 1]))
    with pytest.raises(DataFileError) as raised:
        trained(file, tmp_path / "run")
    assert str(raised.value).startswith(f"{file.parent / 'd.npz'}: E0202 label 7 at row 5 of t: allowed 0..2")


def test_one_process_at_a_time_trains_in_a_folder(model, run):
    with RunFolder(run).locked(), pytest.raises(RunProblem, match="another process trains"):
        trained(model, run, resume=True, epochs=7)


@pytest.mark.parametrize("epochs", [0, -3])
def test_no_epochs_are_refused(epochs, model, tmp_path):
    with pytest.raises(ValueProblem, match="no number of epochs"):
        trained(model, tmp_path / "run", epochs=epochs)


def test_a_run_that_diverges_says_so_and_keeps_what_it_had(tmp_path):
    text = (
        TEXT.replace("standardise: true, ", "").replace("tanh(", "square(").replace("adam: {lr: 0.02}", "sgd: {lr: 9}")
    )
    file = written(tmp_path / "model", text)
    with pytest.raises(Diverged, match="not finite at step") as raised:
        trained(file, tmp_path / "run")
    facts = RunFolder(tmp_path / "run").read_facts()
    assert (raised.value.code, facts["status"], facts["problem"]) == ("E0504", "diverged", raised.value.message)
    assert all(np.isfinite(np.frombuffer(raw, np.float32)).all() for raw in bits(tmp_path / "run").values())
    assert (tmp_path / "run" / "kernel.py").read_text()


def test_resuming_needs_a_folder_with_a_run(model, tmp_path):
    for out, message in (
        (None, "nothing to resume"),
        (tmp_path / "none", "there is no such folder"),
        (tmp_path, "there is no run in it"),
    ):
        with pytest.raises(RunProblem, match=message):
            trained(model, out, resume=True)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"schema": "symnet.run/1"}', '{"schema": "symnet.run/9", "status": 1}', "[" * 10**5],
)
def test_facts_that_are_damaged_are_refused(content, model, run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text(content)
    with pytest.raises(SymnetError, match=r"run\.json is damaged"):
        trained(model, tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "asleep"),
        ("options", {}),
        ("options", 7),
        ("base", None),
        ("data", {"source": "x"}),
        ("classes", {"t": 3}),
        ("classes", []),
        ("standard", {"x": {"mean": ["a"], "deviation": [1]}}),
        ("standard", {"x": {"mean": [1]}}),
        ("epochs", "6"),
        ("last", None),
    ],
    ids=str,
)
def test_facts_that_were_edited_are_refused(key, value, run, tmp_path):
    facts = json.loads((run / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**facts, key: value}))
    with pytest.raises(RunProblem, match=r"run\.json is damaged"):
        RunFolder(tmp_path).read_facts()


def test_paths_with_null_bytes_are_just_wrong(model):
    with pytest.raises(SymnetError):
        trained(model, Path("a\0b"))
