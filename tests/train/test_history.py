"""The record of epochs: lists by key, and how it is shown."""

from __future__ import annotations

import json

import numpy as np

from symnet.train.history import History


def recorded(epochs):
    history = History()
    for epoch in range(epochs):
        history.add(loss=np.float32(1 / (epoch + 1)), accuracy=epoch / 100, seconds=np.float64(0.5), steps=np.int64(7))
    return history


def test_history_is_a_dict_of_lists_of_plain_numbers():
    history = recorded(2)
    assert history == {"loss": [1.0, 0.5], "accuracy": [0.0, 0.01], "seconds": [0.5, 0.5], "steps": [7, 7]}
    assert {type(v) for column in history.values() for v in column} == {float, int}


def test_history_survives_json():
    history = recorded(3)
    again = History(json.loads(json.dumps(history)))
    assert again == history
    again.add(loss=0.1)
    assert again["loss"][-1] == 0.1


def test_keys_that_come_and_go_leave_gaps():
    history = recorded(1)
    history.add(loss=0.4, val_loss=0.6)
    assert history["val_loss"] == [None, 0.6]
    assert history["accuracy"] == [0.0, None]
    assert history.epochs == 2
    assert history.last() == {"loss": 0.4, "accuracy": None, "seconds": None, "steps": None, "val_loss": 0.6}


def test_keys_need_not_be_identifiers():
    history = History()
    history.add(**{"top 5": 1.0})
    assert history["top 5"] == [1.0]


def test_empty_history_says_so():
    assert repr(History()) == "History: no epoch yet"
    assert History().last() == {}
    assert "<table>" in History()._repr_html_()


def test_table_is_aligned():
    lines = repr(recorded(3)).splitlines()
    assert lines[0].split() == ["epoch", "loss", "accuracy", "seconds", "steps"]
    assert lines[2].split() == ["2", "0.5", "0.01", "0.5", "7"]
    assert len({len(line) for line in lines}) == 1


def test_table_of_many_epochs_shows_both_ends():
    lines = repr(recorded(100)).splitlines()
    assert len(lines) == 10
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3", "4", "...", "97", "98", "99", "100"]


def test_table_of_as_many_epochs_as_fit_has_no_gap():
    assert "..." not in repr(recorded(8))
    assert "..." in repr(recorded(9))


def test_gaps_and_what_is_no_number_are_shown():
    history = recorded(1)
    history.add(loss=float("nan"))
    assert repr(history).splitlines()[2].split() == ["2", "nan", "-", "-", "-"]


def test_html_is_a_table_and_escapes():
    history = History()
    history.add(**{"a<b": 1.5})
    html = history._repr_html_()
    assert html.startswith("<table>")
    assert "a&lt;b" in html
    assert "1.5</td>" in html
