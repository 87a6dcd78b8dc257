"""Trains on a mapped file that is larger than the memory this process may take.

    python large.py FOLDER

The file is sparse, so it costs no disk; what a process takes for itself is limited by the system, mapped files aside.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from pathlib import Path

import numpy as np

from symnet.runs.training import train
from symnet.spec.model_file import read_model

ROWS, WIDTH = 1_300_000, 96  # 476 MiB of float32
SPARE = 300 << 20
MODEL = f"""\
symnet: 1
name: large
dims: {{N: batch, D: {WIDTH}, K: 2}}
tensors:
  x: {{shape: [N, D], role: input}}
  t: {{shape: [N], role: target, kind: label, classes: K}}
  W: {{shape: [D, K], role: param}}
formulas: |
  z[n,k] = sum(x[n,d]*W[d,k], d)
  L = softmax_cross_entropy(z, t)
loss: L
outputs: [z]
train: {{optimizer: {{sgd: {{lr: 0.1}}}}, epochs: 1, batch: 512, validation: 0.02}}
data: {{file: set}}
"""


def sparse(path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    """An NPY file of zeros that takes no room."""
    with open(path, "wb") as handle:
        head = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(handle, head)
        handle.truncate(handle.tell() + int(np.prod(shape)) * np.dtype(dtype).itemsize)


def memory(field: str) -> int:
    """A line of this process's status, in bytes."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def main(folder: Path) -> None:
    (folder / "set").mkdir()
    sparse(folder / "set" / "x.npy", "f4", (ROWS, WIDTH))
    sparse(folder / "set" / "t.npy", "i8", (ROWS,))
    (folder / "model.yaml").write_text(MODEL)
    spec = read_model(folder / "model.yaml")
    limit = memory("VmData") + SPARE
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    before = memory("RssAnon")
    result = train(spec, folder / "run")
    print(
        json.dumps(
            {
                "file": (folder / "set" / "x.npy").stat().st_size,
                "spare": SPARE,
                "own": memory("RssAnon") - before,
                "loss": result.history["loss"][0],
                "steps": result.run.done,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
