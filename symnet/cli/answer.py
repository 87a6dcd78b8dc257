"""What a verb has to say, before it is known who listens: a person, or a program that asked for JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Head = Sequence[str]


@dataclass(frozen=True)
class Table:
    """Rows under a head; drawn with lines on a terminal, plain columns elsewhere."""

    head: Head
    rows: Sequence[Sequence[str]]
    title: str = ""
    bad: Callable[[Sequence[str]], bool] = lambda row: False

    def plain(self) -> str:
        """Columns as wide as they need to be, with nothing around them."""
        lines = [list(self.head), *map(list, self.rows)]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.head))]
        shown = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([*([self.title] if self.title else []), *shown])


@dataclass(frozen=True)
class Answer:
    """`data` is what `--json` prints, `shown` what stdout gets otherwise: a text, bytes, a table, or several of them.

    `exit` is 0, or 1 where something was checked and found wrong.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    shown: str | bytes | Table | Sequence[str | Table] = ""
    exit: int = 0
    event: str | None = None


def parts(answer: Answer) -> Sequence[str | bytes | Table]:
    """What is shown, one after the other."""
    return [answer.shown] if isinstance(answer.shown, (str, bytes, Table)) else list(answer.shown)
