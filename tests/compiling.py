"""Kernels compiled ahead of the tests that call them, in a process beside this one: compiling takes the time here.

A test that comes early emits the source and puts it in line; by the time another test calls the function, its kernel is
found in the cache.
"""

from __future__ import annotations

from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

from symnet.run.compile import load


def compiled(source: str) -> None:
    """Compile a module into the cache."""
    load(source)


class Ahead:
    """Sources on their way through a compiler of its own."""

    def __init__(self) -> None:
        self.pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self.waiting: dict[str, Future[None]] = {}

    def begin(self, source: str) -> None:
        if source not in self.waiting:
            self.waiting[source] = self.pool.submit(compiled, source)

    def wait(self, source: str) -> None:
        self.begin(source)
        self.waiting[source].result()

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)
