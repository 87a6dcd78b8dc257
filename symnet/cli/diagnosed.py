"""Diagnostics as people read them, with the lines of the file that they speak of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

LARGEST = 4_000_000  # bytes of a file that is read again to show a line of it


def told(note: Any, sources: Mapping[str, str], coloured: bool) -> str:
    """The message, the source lines with carets, the hint; errors in red and warnings in yellow on a terminal."""
    from symnet.spec.render import render

    text = render(note, source_of(note, sources))
    text = text if note.severity == "error" else text.replace(note.code, "warning:", 1)
    if not coloured:
        return text
    head, *rest = text.split("\n")
    colour = "red" if note.severity == "error" else "yellow"
    lines = [click.style(line, fg=colour) if is_carets(line) else line for line in rest]
    return "\n".join([click.style(head, fg=colour, bold=True), *lines])


def is_carets(line: str) -> bool:
    """Whether a line holds carets and nothing else behind its bar."""
    _, bar, after = line.partition("| ")
    return bool(bar) and bool(after.strip()) and set(after.strip()) <= {"^", " "}


def source_of(note: Any, sources: Mapping[str, str]) -> str | None:
    """The text that a diagnostic speaks of: as it was read, else from its file."""
    if note.file is None or note.line is None:
        return None
    if note.file in sources:
        return sources[note.file]
    try:
        with open(note.file, "rb") as handle:
            return handle.read(LARGEST).decode("utf-8-sig", "replace")
    except (OSError, ValueError):
        return None
