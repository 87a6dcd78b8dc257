"""A diagnostic as people read it: the message, the line it speaks of, carets under every culprit, and the hint."""

from __future__ import annotations

from symnet.errors import Diagnostic


def render(diagnostic: Diagnostic, source: str | None = None) -> str:
    """The message line, the source lines concerned with carets under every mark, and the hint."""
    lines = (source or "").splitlines()
    place = ":".join(str(p) for p in (diagnostic.file, diagnostic.line, diagnostic.col) if p is not None)
    shown = [f"{place}: {diagnostic.code} {diagnostic.message}" if place else f"{diagnostic.code} {diagnostic.message}"]
    marked: dict[int, set[int]] = {}
    for mark in diagnostic.marks:
        marked.setdefault(mark.line, set()).update(range(mark.col - 1, mark.col - 1 + max(mark.length, 1)))
    if not marked and diagnostic.line is not None:
        marked[diagnostic.line] = {(diagnostic.col or 1) - 1}
    width = len(str(max(marked, default=0)))
    for line, columns in sorted(marked.items()):
        if 1 <= line <= len(lines):
            shown += source_line(lines[line - 1], line, columns, width)
    return "\n".join([*shown, *([f"hint: {diagnostic.hint}"] if diagnostic.hint else [])])


def source_line(text: str, number: int, columns: set[int], width: int) -> list[str]:
    """A line with its number, and carets below it; tabs stay tabs."""
    last = max(columns)
    padded = text + " " * (last + 1 - len(text))
    carets = "".join("^" if c in columns else ("\t" if padded[c] == "\t" else " ") for c in range(last + 1))
    return [f"{number:>{width}} | {text}", f"{'':>{width}} | {carets}"]
