"""Tables on a terminal, drawn with rich."""

from __future__ import annotations

import os

from symnet.cli.answer import Table


def draw(table: Table) -> None:
    """A table with lines around it, where the terminal is wide enough; rows that are bad stand out."""
    from rich.box import ROUNDED
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    console = Console(no_color=bool(os.environ.get("NO_COLOR")), highlight=False, soft_wrap=False)
    if table.title:
        console.print(Text(table.title, style="bold"))
    drawn = Drawn(box=ROUNDED)
    for name in table.head:
        drawn.add_column(Text(name), overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(Text, row), style="bold red" if table.bad(row) else None)
    wide = max(map(len, table.plain().split("\n"))) + 4 * len(table.head) > console.width
    console.print(Text(Table(table.head, table.rows).plain()) if wide else drawn, soft_wrap=wide)
