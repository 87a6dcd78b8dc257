"""Which rows come when, and what they weigh."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from symnet.errors import ValueProblem
from symnet.train.rows import chosen_rows, class_weights, order, split


def test_order_is_a_permutation():
    rows = order(0, 0, 1000)
    assert rows.dtype == np.int64
    assert np.array_equal(np.sort(rows), np.arange(1000))
    assert not np.array_equal(rows, np.arange(1000))


def test_order_is_a_function_of_seed_and_epoch():
    assert np.array_equal(order(3, 7, 100), order(3, 7, 100))
    others = {tuple(order(seed, epoch, 20)) for seed in range(5) for epoch in range(5)}
    assert len(others) == 25


def test_order_without_shuffling_counts():
    assert np.array_equal(order(0, 5, 4, shuffle=False), [0, 1, 2, 3])
    assert order(0, 5, 4, False).dtype == np.int64


def test_order_of_many_epochs_is_even():
    first = [order(1, epoch, 5)[0] for epoch in range(2000)]
    assert np.bincount(first, minlength=5).min() > 330


# -- split


@pytest.mark.parametrize(("count", "share"), [(2, 0.5), (10, 0.2), (3, 0.01), (3, 0.99), (1000, 0.1)])
def test_split_gives_each_row_to_one_side(count, share):
    training, validation = split(count, share, 0)
    assert len(training)
    assert len(validation)
    assert np.array_equal(np.sort(np.concatenate([training, validation])), np.arange(count))
    assert np.array_equal(training, np.sort(training))
    assert len(validation) == min(max(round(count * share), 1), count - 1)


def test_split_is_a_function_of_the_seed():
    assert np.array_equal(split(100, 0.3, 1)[1], split(100, 0.3, 1)[1])
    assert not np.array_equal(split(100, 0.3, 1)[1], split(100, 0.3, 2)[1])


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan"), True, "0.1", None])
def test_silly_shares_are_refused(share):
    with pytest.raises(ValueProblem, match="is no share of the data") as caught:
        split(10, share, 0)
    assert caught.value.hint


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_rows_cannot_be_split(count):
    with pytest.raises(ValueProblem, match="cannot be split"):
        split(count, 0.5, 0)


# -- weights of classes

LABELS = np.array([0, 0, 0, 2])
ONEHOT = np.eye(3)[LABELS]


@pytest.mark.parametrize("targets", [LABELS, ONEHOT, LABELS.astype(float), LABELS.astype("u1"), ONEHOT.astype(bool)])
@pytest.mark.parametrize("weights", [{0: 1, 1: 5, 2: 3.0}, {2: 3}, [1, 5, 3], np.array([1.0, 5, 3])])
def test_weights_go_to_the_rows_of_their_class(targets, weights):
    found = class_weights(targets, weights)
    assert found.dtype == np.float64
    assert found == pytest.approx([1, 1, 1, 3])


@pytest.mark.parametrize("targets", [LABELS, ONEHOT, list(LABELS)])
def test_balanced_is_samples_over_classes_times_count(targets):
    assert class_weights(targets, "balanced") == pytest.approx([4 / (2 * 3)] * 3 + [4 / (2 * 1)])


def test_balanced_agrees_with_scikit_learn():
    utils = pytest.importorskip("sklearn.utils.class_weight")
    labels = np.random.default_rng(0).integers(0, 7, 500)
    assert class_weights(labels, "balanced") == pytest.approx(utils.compute_sample_weight("balanced", labels))


def test_soft_rows_weigh_by_their_shares():
    assert class_weights([[0.25, 0.75], [1, 0]], [2, 4]) == pytest.approx([3.5, 2])


def test_yes_and_no_are_classes():
    assert class_weights(np.array([True, False]), {1: 2}) == pytest.approx([2, 1])


def test_large_labels_and_keys_cost_nothing():
    assert class_weights(np.array([0, 10**12]), {10**12: 2, 10**15: 3}) == pytest.approx([1, 2])
    assert class_weights(np.array([0, 10**12]), "balanced") == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1, 2], "class_weight has 2 weights, but t has classes 0..2"),
        ({"cat": 1}, "t has no class 'cat'"),
        ({-1: 1}, "t has no class -1"),
        ({0: -1}, "class 0 weighs -1"),
        ({0: "a"}, "class 0 weighs 'a'"),
        ([1, np.nan, 1], "class 1 weighs"),
        ([1, np.inf, 1], "class 1 weighs"),
        ("balance", "class_weight='balance' has no meaning"),
        (3, "class_weight=3 has no meaning"),
        ({0: 0, 2: 0}, "gives no row of t any weight"),
    ],
)
def test_weights_without_meaning_are_refused(weights, words):
    with pytest.raises(ValueProblem) as caught:
        class_weights(LABELS, weights, "t")
    assert words in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("weights", [[1, 2, 3, 4], {3: 1}])
def test_rows_of_classes_say_how_many_there_are(weights):
    with pytest.raises(ValueProblem):
        class_weights(ONEHOT, weights)


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (np.array([0, -1]), "holds -1 at row 2"),
        (np.array([0.5, 1]), "holds 0.5 at row 1"),
        (np.array([0, np.nan]), "holds nan at row 2"),
        (np.array([[1, 0], [1, 1]]), "at row 2"),
        (np.array([[1, 0], [np.nan, 1]]), "at row 2"),
        (np.zeros((2, 2, 2)), "of shape (2, 2, 2)"),
        (np.array([]), "of shape (0,)"),
        (np.array(["a"]), "<U1"),
    ],
)
def test_targets_without_classes_are_refused(targets, words):
    with pytest.raises(ValueProblem) as caught:
        class_weights(targets, "balanced", "t")
    assert words in str(caught.value)


def test_a_stream_begins_at_the_digest_of_its_key():
    """Pinned: resumed runs and other versions meet their rows in this order."""
    digest = hashlib.sha256(json.dumps(("order", 3, 4)).encode()).digest()
    expected = np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little"))).permutation(50)
    np.testing.assert_array_equal(order(3, 4, 50), expected)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([True, False, True], "rows of type bool"),
        ([0.0, 1.0], "rows of type float64"),
        ([], "shape"),
        ([[0, 1]], "shape"),
        ([0, 3], "there is no row 3"),
        ([-1, 0], "there is no row -1"),
    ],
)
def test_rows_that_are_none_are_refused(rows, words):
    with pytest.raises(ValueProblem, match=words):
        chosen_rows(rows, 3)


def test_rows_by_number():
    assert chosen_rows(np.array([2, 0, 0], np.uint8), 3).tolist() == [2, 0, 0]
