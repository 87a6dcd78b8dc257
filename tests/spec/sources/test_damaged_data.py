"""Damaged data files: every one is read or refused with a code; nothing is run, and nothing large is allocated."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from handmade import section, spec_of
from wrong_data import HEAD, archive, head, parquet, saved

from symnet.errors import LocatedError
from symnet.spec.sources import read

COUNT = int(os.environ.get("SYMNET_FUZZ_DATA", "150"))
TENSORS = {"x": ("input", ("N", 2)), "t": ("target", ("N",), "label")}
TABLE = {"inputs": {"x": ("a", "b")}, "target": {"t": ("c",)}}
X = np.arange(12.0).reshape(6, 2)
SEEDS = {
    "d.csv": (b'a,"b",c\n1,2,red\n3,"4.5",blue\n-1e3,0.5,red\n', TABLE),
    "d.npz": (archive({"x.npy": saved(X), "t.npy": saved(np.arange(6))}), {}),
    "packed.npz": (archive({"x.npy": saved(X), "t.npy": saved(np.arange(6))}, method=8), {}),
    "x.npy": (saved(X), {}),
    "head.npy": (head(HEAD % "(6, 2)", entries=X.tobytes()), {}),
    "d.parquet": (parquet(a=[1.0, 2.0], b=[3.0, 4.0], c=["u", "v"]), TABLE),
}
PIECES = [
    b",",
    b'"',
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"NaN",
    b"1e999",
    b"9" * 30,
    b"-",
    b"(",
    b"'",
    b"O",
    b"{}",
    b"\x93NUMPY",
]


def mutated(chance: random.Random, content: bytes) -> bytes:
    """A few bytes changed, cut, doubled or put in."""
    raw = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(5):
            case 0:
                raw[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                raw[at : at + chance.randrange(1, 9)] = b""
            case 2:
                raw[at:at] = chance.choice(PIECES)
            case 3:
                raw[at:at] = raw[at : at + chance.randrange(1, 40)]
            case _:
                del raw[at:]
    return bytes(raw)


def outcome(spec, data, folder):
    """The data, or the error that refuses them."""
    try:
        return read(spec, data, folder), None
    except LocatedError as problem:
        return None, problem


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_read_or_refused(name, tmp_path):
    content, mapping = SEEDS[name]
    tensors = {"x": TENSORS["x"]} if name.endswith(".npy") else TENSORS
    data = section(file=name, **mapping)
    spec, chance = spec_of(tensors, data), random.Random(name)
    (tmp_path / name).write_bytes(content)
    assert read(spec, data, tmp_path).arrays["x"].shape[1] == 2
    refused = 0
    for _ in range(COUNT):
        (tmp_path / name).write_bytes(mutated(chance, content))
        found, problem = outcome(spec, data, tmp_path)
        refused += problem is not None
        if problem is not None:
            assert all(re.fullmatch(r"E04\d\d", d.code) and d.file for d in problem.diagnostics)
        else:
            assert found.arrays["x"].ndim == 2
            assert found.arrays["x"].nbytes <= len(content) + 64
    assert 0 < refused <= COUNT


WATCH = """
import sys
from pathlib import Path
seen = []
BAD = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "pickle.find_class", "socket.connect")
sys.path[:0] = sys.argv[1:2]
from handmade import section, spec_of
from wrong_data import CASES
from symnet.errors import LocatedError
from symnet.spec.sources import load
import sklearn.datasets, tempfile
sys.addaudithook(lambda event, args: seen.append(event) if event.startswith(BAD) else None)
sys.addaudithook(lambda event, args: seen.append(args) if event == "open" and "w" in str(args[1]) and armed else None)
armed, refused = False, 0
with tempfile.TemporaryDirectory() as folder:
    for case in CASES:
        if case.section is None or "code" not in case.name and case.name not in ("objects", "nested-header", "records"):
            continue
        for name, content in case.files.items():
            (Path(folder) / name).write_bytes(content)
        data = section(**case.section)
        armed = True
        try:
            load(spec_of(dict(case.tensors), data), data, Path(folder))
        except LocatedError:
            refused += 1
        armed = False
print(refused, seen)
"""


def test_code_in_data_does_nothing():
    here = Path(__file__).parent
    found = subprocess.run([sys.executable, "-c", WATCH, str(here)], capture_output=True, text=True, check=True)
    assert found.stdout.split(maxsplit=1) == ["6", "[]\n"]
