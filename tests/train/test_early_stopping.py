"""Stopping when nothing gets better."""

from __future__ import annotations

import json

import numpy as np
import pytest

from symnet.errors import ValueProblem
from symnet.train.stopping import EarlyStopping, as_stopping

NAN = float("nan")


def stops_at(stopping, values):
    """The epoch, from 1, at which it says stop; None if it never does."""
    for epoch, value in enumerate(values, start=1):
        if stopping.update(value, lambda epoch=epoch: f"epoch {epoch}"):
            return epoch
    return None


@pytest.mark.parametrize(
    ("patience", "values", "stop"),
    [
        (2, [3, 2, 2, 2], 4),
        (2, [3, 2, 2, 1, 1, 1], 6),
        (1, [1, 2], 2),
        (0, [1, 2], 2),
        (3, [3, 2, 1, 0], None),
        (2, [1, NAN, NAN], 3),
        (2, [NAN, NAN], 2),
        (2, [NAN, 5, 4, 3], None),
    ],
)
def test_stops_after_so_many_epochs_without_a_better_one(patience, values, stop):
    assert stops_at(EarlyStopping(patience=patience), values) == stop


def test_best_snapshot_is_kept():
    stopping = EarlyStopping(patience=2)
    stops_at(stopping, [3, 1, 2, 2])
    assert (stopping.best, stopping.best_epoch, stopping.best_snapshot) == (1.0, 2, "epoch 2")


def test_no_snapshot_is_taken_where_none_is_wanted():
    def never():
        raise AssertionError

    stopping = EarlyStopping(restore_best=False)
    assert not stopping.update(1.0, never)
    assert stopping.best_snapshot is None


def test_snapshots_are_taken_of_the_best_only():
    taken = []
    stopping = EarlyStopping()
    for value in [3, 4, 2, 2, 1]:
        stopping.update(value, lambda value=value: taken.append(value))
    assert taken == [3, 2, 1]


def test_small_gains_do_not_count():
    assert stops_at(EarlyStopping(patience=2, min_delta=0.1), [1, 0.95, 0.91]) == 3
    assert stops_at(EarlyStopping(patience=2, min_delta=0.1), [1, 0.95, 0.89, 0.85]) is None


@pytest.mark.parametrize(
    ("monitor", "grows"),
    [
        ("val_loss", False),
        ("loss", False),
        ("val_mse", False),
        ("val_accuracy", True),
        ("accuracy", True),
        ("acc", True),
        ("val_binary_accuracy", True),
        ("top_5", True),
        ("val_f1", True),
        ("AUC", True),
        ("val_r2", True),
        ("macc", False),
        ("stopped", False),
    ],
)
def test_mode_auto_goes_by_the_name(monitor, grows):
    assert EarlyStopping(monitor).grows is grows


@pytest.mark.parametrize(("mode", "stop"), [("max", None), ("min", 3)])
def test_mode_may_be_said(mode, stop):
    assert stops_at(EarlyStopping("val_loss", patience=2, mode=mode), [1, 2, 3, 4]) == stop


def test_infinite_values_are_values():
    stopping = EarlyStopping(patience=1)
    assert stops_at(stopping, [float("inf"), 1.0]) is None
    assert stopping.best == 1.0


def test_resumed_stopping_goes_on_as_if_never_stopped():
    values = [5, 4, 4.5, 4.2, 3.9, 3, 3.5, 3.6, 3.7]
    for cut in range(len(values)):
        first = EarlyStopping(patience=3)
        assert stops_at(first, values[:cut]) is None
        again = EarlyStopping.from_facts(json.loads(json.dumps(first.to_facts())))
        again.best_snapshot = first.best_snapshot
        assert cut + stops_at(again, values[cut:]) == 9
        assert (again.best, again.best_epoch, again.epoch) == (3.0, 6, 9)


def test_reset_forgets():
    stopping = EarlyStopping(patience=2)
    stops_at(stopping, [1, 2, 3])
    stopping.reset()
    assert stopping == EarlyStopping(patience=2)


def test_monitored_value_is_found():
    assert EarlyStopping("accuracy").value_of({"loss": 1.0, "accuracy": np.float32(0.5)}) == 0.5


@pytest.mark.parametrize("epoch", [{"loss": 1.0}, {"loss": 1.0, "val_loss": None}])
def test_missing_monitor_is_named_with_what_there_is(epoch):
    with pytest.raises(ValueProblem, match=r"watches val_loss, but an epoch has loss") as caught:
        EarlyStopping().value_of(epoch)
    assert "validation=" in caught.value.hint


# -- as_stopping


@pytest.mark.parametrize("value", [None, False])
def test_nothing_means_never(value):
    assert as_stopping(value) is None


def test_numbers_dicts_and_stoppings_are_accepted():
    assert as_stopping(7) == EarlyStopping(patience=7)
    assert as_stopping(np.int64(7)) == EarlyStopping(patience=7)
    assert as_stopping(True) == EarlyStopping()
    assert as_stopping({"monitor": "loss", "min_delta": 0.1}) == EarlyStopping("loss", min_delta=0.1)
    own = EarlyStopping()
    assert as_stopping(own) is own


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"patients": 3}, "has no 'patients'"),
        ({"best": 3}, "has no 'best'"),
        ("soon", "early_stopping='soon' has no meaning"),
        (-1, "patience=-1"),
        (2.5, "patience=2.5"),
        (NAN, "patience=nan"),
        ({"min_delta": -1}, "min_delta=-1"),
        ({"min_delta": NAN}, "min_delta=nan"),
        ({"mode": "up"}, "mode='up'"),
        ({"patience": True}, "patience=True"),
    ],
)
def test_what_has_no_meaning_is_refused(value, words):
    with pytest.raises(ValueProblem) as caught:
        as_stopping(value)
    assert words in str(caught.value)
    assert caught.value.hint
