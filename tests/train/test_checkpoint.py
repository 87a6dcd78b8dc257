"""Checkpoints: what is damaged is noticed, and the one before is used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from safetensors.numpy import save_file

import symnet as sn
from symnet.errors import NameProblem, SymnetWarning, TrainingProblem
from symnet.train import checkpoint
from symnet.train.checkpoint import load_params, newest, save_params, write

rng = np.random.default_rng(0)
ARRAYS = {
    "dense.W": rng.normal(size=(6, 5)),
    "β": rng.normal(size=5).astype("f4"),
    "scalar": np.array(3.0),
    "empty": np.zeros((0, 3)),
    "rows": np.arange(4),
    "mask": np.array([True, False]),
}
FACTS = {"step": 3, "loss": [0.5, 0.25], "seed": 0, "name": "net"}


def same(found):
    arrays, facts = found
    assert facts == FACTS
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        assert np.array_equal(arrays[name], array)


def refused(path, words):
    with pytest.raises(TrainingProblem) as caught:
        load_params(path)
    assert words in str(caught.value)
    assert str(path) in caught.value.message
    return caught.value


def steps(folder, count, name="step"):
    return [write(folder, name, {"W": np.full(3, float(i))}, {"step": i}) for i in range(count)]


def damage(path, keep=None):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content[:keep])


# -- one file


def test_what_was_saved_is_loaded(tmp_path):
    path = save_params(tmp_path / "x.safetensors", ARRAYS, FACTS)
    found = load_params(str(path))
    same(found)
    found[0]["dense.W"][0, 0] = 7.0


def test_layouts_and_numbers_of_numpy_are_stored_plainly(tmp_path):
    arrays = {"F": np.asfortranarray(ARRAYS["dense.W"]), "big": np.arange(3.0).astype(">f8"), "cut": np.arange(9)[::2]}
    save_params(tmp_path / "x", arrays, {"a": np.float32(2), "b": np.int64(3), "c": np.arange(2), "n": (1, 2)})
    found, facts = load_params(tmp_path / "x")
    assert facts == {"a": 2.0, "b": 3, "c": [0, 1], "n": [1, 2]}
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


def test_file_replaces_the_old_one_and_makes_its_folder(tmp_path):
    path = tmp_path / "deep" / "er" / "x.safetensors"
    save_params(path, {"W": np.zeros(2)}, {})
    save_params(path, ARRAYS, FACTS)
    same(load_params(path))
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_facts_that_are_no_json_are_refused_before_writing(tmp_path):
    with pytest.raises(TypeError, match="cannot stand in a checkpoint's facts"):
        save_params(tmp_path / "x", {}, {"f": object()})
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_where_writing_fails(tmp_path, monkeypatch):
    path = save_params(tmp_path / "x", ARRAYS, FACTS)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingProblem, match=r"cannot be written: No space left on device"):
        save_params(path, {"W": np.zeros(2)}, {})
    monkeypatch.undo()
    same(load_params(path))
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    kept = {name: getattr(os, name) for name in ("fsync", "replace")}
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("fsync"), kept["fsync"](handle)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("replace"), kept["replace"](*paths)))
    save_params(tmp_path / "x", ARRAYS, FACTS)
    assert done == ["fsync", "replace", "fsync"]


def test_missing_file_is_named(tmp_path):
    refused(tmp_path / "x.safetensors", "there is no file")
    refused(tmp_path, "there is no file")


@pytest.mark.skipif(os.geteuid() == 0, reason="everything may be read by root")
def test_file_that_may_not_be_read_is_named(tmp_path):
    path = save_params(tmp_path / "x", ARRAYS, FACTS)
    path.chmod(0)
    refused(path, "cannot be read: Permission denied")


def test_foreign_files_are_refused(tmp_path):
    save_file({"W": np.zeros(3)}, tmp_path / "theirs.safetensors", {"format": "pt"})
    refused(tmp_path / "theirs.safetensors", "was not written by symnet")
    np.savez(tmp_path / "x.npz", W=np.zeros(3))
    refused(tmp_path / "x.npz", "is no safetensors file")
    (tmp_path / "notes.txt").write_text("some notes that somebody made")
    refused(tmp_path / "notes.txt", "is no safetensors file")


def test_every_shorter_file_is_noticed(tmp_path):
    path = save_params(tmp_path / "x", ARRAYS, FACTS)
    content = path.read_bytes()
    for length in [*range(20), *range(20, len(content), 7), len(content) - 1]:
        path.write_bytes(content[:length])
        refused(path, "is cut off")


def test_longer_files_are_noticed(tmp_path):
    path = save_params(tmp_path / "x", ARRAYS, FACTS)
    path.write_bytes(path.read_bytes() + b"more")
    refused(path, "is damaged")


def test_no_flipped_bit_loads_wrong_data(tmp_path):
    path = save_params(tmp_path / "x", ARRAYS, FACTS)
    content = path.read_bytes()
    noticed = 0
    for bit in np.random.default_rng(1).choice(8 * len(content), 200, replace=False):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(flipped)
        try:
            same(load_params(path))
        except TrainingProblem:
            noticed += 1
    assert noticed > 190


@pytest.mark.parametrize(
    "swap", [{"W": np.zeros(4, "f4")}, {"W": np.zeros((2, 2))}, {"V": np.zeros(4)}, {"W": -np.zeros(4)}, {}]
)
def test_digest_covers_names_types_shapes_and_bytes(swap):
    assert checkpoint.digest({"W": np.zeros(4)}, "{}") != checkpoint.digest(swap, "{}")
    assert checkpoint.digest(swap, "{}") != checkpoint.digest(swap, '{"a": 1}')


# -- checkpoints


def test_newest_is_found_and_the_last_two_are_kept(tmp_path):
    paths = steps(tmp_path, 12)
    found = newest(tmp_path)
    assert found.facts == {"step": 11}
    assert found.path == paths[-1]
    assert sorted(tmp_path.iterdir()) == paths[-2:]


def test_running_number_orders_beyond_its_width(tmp_path):
    steps(tmp_path, 1)
    (tmp_path / "step.000001.safetensors").rename(tmp_path / "step.999999.safetensors")
    assert write(tmp_path, "step", {}, {"step": 7}).name == "step.1000000.safetensors"
    assert newest(tmp_path).facts == {"step": 7}


@pytest.mark.parametrize("keep", [None, 0, 5, 100, -1])
def test_damaged_one_is_named_and_the_one_before_is_used(tmp_path, keep):
    paths = steps(tmp_path, 3)
    damage(paths[-1], keep)
    with pytest.warns(SymnetWarning, match=r"step\.000003\.safetensors is (damaged|cut off)"):
        found = newest(tmp_path)
    assert found.facts == {"step": 1}
    assert np.array_equal(found.arrays["W"], np.full(3, 1.0))


def test_going_on_after_a_damaged_one_keeps_a_sound_one(tmp_path):
    damage(steps(tmp_path, 3)[-1])
    write(tmp_path, "step", {"W": np.zeros(3)}, {"step": 10})
    assert newest(tmp_path).facts == {"step": 10}


def test_no_sound_one_is_an_error(tmp_path):
    for path in steps(tmp_path, 2):
        damage(path)
    with pytest.warns(SymnetWarning), pytest.raises(TrainingProblem, match="no sound checkpoint") as caught:
        newest(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("folder", ["", "missing"])
def test_no_checkpoint_at_all_is_an_error(tmp_path, folder):
    with pytest.raises(TrainingProblem, match="there is no sound checkpoint"):
        newest(tmp_path / folder)


def test_other_files_are_left_alone(tmp_path):
    steps(tmp_path, 1)
    names = ["params.safetensors", "notes.txt", "step.12.safetensors", "step.000009.safetensors.bak"]
    for name in names:
        (tmp_path / name).write_text("mine")
    steps(tmp_path, 3)
    assert newest(tmp_path).facts == {"step": 2}
    assert all((tmp_path / name).read_text() == "mine" for name in names)


def test_names_are_kept_apart(tmp_path):
    steps(tmp_path, 3, "best")
    steps(tmp_path, 3, "step")
    assert len(list(tmp_path.iterdir())) == 4
    assert newest(tmp_path).path.name.startswith("step")
    assert newest(tmp_path, "best").path.name == "best.000003.safetensors"


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a.b"])
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    with pytest.raises(NameProblem):
        write(tmp_path, name, {}, {})


# -- killed in between


def test_file_left_aside_is_no_checkpoint(tmp_path):
    paths = steps(tmp_path, 2)
    left = tmp_path / f".step.000003.safetensors.1.abc{checkpoint.ASIDE}"
    shutil.copy(paths[0], left)
    assert newest(tmp_path).facts == {"step": 1}
    write(tmp_path, "step", {}, {"step": 5})
    assert newest(tmp_path).facts == {"step": 5}
    assert left.exists()


def test_file_left_aside_long_ago_is_removed(tmp_path):
    left = tmp_path / f".step.000003.safetensors.1.abc{checkpoint.ASIDE}"
    left.write_bytes(b"half")
    os.utime(left, (time.time() - 2 * checkpoint.STALE,) * 2)
    steps(tmp_path, 1)
    assert not left.exists()


def test_process_killed_while_writing_leaves_a_sound_folder(tmp_path):
    program = """
        import pathlib, sys, numpy as np
        from symnet.train.checkpoint import write
        for i in range(10**9):
            write(pathlib.Path(sys.argv[1]), "step", {"W": np.full(200_000, float(i))}, {"step": i})
            print(i, flush=True)
    """
    for pause in (0.0, 0.013, 0.031):
        folder = tmp_path / str(pause)
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(3)]
        time.sleep(pause)
        process.kill()
        said += [int(line) for line in process.communicate()[0].split()]
        found = newest(folder)
        assert found.facts["step"] >= said[-1]
        assert np.array_equal(found.arrays["W"], np.full(200_000, float(found.facts["step"])))


def test_a_schedule_counts_by_what_it_does_when_training_goes_on(tmp_path):
    def trained(rate, **options):
        x, w = sn.input("x", ("N", 2)), sn.param("w", (2,), init="ones")
        return sn.Model((x @ w - 1).mean() ** 2).compile(sn.optim.Adam(rate), seed=0, **options)

    run = trained(lambda t: 0.1 / t)
    run.fit({"x": np.ones((8, 2))}, progress=False)
    run.checkpoint(tmp_path)
    assert trained(lambda t: 0.1 / t, resume=tmp_path).done == run.done
    with pytest.raises(TrainingProblem, match="made with optimizer"):
        trained(lambda t: 0.2 / t, resume=tmp_path)
