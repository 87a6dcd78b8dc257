"""A diagnostic as people read it: the message, the line it speaks of, carets under every culprit, and the hint.

model.yaml:10:20: E0203 index 'd' of x runs over D=64, but of W over K=10
10 |   z[n,k] = sum(x[n,d]*W[k,d], d) + b[k]
   |                    ^      ^
hint: give one of them another index, or the same dim
"""

from __future__ import annotations

import unicodedata

from symnet.errors import Diagnostic
from symnet.spec.files.item import lines_of

WIDEST = 160  # characters of a line that are shown


def render(diagnostic: Diagnostic, source: str | None = None) -> str:
    """The message line, the source lines concerned with carets under every mark, and the hint."""
    place = ":".join(str(p) for p in (diagnostic.file, diagnostic.line, diagnostic.col) if p is not None)
    message = f"{diagnostic.code} {diagnostic.message}"
    shown = [printable(f"{place}: {message}" if place else message)]
    lines, marked = lines_of(source or ""), marked_columns(diagnostic)
    width = len(str(max(marked, default=0)))
    for line, columns in sorted(marked.items()):
        if 1 <= line <= len(lines):
            shown += source_line(lines[line - 1], line, columns, width)
    return "\n".join([*shown, *([f"hint: {printable(diagnostic.hint)}"] if diagnostic.hint else [])])


def marked_columns(diagnostic: Diagnostic) -> dict[int, set[int]]:
    """The columns, from 0, that get a caret in each line."""
    marked: dict[int, set[int]] = {}
    for mark in diagnostic.marks:
        marked.setdefault(mark.line, set()).update(range(mark.col - 1, mark.col - 1 + max(mark.length, 1)))
    if not marked and diagnostic.line is not None and diagnostic.col is not None:
        marked[diagnostic.line] = {diagnostic.col - 1}
    return marked


def source_line(text: str, number: int, columns: set[int], width: int) -> list[str]:
    """A line with its number, and carets below it; of a long line the part around the first caret."""
    start = max(min(columns) - WIDEST // 2, 0) if len(text) > WIDEST else 0
    part = text[start : start + WIDEST].ljust(max(columns) - start + 1)[:WIDEST]
    before, after = ("..." if start else ""), ("..." if start + WIDEST < len(text) else "")
    carets = "".join(under(char, start + at in columns) for at, char in enumerate(part))
    shown = f"{before}{printable(part.rstrip())}{after}"
    return [f"{number:>{width}} | {shown}".rstrip(), f"{'':>{width}} | {' ' * len(before)}{carets}".rstrip()]


def under(char: str, marked: bool) -> str:
    """What stands below a character, as wide as it is; tabs stay tabs."""
    if char == "\t" and not marked:
        return "\t"
    cells = 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return ("^" if marked else " ") * cells


def printable(text: str) -> str:
    """Without what would steer a terminal."""
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in text)
