"""What a fit tells while it trains."""

from __future__ import annotations

import sys

import numpy as np

import symnet as sn
from symnet.train.loop import drawn_progress


def line() -> sn.Model:
    x, y = sn.input("x", ("N", 2)), sn.input("y", ("N", 1))
    return sn.Model(sn.losses.mse(sn.layers.Dense(1, name="out")(x), y))


VALUES = {"x": np.ones((20, 2)), "y": np.ones((20, 1))}


def test_slices_and_epochs_are_told():
    events = []
    run = line().compile(seed=1)
    run.fit(VALUES, epochs=2, batch_size=5, validation=0.2, on_progress=events.append)
    epochs = [event for event in events if event["event"] == "epoch"]
    assert [(e["epoch"], e["epochs"], e["steps"]) for e in epochs] == [(1, 2, 4), (2, 2, 8)]
    assert [e["loss"] for e in epochs] == run.history["loss"]
    assert [e["val_loss"] for e in epochs] == run.history["val_loss"]
    shares = [e["share"] for e in events if e["event"] == "progress" and e["epoch"] == 1]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_progress_is_drawn_on_a_terminal_alone(capsys, monkeypatch):
    run = line().compile(seed=1)
    run.fit(VALUES, epochs=1, batch_size=5)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    run.fit(VALUES, epochs=1, batch_size=5)
    out, err = capsys.readouterr()
    assert out == ""
    assert "\repoch 1/1  100%  loss " in err
    assert err.endswith(f"\repoch 1/1  loss {run.history['loss'][-1]:.4g}\n")


def test_drawn_progress_names_every_value(capsys):
    drawn_progress({"event": "progress", "epoch": 2, "epochs": 9, "steps": 4, "share": 0.5, "loss": 0.25})
    drawn_progress(
        {"event": "epoch", "epoch": 2, "epochs": 9, "steps": 8, "loss": 0.125, "val_loss": 1.5, "seconds": 9.0}
    )
    assert capsys.readouterr().err == "\repoch 2/9   50%  loss 0.25 \repoch 2/9  loss 0.125  val_loss 1.5\n"


def test_some_rows_may_train_alone():
    values = {"x": np.arange(40.0).reshape(20, 2) / 40, "y": np.arange(20.0)[:, None]}
    rows = np.arange(0, 20, 2)
    one, two = (line().compile(dtype="float64", seed=1) for _ in range(2))
    one.fit(values, epochs=2, batch_size=5, rows=rows, shuffle=False)
    two.fit({k: v[rows] for k, v in values.items()}, epochs=2, batch_size=5, shuffle=False)
    assert np.array_equal(one.params["out.W"], two.params["out.W"])
    assert one.evaluate(values, rows=rows) == two.evaluate({k: v[rows] for k, v in values.items()})
