"""Matrix products in tiles: every shape and layout against NumPy, and nothing written beside the result."""

from __future__ import annotations

import importlib.util
import itertools
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
    path: Path = tmp_path_factory.mktemp("tiles") / f"tiles_{request.param}.py"
    path.write_text(HEAD.format(dtype=request.param) + tiled_gemm_source(request.param) + CALL)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


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


def check(
    module: types.ModuleType, shape: tuple[int, int, int], layout: tuple[bool, ...], factors: tuple[float, float]
) -> None:
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


@pytest.mark.parametrize("shape", [(128, 40, 300), (530, 33, 20), (600, 70, 520), (3, 200, 700), (1, 1030, 9)])
def test_sizes_beyond_one_block(module: types.ModuleType, shape: tuple[int, int, int]) -> None:
    for layout, factors in itertools.product(itertools.product((False, True), repeat=3), FACTORS):
        check(module, shape, layout, factors)
