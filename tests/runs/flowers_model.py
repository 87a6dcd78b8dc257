"""A small model file, and what training it leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from symnet.runs.folder import RunFolder
from symnet.runs.training import TrainResult, train
from symnet.spec.model_file import read_model
from symnet.spec.sources.builtin import learned
from symnet.train.checkpoint import load_params

TEXT = """\
symnet: 1
name: flowers
dims: {N: batch, D: 4, H: 5, K: 3}
tensors:
  x: {shape: [N, D], role: input}
  t: {shape: [N], role: target, kind: label, classes: K}
  W: {shape: [D, H], role: param}
  c: {shape: [H], role: param}
  V: {shape: [H, K], role: param}
formulas: |
  h[n,i] = tanh(sum(x[n,d]*W[d,i], d) + c[i])
  z[n,k] = sum(h[n,i]*V[i,k], i)
  p = softmax(z)
  L = softmax_cross_entropy(z, t)
loss: L
outputs: [p]
metrics: [{accuracy: [z, t]}]
train:
  optimizer: {adam: {lr: 0.02}}
  epochs: 6
  batch: 16
  seed: 3
  validation: 0.2
  early_stopping: 4
  checkpoint: {steps: 2}
data: {file: iris.csv, inputs: {x: [sl, sw, pl, pw]}, target: {t: species}, standardise: true, test: 0.2}
"""
NAMES = "sl,sw,pl,pw,species"


def iris_csv() -> str:
    """The flowers as a table, thirty of each kind."""
    found = learned("iris", True)
    rows, kinds = found.arrays.get("data"), found.arrays.get("target")
    chosen = [*range(30), *range(50, 80), *range(100, 130)]
    lines = [",".join([*map(str, rows[at].tolist()), found.classes[kinds[at]]]) for at in chosen]
    return "\n".join([NAMES, *lines]) + "\n"


def written(folder: Path, text: str = TEXT) -> Path:
    """The model file beside its data."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "iris.csv").write_text(iris_csv())
    (folder / "model.yaml").write_text(text)
    return folder / "model.yaml"


def trained(model: Path, out: Path | None, **options: Any) -> TrainResult:
    return train(read_model(model), out, **options)


def bits(out: Path) -> dict[str, bytes]:
    """The parameters of a run, byte by byte."""
    arrays, _ = load_params(RunFolder(out).params)
    return {name: array.tobytes() for name, array in arrays.items()}


def left(out: Path) -> tuple[Any, ...]:
    """What a run left, seconds aside: parameters, history, facts."""
    folder = RunFolder(out)
    lines = [json.loads(line) for line in folder.history.read_text().splitlines()]
    history = [[(k, v) for k, v in line.items() if k != "seconds"] for line in lines]
    facts = {k: v for k, v in folder.read_facts().items() if k not in ("last", "base", "file")}
    del facts["data"]["source"], facts["data"]["seen_from"]
    return bits(out), history, facts
