"""Whatever is read, nothing comes of it but a model or coded mistakes with places, and soon.

SYMNET_FUZZ sets how many inputs are tried, SYMNET_FUZZ_SEED which.
"""

from __future__ import annotations

import os
import re
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fuzzing import texts

from symnet.errors import Diagnostic, LocatedError
from symnet.spec.formula import declare_expression
from symnet.spec.model_file import read_model
from symnet.spec.render import render

COUNT = int(os.environ.get("SYMNET_FUZZ", "1500"))
SEED = int(os.environ.get("SYMNET_FUZZ_SEED", "1"))
PARTS = 10
LONGEST = 5


class Late(BaseException):
    """An input that took too long, in time of the processor."""


@contextmanager
def in_time() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise Late

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def mistakes(kind: str, text: str | bytes, folder) -> list[Diagnostic]:
    """What is said of an input."""
    try:
        if isinstance(text, bytes):
            path = folder / "m.yaml"
            path.write_bytes(text)
            read_model(path)
        elif kind == "expression":
            declare_expression(text)
        else:
            read_model("m", text, kind)
    except LocatedError as error:
        return list(error.diagnostics)
    return []


def check(diagnostic: Diagnostic, source: str) -> None:
    assert re.fullmatch(r"E0[0-3]\d\d|E0401|E0410", diagnostic.code)
    assert diagnostic.message
    assert all(mark.line >= 1 and mark.col >= 1 and mark.length >= 1 for mark in diagnostic.marks)
    assert diagnostic.code in render(diagnostic, source)


@pytest.mark.parametrize("part", range(PARTS))
def test_random_texts_give_models_or_coded_mistakes(part, tmp_path):
    for number in range(part, COUNT, PARTS):
        kind, text = texts(SEED, number)
        try:
            with in_time(), warnings.catch_warnings():
                warnings.simplefilter("error", SyntaxWarning)
                found = mistakes(kind, text, tmp_path)
            for diagnostic in found:
                check(diagnostic, text if isinstance(text, str) else text.decode(errors="replace"))
        except BaseException as error:
            error.add_note(f"input {number} of seed {SEED}, {kind}:\n{text!r}")
            raise
