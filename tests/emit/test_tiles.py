"""Matrix products in tiles: every shape and layout against NumPy, and nothing written beside the result."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from symnet.emit.tiles import tiled_gemm_source

LENGTHS = [0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 64, 100]
FACTORS = [(1.0, 0.0), (1.0, 1.0), (-0.5, 1.0), (2.0, 0.5)]
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}
HEAD = """\
import numpy as np
from llvmlite import binding as llb
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

real = np.{dtype}
NUMBER = types.{dtype}
KERNEL = dict(fastmath={{"contract", "reassoc", "nsz"}}, error_model="numpy", boundscheck=False, nogil=True)


"""
CALL = """

@njit(**KERNEL)
def run(m, n, k, alpha, a, at_a, row_a, col_a, b, at_b, row_b, col_b, beta, c, at_c, row_c, col_c):
    gemm(m, n, k, alpha, a, at_a, row_a, col_a, b, at_b, row_b, col_b, beta, c, at_c, row_c, col_c)
"""


@pytest.fixture(scope="module", params=["float32", "float64"])
def module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> types.ModuleType:
    folder: Path = tmp_path_factory.mktemp("tiles")
    return loaded(folder, f"tiles_{request.param}", request.param, tiled_gemm_source(request.param))


def loaded(folder: Path, name: str, dtype: str, text: str) -> types.ModuleType:
    path = folder / f"{name}.py"
    path.write_text(HEAD.format(dtype=dtype) + text + CALL)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Matrix:
    """A matrix somewhere in a flat array of NaN, by rows or by columns, with a padded leading dimension."""

    def __init__(self, rng: np.random.Generator, real: type, rows: int, columns: int, by_columns: bool) -> None:
        pad, self.at = (int(x) for x in rng.integers(0, 4, 2))
        self.row, self.column = (1, rows + pad) if by_columns else (columns + pad, 1)
        self.flat = np.full(
            self.at + (columns if by_columns else rows) * (self.row + self.column - 1) + 5, np.nan, real
        )
        self.places = self.at + np.arange(rows)[:, None] * self.row + np.arange(columns) * self.column
        self.flat[self.places] = rng.standard_normal((rows, columns))

    @property
    def value(self) -> np.ndarray:
        return self.flat[self.places].astype(np.float64)

    @property
    def arguments(self) -> tuple[np.ndarray, int, int, int]:
        return self.flat, self.at, self.row, self.column


Shape, Layout, Factors = tuple[int, int, int], tuple[bool, ...], tuple[float, float]


def check(module: types.ModuleType, shape: Shape, layout: Layout, factors: Factors) -> None:
    m, n, k = shape
    rng = np.random.default_rng([*shape, *layout])
    a, b, c = (Matrix(rng, module.real, *s, t) for s, t in zip(((m, k), (k, n), (m, n)), layout, strict=True))
    alpha, beta = factors
    if beta == 0:
        c.flat[c.places] = np.nan
    before = c.flat.copy()
    old = beta * c.value if beta else np.zeros((m, n))
    expected = alpha * (a.value @ b.value) + old
    scale = abs(alpha) * (abs(a.value) @ abs(b.value)) + abs(old)
    module.run(m, n, k, alpha, *a.arguments, *b.arguments, beta, *c.arguments)
    where = (shape, layout, factors)
    assert (abs(c.value - expected) <= TOLERANCE[module.real.__name__] * scale).all(), where
    c.flat[c.places] = before[c.places]
    np.testing.assert_array_equal(c.flat, before, err_msg=str(where))


@pytest.mark.parametrize("m", LENGTHS)
def test_every_shape_and_layout(module: types.ModuleType, m: int) -> None:
    layouts = list(itertools.product((False, True), repeat=3))
    for turn, (n, k) in enumerate(itertools.product(LENGTHS, LENGTHS)):
        for i, layout in enumerate(layouts):
            check(module, (m, n, k), layout, FACTORS[(turn + i) % 4])


BLOCKS = [(128, 40, 300), (530, 33, 20), (600, 70, 520), (3, 200, 700), (1, 1030, 9), (103, 140, 200), (97, 70, 193)]


@pytest.mark.parametrize("shape", BLOCKS)
def test_sizes_beyond_one_block(module: types.ModuleType, shape: Shape) -> None:
    for layout, factors in itertools.product(itertools.product((False, True), repeat=3), FACTORS):
        check(module, shape, layout, factors)


@pytest.mark.parametrize("shape", [(1, 40, 9), (3, 3, 3), (20, 40, 50), (70, 10, 300), (130, 150, 20)])
def test_what_is_not_finite_goes_where_it_belongs(module: types.ModuleType, shape: Shape) -> None:
    m, n, k = shape
    for layout in itertools.product((False, True), repeat=3):
        rng = np.random.default_rng([*shape, *layout])
        a, b, c = (Matrix(rng, module.real, *s, t) for s, t in zip(((m, k), (k, n), (m, n)), layout, strict=True))
        a.flat[a.places[m // 2, k // 3]], b.flat[b.places[k // 2, n // 3]] = np.nan, np.inf
        module.run(m, n, k, 1.0, *a.arguments, *b.arguments, 1.0, *c.arguments)
        assert np.isnan(c.value[m // 2]).all()
        assert not np.isfinite(c.value[:, n // 3]).any()
        others = np.delete(np.delete(c.value, m // 2, 0), n // 3, 1)
        assert np.isfinite(others).all()


def test_the_last_block_of_many_has_rows_enough(module: types.ModuleType) -> None:
    """So many rows that equal blocks would leave less than a tile: they are read and written within bounds."""
    for m in (4753, 9121):
        check(module, (m, 150, 4), (True, False, False), FACTORS[0])


KNOWN = [(1, n, k) for n in (1, 4, 10, 16, 18, 40, 64, 130, 300) for k in (1, 3, 16, 20, 64)]
KNOWN += [(m, n, 1) for m in (1, 2, 9, 40) for n in (3, 16, 18, 64, 130, 140)] + [
    (9, 1, 7),
    (40, 1, 1),
    (3, 0, 4),
    (3, 4, 0),
]
WIDE = [(n, k) for n in (1, 4, 10, 16, 18, 40, 64, 140, 256) for k in (1, 5, 200)]
ORDERS = list(itertools.product((False, True), repeat=3))


def strides(rows: int, columns: int, by_columns: bool) -> tuple[int, int]:
    """Strides whose greater one leaves a gap."""
    return (1, rows + 1) if by_columns else (columns + 1, 1)


@pytest.mark.parametrize("width", [None, 16, 32])
def test_sizes_that_are_written_in_the_kernel(width: int | None, tmp_path: Path) -> None:
    """Code that is made for these sizes: every shape and order in a place of its own, all in one kernel."""
    for dtype in ("float32", "float64") if width is None else ("float32",):
        cases = [(shape, ORDERS[i % 8], FACTORS[i // 2 % 4]) for i, shape in enumerate(KNOWN * 3)]
        lines, ends, places = [], [0, 0, 0], []
        for (m, n, k), orders, (alpha, beta) in cases:
            texts, own = [], []
            for which, (rows, columns, turned) in enumerate(zip((m, k, m), (k, n, n), orders, strict=True)):
                row, column = strides(rows, columns, turned)
                own.append(ends[which] + np.arange(rows)[:, None] * row + np.arange(columns) * column)
                texts.append(f"{'abc'[which]}, {ends[which]}, {row}, {column}")
                ends[which] += (rows + 1) * (columns + 1) + 7
            places.append(own)
            first = {0.0: "zero", 1.0: "one"}.get(beta, f"real({beta})")
            lines.append(f"    gemm({m}, {n}, {k}, real({alpha}), {texts[0]}, {texts[1]}, {first}, {texts[2]})")
        text = (
            "one, zero = real(1.0), real(0.0)\n\n\n@njit(**KERNEL)\ndef written(a, b, c):\n" + "\n".join(lines) + "\n"
        )
        module = loaded(tmp_path, f"known_{dtype}", dtype, tiled_gemm_source(dtype) + "\n\n" + text)
        rng = np.random.default_rng(3)
        a, b, c = (rng.standard_normal(end).astype(dtype) for end in ends)
        expected, scale = c.astype(np.float64), np.zeros(len(c))
        for (_, _, (alpha, beta)), (at_a, at_b, at_c) in zip(cases, places, strict=True):
            x, y, old = (array[at].astype(np.float64) for array, at in ((a, at_a), (b, at_b), (c, at_c)))
            expected[at_c] = alpha * (x @ y) + beta * old
            scale[at_c] = abs(alpha) * (abs(x) @ abs(y)) + abs(beta * old)
        module.written(a, b, c)
        assert (abs(c - expected) <= TOLERANCE[dtype] * scale).all()


@pytest.mark.parametrize("shape", [(7, 7, 1), (1, 12, 5), (1, 9, 1), (9, 1, 1)])
def test_sizes_that_are_written_and_strides_that_are_not(shape: Shape, tmp_path: Path) -> None:
    m, n, k = shape
    given = "alpha, a, at_a, row_a, col_a, b, at_b, row_b, col_b, beta, c, at_c, row_c, col_c"
    text = f"\n\n@njit(**KERNEL)\ndef written({given}):\n    gemm({m}, {n}, {k}, {given})\n"
    made = loaded(tmp_path, "strides", "float64", tiled_gemm_source("float64") + text)
    module = types.SimpleNamespace(real=np.float64, run=lambda m, n, k, *given: made.written(*given))
    for layout, factors in itertools.product(ORDERS, FACTORS):
        check(module, shape, layout, factors)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_widths_that_are_written_in_the_kernel(dtype: str, tmp_path: Path) -> None:
    """A batch of any number of rows: n and k are in the text, m is not."""
    calls = []
    for number, (n, k) in enumerate(WIDE):
        right = "b, 0, {}, {}".format(*((1, k + 1) if number % 2 else (n + 1, 1)))
        calls += [
            f"    if case == {number}:",
            f"        gemm(m, {n}, {k}, one, a, 0, {k}, 1, {right}, one, c, 0, {n}, 1)",
        ]
    text = "one = real(1.0)\n\n\n@njit(**KERNEL)\ndef batch(case, m, a, b, c):\n" + "\n".join(calls) + "\n"
    module = loaded(tmp_path, f"batch_{dtype}", dtype, tiled_gemm_source(dtype) + "\n\n" + text)
    rng = np.random.default_rng(4)
    for (number, (n, k)), m in itertools.product(enumerate(WIDE), (0, 1, 3, 8, 21, 33, 70, 300)):
        a, c = (rng.standard_normal(s).astype(dtype) for s in ((m, k), (m, n)))
        b = rng.standard_normal((n, k + 1) if number % 2 else (k, n + 1)).astype(dtype)
        right = (b[:, :k].T if number % 2 else b[:, :n]).astype(np.float64)
        expected, scale = c + a.astype(np.float64) @ right, abs(c) + abs(a) @ abs(right)
        module.batch(number, m, a.ravel(), b.ravel(), c.reshape(-1))
        assert (abs(c - expected) <= TOLERANCE[dtype] * scale).all(), (m, n, k)


FENCED = """
import ctypes, itertools, mmap, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
import fenced

libc = ctypes.CDLL(None)
PAGE = mmap.PAGESIZE

def before_a_fence(count):
    size = -(-count * real.itemsize // PAGE) * PAGE
    area = mmap.mmap(-1, size + PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    assert libc.mprotect(ctypes.c_void_p(start + size), PAGE, 0) == 0
    kept.append(area)
    array = np.frombuffer(area, real, size // real.itemsize)[-count:]
    array[:] = 1.0
    return array

real, kept = np.dtype(fenced.real), []
for m, n, k in itertools.product((1, 2, 7, 8, 70), (1, 10, 17, 64, 150), (1, 5, 33, 200)):
    for ta, tb in itertools.product((False, True), repeat=2):
        a, b, c = (before_a_fence(count) for count in (m * k, k * n, m * n))
        strides_a, strides_b = (1, m) if ta else (k, 1), (1, k) if tb else (n, 1)
        fenced.run(m, n, k, 1.0, a, 0, *strides_a, b, 0, *strides_b, 1.0, c, 0, n, 1)
        assert (c == k + 1).all()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="protects pages as Linux does")
def test_nothing_is_touched_behind_an_array(tmp_path: Path) -> None:
    """Arrays end where a page begins that nobody may read; whoever did would die, so that it is done elsewhere."""
    (tmp_path / "fenced.py").write_text(HEAD.format(dtype="float32") + tiled_gemm_source("float32") + CALL)
    subprocess.run([sys.executable, "-c", FENCED, str(tmp_path)], check=True)


def test_equal_inputs_give_equal_bits(module: types.ModuleType) -> None:
    rng = np.random.default_rng(0)
    a, b, c = (Matrix(rng, module.real, *s, False) for s in ((70, 90), (90, 50), (70, 50)))
    results = []
    for _ in range(3):
        module.run(70, 50, 90, 1.0, *a.arguments, *b.arguments, 0.0, *c.arguments)
        results.append(c.value)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def with_vectors_of(width: int | None, dtype: str) -> str:
    """The text for a processor whose vectors have so many bytes; for this one if none are said."""
    text = tiled_gemm_source(dtype)
    line = next(line for line in text.splitlines() if line.startswith("WIDTH ="))
    return text if width is None else text.replace(line, f"WIDTH = {width}")


@pytest.mark.parametrize("width", [16, 32])
def test_narrower_vectors(width: int, tmp_path: Path) -> None:
    """The text for processors with other vectors than this one's."""
    for dtype in ("float32", "float64"):
        module = loaded(tmp_path, f"narrow_{width}_{dtype}", dtype, with_vectors_of(width, dtype))
        for shape in [(1, 40, 9), (7, 13, 5), (20, 40, 50), (70, 10, 300), (130, 150, 20), (5, 9, 0)]:
            for layout, factors in itertools.product(itertools.product((False, True), repeat=3), FACTORS):
                check(module, shape, layout, factors)


def test_the_text_is_always_the_same() -> None:
    text = tiled_gemm_source("float32")
    assert text == tiled_gemm_source("float32")
    assert max(map(len, text.splitlines())) <= 120
