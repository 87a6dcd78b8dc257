"""What happened in each epoch."""

from __future__ import annotations

from html import escape
from typing import Any

ENDS = 4  # epochs that are shown at either end
GAP = ("...",)


class History(dict[str, list[Any]]):
    """Lists by key, an entry per epoch: loss, val_loss, metrics, seconds. None where an epoch had no such value."""

    @property
    def epochs(self) -> int:
        """How many epochs there are."""
        return max(map(len, self.values()), default=0)

    def add(self, **values: Any) -> None:
        """Note the values of one more epoch."""
        before = self.epochs
        for key, value in values.items():
            self.setdefault(key, [None] * before).append(_plain(value))
        for column in self.values():
            column.extend([None] * (before + 1 - len(column)))

    def last(self) -> dict[str, Any]:
        """The values of the last epoch; empty before the first."""
        return {key: column[-1] for key, column in self.items() if column}

    def table(self) -> list[tuple[str, ...]]:
        """A head and the first and last few epochs, as text; one row of dots for those between."""
        shown = [e for e in range(self.epochs) if e < ENDS or e >= self.epochs - ENDS]
        rows = [("epoch", *self), *((str(e + 1), *(_text(c, e) for c in self.values())) for e in shown)]
        return rows if len(shown) == self.epochs else [*rows[: ENDS + 1], GAP, *rows[ENDS + 1 :]]

    def __repr__(self) -> str:
        if not self.epochs:
            return "History: no epoch yet"
        rows = self.table()
        widths = [max(map(len, column)) for column in zip(*(row for row in rows if row != GAP), strict=True)]
        return "\n".join("  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=False)) for row in rows)

    def _repr_html_(self) -> str:
        """Shown by notebooks."""
        head, *rows = self.table()
        lines = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
        return f"<table><thead><tr>{_cells('th', head)}</tr></thead><tbody>{lines}</tbody></table>"


def _cells(tag: str, row: tuple[str, ...]) -> str:
    return "".join(f'<{tag} style="text-align:right">{escape(cell)}</{tag}>' for cell in row)


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    return value.item() if hasattr(value, "item") else value


def _text(column: list[Any], epoch: int) -> str:
    value = column[epoch] if epoch < len(column) else None
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
