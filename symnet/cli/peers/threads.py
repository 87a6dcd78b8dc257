"""How many threads the BLAS that NumPy is linked with may use, for a comparison with NumPy on equal terms.

It is asked by `ctypes`: a look-up through NumPy's own extension module finds exactly the library that this module is
linked with.
"""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from symnet.errors import SymnetWarning, ValueProblem

PREFIXES = ("scipy_openblas", "openblas")
SUFFIXES = ("", "64_")
MAPS = Path("/proc/self/maps")
Setter = Callable[[int], None]
Getter = Callable[[], int]


@contextmanager
def blas_threads(count: int | None) -> Iterator[None]:
    """Within, NumPy's BLAS uses so many threads; afterwards as many as before. None leaves it alone."""
    if count is None:
        yield
        return
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueProblem(f"threads={count!r} is no number of threads", "it is a whole number, 1 or more")
    setter, getter = controls() or _nothing(count)
    before = getter()
    change(before, count, setter)
    try:
        yield
    finally:
        change(getter(), before, setter)


def change(now: int, wanted: int, setter: Setter) -> None:
    """Set a number of threads, unless it is that already: setting may end and start threads."""
    if now != wanted:
        setter(wanted)


def _nothing(count: int) -> tuple[Setter, Getter]:
    """In place of a library that was not found."""
    text = (
        "the BLAS of NumPy could not be found: it uses as many threads as it likes; "
        "OPENBLAS_NUM_THREADS in the environment says how many"
    )
    warnings.warn(text, SymnetWarning, stacklevel=4)
    return lambda _: None, lambda: count


@cache
def controls() -> tuple[Setter, Getter] | None:
    """The functions that set and get the number of threads; None where there are none."""
    for path in candidates():
        found = _functions(path)
        if found:
            return found
    return None


def candidates() -> Iterator[Path]:
    """Libraries that may know of NumPy's BLAS: a module linked with it, those shipped beside NumPy, those loaded."""
    home = Path(np.__file__).parent
    yield from (path for kind in ("so", "pyd") for path in sorted(home.glob(f"_core/_multiarray_umath*.{kind}")))
    for folder in (home.parent / "numpy.libs", home / ".dylibs", home / ".libs"):
        yield from sorted(folder.glob("*openblas*"))
    lines = MAPS.read_text().splitlines() if MAPS.exists() else []
    loaded = dict.fromkeys(line.split(maxsplit=5)[5] for line in lines if "openblas" in line.rpartition("/")[2])
    yield from (Path(path) for path in loaded if "scipy.libs" not in path)


def _functions(path: Path) -> tuple[Setter, Getter] | None:
    try:
        library = ctypes.CDLL(str(path))
    except OSError:
        return None
    for prefix, suffix in product(PREFIXES, SUFFIXES):
        setter = getattr(library, f"{prefix}_set_num_threads{suffix}", None)
        getter = getattr(library, f"{prefix}_get_num_threads{suffix}", None)
        if setter and getter:
            setter.argtypes, setter.restype = [ctypes.c_int], None
            getter.argtypes, getter.restype = [], ctypes.c_int
            return setter, getter
    return None
