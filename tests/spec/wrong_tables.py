"""Tables of wrong texts as data: blocks between empty lines, with `->` before what must be said of each.

    r[n] = x[n,d]
    -> E0203 1:12 no implicit summation

stands for a formula whose only mistake is E0203 with one caret, under column 12 of line 1, and whose message or hint
holds the words at the end. Several carets are joined by commas.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from symnet.errors import Diagnostic

HERE = Path(__file__).parent / "wrong"


@dataclass(frozen=True)
class Expected:
    """One mistake: its code, its carets, and words of its message or hint."""

    code: str
    carets: str
    words: str


@dataclass(frozen=True)
class Case:
    """A wrong text and its mistakes."""

    title: str
    text: str
    expected: tuple[Expected, ...]


def blocks(name: str) -> Iterator[Case]:
    """The cases of a table."""
    text = (HERE / name).read_text(encoding="utf-8")
    for block in text.split("\n\n"):
        lines = [line for line in block.strip("\n").split("\n") if not line.startswith("# ")]
        if lines and lines != [""]:
            body = "\n".join(line for line in lines if not line.startswith("-> "))
            yield Case(lines[0], body, tuple(expected(line) for line in lines if line.startswith("-> ")))


def expected(line: str) -> Expected:
    code, carets, *words = line.removeprefix("-> ").split(" ", 2)
    return Expected(code, carets, words[0] if words else "")


def carets(diagnostic: Diagnostic) -> str:
    """`3:14,3:20`"""
    return ",".join(f"{mark.line}:{mark.col}" for mark in diagnostic.marks) or "-"


def assert_as_expected(found: list[Diagnostic], wanted: tuple[Expected, ...]) -> None:
    """Exactly these mistakes, in order, with their carets and words."""
    assert [(d.code, carets(d)) for d in found] == [(e.code, e.carets) for e in wanted], "\n".join(map(str, found))
    for diagnostic, words in zip(found, wanted, strict=True):
        text = f"{diagnostic.message} / {diagnostic.hint}"
        assert words.words in text, f"{words.words!r} is not in {text!r}"


def edited(case: Case, base: str) -> str:
    """The base with a case's replacements: runs of `<` lines, each followed by `>` lines."""
    text, old, new = base, [], []
    for line in [*case.text.split("\n")[1:], "< "]:
        if line.startswith("< ") and new:
            before = "\n".join(old)
            assert text.count(before) >= 1, f"{before!r} is not in the base"
            text, old, new = text.replace(before, "\n".join(new), 1), [], []
        (old if line.startswith("< ") else new).append(line[2:])
    return text
