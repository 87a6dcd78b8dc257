"""Kernels in machine code: what a second process does without Numba, to the same bits."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from symnet.run import compile
from symnet.run.native import CODE, FACTS, Facts, Kernel, Missing, native

SCRIPT = """
import hashlib, json, sys
import numpy as np
import symnet as sn

x = sn.input("x", ("N", 6))
t = sn.input("t", ("N",), kind="label", classes=3)
z = sn.layers.Sequential(sn.layers.Dense(8, "tanh"), sn.layers.Dense(3))(x)
model = sn.Model(sn.losses.softmax_cross_entropy(z, t), outputs={"z": z})
draw = np.random.default_rng(0)
data = {"x": draw.standard_normal((75, 6)), "t": draw.integers(0, 3, 75)}
threads = int(sys.argv[1])
run = model.compile(sn.optim.Adam(0.01, clip_norm=1.0), dtype="float32", seed=1, threads=threads)
history = run.fit(data, epochs=3, batch_size=32, progress=False)
after_fit = "numba" in sys.modules
found = run.predict({"x": data["x"]})["z"]
digest = hashlib.sha256(found.tobytes())
for name in sorted(run.params):
    digest.update(run.params[name].tobytes())
print(json.dumps([digest.hexdigest(), history["loss"], after_fit, "numba" in sys.modules]))
"""


def said(folder: Path, threads: int, script: str = SCRIPT) -> list[object]:
    done = subprocess.run(
        [sys.executable, "-c", script, str(threads)],
        env={"SYMNET_CACHE_DIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_second_process_trains_without_numba(tmp_path, threads):
    first, second = said(tmp_path, threads), said(tmp_path, threads)
    assert first[2:] == [True, True]
    assert second[2:] == [False, False]
    assert second[:2] == first[:2]


CALLS = """
import json, sys
import numpy as np
import symnet as sn

i = sn.indices("i")
x = sn.input("x", ("N",))
s = sn.define("s", (), sn.sum(x[i] ** 2, i))
found = [
    float(value)
    for f in (sn.log1p, sn.erf, sn.sinh, sn.expm1, sn.cos)
    for y in [sn.define("y", (), f(s))]
    for value in sn.function([y])(x=np.linspace(0.1, 0.5, 4))
]
print(json.dumps(["", found, "numba" in sys.modules, "numba" in sys.modules]))
"""


def test_what_kernels_call_is_found_without_numba(tmp_path):
    """Functions of C's library are really called; names of Numba's own are not."""
    first, second = said(tmp_path, 1, CALLS), said(tmp_path, 1, CALLS)
    assert second == [first[0], first[1], False, False]
    assert first[1][1] == pytest.approx(math.erf(np.sum(np.linspace(0.1, 0.5, 4) ** 2)), rel=1e-6)


LARGE = SCRIPT.replace("Dense(8", "Dense(512").replace("75", "600").replace("batch_size=32", "batch_size=300")


def test_threads_that_wait_for_each_other(tmp_path):
    """The step has barriers, where a thread that waits gives way to others."""
    first, second = said(tmp_path, 2, LARGE), said(tmp_path, 2, LARGE)
    assert any("sched_yield" in path.read_text() for path in tmp_path.glob(f"*/*{FACTS}"))
    assert second == [first[0], first[1], False, False]


def test_a_name_that_nobody_knows_leaves_the_kernel_to_numba(folder):
    path = folder / f"kernel{FACTS}"
    path.write_text(path.read_text().replace("PyNumber_Long", "fancy_library_exp"))
    with pytest.raises(Missing, match="fancy_library_exp"):
        native(folder, "kernel.py")
    (folder / compile.SEAL).write_text(json.dumps(compile.digests(folder)))
    compile._loaded.clear()
    a = np.ones(2, np.float32)
    assert compile.load(SOURCE).kernel(a, np.array([1]), 3.0, 1) == 2
    np.testing.assert_array_equal(a, np.array([1, 3], np.float32))


AFTERWARDS = """
from numba import njit

@njit("float64(float64[:], int64)")
def total(a, count):
    return a[:count].copy().sum()

assert total(np.arange(5.0), 4) == 6
"""


def test_numba_works_in_a_process_that_began_without_it(tmp_path):
    """Names that machine code leaves open are closed for itself alone."""
    said(tmp_path, 1)
    assert said(tmp_path, 1, SCRIPT + AFTERWARDS)[2:] == [False, False]


SOURCE = '''"""A kernel of every kind of argument."""
from numba import njit, types


@njit(types.int64(types.float32[::1], types.int64[::1], types.float64, types.int64), cache=True)
def kernel(a, places, factor, count):
    for i in range(count):
        a[places[i]] *= factor
    return count + 1


@njit(types.void(types.float64[::1]), cache=True)
def train_steps(a):
    for i in range(len(a)):
        a[i] = a[i] ** 0.5
'''


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and a process that has loaded nothing from it."""
    monkeypatch.setenv("SYMNET_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compile, "_loaded", {})
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.fixture
def folder(cache) -> Path:
    compile.load(SOURCE)
    return cache / compile.content_key(SOURCE)


def test_arguments_and_results(folder):
    kernels = native(folder, "kernel.py")
    assert kernels is not None
    a = np.arange(4, dtype=np.float32)
    assert kernels.kernel(a, np.array([1, 3]), 0.5, 2) == 3
    np.testing.assert_array_equal(a, np.array([0, 0.5, 2, 1.5], np.float32))
    b = np.array([4.0, 9.0])
    assert kernels.train_steps(b) is None
    np.testing.assert_array_equal(b, [2.0, 3.0])
    assert kernels.__file__ == str(folder / "kernel.py")


def test_arrays_of_another_kind_never_reach_machine_code(folder):
    kernels = native(folder, "kernel.py")
    assert kernels is not None
    good = np.zeros(3)
    for wrong in (good.astype(np.float32), good[::2], good.reshape(3, 1), good.astype(">f8")):
        with pytest.raises(TypeError, match="an array of"):
            kernels.train_steps(wrong)
    with pytest.raises(ValueError, match="zip"):
        kernels.train_steps()


def test_machine_code_names_what_it_needs(folder):
    facts = Facts.from_text((folder / f"kernel{FACTS}").read_text())
    assert facts.arguments == ("float32[]", "int64[]", "float64", "int64")
    assert facts.returns == "int64"
    assert "NRT_adapt_ndarray_from_python" in facts.open
    assert Kernel((folder / f"kernel{CODE}").read_bytes(), facts)(np.ones(1, np.float32), np.zeros(1, int), 3.0, 1) == 2


def test_what_allocates_is_left_to_numba(cache):
    source = SOURCE.replace("    for i in range(len(a)):\n        a[i] = a[i] ** 0.5\n", "    a[:] = np.sqrt(a)\n")
    source = source.replace("from numba", "import numpy as np\nfrom numba")
    b = np.array([4.0, 9.0])
    compile.load(source).train_steps(b)
    np.testing.assert_array_equal(b, [2.0, 3.0])
    assert native(cache / compile.content_key(source), "kernel.py") is None
