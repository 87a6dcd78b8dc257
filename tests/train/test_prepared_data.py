"""Data as the training loop reads it: what is refused, by name and row, and what is copied."""

from __future__ import annotations

import tracemalloc

import numba
import numpy as np
import pytest

import symnet as sn
from symnet.core.definition import Program
from symnet.errors import KindProblem, RangeProblem, ShapeProblem, ValueProblem
from symnet.run.values import label_ranges
from symnet.train import data
from symnet.train.data import kernel_view, prepare

N, D, K, T = sn.dims("N D K T")
x = sn.input("x", (N, D))
y = sn.input("y", (N, K), kind="onehot")
t = sn.input("t", (N,), kind="label", classes=10)
X = np.arange(12.0).reshape(4, 3)
ONEHOT = np.eye(2)[[0, 1, 1, 0]]
LABELS = np.array([0, 9, 3, 3])


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(data, "BLOCK", 6)


def prepared(*nodes, dtype="float64", **options):
    values = {"x": X, "y": ONEHOT, "t": LABELS, **options.pop("values", {})}
    return prepare(nodes, values, dtype, N, **options)


def refused(problem, words, *nodes, **options):
    with pytest.raises(problem) as caught:
        prepared(*nodes, **options)
    assert words in str(caught.value), str(caught.value)
    return caught.value


# -- what was given


def test_arrays_count_and_sizes_are_found():
    found = prepared(x, y, t)
    assert found.count == 4
    assert found.sizes == {D: 3, K: 2}
    assert list(found.arrays) == [x, y, t]
    assert found.arrays[t].dtype == np.int64
    assert np.array_equal(found.arrays[x], X)


def test_keys_may_be_tensors_and_surplus_is_left():
    found = prepare([x], {x: X.tolist(), "z": "anything"}, "float32", N)
    assert found.arrays[x].dtype == np.float32
    assert np.array_equal(found.arrays[x], X)


def test_missing_inputs_are_named():
    with pytest.raises(ValueProblem, match="no value was given for x, t") as caught:
        prepare([x, y, t], {"y": ONEHOT}, "float64", N)
    assert "given: y" in caught.value.hint


def test_rank_is_checked():
    refused(ShapeProblem, "x has shape (N, D), but was given (4,)", x, values={"x": X[:, 0]})


def test_sample_axes_that_disagree_are_both_named():
    refused(ShapeProblem, "N is 4 in x, but 3 in t (3,)", x, t, values={"t": LABELS[:3]})


def test_other_axes_agree_too():
    v = sn.input("v", (D, K))
    refused(ShapeProblem, "D is 3 in x, but 2 in v", x, v, values={"v": np.ones((2, 2))})


def test_fixed_sizes_are_checked():
    v = sn.input("v", (N, 5))
    refused(ShapeProblem, "v has shape (N, 5), but was given (4, 3)", v, values={"v": X})


def test_sizes_that_are_settled_stay():
    refused(ShapeProblem, "D is 64, but 3 in x (4, 3)", x, known={D: 64})
    assert prepared(x, known={D: 3, T: 7}).sizes == {D: 3, T: 7}


def test_no_samples_are_refused():
    refused(ValueProblem, "x of shape (0, 3) holds no samples", x, values={"x": X[:0]})
    refused(ValueProblem, "x of shape (4, 0) holds no entries", x, values={"x": X[:, :0]})


def test_inputs_without_samples_are_one_sample():
    scale = sn.input("scale", ())
    found = prepare([scale], {"scale": 2}, "float32", N)
    assert found.count == 1
    assert found.arrays[scale].shape == ()
    assert found.arrays[scale].dtype == np.float32


@pytest.mark.parametrize(
    "value",
    [
        np.array([["a"] * 3] * 4),
        np.array([[None] * 3] * 4),
        X.astype(complex),
        np.full((4, 3), "2020-01-01", "datetime64[D]"),
        X.astype([("a", float)]),
    ],
    ids=["text", "object", "complex", "dates", "records"],
)
def test_what_is_no_number_is_refused_by_name(value):
    refused(ValueProblem, f"x needs real numbers, but was given {value.dtype}", x, values={"x": value})


def test_ragged_rows_are_refused_by_name():
    refused(ValueProblem, "the value of x is no array", x, values={"x": [[1, 2], [3]]})


def test_masked_entries_are_refused():
    masked = np.ma.masked_equal(X, 5)
    refused(ValueProblem, "x holds masked entries", x, values={"x": masked})
    assert np.array_equal(prepared(x, values={"x": np.ma.array(X)}).arrays[x], X)


# -- values


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "float64", ">f8"])
def test_what_is_not_finite_is_refused_with_row_and_column(bad, dtype, small_blocks):
    value = X.astype(dtype)
    value[2, 1] = bad
    found = refused(ValueProblem, f"x holds {bad} at row 3, column 2", x, values={"x": value})
    assert "allow_nonfinite=True" in found.hint


def test_what_is_not_finite_passes_on_request():
    value = X.copy()
    value[2, 1], value[0, 0] = np.nan, np.inf
    found = prepared(x, values={"x": value}, allow_nonfinite=True, dtype="float32").arrays[x]
    assert np.array_equal(found, value.astype("f4"), equal_nan=True)


@pytest.mark.parametrize(
    ("shape", "place", "words"),
    [
        ((), (), "v holds nan"),
        ((4,), (1,), "v holds nan at row 2"),
        ((4, 3, 2), (3, 0, 1), "v holds nan at row 4, entry (1, 2)"),
    ],
)
def test_places_are_said_by_rank(shape, place, words):
    v = sn.input("v", ("N", 3, 2)[: len(shape)])
    value = np.ones(shape)
    value[place] = np.nan
    refused(ValueProblem, words + "\n", v, values={"v": value})


def test_numbers_that_overflow_are_noticed(small_blocks):
    value = X.copy()
    value[3, 2] = -1e300
    found = refused(ValueProblem, "x holds -1e+300 at row 4, column 3", x, values={"x": value}, dtype="float32")
    assert "float64" in found.hint
    refused(ValueProblem, "too large for float32", x, values={"x": value}, dtype="float32", allow_nonfinite=True)
    assert prepared(x, values={"x": value}).arrays[x][3, 2] == -1e300


def test_number_of_rank_zero_that_overflows_is_noticed():
    scale = sn.input("scale", ())
    refused(ValueProblem, "scale holds 1e+300, which is too large", scale, values={"scale": 1e300}, dtype="float32")


@pytest.mark.parametrize("row", range(4))
def test_rows_that_break_their_kind_are_named(row, small_blocks):
    value = ONEHOT.copy()
    value[row] = [1, 1]
    refused(KindProblem, f"y was declared onehot, but its value at row {row + 1} is not", y, values={"y": value})


@pytest.mark.parametrize(("kind", "bad"), [("positive", 0), ("mask", 2), ("simplex", 0.5)])
def test_other_kinds_are_checked(kind, bad, small_blocks):
    v = sn.input("v", (N, 2), kind=kind)
    value = np.full((9, 2), 0.5) if kind == "simplex" else np.ones((9, 2))
    assert prepared(v, values={"v": value}).count == 9
    value[7] = [bad, 1]
    refused(KindProblem, f"v was declared {kind}, but its value at row 8 is not", v, values={"v": value})


def test_one_row_of_classes_is_checked_whole(monkeypatch):
    monkeypatch.setattr(data, "BLOCK", 2)
    v = sn.input("v", (K,), kind="simplex")
    assert prepared(v, values={"v": np.full(8, 1 / 8)}).sizes == {K: 8}
    refused(KindProblem, "v was declared simplex", v, values={"v": np.full(8, 1 / 7)})


# -- labels


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([0, 1, 10, 2], "label 10 at row 3 of t: allowed 0..9"),
        ([0, 1, 2, -1], "label -1 at row 4 of t: allowed 0..9"),
        (np.array([2**63, 0], "u8"), "label 9223372036854775808 at row 1 of t"),
        ([0.0, 1e18], "label 1000000000000000000 at row 2 of t"),
        (np.array([0, 12345678]), "label 12345678 at row 2 of t"),
    ],
)
def test_labels_outside_their_classes_are_refused(value, words, small_blocks):
    refused(RangeProblem, words, t, values={"t": value})


@pytest.mark.parametrize("bad", [1.5, np.nan, np.inf])
def test_labels_are_whole_numbers(bad):
    refused(ValueProblem, f"t holds labels, but was given {bad} at row 2", t, values={"t": [0, bad]})


def test_row_of_a_late_label_counts_all_blocks(small_blocks):
    value = np.zeros(50, int)
    value[36] = 10
    refused(RangeProblem, "label 10 at row 37 of t: allowed 0..9", t, values={"t": value})


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "u8", "f4", "f8", "?", ">i8"])
def test_labels_become_int64(dtype):
    found = prepared(t, values={"t": np.array([0, 1, 1], dtype)}).arrays[t]
    assert found.dtype == np.int64
    assert found.dtype.isnative
    assert found.tolist() == [0, 1, 1]


def test_number_of_classes_may_be_a_size():
    s = sn.input("s", (N,), kind="label", classes=K)
    refused(RangeProblem, "label 3 at row 1 of s: allowed 0..1", s, y, values={"s": np.full(4, 3)})
    refused(ShapeProblem, "the size K of s is not known", s, values={"s": np.zeros(4, int)})
    assert prepared(s, values={"s": np.zeros(4, int)}, known={K: 2}).sizes == {K: 2}


def test_labels_without_classes_are_held_to_the_axis_they_are_read_on():
    E, ids = sn.param("E", (5, D)), sn.input("ids", (N, T), kind="label")
    ranges = label_ranges(Program.of([sn.lookup(E, ids).sum()]))
    assert ranges == {ids: (0, 5)}
    value = np.array([[0, 4], [5, 0]])
    refused(RangeProblem, "label 5 at row 2, 1 of ids: allowed 0..4", ids, values={"ids": value}, label_ranges=ranges)
    assert prepared(ids, values={"ids": value}).sizes == {T: 2}
    refused(RangeProblem, "label -5 at row 1, 1 of ids: allowed 0 and more", ids, values={"ids": value - 5})


# -- copies


def test_array_of_the_right_layout_is_not_copied():
    found = prepared(x, t)
    assert found.arrays[x] is X
    assert found.arrays[t] is LABELS


@pytest.mark.parametrize(
    "value", [X.astype("f4"), np.asfortranarray(X), X.astype(">f8"), X.astype(int), np.tile(X, 2)[:, ::2] * 0 + X]
)
def test_other_layouts_are_converted(value):
    found = prepared(x, values={"x": value}).arrays[x]
    assert found.flags.c_contiguous
    assert found.flags.aligned
    assert found.dtype == np.float64
    assert found.dtype.isnative
    assert np.array_equal(found, X)


def test_every_second_row_is_laid_out_anew():
    found = prepared(x, values={"x": np.repeat(X, 2, axis=0)[::2]}).arrays[x]
    assert found.flags.c_contiguous
    assert np.array_equal(found, X)


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_mapped_file_stays_mapped(tmp_path, mode):
    big = np.ones((1 << 16, 64), "f4")
    np.save(tmp_path / "x.npy", big)
    np.save(tmp_path / "t.npy", np.zeros(1 << 16, np.int64))
    mapped = {name: np.load(tmp_path / f"{name}.npy", mmap_mode=mode) for name in "xt"}
    tracemalloc.start()
    found = prepare([x, t], mapped, "float32", N)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.arrays[x] is mapped["x"]
    assert found.arrays[t] is mapped["t"]
    assert peak < big.nbytes / 4


def test_mapped_file_is_checked(tmp_path, small_blocks):
    value = X.copy()
    value[3, 0] = np.nan
    np.save(tmp_path / "x.npy", value)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    refused(ValueProblem, "x holds nan at row 4, column 1", x, values={"x": mapped})


def test_read_only_data_reaches_compiled_code(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    view = kernel_view(prepared(x, values={"x": mapped}).arrays[x])
    del mapped
    total = numba.njit("float64(float64[::1])")(lambda a: a.sum())
    assert total(view) == X.sum()
    own = kernel_view(X)
    assert own.base is X or own.base is X.base
