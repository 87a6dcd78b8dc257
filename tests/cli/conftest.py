"""Files and a trained run that the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell import MODELS, symnet

OWN = """import symnet as sn
i, j = sn.indices("i j")
A, x = sn.param("A", (2, 3)), sn.input("x", (3,))
L = sn.define("L", (), sn.sum(sn.sum(A[i, j]*x[j], j)**2, i))
model = sn.Model(sn.losses.mse(sn.input("v", ("N",)) * sn.param("w", ()), sn.input("u", ("N",))), name="line")
number = 3
print("hello")
"""
BROKEN = """symnet: 1
tensors:
  x: {shape: [N], role: input}
formulas: |
  L = sum(x[n]*q[n], n)
los: L
"""
BARE = """symnet: 1
dims: {N: batch}
tensors:
  x: {shape: [N], role: input}
  w: {shape: [], role: param}
formulas: |
  L = mean((x[n] - w)**2, n)
loss: L
"""
OPEN = """symnet: 1
dims: {N: batch, D: free}
tensors:
  x: {shape: [N, D], role: input}
  y: {shape: [N], role: target}
  w: {shape: [D], role: param, init: zeros}
formulas: |
  v[n] = sum(x[n,d]*w[d], d)
  L = mean((v[n] - y[n])**2, n)
loss: L
"""
OPEN_IN_PYTHON = """import symnet as sn
x, y = sn.input("x", ("N", "D")), sn.input("y", ("N", "K"), kind="onehot")
L = sn.losses.cross_entropy(sn.softmax(x @ sn.param("W", ("D", "K"))), y)
model = sn.Model(L, name="open")
"""
FILES = {
    "own.py": OWN,
    "fails.py": "import symnet as sn\n\ndef deeper():\n    return 1/0\n\nL = deeper()\n",
    "syntax.py": "L = (1,\n",
    "leaves.py": "import sys\nsys.exit(3)\n",
    "shape.py": 'import symnet as sn\nx = sn.input("x", (3,))\ny = x @ sn.input("z", (4,))\n',
    "empty.py": "",
    "broken.yaml": BROKEN,
    "bare.yaml": BARE,
    "open.yaml": OPEN,
    "open.py": OPEN_IN_PYTHON,
    "taken.txt": "here already\n",
    "short.csv": "a,b\n1,2\n",
    "flowers.csv": "sepal,petal,species\n1.0,2.0,red\n",
    "not.yaml": "\xff",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with models, right and wrong, in which the commands run."""
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(text.encode("latin-1"))
    for model in ("iris", "digits", "two_moons"):
        (tmp_path / f"{model}.yaml").write_text((MODELS / f"{model}.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few epochs on iris."""
    out = tmp_path_factory.mktemp("trained") / "run"
    said = symnet("train", MODELS / "iris.yaml", "--out", out, "--epochs", "3")
    assert said.code == 0, said.err
    return out
