"""Data that are right: what arrives at the tensors."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from handmade import section, spec_of
from wrong_data import archive, parquet, saved

from symnet.errors import DataFileError, MissingPart
from symnet.spec.sources import arrays, builtin, dataset, load, load_inputs, read, standardised
from symnet.spec.sources import parquet as parquet_file
from symnet.spec.sources.builtin import LEARN, PLAIN, learned
from symnet.spec.sources.generated import GENERATED, generate

X = {"x": ("input", ("N", 2))}
XY = {**X, "y": ("target", ("N",))}
XT = {**X, "t": ("target", ("N",), "label")}
HOT = {**X, "t": ("target", ("N", 3), "onehot")}
MAPPED = {"inputs": {"x": ("a", "b")}, "target": {"t": ("c",), "y": ("c",)}}
POINTS = [[1.0, 2.0], [3.0, 4.5]]


def loaded(folder, content, tensors, name="d.csv", **options):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    data = section(file=name, **{**MAPPED, **options})
    return load(spec_of(tensors, data), data, folder)


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n1,2,0\n3,4.5,1\n",
        "a,b,c\r\n1,2,0\r\n3,4.5,1\r\n",
        "\ufeffa,b,c\n1,2,0\n3,4.5,1",
        "a;b;c\n1;2;0\n3;4.5;1\n",
        "a\tb\tc\n1\t2\t0\n3\t4.5\t1\n",
        'a,"b",c\n"1",2,0\n3,"4.5",1\n',
        "c, a , b\n0, 1, 2\n 1 ,3,  4.5\n",
        "\na,b,c\n\n1,2,0\n\n\n3,4.5,1\n\n",
        "note,a,b,c\nx,1,+2.0,0\n,3,45e-1,1.0\n",
        'note,a,b,c\n"two\nlines, and ""quotes""",1,2,0\nx,3,4.5,1\n',
    ],
    ids=["plain", "crlf", "bom", "semicolon", "tab", "quoted", "spaces", "empty-lines", "unread-column", "long-field"],
)
def test_spellings_of_one_table_give_the_same_arrays(text, tmp_path):
    found = loaded(tmp_path, text, XT)
    assert found.arrays["x"].tolist() == POINTS
    assert found.arrays["t"].tolist() == [0, 1]
    assert found.arrays["t"].dtype == np.int64
    assert (found.count, found.classes, found.batched) == (2, {}, {"x", "t"})


def test_texts_become_labels_in_sorted_order(tmp_path):
    found = loaded(tmp_path, "a,b,c\n1,2,pear\n3,4,apple\n5,6,pear\n", XT)
    assert found.arrays["t"].tolist() == [1, 0, 1]
    assert found.classes == {"t": ("apple", "pear")}


def test_texts_become_one_hot_rows_where_the_tensor_is_one_hot(tmp_path):
    found = loaded(tmp_path, "a,b,c\n1,2,w\n3,4,u\n5,6,v\n", HOT)
    assert found.arrays["t"].tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert found.classes == {"t": ("u", "v", "w")}


def test_whole_numbers_become_one_hot_rows(tmp_path):
    found = loaded(tmp_path, "a,b,c\n1,2,2\n3,4,0\n", HOT)
    assert found.arrays["t"].tolist() == [[0, 0, 1], [1, 0, 0]]


def test_one_hot_rows_may_stand_in_the_file(tmp_path):
    text = "a,b,u,v,w\n1,2,0,1,0\n3,4,1,0,0\n"
    found = loaded(tmp_path, text, HOT, target={"t": ("u", "v", "w")})
    assert found.arrays["t"].tolist() == [[0, 1, 0], [1, 0, 0]]


def test_columns_of_categories_share_their_classes(tmp_path):
    tensors = {"s": ("input", ("N", 3), "label"), "t": ("target", ("N", "T"), "label")}
    text = "w1,w2,w3,q,r\na,b,a,0,1\nc,a,b,1,0\n"
    found = loaded(tmp_path, text, tensors, inputs={"s": ("w*",)}, target={"t": ("q", "r")})
    assert found.arrays["s"].tolist() == [[0, 1, 0], [2, 0, 1]]
    assert found.arrays["t"].tolist() == [[0, 1], [1, 0]]
    assert found.classes == {"s": ("a", "b", "c")}


def test_columns_are_laid_out_as_the_tensor_has_axes(tmp_path):
    text = "p0,p1,p2,p3\n1,2,3,4\n5,6,7,8\n"
    found = loaded(tmp_path, text, {"x": ("input", ("N", 1, 2, "W"))}, inputs={"x": ("p?",)})
    assert found.arrays["x"].tolist() == [[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]]


def test_numbered_columns_need_no_mapping(tmp_path):
    found = loaded(tmp_path, "x_1,x_0,y\n2,1,7\n", XY, inputs={}, target={})
    assert found.arrays["x"].tolist() == [[1, 2]]
    assert found.arrays["y"].tolist() == [7]


def test_rows_beyond_a_chunk_are_in_order(tmp_path):
    rows = np.arange(3 * 10_000).reshape(-1, 3)
    text = "a,b,c\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)
    found = loaded(tmp_path, text, XY)
    assert np.array_equal(found.arrays["x"], rows[:, :2])
    assert np.array_equal(found.arrays["y"], rows[:, 2])


def test_parquet_gives_what_csv_gives(tmp_path):
    text = "a,b,c\n1,2,pear\n3,4.5,apple\n"
    one = loaded(tmp_path, text, XT)
    two = loaded(tmp_path, parquet(a=[1, 3], b=[2.0, 4.5], c=["pear", "apple"]), XT, "d.parquet")
    assert all(np.array_equal(one.arrays[n], two.arrays[n]) for n in "xt")
    assert one.classes == two.classes


# -- arrays


@pytest.mark.parametrize("name", ["x.npy", "d.npz"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", "|b1"])
def test_arrays_arrive_as_they_were_saved(name, order, dtype, tmp_path):
    values = np.asarray(np.arange(6).reshape(3, 2), dtype, order=order)
    content = saved(values) if name == "x.npy" else archive({"x.npy": saved(values)}, method=8)
    found = loaded(tmp_path, content, X, name, inputs={}, target={}).arrays["x"]
    assert np.array_equal(found, values)
    assert found.dtype == dtype


def test_an_npy_file_and_a_folder_of_them_are_mapped(tmp_path):
    (tmp_path / "set").mkdir()
    for name, values in {"x": np.ones((4, 2), np.float32), "y": np.arange(4.0)}.items():
        (tmp_path / "set" / f"{name}.npy").write_bytes(saved(values))
    data = section(file="set")
    found = load(spec_of(XY, data), data, tmp_path)
    assert all(isinstance(found.arrays[name], np.memmap) for name in "xy")
    assert found.arrays["y"].tolist() == [0, 1, 2, 3]
    assert found.digest != load(spec_of(X, section(file="set/x.npy")), section(file="set/x.npy"), tmp_path).digest


def test_large_members_of_an_archive_are_mapped(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "MAPPED", 1000)
    values = np.random.default_rng(0).normal(size=(200, 2))
    content = io.BytesIO()
    np.savez(content, x=values, y=values[:, 0])
    found = loaded(tmp_path, content.getvalue(), XY, "d.npz", inputs={}, target={})
    assert isinstance(found.arrays["x"], np.memmap)
    assert np.array_equal(found.arrays["x"], values)
    assert np.array_equal(found.arrays["y"], values[:, 0])


def test_an_array_takes_the_axes_of_its_tensor(tmp_path):
    values = np.arange(32.0).reshape(2, 16)
    found = loaded(tmp_path, saved(values), {"x": ("input", ("N", 1, 4, 4))}, "x.npy", inputs={}, target={})
    assert found.arrays["x"].tolist() == values.reshape(2, 1, 4, 4).tolist()


def test_arrays_of_texts_and_labels_become_classes(tmp_path):
    content = io.BytesIO()
    np.savez(content, x=np.ones((3, 2)), t=np.array(["v", "u", "v"]))
    found = loaded(tmp_path, content.getvalue(), XT, "d.npz", inputs={}, target={})
    assert (found.arrays["t"].tolist(), found.classes) == ([1, 0, 1], {"t": ("u", "v")})
    tensors = {**X, "t": ("target", ("N", "K"), "onehot")}
    content = io.BytesIO()
    np.savez(content, x=np.ones((3, 2)), t=np.array([[2], [0], [1]]))
    found = loaded(tmp_path, content.getvalue(), tensors, "d.npz", inputs={}, target={})
    assert found.arrays["t"].tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_arrays_stand_side_by_side(tmp_path):
    content = io.BytesIO()
    np.savez(content, a=np.arange(2), b=np.arange(2) + 5, c=np.ones(2))
    found = loaded(tmp_path, content.getvalue(), XY, "d.npz")
    assert found.arrays["x"].tolist() == [[0, 5], [1, 6]]


def test_tensors_without_samples_keep_their_sizes(tmp_path):
    tensors = {**X, "basis": ("input", (3,))}
    content = io.BytesIO()
    np.savez(content, x=np.ones((5, 2)), basis=np.arange(3))
    found = loaded(tmp_path, content.getvalue(), tensors, "d.npz", inputs={}, target={})
    assert (found.count, found.batched) == (5, {"x"})


# -- built-in sets


@pytest.mark.parametrize("name", LEARN)
def test_learned_sets_are_those_of_scikit_learn(name):
    plain, whole = learned(name, True), learned(name, False)
    assert plain.classes == whole.classes
    assert all(np.array_equal(plain.arrays.get(k), whole.arrays.get(k)) for k in PLAIN)


def test_columns_of_a_learned_set_have_names():
    data = section(builtin="iris", inputs={"x": ("petal*",)}, target={"y": ("sepal width (cm)",)})
    found = load(spec_of(XY, data), data, Path())
    assert found.arrays["x"][0].tolist() == [1.4, 0.2]
    assert found.arrays["y"][0] == 3.5


def test_class_names_come_along():
    data = section(builtin="iris")
    found = load(spec_of({"x": ("input", ("N", 4)), "t": ("target", ("N",), "label", 3)}, data), data, Path())
    assert found.classes == {"t": ("setosa", "versicolor", "virginica")}
    assert (found.count, found.source) == (150, "iris")


@pytest.mark.parametrize("name", GENERATED)
def test_generated_sets_belong_to_their_seed(name):
    one, two, three = (generate(name, {"seed": seed, "samples": 60}) for seed in (1, 1, 2))
    assert {len(array) for array in one.values()} == {60}
    assert all(np.array_equal(one[k], two[k]) for k in one)
    assert not np.array_equal(one["data"], three["data"]) or name == "xor"


def test_generated_sets_are_what_they_are_called():
    moons = generate("two_moons", {"samples": 100, "noise": 0})
    upper = moons["data"][moons["target"] == 0]
    assert np.abs(np.hypot(*upper.T) - 1).max() < 1e-12
    xor = generate("xor", {"samples": 8, "noise": 0})
    assert np.array_equal(xor["data"].sum(1) % 2, xor["target"])
    sine = generate("sine", {"noise": 0})
    assert np.array_equal(sine["target"], np.sin(sine["data"]))
    copy = generate("copy", {"samples": 5, "length": 3, "delay": 2})
    assert np.array_equal(copy["data"][:, :3], copy["target"][:, -3:])
    assert not copy["data"][:, 3:].any()
    spirals = generate("spirals", {"samples": 90, "noise": 0, "classes": 3})
    assert np.hypot(*spirals["data"].T).max() <= 1
    assert np.bincount(spirals["target"]).tolist() == [30, 30, 30]
    blobs = generate("blobs", {"samples": 300, "noise": 0, "classes": 4, "features": 5})
    assert len(np.unique(blobs["data"], axis=0)) == 4


def test_brackets_are_counted():
    found = generate("brackets", {"samples": 300, "length": 12})
    opened = np.cumsum(1 - 2 * found["data"], 1)
    assert np.array_equal(opened, found["target"])
    assert opened.min() >= 0
    assert np.array_equal(found["balanced"], opened[:, -1] == 0)
    assert 0 < found["balanced"].mean() < 1


@pytest.mark.parametrize(
    ("module", "options", "hint"),
    [
        (builtin, {"builtin": "iris"}, "pip install 'symnet[sklearn]'"),
        (parquet_file, {"file": "d.parquet"}, "pip install 'symnet[parquet]'"),
    ],
    ids=["scikit-learn", "pyarrow"],
)
def test_missing_packages_say_how_to_get_them(module, options, hint, tmp_path, monkeypatch):
    (tmp_path / "d.parquet").write_bytes(b"")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    data = section(**options)
    with pytest.raises(MissingPart) as raised:
        load(spec_of(XY, data), data, tmp_path)
    assert raised.value.code == "E0701"
    assert hint in raised.value.hint


# -- standardising


def test_inputs_are_standardised_by_the_rows_that_are_named(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(3, 5, (400, 2))
    (tmp_path / "x.npy").write_bytes(saved(values))
    data = section(file="x.npy", standardise=True)
    spec = spec_of(X, data, dtype="float64")
    rows = np.arange(300)
    found = standardised(read(spec, data, tmp_path), spec, data, rows=rows)
    mean, deviation = found.standard["x"]
    assert np.abs(mean - values[:300].mean(0)).max() < 1e-12
    assert np.abs(deviation - values[:300].std(0)).max() < 1e-12
    assert np.abs(found.arrays["x"] - (values - mean) / deviation).max() < 1e-12
    asked = load_inputs(spec, data, tmp_path, {}, found.standard)
    assert np.array_equal(asked.arrays["x"], found.arrays["x"])


def test_a_mapped_file_that_is_large_is_standardised_into_another(tmp_path, monkeypatch):
    values = np.random.default_rng(0).normal(3, 5, (400, 2))
    (tmp_path / "x.npy").write_bytes(saved(values))
    data = section(file="x.npy", standardise=True)
    spec = spec_of(X, data)
    in_memory = load(spec, data, tmp_path).arrays["x"]
    monkeypatch.setattr(arrays, "memory", lambda: 2000)
    mapped = load(spec, data, tmp_path).arrays["x"]
    assert (type(in_memory), type(mapped)) == (np.ndarray, np.memmap)
    np.testing.assert_array_equal(mapped, in_memory)
    monkeypatch.setattr(arrays.shutil, "disk_usage", lambda _: SimpleNamespace(free=3000))
    with pytest.raises(DataFileError, match=r"standardising x takes 3\.1 KiB, but .* has 2\.9 KiB left"):
        load(spec, data, tmp_path)


def test_what_never_varies_stays_finite(tmp_path):
    (tmp_path / "x.npy").write_bytes(saved(np.full((50, 2), 0.1)))
    data = section(file="x.npy", standardise=("x",))
    found = load(spec_of(X, data), data, tmp_path)
    assert np.abs(found.arrays["x"]).max() < 1e-6
    assert found.standard["x"][1].tolist() == [1, 1]
    assert found.arrays["x"].dtype == np.float32


def test_predicting_reads_a_target_only_for_outputs_that_do(tmp_path):
    data = section(file="d.csv", **MAPPED)
    (tmp_path / "d.csv").write_text("b,a\n2,1\n")
    spec = spec_of(XT, data)
    spec.outputs.clear()
    spec.outputs["x"] = spec.tensors["x"]
    assert load_inputs(spec, data, tmp_path, {}, {}).arrays["x"].tolist() == [[1, 2]]
    (tmp_path / "d.csv").write_text("b,a,c\n2,1,v\n2,1,u\n")
    known = {"t": ("v", "u")}
    assert list(load_inputs(spec, data, tmp_path, known, {}).arrays) == ["x"]
    spec.outputs["t"] = spec.tensors["t"]
    assert load_inputs(spec, data, tmp_path, known, {}).arrays["t"].tolist() == [0, 1]


# -- digests


def test_digests_tell_data_apart(tmp_path):
    one = loaded(tmp_path, "a,b,c\n1,2,0\n", XT).digest
    assert one == loaded(tmp_path, "a,b,c\n1,2,0\n", XT).digest
    assert one != loaded(tmp_path, "a,b,c\n1,2,1\n", XT).digest


def test_very_large_files_are_digested_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "WHOLE", 1 << 20)
    path = tmp_path / "large"
    with open(path, "wb") as handle:
        handle.truncate(3 << 20)
    before = dataset.digest_of_file(path)
    with open(path, "r+b") as handle:
        handle.seek((3 << 20) - 1)
        handle.write(b"x")
    assert before.startswith("sha256-of-pieces:")
    assert dataset.digest_of_file(path) != before
