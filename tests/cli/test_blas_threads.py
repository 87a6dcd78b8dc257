"""How many threads NumPy's BLAS uses: set, restored, and cheap to ask."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from symnet.cli.peers import threads
from symnet.cli.peers.threads import blas_threads
from symnet.errors import SymnetWarning, ValueProblem

found = pytest.mark.skipif(threads.controls() is None, reason="NumPy's BLAS cannot be asked here")


def now():
    return threads.controls()[1]()


@found
def test_threads_are_set_and_restored():
    before = now()
    with blas_threads(1):
        assert now() == 1
        with blas_threads(2):
            assert now() == 2
        assert now() == 1
    assert now() == before


@found
def test_threads_are_restored_after_an_error():
    before = now()
    with pytest.raises(KeyError), blas_threads(before + 1):
        raise KeyError
    assert now() == before


@found
def test_none_leaves_the_threads_alone():
    before = now()
    with blas_threads(None):
        assert now() == before


@found
def test_asking_costs_less_than_a_millisecond():
    times = []
    for _ in range(20):
        start = time.perf_counter()
        with blas_threads(1):
            pass
        times.append(time.perf_counter() - start)
    assert min(times) < 1e-3


@found
def test_products_still_work_within():
    a = np.random.default_rng(0).normal(size=(300, 300))
    wanted = a @ a
    with blas_threads(2):
        assert a @ a == pytest.approx(wanted)


@found
def test_each_place_to_look_leads_to_the_same_library():
    answers = []
    for path in threads.candidates():
        functions = threads._functions(path)
        if functions:
            with blas_threads(1):
                low = functions[1]()
            with blas_threads(2):
                answers.append((low, functions[1]()))
    assert set(answers) == {(1, 2)}


def test_missing_library_is_a_warning_and_nothing_else(monkeypatch):
    monkeypatch.setattr(threads, "controls", lambda: None)
    with pytest.warns(SymnetWarning, match="could not be found") as caught, blas_threads(1):
        pass
    assert caught[0].filename == __file__
    with blas_threads(None):
        pass


def test_no_candidates_mean_no_controls(monkeypatch):
    monkeypatch.setattr(threads, "candidates", lambda: [Path("/nowhere/libopenblas.so")])
    assert threads.controls.__wrapped__() is None


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True])
def test_silly_counts_are_refused(count):
    with pytest.raises(ValueProblem, match="is no number of threads"), blas_threads(count):
        pass
