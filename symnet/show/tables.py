"""Tables of HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

LEFT, RIGHT = "left", "right"


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", align: str = LEFT) -> str:
    """A table whose texts are escaped, all of them on one side of their columns."""
    said = f"<caption style='text-align:left'>{escape(caption)}</caption>" if caption else ""
    lines = "".join(f"<tr>{_cells('td', row, align)}</tr>" for row in rows)
    return f"<table>{said}<thead><tr>{_cells('th', head, align)}</tr></thead><tbody>{lines}</tbody></table>"


def _cells(tag: str, texts: Sequence[str], align: str) -> str:
    return "".join(f'<{tag} style="text-align:{align}">{escape(text)}</{tag}>' for text in texts)
