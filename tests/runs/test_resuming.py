"""Training that was stopped, killed or damaged goes on to the same bits."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from flowers_model import TEXT, bits, left, trained, written

from symnet.errors import RunProblem, SymnetError, SymnetWarning, TrainingProblem
from symnet.runs.folder import RunFolder
from symnet.runs.opened import open_run
from symnet.train import loop
from symnet.train.checkpoint import load_params, newest, numbered

KILLS = int(os.environ.get("SYMNET_KILLS", "12"))


def stopped(model: Path, out: Path, steps: int, **options: object) -> None:
    """Ctrl-C once so many steps are done."""

    def watch(event: dict) -> None:
        if event.get("steps", 0) >= steps and event["event"] == "progress":
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        trained(model, out, on_event=watch, **options)


def test_killed_trainings_end_in_the_same_bits(tmp_path):
    """SIGKILL at random moments: everything loads, at most an interval is lost, nothing differs in the end."""
    script = Path(__file__).parent / "nursery.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(KILLS), "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == KILLS
    assert found["same"]
    assert found["most_lost"] <= 3
    assert found["distinct_steps"] > KILLS // 4


@pytest.mark.parametrize("steps", [1, 3, 4, 7, 22, 24], ids=lambda n: f"step-{n}")
def test_a_stopped_training_goes_on_to_the_same_bits(steps, model, run, tmp_path):
    out = tmp_path / "run"
    stopped(model, out, steps)
    facts = RunFolder(out).read_facts()
    assert facts["status"] == "interrupted"
    assert facts["steps"] == newest(out / "checkpoints").facts["done"] >= steps
    events = []
    trained(model, out, resume=True, on_event=events.append)
    assert (events[0]["resumed"], events[0]["steps"]) == (True, facts["steps"])
    assert left(out) == left(run)


def test_stopping_again_and_again_changes_nothing(model, run, tmp_path):
    out = tmp_path / "run"
    stopped(model, out, 1)
    for steps in range(3, 24, 4):
        stopped(model, out, steps, resume=True)
    trained(model, out, resume=True)
    assert left(out) == left(run)


def test_a_training_stopped_between_epochs_is_saved_as_it_stands(model, run, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "REST", 1e9)
    file = written(tmp_path / "model", TEXT.replace("  checkpoint: {steps: 2}\n", ""))
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        trained(file, out, on_event=lambda e: e["event"] == "epoch" and os.kill(os.getpid(), signal.SIGINT))
    facts = RunFolder(out).read_facts()
    assert (facts["epochs"], facts["steps"]) == (1, 4)
    assert newest(out / "checkpoints").facts["done"] == 4
    trained(file, out, resume=True)
    assert bits(out) == bits(run)


def test_early_stopping_goes_on_where_it_was(tmp_path):
    text = TEXT.replace("epochs: 6", "epochs: 60").replace("early_stopping: 4", "early_stopping: 2")
    file = written(tmp_path / "model", text.replace("lr: 0.02", "lr: 0.2"))
    whole = trained(file, tmp_path / "whole")
    ended = whole.run.epoch
    assert 3 < ended < 60
    assert whole.facts["stopped_early"]
    losses = whole.history["val_loss"]
    assert int(np.argmin(losses)) == ended - 3
    for epoch in (ended - 2, ended - 1):
        out = tmp_path / f"stopped-{epoch}"
        stopped(file, out, 4 * epoch + 1)
        trained(file, out, resume=True)
        assert left(out) == left(tmp_path / "whole")


def test_killed_after_the_last_step_and_before_the_end(model, run, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(run, out)
    folder = RunFolder(out)
    facts = folder.read_facts()
    folder.write_facts({**facts, "status": "running"})
    folder.params.unlink()
    folder.kernel.unlink()
    folder.history.write_text(folder.history.read_text()[:-40])
    trained(model, out, resume=True)
    assert left(out) == left(run)
    assert folder.kernel.read_bytes() == (run / "kernel.py").read_bytes()


def test_killed_before_the_first_checkpoint_begins_anew(model, run, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(run, out)
    folder = RunFolder(out)
    facts = folder.read_facts()
    begun = {k: facts[k] for k in ("model", "options", "base", "data", "classes", "standard", "versions")}
    folder.write_facts({"status": "prepared", **begun})
    for path in (folder.params, folder.kernel, folder.history, *folder.checkpoints.iterdir()):
        path.unlink()
    trained(model, out, resume=True)
    assert left(out) == left(run)


def test_stopped_before_the_first_step_begins_anew(model, run, tmp_path):
    out = tmp_path / "run"
    stopped(model, out, 1)
    folder = RunFolder(out)
    folder.write_facts({**folder.read_facts(), "status": "interrupted", "steps": 0})
    for path in folder.checkpoints.iterdir():
        path.unlink()
    trained(model, out, resume=True)
    assert left(out) == left(run)


# -- finished runs


def test_a_finished_run_stays_as_it_is(model, run):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.rglob("*") if path.is_file()}
    events = []
    result = trained(model, run, resume=True, on_event=events.append)
    assert result.unchanged
    assert [event["event"] for event in events] == ["result"]
    assert events[0]["unchanged"]
    assert events[0]["epochs"] == 6
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.rglob("*") if path.is_file()} == before
    assert trained(model, run, resume=True, epochs=3).unchanged


def test_a_finished_run_stays_even_when_its_data_are_gone(model, run, tmp_path):
    file = written(tmp_path / "model")
    trained(file, tmp_path / "run")
    (file.parent / "iris.csv").unlink()
    assert trained(file, tmp_path / "run", resume=True).unchanged


def test_more_epochs_may_be_asked_of_a_finished_run(model, tmp_path):
    trained(model, tmp_path / "short", epochs=3)
    trained(model, tmp_path / "short", resume=True, epochs=5)
    trained(model, tmp_path / "long", epochs=5)
    assert left(tmp_path / "short") == left(tmp_path / "long")


# -- what does not fit


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 8}, "begun with batch=16, not 8"),
        ({"lr": 0.5}, "begun without --lr"),
        ({"seed": 4}, "begun with seed=3, not 4"),
        ({"threads": 2}, "begun with threads=1, not 2"),
    ],
    ids=["batch", "lr", "seed", "threads"],
)
def test_options_cannot_change_on_the_way(options, message, model, run):
    with pytest.raises(RunProblem, match=message):
        trained(model, run, resume=True, epochs=9, **options)


def test_another_model_cannot_go_on(model, run, tmp_path):
    changed = written(tmp_path / "model", TEXT.replace("tanh", "sin"))
    with pytest.raises(RunProblem, match="is not the model that"):
        trained(changed, run, resume=True)


def test_other_data_cannot_go_on(tmp_path):
    file = written(tmp_path / "model")
    out = tmp_path / "run"
    stopped(file, out, 5)
    with open(file.parent / "iris.csv", "a") as table:
        table.write("5,3,1,0.2,setosa\n")
    with pytest.raises(RunProblem, match=r"are not those that .*run was begun with"):
        trained(file, out, resume=True)


@pytest.mark.parametrize("epochs", [6, 9], ids=["finished", "more-epochs"])
def test_data_that_are_given_must_be_those_of_the_run(epochs, model, run, tmp_path):
    other = written(tmp_path / "other").parent / "iris.csv"
    other.write_text(other.read_text() + "5,3,1,0.2,setosa\n")
    with pytest.raises(RunProblem, match=r"other/iris\.csv are not those that .*run was begun with"):
        trained(model, run, resume=True, epochs=epochs, data=other)


@pytest.mark.parametrize("given", [False, True], ids=["as-kept", "given"])
def test_a_run_that_was_moved_with_its_data_goes_on(given, run, tmp_path):
    file = written(tmp_path / "before")
    stopped(file, tmp_path / "before" / "run", 9)
    (tmp_path / "before").rename(tmp_path / "after")
    file = tmp_path / "after" / "model.yaml"
    trained(file, file.parent / "run", resume=True, data=file.parent / "iris.csv" if given else None)
    assert bits(file.parent / "run") == bits(run)


def test_a_run_on_a_given_file_goes_on_and_is_opened_where_both_were_moved(model, tmp_path):
    data = written(tmp_path / "before").parent / "iris.csv"
    stopped(model, tmp_path / "before" / "run", 9, data=data)
    (tmp_path / "before").rename(tmp_path / "after")
    (tmp_path / "after" / "model.yaml").unlink()
    trained(model, tmp_path / "after" / "run", resume=True)
    opened = open_run(tmp_path / "after" / "run")
    assert opened.dataset().source == str(tmp_path / "after" / "iris.csv")
    assert opened.facts["options"]["data"] == str(tmp_path / "after" / "iris.csv")


def test_the_copied_model_file_resumes_with_the_data_of_the_first(model, run, tmp_path):
    out = tmp_path / "run"
    stopped(model, out, 9)
    trained(RunFolder(out).model_yaml, out, resume=True)
    assert left(out) == left(run)


# -- damaged checkpoints


def damaged(path: Path, how: str, chance: random.Random) -> None:
    raw = bytearray(path.read_bytes())
    if how == "cut":
        del raw[chance.randrange(len(raw)) :]
    elif how == "flip":
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    else:
        at = chance.randrange(len(raw))
        raw[at : at + 64] = bytes(len(raw[at : at + 64]))
    path.write_bytes(raw)


@pytest.mark.parametrize("how", ["cut", "flip", "zeros"])
def test_every_damage_is_noticed(how, run):
    """Wherever a checkpoint is cut or changed, it is refused, or what is read of it is what was written."""
    _, _, path = numbered(run / "checkpoints")[0]
    chance, whole = random.Random(how), path.read_bytes()
    sound, known = load_params(path)
    refused = 0
    copy = run.parent / f"copy-{how}.safetensors"
    for _ in range(150):
        copy.write_bytes(whole)
        damaged(copy, how, chance)
        try:
            arrays, facts = load_params(copy)
        except TrainingProblem:
            refused += 1
        else:
            assert facts == known
            assert {n: a.tobytes() for n, a in arrays.items()} == {n: a.tobytes() for n, a in sound.items()}
    assert refused > 120


@pytest.mark.parametrize("how", ["cut", "flip"])
def test_the_checkpoint_before_a_damaged_one_is_used(how, model, run, tmp_path):
    out = tmp_path / "run"
    stopped(model, out, 13)
    (_, _, last), (_, _, before) = numbered(out / "checkpoints")[:2]
    damaged(last, how, random.Random(5))
    done = load_params(before)[1]["done"]
    events = []
    with pytest.warns(SymnetWarning, match=rf"{last.name} .*: the checkpoint before it is used"):
        trained(model, out, resume=True, on_event=events.append)
    assert events[0]["steps"] == done
    assert left(out) == left(run)


def test_no_sound_checkpoint_is_an_error(model, tmp_path):
    out = tmp_path / "run"
    stopped(model, out, 13)
    for _, _, path in numbered(out / "checkpoints"):
        path.write_bytes(path.read_bytes()[:-3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(TrainingProblem, match="there is no sound checkpoint") as raised:
            trained(model, out, resume=True)
    assert raised.value.code == "E0502"
    for _, _, path in numbered(out / "checkpoints"):
        path.unlink()
    with pytest.raises(TrainingProblem, match="there is no sound checkpoint"):
        trained(model, out, resume=True)


def test_an_unfinished_run_is_opened_at_its_newest_checkpoint(model, tmp_path):
    out = tmp_path / "run"
    stopped(model, out, 10)
    RunFolder(out).params.unlink()
    opened = open_run(out)
    arrays = newest(out / "checkpoints").arrays
    assert all(np.array_equal(opened.run.params[n], arrays[f"param/{n}"]) for n in "WcV")
    shutil.rmtree(out / "checkpoints")
    with pytest.raises(SymnetError, match="holds no parameters yet"):
        open_run(out)


def test_stopping_leaves_parameters_to_ask(model, tmp_path):
    out = tmp_path / "run"
    stopped(model, out, 10)
    assert bits(out)
    assert "def train_steps" in RunFolder(out).kernel.read_text()
